/* SPDX-License-Identifier: Apache-2.0 */
/* json_number_test.c: the grammar, and the values of what the grammar lets in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/json.h"
#include "three_ways.h"

static void numbers_that_are_none_are_refused(void **state)
{
    static const char *const rows[] = {"-",   "+1",   "01",   "-01",      "1.",  ".5",    "1e",
                                       "1e+", "1.e1", "0x10", "1_0",      "--1", "1e1.5", "-.5",
                                       "00",  "1E-",  "0e",   "Infinity", "1f"};
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 65536);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct guarded g = guarded_copy(rows[i], strlen(rows[i]));
        struct json *root;

        if (json_parse(&root, view_of(g.data, strlen(rows[i])), NULL, &arena, NULL) != E_INVALID)
            fail_msg("accepted: %s", rows[i]);
        guarded_free(&g);
    }
    arena_clear(&arena);
}

static struct json number(const char *text)
{
    return (struct json){.type = JSON_NUMBER, .text = view_of_text(text)};
}

static void whole_numbers(void **state)
{
    static const struct {
        const char *text;
        bool is_whole;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-0.000e99999999999999999999", true, 0},
        {"42", true, 42},
        {"-42", true, -42},
        {"1.0", true, 1},
        {"1.50e1", true, 15},
        {"1e3", true, 1000},
        {"1200e-2", true, 12},
        {"0.0001e4", true, 1},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"9999999999999999999", false, 0},
        {"18446744073709551616", false, 0},
        {"1e18", true, INT64_C(1000000000000000000)},
        {"1e19", false, 0},
        {"1e400", false, 0},
        {"1e99999999999999999999999", false, 0},
        {"1e-99999999999999999999999", false, 0},
        {"1.5", false, 0},
        {"0.1", false, 0},
        {"1e-1", false, 0},
        {"15e-1", false, 0},
        {"123456789012345678.9", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json n = number(rows[i].text);
        int64_t value = 77;

        if (json_to_i64(&n, &value) != rows[i].is_whole ||
            value != (rows[i].is_whole ? rows[i].value : 77))
            fail_msg("%s", rows[i].text);
    }
}

static void doubles_agree_with_the_c_library(void **state)
{
    static const char *const rows[] = {"0",
                                       "-0",
                                       "1",
                                       "0.1",
                                       "1e23",
                                       "9007199254740993",
                                       "4.9e-324",
                                       "2.2250738585072011e-308",
                                       "1.7976931348623157e308",
                                       "123456789.123456789e-5",
                                       "1e-400",
                                       "0.3e-0001",
                                       "1700000000.25",
                                       "2.00000000000000011102230246251565404236316680908203125",
                                       "2.00000000000000011102230246251565404236316680908203124",
                                       "2.00000000000000011102230246251565404236316680908203126"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json n = number(rows[i]);
        double value = 77;
        double want = strtod(rows[i], NULL);

        assert_true(json_to_double(&n, &value));
        assert_memory_equal(&value, &want, sizeof(value));
    }
}

static void a_double_of_a_thousand_digits_is_rounded_right(void **state)
{
    /* Half way between 1 and the next double. */
    static const char half[] = "1.00000000000000011102230246251565404236316680908203125";
    char text[2000];
    struct json n;
    double value = 0;

    (void)state;
    memcpy(text, half, sizeof(half));
    memset(text + sizeof(half) - 1, '0', 1500);
    text[sizeof(half) + 1499] = '\0';
    n = number(text);
    assert_true(json_to_double(&n, &value));
    assert_true(value == 1.0);
    text[sizeof(half) + 1498] = '1'; /* a hair over half, 1500 digits behind the point */
    assert_true(json_to_double(&n, &value));
    assert_true(value > 1.0);
}

static void what_no_double_holds_is_said_so(void **state)
{
    static const char *const rows[] = {"1e309", "-1e309", "1.8e308", "1e400",
                                       "123e99999999999999999999"};
    struct json text = {.type = JSON_STRING, .text = VIEW("1")};
    double value = 77;
    int64_t whole = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json n = number(rows[i]);

        assert_false(json_to_double(&n, &value));
    }
    assert_false(json_to_double(&text, &value));
    assert_false(json_to_double(NULL, &value));
    assert_false(json_to_i64(&text, &whole));
    assert_false(json_to_i64(NULL, &whole));
    assert_true(value == 77 && whole == 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_that_are_none_are_refused),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(doubles_agree_with_the_c_library),
        cmocka_unit_test(a_double_of_a_thousand_digits_is_rounded_right),
        cmocka_unit_test(what_no_double_holds_is_said_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
