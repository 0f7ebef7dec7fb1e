/* SPDX-License-Identifier: Apache-2.0 */
/* schema_decimal_test.c: numbers as they are written, against what paper and pencil say, and
 * against 64-bit integers for many small ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "message/schema_decimal.h"

static struct schema_decimal of(const char *text)
{
    struct schema_decimal d;

    if (!schema_decimal_read(&d, view_of_text(text)))
        fail_msg("%s is beyond us", text);
    return d;
}

static const struct {
    const char *a, *b;
    int order;
} orders[] = {
    {"0", "-0.0e99", 0},
    {"1", "1.000", 0},
    {"100", "1e2", 0},
    {"0.001", "1E-3", 0},
    {"-12.50", "-125e-1", 0},
    {"0", "0.0000001", -1},
    {"-1", "0", -1},
    {"-2", "-1", -1},
    {"-1", "-1.5", 1},
    {"9", "10", -1},
    {"0.1", "0.09999999999999999999999999", 1},
    {"18446744073709551615", "18446744073709551616", -1},
    {"9007199254740993", "9007199254740992", 1},
    {"1e400", "1e401", -1},
    {"1e999999999999999", "1e-999999999999999", 1},
    {"123.456", "123.4560001", -1},
    {"1.7976931348623157e308", "1.7976931348623158e308", -1},
};

static void numbers_are_ordered_as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct schema_decimal a = of(orders[i].a);
        struct schema_decimal b = of(orders[i].b);

        if (schema_decimal_compare(&a, &b) != orders[i].order ||
            schema_decimal_compare(&b, &a) != -orders[i].order)
            fail_msg("%s and %s", orders[i].a, orders[i].b);
    }
}

static const struct {
    const char *a, *divisor;
    bool is_multiple;
} multiples[] = {
    {"0", "7", true},
    {"19.99", "0.01", true},
    {"19.995", "0.01", false},
    {"0.0075", "0.0001", true},
    {"0.00751", "0.0001", false},
    {"1e308", "0.5", true},
    {"1e308", "0.123456789", false},
    {"35", "1.5", false},
    {"4.5", "1.5", true},
    {"-9", "3", true},
    {"12391239123", "1e-8", true},
    {"123456789012345678901234567890", "10", true},
    {"123456789012345678901234567891", "10", false},
    {"999999999999999999999999999999", "999999999999999", true},
    {"100", "1e2", true},
    {"10", "1e2", false},
};

static void multiples_are_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(multiples) / sizeof(multiples[0]); i++) {
        struct schema_decimal a = of(multiples[i].a);
        struct schema_decimal d = of(multiples[i].divisor);

        if (schema_decimal_is_multiple(&a, &d) != multiples[i].is_multiple)
            fail_msg("%s of %s", multiples[i].a, multiples[i].divisor);
    }
}

static void integers_are_what_has_no_fraction(void **state)
{
    static const char *const whole[] = {"0", "-0.0", "1.0", "1e3", "1.5e1", "100", "12.300e1"};
    static const char *const broken[] = {"0.5", "1e-1", "1.25e1", "-0.001"};
    struct schema_decimal d;

    (void)state;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        d = of(whole[i]);
        assert_true(schema_decimal_is_integer(&d));
    }
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        d = of(broken[i]);
        assert_false(schema_decimal_is_integer(&d));
    }
    assert_false(schema_decimal_read(&d, VIEW("1e1000000000000000")));
    assert_true(schema_decimal_read(&d, VIEW("1e000000000000000000000001")));
}

static void small_integers_agree_with_the_machine(void **state)
{
    (void)state;
    for (int64_t x = -150; x <= 150; x += 3) {
        for (int64_t y = -120; y <= 120; y++) {
            char a[32], b[32];
            struct schema_decimal da, db;
            int64_t whole;

            (void)snprintf(a, sizeof(a), "%lld.%s", (long long)x, y % 2 == 0 ? "0" : "000");
            (void)snprintf(b, sizeof(b), "%lld", (long long)y);
            da = of(a);
            db = of(b);
            assert_int_equal(schema_decimal_compare(&da, &db), (x > y) - (x < y));
            assert_true(schema_decimal_whole(view_of_text(b), &whole) && whole == y);
            if (y > 0)
                assert_int_equal(schema_decimal_is_multiple(&da, &db), x % y == 0);
        }
    }
}

static void only_small_whole_numbers_take_the_short_way(void **state)
{
    int64_t whole;

    (void)state;
    assert_false(schema_decimal_whole(VIEW("1.0"), &whole));
    assert_false(schema_decimal_whole(VIEW("1e2"), &whole));
    assert_false(schema_decimal_whole(VIEW("1234567890123456789"), &whole));
    assert_true(schema_decimal_whole(VIEW("-12345678901234567"), &whole));
    assert_true(whole == -12345678901234567);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_ordered_as_written),
        cmocka_unit_test(multiples_are_exact),
        cmocka_unit_test(integers_are_what_has_no_fraction),
        cmocka_unit_test(small_integers_agree_with_the_machine),
        cmocka_unit_test(only_small_whole_numbers_take_the_short_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
