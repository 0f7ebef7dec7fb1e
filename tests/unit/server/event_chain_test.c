/* SPDX-License-Identifier: Apache-2.0 */
/* event_chain_test.c: what is written holds, and no single byte of it can be another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/event_chain.h"

static void no_byte_can_be_changed_unseen(void **state)
{
    char text[512];
    struct wr w = wr_of(text, sizeof(text));
    struct event_chain writer, reader;
    size_t first, len;

    (void)state;
    event_chain_init(&writer);
    event_chain_write(&writer, &w, VIEW("{\"event\":\"a\"}\n"));
    first = wr_len(&w);
    assert_int_equal(first, strlen("{\"event\":\"a\"}\n") + EVENT_CHAIN_BYTES);
    event_chain_write(&writer, &w, VIEW("{\"event\":\"b\"}\n"));
    assert_false(w.failed);
    len = wr_len(&w) - first - 1;
    event_chain_init(&reader);
    assert_int_equal(event_chain_check(&reader, view_of(text, first - 1)), EVENT_LINK_GOOD);
    assert_int_equal(event_chain_check(&reader, view_of(text + first, len)), EVENT_LINK_GOOD);
    assert_string_equal(reader.last, writer.last);
    for (size_t i = 0; i < first - 1; i++) {
        text[i] ^= 1;
        event_chain_init(&reader);
        assert_int_not_equal(event_chain_check(&reader, view_of(text, first - 1)), EVENT_LINK_GOOD);
        text[i] ^= 1;
    }
    event_chain_init(&reader);
    assert_int_equal(event_chain_check(&reader, view_of(text + first, len)), EVENT_LINK_BROKEN);
}

static void short_and_plain_lines_carry_nothing(void **state)
{
    struct event_chain chain;
    char zeros[200] = {0};

    (void)state;
    event_chain_init(&chain);
    for (size_t len = 0; len < sizeof(zeros); len++)
        assert_int_equal(event_chain_check(&chain, view_of(zeros, len)), EVENT_LINK_NONE);
}

static void what_does_not_fit_is_told(void **state)
{
    char few[64];
    struct wr w = wr_of(few, sizeof(few));
    struct event_chain chain;

    (void)state;
    event_chain_init(&chain);
    event_chain_write(&chain, &w, VIEW("{\"event\":\"a\"}\n"));
    assert_true(w.failed);
    w = wr_of(few, sizeof(few));
    event_chain_write(&chain, &w, VIEW("\n"));
    assert_true(w.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_can_be_changed_unseen),
        cmocka_unit_test(short_and_plain_lines_carry_nothing),
        cmocka_unit_test(what_does_not_fit_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
