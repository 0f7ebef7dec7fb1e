/* SPDX-License-Identifier: Apache-2.0 */
/* option_test.c: a table of every type against maps that fit, that lack, that have too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "config/option.h"

struct sample {
    bool is_on;
    uint64_t count, bytes, ms;
    char *text;
    int word;
    unsigned custom_calls, custom_entries;
};

static const char *const words[] = {"red", "green", NULL};

static int read_list(struct node *value, void *target, struct problems *problems)
{
    struct sample *s = target;

    s->custom_calls++;
    if (!option_is_list(value, 2, problems))
        return E_INVALID;
    s->custom_entries += value->count;
    return OK;
}

static const struct option inner_rows[] = {
    {.name = "bytes",
     .type = OPTION_BYTES,
     .offset = offsetof(struct sample, bytes),
     .max = 4096,
     .fallback = "1KiB"},
    {.name = "ms", .type = OPTION_MS, .offset = offsetof(struct sample, ms), .fallback = "2s"},
    {0},
};
static const struct option rows[] = {
    {.name = "is_on",
     .type = OPTION_BOOL,
     .offset = offsetof(struct sample, is_on),
     .fallback = "true"},
    {.name = "count",
     .type = OPTION_COUNT,
     .offset = offsetof(struct sample, count),
     .min = 1,
     .max = 9,
     .fallback = "3"},
    {.name = "text",
     .type = OPTION_TEXT,
     .offset = offsetof(struct sample, text),
     .fallback = "hello"},
    {.name = "word",
     .type = OPTION_ENUM,
     .offset = offsetof(struct sample, word),
     .choices = words,
     .fallback = "green"},
    {.name = "inner", .type = OPTION_SECTION, .children = inner_rows},
    {.name = "list", .type = OPTION_CUSTOM, .custom = read_list, .fallback = "[a]"},
    {.name = "later", .type = OPTION_LATER},
    {.name = "later_off", .type = OPTION_LATER, .harmless = "off"},
    {.name = "later_none", .type = OPTION_LATER, .harmless = "[]"},
    {0},
};

/* Reads `text` and returns how many faults there were; the first one goes to `first`. */
static unsigned read_text(const char *text, struct sample *s, struct problem *first)
{
    struct problems problems;
    struct document *doc = NULL;
    unsigned errors;

    memset(s, 0, sizeof(*s));
    problems_init(&problems, "t.yaml");
    assert_int_equal(document_parse(&doc, view_of_text(text), &problems), OK);
    options_read(rows, document_root(doc), s, &problems);
    errors = problems.errors;
    if (errors > 0 && first != NULL)
        *first = problems.items[0];
    document_free(doc);
    problems_clear(&problems);
    return errors;
}

static void assert_fault(const char *text, int line, int column, const char *says)
{
    struct sample s;
    struct problem first;

    assert_int_equal(read_text(text, &s, &first), 1);
    if (strstr(first.text, says) == NULL)
        fail_msg("wanted \"%s\", got \"%s\"", says, first.text);
    assert_int_equal(first.line, line);
    assert_int_equal(first.column, column);
    options_clear(rows, &s);
}

static void defaults_stand_where_nothing_is_written(void **state)
{
    struct problems problems;
    struct sample s;

    (void)state;
    memset(&s, 0, sizeof(s));
    problems_init(&problems, "t.yaml");
    options_read(rows, NULL, &s, &problems);
    assert_int_equal(problems.errors, 0);
    assert_true(s.is_on);
    assert_int_equal(s.count, 3);
    assert_string_equal(s.text, "hello");
    assert_int_equal(s.word, 1);
    assert_int_equal(s.bytes, 1024);
    assert_int_equal(s.ms, 2000);
    assert_int_equal(s.custom_calls, 1);
    assert_int_equal(s.custom_entries, 1);
    options_clear(rows, &s);
    assert_null(s.text);
    options_clear(rows, &s);
    problems_clear(&problems);
}

static void what_is_written_wins(void **state)
{
    struct sample s;

    (void)state;
    assert_int_equal(
        read_text("is_on: false\ncount: 9\ntext: \"x y\"\nword: red\ninner: {bytes: 2KiB, ms: 5m}\n"
                  "list: [1, 2]\nlater_off: off\nlater_none: []\n",
                  &s, NULL),
        0);
    assert_false(s.is_on);
    assert_int_equal(s.count, 9);
    assert_string_equal(s.text, "x y");
    assert_int_equal(s.word, 0);
    assert_int_equal(s.bytes, 2048);
    assert_int_equal(s.ms, 300000);
    assert_int_equal(s.custom_calls, 1);
    assert_int_equal(s.custom_entries, 2);
    options_clear(rows, &s);
}

static void unknown_keys_are_told_with_a_suggestion(void **state)
{
    (void)state;
    assert_fault("count: 1\ncuont: 2\n", 2, 1, "unknown key `cuont` (did you mean `count`?)");
    assert_fault("inner:\n  bites: 1\n", 2, 3, "unknown key `bites` (did you mean `bytes`?)");
    assert_fault("quite_else: 1\n", 1, 1, "unknown key `quite_else`");
    assert_fault("\"a\\tb\": 1\n", 1, 1, "unknown key `a?b`");
}

static void sections_must_be_maps(void **state)
{
    (void)state;
    assert_fault("inner: 5\n", 1, 8, "`inner` must hold `key: value` lines");
    assert_fault("inner: [a]\n", 1, 8, "`inner` must hold `key: value` lines");
    assert_fault("inner:\ncount: 1\n", 1, 7, "it is empty");
}

static void keys_of_later_versions_are_refused_unless_harmless(void **state)
{
    (void)state;
    assert_fault("later: 1\n", 1, 1, "`later` is not available in this version");
    assert_fault("later: null\n", 1, 1, "`later` is not available in this version");
    assert_fault("later_off: required\n", 1, 1, "the only value it takes is off");
    assert_fault("later_off: []\n", 1, 1, "the only value it takes is off");
    assert_fault("later_none: [10.0.0.0/8]\n", 1, 1, "the only value it takes is []");
    assert_fault("later_none: {}\n", 1, 1, "the only value it takes is []");
}

static void lists_have_a_ceiling(void **state)
{
    (void)state;
    assert_fault("list: [1, 2, 3]\n", 1, 7, "at most 2");
    assert_fault("list: x\n", 1, 7, "`list` must be a list");
    assert_fault("list:\n", 1, 6, "`list` must be a list");
}

static void a_bad_value_leaves_the_default(void **state)
{
    struct sample s;

    (void)state;
    assert_int_equal(read_text("count: 10\nword: blue\ntext: []\nis_on: yes\n", &s, NULL), 4);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.word, 1);
    assert_string_equal(s.text, "hello");
    assert_true(s.is_on);
    options_clear(rows, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_stand_where_nothing_is_written),
        cmocka_unit_test(what_is_written_wins),
        cmocka_unit_test(unknown_keys_are_told_with_a_suggestion),
        cmocka_unit_test(sections_must_be_maps),
        cmocka_unit_test(keys_of_later_versions_are_refused_unless_harmless),
        cmocka_unit_test(lists_have_a_ceiling),
        cmocka_unit_test(a_bad_value_leaves_the_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
