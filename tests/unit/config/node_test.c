/* SPDX-License-Identifier: Apache-2.0 */
/* node_test.c: what a document becomes, and every way in which one is refused, with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "config/node.h"
#include "three_ways.h"

struct parsed {
    struct document *doc;
    struct problems problems;
    struct guarded copy;
};

/* The text stands with its last byte against a page that cannot be touched. */
static int parse(struct parsed *p, struct view text)
{
    p->doc = NULL;
    p->copy = guarded_copy(text.ptr, text.len);
    problems_init(&p->problems, "t.yaml");
    return document_parse(&p->doc, view_of(p->copy.data, text.len), &p->problems);
}

static void release(struct parsed *p)
{
    document_free(p->doc);
    problems_clear(&p->problems);
    guarded_free(&p->copy);
}

static struct node *parse_good(struct parsed *p, const char *text)
{
    int rc = parse(p, view_of_text(text));

    if (rc != OK)
        problems_print(&p->problems, stderr);
    assert_int_equal(rc, OK);
    return document_root(p->doc);
}

static void assert_text(const struct node *node, const char *text)
{
    assert_non_null(node);
    assert_int_equal(node->type, NODE_SCALAR);
    assert_true(view_eq(node->text, view_of_text(text)));
}

static void maps_lists_and_places(void **state)
{
    struct parsed p;
    struct node *root = parse_good(&p, "a: 1\nlist:\n  - x\n  - {k: \"v\"}\n");
    struct node *list;

    (void)state;
    assert_int_equal(root->type, NODE_MAP);
    assert_int_equal(root->count, 2);
    assert_text(node_member(root, "a"), "1");
    assert_int_equal(node_member(root, "a")->line, 1);
    assert_int_equal(node_member(root, "a")->column, 4);
    assert_int_equal(node_member(root, "a")->key_column, 1);
    list = node_member(root, "list");
    assert_int_equal(list->type, NODE_LIST);
    assert_int_equal(list->count, 2);
    assert_text(list->first, "x");
    assert_int_equal(list->first->line, 3);
    assert_int_equal(list->first->column, 5);
    assert_text(node_member(list->first->next, "k"), "v");
    assert_true(node_member(list->first->next, "k")->is_quoted);
    assert_int_equal(node_member(list->first->next, "k")->line, 4);
    assert_int_equal(node_member(list->first->next, "k")->column, 9);
    assert_null(node_member(root, "b"));
    assert_null(node_member(list, "b"));
    assert_null(node_member(NULL, "b"));
    release(&p);
}

static void members_are_marked_when_read(void **state)
{
    struct parsed p;
    struct node *root = parse_good(&p, "a: 1\nb: 2\n");

    (void)state;
    (void)node_member(root, "b");
    assert_false(root->first->is_used);
    assert_true(root->first->next->is_used);
    release(&p);
}

static void json_is_yaml(void **state)
{
    struct parsed p;
    struct node *root =
        parse_good(&p, "{\n\t\"a\": [1, true, null, \"x\\u0041\"],\n\t\"b\": {}\n}\n");
    struct node *list = node_member(root, "a");

    (void)state;
    assert_int_equal(list->count, 4);
    assert_false(list->first->is_quoted);
    assert_int_equal(list->first->next->next->type, NODE_NULL);
    assert_text(list->first->next->next->next, "xA");
    assert_int_equal(node_member(root, "b")->count, 0);
    release(&p);
}

static void only_plain_words_are_null(void **state)
{
    struct parsed p;
    struct node *root = parse_good(&p, "a:\nb: ~\nc: null\nd: \"null\"\ne: ''\nf: nULL\n");

    (void)state;
    assert_int_equal(node_member(root, "a")->type, NODE_NULL);
    assert_int_equal(node_member(root, "b")->type, NODE_NULL);
    assert_int_equal(node_member(root, "c")->type, NODE_NULL);
    assert_text(node_member(root, "d"), "null");
    assert_text(node_member(root, "e"), "");
    assert_text(node_member(root, "f"), "nULL");
    release(&p);
}

