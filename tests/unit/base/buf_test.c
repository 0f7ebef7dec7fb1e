/* SPDX-License-Identifier: Apache-2.0 */
/* buf_test.c: growth, the ceiling, and taking bytes off the front. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/status.h"

static void grows_to_its_ceiling_and_not_past_it(void **state)
{
    struct buf b = BUF_INIT(1000);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint8_t byte = (uint8_t)i;

        assert_int_equal(buf_append(&b, &byte, 1), OK);
        assert_true(b.cap <= 1000);
    }
    assert_int_equal(buf_append(&b, "x", 1), E_LIMIT);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), E_LIMIT);
    assert_int_equal(b.len, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(b.data[i], (uint8_t)i);
    buf_clear(&b);
    assert_null(b.data);
    assert_int_equal(b.max, 1000);
    assert_int_equal(buf_view(&b).len, 0);
}

static void capacity_doubles(void **state)
{
    struct buf b;
    size_t grown = 0, before = 0;

    (void)state;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 1 << 16; i++) {
        assert_int_equal(buf_append(&b, "y", 1), OK);
        grown += b.cap != before;
        before = b.cap;
    }
    assert_true(grown <= 12);
    buf_clear(&b);
}

static void reserve_changes_no_byte(void **state)
{
    struct buf b = BUF_INIT(10);

    (void)state;
    assert_int_equal(buf_append(&b, "abc", 3), OK);
    assert_int_equal(buf_reserve(&b, 7), OK);
    assert_int_equal(b.cap, 10);
    assert_int_equal(b.len, 3);
    assert_int_equal(buf_reserve(&b, 8), E_LIMIT);
    buf_clear(&b);
}

static void empty_append_needs_no_memory(void **state)
{
    struct buf b = BUF_INIT(0);

    (void)state;
    assert_int_equal(buf_append(&b, NULL, 0), OK);
    assert_null(b.data);
    buf_consume(&b, 0);
    assert_int_equal(buf_append(&b, "x", 1), E_LIMIT);
}

static void consume_moves_the_rest_down(void **state)
{
    struct buf b = BUF_INIT(16);

    (void)state;
    assert_int_equal(buf_append(&b, "abcdef", 6), OK);
    buf_consume(&b, 2);
    assert_true(view_eq(buf_view(&b), VIEW("cdef")));
    buf_consume(&b, 4);
    assert_int_equal(b.len, 0);
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_to_its_ceiling_and_not_past_it),
        cmocka_unit_test(capacity_doubles),
        cmocka_unit_test(reserve_changes_no_byte),
        cmocka_unit_test(empty_append_needs_no_memory),
        cmocka_unit_test(consume_moves_the_rest_down),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
