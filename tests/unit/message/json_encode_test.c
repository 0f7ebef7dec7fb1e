/* SPDX-License-Identifier: Apache-2.0 */
/* json_encode_test.c: what a tree becomes as text, and what a refreshed tree says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/json_encode.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct json *tree(const char *text)
{
    struct json *root = NULL;

    if (json_parse(&root, view_of_text(text), NULL, &arena, NULL) != OK)
        fail_msg("no JSON: %s", text);
    return root;
}

static void expect(const char *in, enum json_style style, const char *want)
{
    struct view out = VIEW("");

    assert_int_equal(json_encode(&out, tree(in), style, &arena), OK);
    if (!view_eq(out, view_of_text(want)))
        fail_msg("%s became " VIEW_FMT, in, VIEW_ARG(out));
}

static void trees_are_written_compactly_and_in_order(void **state)
{
    static const char *const rows[][2] = {
        {"null", "null"},
        {" true ", "true"},
        {"false", "false"},
        {"[ ]", "[]"},
        {"{ }", "{}"},
        {"\"\"", "\"\""},
        {"[1, [2, {}], \"a\", null]", "[1,[2,{}],\"a\",null]"},
        {"{\"b\" : 1, \"a\" : {\"c\": []}, \"\": false}", "{\"b\":1,\"a\":{\"c\":[]},\"\":false}"},
        {"[[[],[]],[[]]]", "[[[],[]],[[]]]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i][0], JSON_STYLE_PLAIN, rows[i][1]);
}

static void numbers_keep_their_exact_text(void **state)
{
    static const char *const rows[] = {"-0",
                                       "1.50",
                                       "1E+02",
                                       "1e400",
                                       "123456789012345678901234567890",
                                       "0.1000000000000000055511151231257827"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i], JSON_STYLE_HTML_SAFE, rows[i]);
}

static void strings_and_names_are_escaped(void **state)
{
    (void)state;
    expect("{\"a\\\"b\":\"\\u0000\\u001f\\n\\t\\r\\b\\f\\/\\\\\\u00e9\\ud83d\\ude00\\u007f\"}",
           JSON_STYLE_PLAIN,
           "{\"a\\\"b\":\"\\u0000\\u001f\\n\\t\\r\\b\\f/\\\\\xc3\xa9\xf0\x9f\x98\x80\x7f\"}");
    expect("\"<a>&\\u2028\\u2029\\u2030\"", JSON_STYLE_PLAIN,
           "\"<a>&\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xb0\"");
    expect("{\"</script>\":\"<a>&\\u2028\\u2029\\u2030\"}", JSON_STYLE_HTML_SAFE,
           "{\"\\u003c/script\\u003e\":\"\\u003ca\\u003e\\u0026\\u2028\\u2029\xe2\x80\xb0\"}");
}

static void a_refreshed_tree_carries_its_own_text(void **state)
{
    struct json *root = tree("{ \"a\": [ 1, {\"b\": \"old\"} ], \"c\": 2 }");
    struct json *array = root->first;
    struct json *inner = array->first->next;

    (void)state;
    inner->first->text = VIEW("new \"one\"");
    assert_int_equal(json_refresh(root, JSON_STYLE_PLAIN, &arena), OK);
    assert_true(view_eq(root->text, VIEW("{\"a\":[1,{\"b\":\"new \\\"one\\\"\"}],\"c\":2}")));
    assert_true(view_eq(array->text, VIEW("[1,{\"b\":\"new \\\"one\\\"\"}]")));
    assert_true(view_eq(inner->text, VIEW("{\"b\":\"new \\\"one\\\"\"}")));
    assert_true(view_eq(inner->first->text, VIEW("new \"one\"")));
}

static void the_deepest_tree_is_written_and_a_deeper_one_refused(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 1] = "";
    struct json outer = {.type = JSON_ARRAY, .count = 1};
    struct view out = VIEW("untouched");

    (void)state;
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    expect(text, JSON_STYLE_PLAIN, text);
    outer.first = tree(text);
    assert_int_equal(json_encode(&out, &outer, JSON_STYLE_PLAIN, &arena), E_LIMIT);
    assert_true(view_eq(out, VIEW("untouched")));
}

static void no_room_in_the_arena_changes_nothing(void **state)
{
    struct json *root = tree("[\"0123456789012345678901234567890123456789\"]");
    struct view before = root->text;
    struct arena tiny;
    struct view out = VIEW("untouched");

    (void)state;
    arena_init(&tiny, 32, 32);
    assert_int_equal(json_encode(&out, root, JSON_STYLE_PLAIN, &tiny), E_NOMEM);
    assert_int_equal(json_refresh(root, JSON_STYLE_PLAIN, &tiny), E_NOMEM);
    assert_true(view_eq(out, VIEW("untouched")));
    assert_ptr_equal(root->text.ptr, before.ptr);
    arena_clear(&tiny);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_are_written_compactly_and_in_order),
        cmocka_unit_test(numbers_keep_their_exact_text),
        cmocka_unit_test(strings_and_names_are_escaped),
        cmocka_unit_test(a_refreshed_tree_carries_its_own_text),
        cmocka_unit_test(the_deepest_tree_is_written_and_a_deeper_one_refused),
        cmocka_unit_test(no_room_in_the_arena_changes_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
