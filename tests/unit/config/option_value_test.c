/* SPDX-License-Identifier: Apache-2.0 */
/* option_value_test.c: single scalars: what is taken, at which bounds, and what each refusal says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "config/option.h"

enum kind { BOOL, COUNT, BYTES, MS, TEXT, WORD };

static const char *const words[] = {"red", "green", NULL};

struct outcome {
    bool is_good;
    uint64_t number;
    struct problem fault;
};

/* Reads `value` as `k: VALUE`. */
static struct outcome read_value(enum kind kind, const char *value, uint64_t min, uint64_t max)
{
    struct outcome out = {.number = 12345678};
    struct problems problems;
    struct document *doc = NULL;
    struct node *node;
    char line[8300];
    char *text = NULL;
    bool flag = false;
    int word = -1;

    (void)snprintf(line, sizeof(line), "k: %s\n", value);
    problems_init(&problems, "t.yaml");
    assert_int_equal(document_parse(&doc, view_of_text(line), &problems), OK);
    node = node_member(document_root(doc), "k");
    switch (kind) {
    case BOOL:
        out.is_good = option_bool(node, &flag, &problems);
        out.number = flag;
        break;
    case COUNT:
        out.is_good = option_count(node, min, max, &out.number, &problems);
        break;
    case BYTES:
        out.is_good = option_bytes(node, min, max, &out.number, &problems);
        break;
    case MS:
        out.is_good = option_ms(node, min, max, &out.number, &problems);
        break;
    case TEXT:
        out.is_good = option_text(node, &text, &problems);
        out.number = text != NULL ? strlen(text) : 0;
        break;
    case WORD:
        out.is_good = option_choice(node, words, &word, &problems);
        out.number = (uint64_t)(word + 1);
        break;
    }
    assert_int_equal(problems.errors, out.is_good ? 0 : 1);
    if (!out.is_good)
        out.fault = problems.items[0];
    free(text);
    document_free(doc);
    problems_clear(&problems);
    return out;
}

static void good(enum kind kind, const char *value, uint64_t number)
{
    struct outcome out = read_value(kind, value, 0, 0);

    if (!out.is_good)
        fail_msg("%s: %s", value, out.fault.text);
    assert_int_equal(out.number, number);
}

static void bad(enum kind kind, const char *value, const char *says)
{
    struct outcome out = read_value(kind, value, 0, 0);

    if (out.is_good)
        fail_msg("%s was taken", value);
    if (strstr(out.fault.text, says) == NULL)
        fail_msg("%s: wanted \"%s\", got \"%s\"", value, says, out.fault.text);
    assert_int_equal(out.fault.line, 1);
    assert_true(out.fault.column >= 3);
}

static void truth_is_true_or_false(void **state)
{
    (void)state;
    good(BOOL, "true", 1);
    good(BOOL, "false", 0);
    bad(BOOL, "yes", "`k`: `yes` is not a truth value (did you mean `true`?)");
    bad(BOOL, "on", "(did you mean `true`?)");
    bad(BOOL, "True", "(did you mean `true`?)");
    bad(BOOL, "1", "(did you mean `true`?)");
    bad(BOOL, "no", "(did you mean `false`?)");
    bad(BOOL, "off", "(did you mean `false`?)");
    bad(BOOL, "\"true\"", "without quotes");
    bad(BOOL, "maybe", "write true or false");
    bad(BOOL, "", "not nothing (null)");
    bad(BOOL, "[true]", "not a list");
    bad(BOOL, "{a: true}", "not a map");
}

static void counts_are_digits(void **state)
{
    (void)state;
    good(COUNT, "0", 0);
    good(COUNT, "18446744073709551615", UINT64_MAX);
    bad(COUNT, "18446744073709551616", "is not a whole number");
    bad(COUNT, "-1", "is not a whole number");
    bad(COUNT, "+1", "is not a whole number");
    bad(COUNT, "1.5", "is not a whole number");
    bad(COUNT, "1e3", "is not a whole number");
    bad(COUNT, "0x10", "is not a whole number");
    bad(COUNT, "010", "is not a whole number");
    bad(COUNT, "1_000", "is not a whole number");
    bad(COUNT, "\"5\"", "remove the quotes");
    bad(COUNT, "null", "not nothing");
}

