/* SPDX-License-Identifier: Apache-2.0 */
/* wr_test.c: what is written, and that nothing is written past the end or after a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wr.h"
#include "three_ways.h"

static void writes_up_to_the_last_byte(void **state)
{
    static const char expected[] = "a\x01\x02\x01\x02\x03\x04\x05\x06\x07\x08xyhi0";
    struct guarded g = guarded_copy(expected, sizeof(expected) - 1);
    struct wr w = wr_of(g.data, sizeof(expected) - 1);

    (void)state;
    memset(g.data, 0, sizeof(expected) - 1);
    wr_u8(&w, 'a');
    wr_u16(&w, 0x0102);
    wr_u64(&w, 0x0102030405060708);
    wr_view(&w, VIEW("xy"));
    wr_text(&w, "hi");
    wr_dec(&w, 0);
    assert_false(w.failed);
    assert_int_equal(wr_len(&w), sizeof(expected) - 1);
    assert_memory_equal(g.data, expected, sizeof(expected) - 1);
    wr_bytes(&w, NULL, 0);
    assert_false(w.failed);
    wr_u8(&w, 0);
    assert_true(w.failed);
    guarded_free(&g);
}

static void what_does_not_fit_is_not_begun(void **state)
{
    uint8_t room[4] = {9, 9, 9, 9};
    struct wr w = wr_of(room, 3);

    (void)state;
    wr_text(&w, "abcd");
    assert_true(w.failed);
    assert_int_equal(wr_len(&w), 0);
    wr_u8(&w, 1);
    wr_u16(&w, 1);
    wr_dec(&w, 1);
    wr_bytes(&w, "", 0);
    assert_true(w.failed);
    assert_int_equal(room[0], 9);
    assert_int_equal(room[3], 9);
}

static void decimals(void **state)
{
    static const struct {
        uint64_t value;
        const char *text;
    } cases[] = {
        {0, "0"}, {9, "9"}, {10, "10"}, {65536, "65536"}, {UINT64_MAX, "18446744073709551615"}};
    char room[32];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct wr w = wr_of(room, sizeof(room));

        wr_dec(&w, cases[i].value);
        assert_true(view_eq(view_of(room, wr_len(&w)), view_of_text(cases[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_up_to_the_last_byte),
        cmocka_unit_test(what_does_not_fit_is_not_begun),
        cmocka_unit_test(decimals),
    };

    return cmocka_run_group_tests_name("wr", tests, NULL, NULL);
}
