/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize_test.c: plain text, escaping, and which strings of a JSON tree are cleaned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/json_pointer.h"
#include "message/sanitize.h"
#include "three_ways.h"

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

static void kinds_have_names(void **state)
{
    static const char *const words[] = {"escape", "strip", "allow"};
    enum sanitize_kind kind;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(sanitize_kind_of(view_of_text(words[i]), &kind));
        assert_int_equal(kind, i);
        assert_string_equal(sanitize_kind_name(kind), words[i]);
    }
    assert_false(sanitize_kind_of(VIEW("Strip"), &kind));
    assert_false(sanitize_kind_of(VIEW(""), &kind));
    assert_false(sanitize_kind_of(VIEW("none"), &kind));
}

static void each_of_the_five_is_seen_wherever_it_stands(void **state)
{
    static const char five[] = "&<>\"'";

    (void)state;
    for (size_t len = 1; len <= 100; len++) {
        char text[100];
        struct guarded g;

        memset(text, 'x', len);
        g = guarded_copy(text, len);
        assert_true(sanitize_is_plain(view_of(g.data, len)));
        for (size_t at = 0; at < len; at++) {
            g.data[at] = (uint8_t)five[at % 5];
            assert_false(sanitize_is_plain(view_of(g.data, len)));
            g.data[at] = 'x';
        }
        guarded_free(&g);
    }
    assert_true(sanitize_is_plain(VIEW("")));
}

static void plain_text_comes_back_itself_and_costs_no_memory(void **state)
{
    struct view text =
        VIEW("Gr\xc3\xbc\xc3\x9f dich, 5 = 2 + 3; see /home `ls` \\ {} \xf0\x9f\x98\x80");
    struct arena none;

    (void)state;
    arena_init(&none, 1, 0);
    for (int kind = SANITIZE_ESCAPE; kind <= SANITIZE_ALLOW; kind++) {
        struct view out = VIEW("");

        assert_int_equal(sanitize_text(&out, text, (enum sanitize_kind)kind, &none), OK);
        assert_ptr_equal(out.ptr, text.ptr);
        assert_int_equal(out.len, text.len);
    }
}