static void sizes_have_two_families_of_units(void **state)
{
    (void)state;
    good(BYTES, "512", 512);
    good(BYTES, "512B", 512);
    good(BYTES, "64KiB", 65536);
    good(BYTES, "\"64KiB\"", 65536);
    good(BYTES, "1MiB", 1048576);
    good(BYTES, "2GiB", 2147483648U);
    good(BYTES, "100KB", 100000);
    good(BYTES, "1MB", 1000000);
    good(BYTES, "1GB", 1000000000);
    good(BYTES, "17179869183GiB", 17179869183ULL << 30);
    bad(BYTES, "17179869184GiB", "is not a size");
    bad(BYTES, "64K", "is not a size: write 64KiB");
    bad(BYTES, "64kb", "is not a size");
    bad(BYTES, "64 KiB", "is not a size");
    bad(BYTES, "1.5MiB", "is not a size");
    bad(BYTES, "KiB", "is not a size");
    bad(BYTES, "-1KiB", "is not a size");
    bad(BYTES, "\"\"", "is not a size");
}

static void times_need_a_unit(void **state)
{
    (void)state;
    good(MS, "500ms", 500);
    good(MS, "30s", 30000);
    good(MS, "5m", 300000);
    good(MS, "12h", 43200000);
    good(MS, "1d", 86400000);
    good(MS, "0", 0);
    good(MS, "0s", 0);
    bad(MS, "30", "the unit is missing (did you mean `30s`?)");
    bad(MS, "30sec", "is not a time: write 500ms");
    bad(MS, "1h30m", "is not a time");
    bad(MS, "213503982335d", "is not a time");
    bad(MS, "s", "is not a time");
}

static void bounds_hold_exactly(void **state)
{
    struct outcome out;

    (void)state;
    assert_true(read_value(COUNT, "1", 1, 9).is_good);
    assert_true(read_value(COUNT, "9", 1, 9).is_good);
    out = read_value(COUNT, "10", 1, 9);
    assert_false(out.is_good);
    assert_string_equal(out.fault.text, "`k`: 10 is out of range: 1 to 9");
    assert_int_equal(out.number, 12345678);
    assert_false(read_value(COUNT, "0", 1, 9).is_good);
    out = read_value(BYTES, "2MiB", 1024, 1048576);
    assert_string_equal(out.fault.text, "`k`: 2MiB is out of range: 1KiB to 1MiB");
    out = read_value(MS, "1ms", 10, 3600000);
    assert_string_equal(out.fault.text, "`k`: 1ms is out of range: 10ms to 1h");
    out = read_value(MS, "2d", 0, 86400000);
    assert_string_equal(out.fault.text, "`k`: 2d is out of range: 0s to 1d");
    out = read_value(COUNT, "4", 5, 0);
    assert_string_equal(out.fault.text, "`k`: 4 is too small: at least 5");
}

static void text_is_one_line(void **state)
{
    char big[OPTION_TEXT_MAX + 2];

    (void)state;
    good(TEXT, "hello", 5);
    good(TEXT, "\"yes\"", 3);
    good(TEXT, "\xc3\xa9", 2);
    bad(TEXT, "\"\"", "it is empty");
    bad(TEXT, "\"a\\nb\"", "control character");
    bad(TEXT, "\"\\x1b\"", "control character");
    bad(TEXT, "null", "not nothing");
    memset(big, 'x', sizeof(big));
    big[OPTION_TEXT_MAX] = '\0';
    good(TEXT, big, OPTION_TEXT_MAX);
    big[OPTION_TEXT_MAX] = 'x';
    big[OPTION_TEXT_MAX + 1] = '\0';
    bad(TEXT, big, "at most 4096");
}

static void choices_are_words_of_a_list(void **state)
{
    (void)state;
    good(WORD, "red", 1);
    good(WORD, "\"green\"", 2);
    bad(WORD, "gren", "`gren` is not one of the choices: red or green (did you mean `green`?)");
    bad(WORD, "RED", "(did you mean `red`?)");
    bad(WORD, "[red]", "must be red or green, not a list");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truth_is_true_or_false),
        cmocka_unit_test(counts_are_digits),
        cmocka_unit_test(sizes_have_two_families_of_units),
        cmocka_unit_test(times_need_a_unit),
        cmocka_unit_test(bounds_hold_exactly),
        cmocka_unit_test(text_is_one_line),
        cmocka_unit_test(choices_are_words_of_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
