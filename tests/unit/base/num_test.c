/* SPDX-License-Identifier: Apache-2.0 */
/* num_test.c: sums at the edge of size_t and numbers from text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

static void sums_notice_overflow(void **state)
{
    size_t out = 42;

    (void)state;
    assert_true(size_add(SIZE_MAX - 1, 1, &out));
    assert_true(out == SIZE_MAX);
    out = 42;
    assert_false(size_add(SIZE_MAX, 1, &out));
    assert_int_equal(out, 42);
    assert_true(size_add(SIZE_MAX, 0, &out));
}

static void products_notice_overflow(void **state)
{
    size_t out = 42;

    (void)state;
    assert_true(size_mul(SIZE_MAX / 2, 2, &out));
    assert_true(out == SIZE_MAX - 1);
    out = 42;
    assert_false(size_mul(SIZE_MAX / 2 + 1, 2, &out));
    assert_int_equal(out, 42);
    assert_true(size_mul(SIZE_MAX, 0, &out));
    assert_int_equal(out, 0);
    assert_true(size_mul(0, SIZE_MAX, &out));
}

static void numbers_are_read(void **state)
{
    uint64_t value = 0;

    (void)state;
    assert_true(num_parse_u64(VIEW("0"), 0, &value) && value == 0);
    assert_true(num_parse_u64(VIEW("65535"), 65535, &value) && value == 65535);
    assert_true(num_parse_u64(VIEW("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
}

static void everything_else_is_refused(void **state)
{
    static const char *const bad[] = {"",    "+1", "-1", " 1", "1 ", "00", "01",
                                      "0x1", "1a", "a1", "1.", "/",  ":",  "1_0"};
    uint64_t value = 42;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(num_parse_u64(view_of_text(bad[i]), UINT64_MAX, &value));
    assert_false(num_parse_u64(VIEW("1"), 0, &value));
    assert_false(num_parse_u64(VIEW("9"), 8, &value));
    assert_false(num_parse_u64(VIEW("65536"), 65535, &value));
    assert_false(num_parse_u64(VIEW("18446744073709551616"), UINT64_MAX, &value));
    assert_false(num_parse_u64(VIEW("99999999999999999999999"), UINT64_MAX, &value));
    assert_false(num_parse_u64(VIEW("1\0"), UINT64_MAX, &value));
    assert_true(value == 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_notice_overflow),
        cmocka_unit_test(products_notice_overflow),
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(everything_else_is_refused),
    };

    return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