static void escaping_loses_nothing_and_never_escapes_twice(void **state)
{
    static const char *const rows[][2] = {
        {"<b>&\"'", "&lt;b&gt;&amp;&quot;&#39;"},
        {"&lt;b&gt;&amp;&quot;&#39;", "&lt;b&gt;&amp;&quot;&#39;"},
        {"Tom & Jerry", "Tom &amp; Jerry"},
        {"&amp;lt;", "&amp;lt;"},
        {"&&amp;&", "&amp;&amp;&amp;"},
        {"&nbsp;&#x3c;&#60;&#039;", "&amp;nbsp;&amp;#x3c;&amp;#60;&amp;#039;"},
        {"&lt", "&amp;lt"},
        {"&LT;", "&amp;LT;"},
        {"&", "&amp;"},
        {"&#39", "&amp;#39"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct guarded g = guarded_copy(rows[i][0], strlen(rows[i][0]));
        struct view out, twice;

        assert_int_equal(
            sanitize_text(&out, view_of(g.data, strlen(rows[i][0])), SANITIZE_ESCAPE, &arena), OK);
        if (!view_eq(out, view_of_text(rows[i][1])))
            fail_msg("%s became " VIEW_FMT, rows[i][0], VIEW_ARG(out));
        assert_int_equal(sanitize_text(&twice, out, SANITIZE_ESCAPE, &arena), OK);
        assert_true(view_eq(out, twice));
        guarded_free(&g);
    }
}

static void no_memory_is_a_refusal(void **state)
{
    struct arena none;
    struct view out = VIEW("untouched");

    (void)state;
    arena_init(&none, 1, 0);
    for (int kind = SANITIZE_ESCAPE; kind <= SANITIZE_ALLOW; kind++) {
        assert_int_equal(
            sanitize_text(&out, VIEW("<i>a & b</i><x>&c"), (enum sanitize_kind)kind, &none),
            E_NOMEM);
        assert_true(view_eq(out, VIEW("untouched")));
    }
    assert_int_equal(sanitize_text(&out, VIEW("<i>"), (enum sanitize_kind)7, &arena), E_INVALID);
}

static struct json *tree(const char *text)
{
    struct json *root = NULL;

    if (json_parse(&root, view_of_text(text), NULL, &arena, NULL) != OK)
        fail_msg("no JSON: %s", text);
    return root;
}

static int strip(struct json *root, const char *pointer)
{
    struct sanitize_rule rule = {view_of_text(pointer), SANITIZE_STRIP};

    return sanitize_json(root, &rule, 1, &arena);
}

static void every_string_below_a_pointer_is_cleaned(void **state)
{
    struct json *root =
        tree("{\"a\":{\"b\":[\"<i>x</i>\",[\"<u>y\",7],{\"c\":\"z<br>\"}],\"d\":null},"
             " \"e\":\"<i>left</i>\"}");

    (void)state;
    assert_int_equal(strip(root, "/a"), OK);
    assert_true(view_eq(root->text, VIEW("{\"a\":{\"b\":[\"x\",[\"y\",7],{\"c\":\"z\\n\"}],"
                                         "\"d\":null},\"e\":\"<i>left</i>\"}")));
    assert_true(view_eq(root->first->text, VIEW("{\"b\":[\"x\",[\"y\",7],{\"c\":\"z\\n\"}],"
                                                "\"d\":null}")));
}

static void rules_are_taken_in_order(void **state)
{
    const struct sanitize_rule rules[] = {
        {VIEW("/a"), SANITIZE_ALLOW},
        {VIEW("/b"), SANITIZE_ESCAPE},
        {VIEW("/nowhere/at/all"), SANITIZE_STRIP},
        {VIEW("/n"), SANITIZE_STRIP},
    };
    struct json *root =
        tree("{\"a\":\"<b onclick=x()>1</b>\",\"b\":\"<b>\",\"c\":\"<b>\",\"n\":5}");

    (void)state;
    assert_int_equal(sanitize_json(root, rules, 4, &arena), OK);
    assert_true(view_eq(root->text, VIEW("{\"a\":\"<b>1</b>\",\"b\":\"&lt;b&gt;\",\"c\":\"<b>\","
                                         "\"n\":5}")));
}

static void a_tree_without_markup_keeps_its_text(void **state)
{
    struct json *root = tree("{ \"a\": [\"x\", \"<b>y</b>\"] }");
    const char *before = root->text.ptr;

    (void)state;
    assert_int_equal(strip(root, "/a/0"), OK);
    assert_ptr_equal(root->text.ptr, before);
    assert_int_equal(strip(root, "/a/1"), OK);
    assert_true(view_eq(root->text, VIEW("{\"a\":[\"x\",\"y\"]}")));
}

static void the_whole_document_can_be_one_string(void **state)
{
    struct json *root = tree("\"<b>y</b>\"");

    (void)state;
    assert_int_equal(strip(root, ""), OK);
    assert_true(view_eq(root->text, VIEW("y")));
}

static void member_names_with_markup_are_refused(void **state)
{
    static const char *const rows[] = {"{\"a\":{\"<img>\":1}}", "{\"a\":[{\"x\":{\"&lt;\":1}}]}",
                                       "{\"a\":{\"it's\":1}}", "{\"a\":{\"x\":1,\"y>\":{}}}",
                                       "{\"a\":{\"\\\"\":\"\"}}"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(strip(tree(rows[i]), "/a"), E_DENIED);
    assert_int_equal(strip(tree("{\"<a>\":1,\"a\":\"x\"}"), "/a"), OK);
    assert_int_equal(strip(tree("{\"it's\":{\"b\":\"<b>\"}}"), "/it's"), OK);
}

static void what_is_no_pointer_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(strip(tree("{\"a\":1}"), "a"), E_INVALID);
    assert_int_equal(strip(tree("{\"a\":1}"), "/~2"), E_INVALID);
}

static void the_deepest_tree_is_walked(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 8] = "";

    (void)state;
    memset(text, '[', JSON_DEPTH_MAX);
    strcpy(text + JSON_DEPTH_MAX, "\"<b>\"");
    memset(text + JSON_DEPTH_MAX + 5, ']', JSON_DEPTH_MAX);
    assert_int_equal(strip(tree(text), ""), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(each_of_the_five_is_seen_wherever_it_stands),
        cmocka_unit_test(plain_text_comes_back_itself_and_costs_no_memory),
        cmocka_unit_test(escaping_loses_nothing_and_never_escapes_twice),
        cmocka_unit_test(no_memory_is_a_refusal),
        cmocka_unit_test(every_string_below_a_pointer_is_cleaned),
        cmocka_unit_test(rules_are_taken_in_order),
        cmocka_unit_test(a_tree_without_markup_keeps_its_text),
        cmocka_unit_test(the_whole_document_can_be_one_string),
        cmocka_unit_test(member_names_with_markup_are_refused),
        cmocka_unit_test(what_is_no_pointer_is_an_error),
        cmocka_unit_test(the_deepest_tree_is_walked),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