static void an_empty_file_is_null(void **state)
{
    static const char *const texts[] = {"",      "\n\n",       "# only a comment\n",
                                        "---\n", "---\n...\n", "\xef\xbb\xbf"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct parsed p;
        struct node *root = parse_good(&p, texts[i]);

        assert_int_equal(root->type, NODE_NULL);
        release(&p);
    }
}

static void line_ends_and_marks_do_not_matter(void **state)
{
    struct parsed p;
    struct node *root = parse_good(&p, "\xef\xbb\xbf"
                                       "a: 1\r\nb:\r\n  - 2\r\n");

    (void)state;
    assert_text(node_member(root, "a"), "1");
    assert_int_equal(node_member(root, "a")->column, 4);
    assert_text(node_member(root, "b")->first, "2");
    assert_int_equal(node_member(root, "b")->first->line, 3);
    release(&p);
}

static void columns_count_characters(void **state)
{
    struct parsed p;
    struct node *root = parse_good(&p, "{\"\xc3\xa4\xc3\xb6\": x, b: y}");

    (void)state;
    assert_int_equal(node_member(root, "b")->column, 14);
    release(&p);
}

struct bad {
    const char *text;
    int line, column;
    const char *says;
};

static void assert_refused(struct view text, const struct bad *bad)
{
    struct parsed p;
    bool is_found = false;

    assert_int_equal(parse(&p, text), E_INVALID);
    assert_true(p.problems.count > 0);
    for (unsigned i = 0; i < p.problems.count; i++) {
        const struct problem *item = &p.problems.items[i];

        is_found = is_found || (strstr(item->text, bad->says) != NULL && item->line == bad->line &&
                                item->column == bad->column);
    }
    if (!is_found) {
        (void)fprintf(stderr, "wanted %d:%d %s, got:\n", bad->line, bad->column, bad->says);
        problems_print(&p.problems, stderr);
    }
    assert_true(is_found);
    release(&p);
}

static void what_is_not_plain_is_refused(void **state)
{
    static const struct bad cases[] = {
        {"a: 1\nb: 2\na: 3\n", 3, 1, "`a` stands here a second time (first in line 1)"},
        {"{\"a\": 1, \"a\": 2}", 1, 10, "`a` stands here a second time"},
        {"x:\n  a: 1\n  a: {b: 1}\n", 3, 3, "second time"},
        {"a: &x 1\n", 1, 4, "anchors"},
        {"a: &x [1]\n", 1, 4, "anchors"},
        {"a: &x {b: 1}\n", 1, 4, "anchors"},
        {"a: *x\n", 1, 4, "aliases"},
        {"a: {b: 1}\nc:\n  <<: {b: 1}\n", 3, 3, "merge keys"},
        {"a: !!str 1\n", 1, 4, "tags"},
        {"a: ! 1\n", 1, 4, "tags"},
        {"a: !secret x\n", 1, 4, "tags"},
        {"a: !!map {b: 1}\n", 1, 4, "tags"},
        {"a: !!seq [b]\n", 1, 4, "tags"},
        {"\"\xc3\xa4\": !x 1\n", 1, 6, "tags"},
        {"%YAML 1.1\n---\na: 1\n", 1, 1, "directives"},
        {"%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1, "directives"},
        {"a: 1\n---\nb: 2\n", 2, 1, "second document"},
        {"? [a, b]\n: 1\n", 1, 3, "a key must be a plain word"},
        {"? {a: b}\n: 1\n", 1, 3, "a key must be a plain word"},
        {"? \n: 1\n", 1, 2, "a key must not be empty"},
        {": 1\n", 1, 1, "not YAML"},
        {"\"\": 1\n", 1, 1, "a key must not be empty"},
        {"a:\n\tb: 1\n", 2, 1, "a tab where YAML wants spaces"},
        {"a: b: c\n", 1, 5, "makes no sense"},
        {"a: [1, 2\n", 2, 1, "not YAML"},
        {"a: \"x\n", 2, 1, "not YAML"},
        {"a: \"\\0\"\n", 1, 4, "NUL"},
        {"a: 1\nb: \x01\n", 2, 4, "U+0001"},
        {"a: \x7f\n", 1, 4, "U+007F"},
        {"a: \xe2\x80\xae\n", 1, 4, "U+202E"},
        {"a: \xef\xbb\xbf\n", 1, 4, "U+FEFF"},
        {"a: \xc3\xa9\xff\n", 1, 5, "0xff"},
        {"a: \xc0\xaf\n", 1, 4, "UTF-8"},
        {"\xff\xfe"
         "a",
         1, 1, "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(view_of_text(cases[i].text), &cases[i]);
    assert_refused(VIEW("a: 1\n\0b: 2\n"), &(struct bad){NULL, 2, 1, "U+0000"});
    assert_refused(VIEW("a\0:\0"),
                   &(struct bad){NULL, 1, 2, "U+0000"}); /* UTF-16 without its mark */
}

static void all_faults_are_told_at_once(void **state)
{
    struct parsed p;

    (void)state;
    assert_int_equal(parse(&p, VIEW("a: &x 1\na: 2\nb: !!int 3\n")), E_INVALID);
    assert_int_equal(p.problems.errors, 3);
    release(&p);
}

/* `open` n times, then `close` n times. */
static char *nested(const char *open, const char *close, size_t n)
{
    char *text = calloc(n, strlen(open) + strlen(close) + 1);

    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        strcat(text, open);
    for (size_t i = 0; i < n; i++)
        strcat(text, close);
    return text;
}

static void depth_has_a_ceiling(void **state)
{
    char *sixteen = nested("[", "]", 16), *seventeen = nested("[", "]", 17),
         *maps = nested("{a: ", "}", 17);
    struct parsed p;

    (void)state;
    (void)parse_good(&p, sixteen);
    release(&p);
    assert_refused(view_of_text(seventeen), &(struct bad){NULL, 1, 17, "nested too deeply"});
    assert_refused(view_of_text(maps), &(struct bad){NULL, 1, 65, "nested too deeply"});
    free(sixteen);
    free(seventeen);
    free(maps);
}

static void size_has_a_ceiling(void **state)
{
    size_t limit = 1024 * 1024;
    char *text = malloc(limit + 1);
    struct parsed p;

    (void)state;
    assert_non_null(text);
    memset(text, '#', limit + 1);
    assert_int_equal(parse(&p, view_of(text, limit)), OK);
    release(&p);
    assert_refused(view_of(text, limit + 1), &(struct bad){NULL, 0, 0, "1 MiB"});
    memset(text, '[', limit);
    assert_refused(view_of(text, limit), &(struct bad){NULL, 1, 17, "nested too deeply"});
    for (size_t i = 1; i + 2 < limit; i += 2)
        memcpy(text + i, "a,", 2);
    text[0] = '[';
    text[limit - 1] = ']';
    assert_refused(view_of(text, limit), &(struct bad){NULL, 1, 200000, "too many values"});
    free(text);
}

/* A mebibyte of one map: a hundred thousand names must not be compared pair by pair. */
static void many_keys_stay_quick(void **state)
{
    char *text = calloc(1, 1024 * 1024);
    size_t used = 0;
    struct parsed p;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < 49000; i++)
        used += (size_t)sprintf(text + used, "k%d: 1\n", i);
    assert_int_equal(parse(&p, view_of(text, used)), OK);
    assert_int_equal(document_root(p.doc)->count, 49000);
    release(&p);
    used += (size_t)sprintf(text + used, "k7: 1\n");
    assert_refused(view_of(text, used), &(struct bad){NULL, 49001, 1, "first in line 8"});
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_lists_and_places),
        cmocka_unit_test(members_are_marked_when_read),
        cmocka_unit_test(json_is_yaml),
        cmocka_unit_test(only_plain_words_are_null),
        cmocka_unit_test(an_empty_file_is_null),
        cmocka_unit_test(line_ends_and_marks_do_not_matter),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(what_is_not_plain_is_refused),
        cmocka_unit_test(all_faults_are_told_at_once),
        cmocka_unit_test(depth_has_a_ceiling),
        cmocka_unit_test(size_has_a_ceiling),
        cmocka_unit_test(many_keys_stay_quick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
