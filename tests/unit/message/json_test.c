/* SPDX-License-Identifier: Apache-2.0 */
/* json_test.c: the shape of the tree, what is refused and where, ceilings. Each text is parsed from
 * guarded memory, and every proper prefix of an accepted object or array must be refused (the "byte
 * by byte" of a parser that takes whole texts). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/json.h"
#include "three_ways.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 * 1024, 4 * 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static int parse(struct json **root, const char *text, size_t *at)
{
    return json_parse(root, view_of_text(text), NULL, &arena, at);
}

static int parse_guarded(struct view text)
{
    struct guarded g = guarded_copy(text.ptr, text.len);
    struct json *root = NULL;
    size_t at = 0;
    int rc = json_parse(&root, view_of(g.data, text.len), NULL, &arena, &at);

    assert_true(rc == OK ? root != NULL : root == NULL && at <= text.len);
    guarded_free(&g);
    arena_reset(&arena);
    return rc;
}

static void a_tree_has_types_counts_names_and_source_texts(void **state)
{
    struct json *root;
    const struct json *m;
    struct view s;

    (void)state;
    assert_int_equal(
        parse(
            &root,
            " {\"a\" : [1, -2.5e3 ,[]], \"b\":{\"c\":null},\"d\":\"x\\ny\",\"\":true,\"f\":false} ",
            NULL),
        OK);
    assert_int_equal(root->type, JSON_OBJECT);
    assert_int_equal(root->count, 5);
    m = json_member(root, VIEW("a"));
    assert_int_equal(m->type, JSON_ARRAY);
    assert_int_equal(m->count, 3);
    assert_true(view_eq(m->text, VIEW("[1, -2.5e3 ,[]]")));
    assert_true(view_eq(m->first->next->text, VIEW("-2.5e3")));
    assert_int_equal(m->first->next->next->count, 0);
    assert_null(m->first->next->next->next);
    assert_int_equal(json_member(json_member(root, VIEW("b")), VIEW("c"))->type, JSON_NULL);
    assert_true(json_member_string(root, VIEW("d"), &s));
    assert_true(view_eq(s, VIEW("x\ny")));
    assert_int_equal(json_member(root, VIEW(""))->type, JSON_TRUE);
    assert_true(view_eq(json_member(root, VIEW("f"))->name, VIEW("f")));
    assert_null(json_member(root, VIEW("A")));
    assert_null(json_member(m, VIEW("a")));
    assert_null(json_member(NULL, VIEW("a")));
    assert_false(json_member_string(root, VIEW("a"), &s));
}

static void a_scalar_alone_is_a_text(void **state)
{
    static const struct {
        const char *text;
        enum json_type type;
    } rows[] = {{"null", JSON_NULL},
                {" true\n", JSON_TRUE},
                {"false", JSON_FALSE},
                {"-0", JSON_NUMBER},
                {"\"\"", JSON_STRING}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json *root;

        assert_int_equal(parse(&root, rows[i].text, NULL), OK);
        assert_int_equal(root->type, rows[i].type);
        assert_int_equal(parse_guarded(view_of_text(rows[i].text)), OK);
    }
}

static void what_is_no_json_is_refused_where_it_breaks(void **state)
{
    static const struct {
        const char *text;
        size_t at;
    } rows[] = {
        {"", 0},
        {" ", 1},
        {"nul", 0},
        {"True", 0},
        {"[1,]", 3},
        {"[,1]", 1},
        {"[1 2]", 3},
        {"[1", 2},
        {"{\"a\"}", 4},
        {"{\"a\":}", 5},
        {"{\"a\":1,}", 7},
        {"{a:1}", 1},
        {"{\"a\":1]", 6},
        {"[1}", 2},
        {"1 2", 2},
        {"{} x", 3},
        {"'a'", 0},
        {"// c\n1", 0},
        {"NaN", 0},
        {"-Infinity", 1},
        {"\xef\xbb\xbf{}", 0},
        {"[1]]", 3},
        {"{,}", 1},
        {"\v1", 0},
        {"{\"a\":1 \"b\":2}", 7},
        {"[\"a\"\"b\"]", 4},
        {"\xc2\xa0"
         "1",
         0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json *root = NULL;
        size_t at = 999;

        if (parse(&root, rows[i].text, &at) != E_INVALID || at != rows[i].at)
            fail_msg("%s: fault at %zu, expected %zu", rows[i].text, at, rows[i].at);
        assert_null(root);
        assert_int_equal(parse_guarded(view_of_text(rows[i].text)), E_INVALID);
    }
}

static void no_prefix_of_a_container_is_a_text(void **state)
{
    static const char text[] = "{\"type\":\"publish\",\"channel\":\"public:chat\",\"n\":[1.5e2,"
                               "true,null,{\"\\u00e9\\ud83d\\ude00\":\"\xc3\xa9\"}]}";

    (void)state;
    for (size_t len = 0; len < sizeof(text) - 1; len++)
        assert_int_equal(parse_guarded(view_of(text, len)), E_INVALID);
    assert_int_equal(parse_guarded(view_of(text, sizeof(text) - 1)), OK);
}

/* {"k0":0,...} with `members` members; the last one is called like member number `again`, if that
 * is not negative. */
static size_t write_object(char *out, size_t cap, int members, int again)
{
    size_t len = 0;

    out[len++] = '{';
    for (int i = 0; i < members; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s\"k%d\":0", i > 0 ? "," : "",
                                i == members - 1 && again >= 0 ? again : i);
    out[len++] = '}';
    return len;
}

static void duplicate_names_are_refused_in_objects_of_every_size(void **state)
{
    static char text[64 * 1024];
    static const int sizes[] = {2, 3, 8, 9, 10, 15, 16, 17, 33, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(
            parse_guarded(view_of(text, write_object(text, sizeof(text), sizes[i], -1))), OK);
        assert_int_equal(
            parse_guarded(view_of(text, write_object(text, sizeof(text), sizes[i], 0))), E_INVALID);
        assert_int_equal(
            parse_guarded(view_of(text, write_object(text, sizeof(text), sizes[i], sizes[i] - 2))),
            E_INVALID);
    }
}

static void duplicate_names_are_seen_through_escapes_and_at_every_depth(void **state)
{
    (void)state;
    assert_int_equal(parse_guarded(VIEW("{\"a\":1,\"\\u0061\":2}")), E_INVALID);
    assert_int_equal(parse_guarded(VIEW("{\"\":1,\"\":2}")), E_INVALID);
    assert_int_equal(parse_guarded(VIEW("[{\"x\":{\"a\":1,\"b\":2,\"a\":1}}]")), E_INVALID);
    /* The same name in two objects is no duplicate, nor are names that differ in case or by a NUL.
     */
    assert_int_equal(parse_guarded(VIEW("{\"a\":{\"a\":{\"a\":1}},\"A\":2,\"a\\u0000\":3}")), OK);
    /* Two objects of more than eight members share one table. */
    assert_int_equal(
        parse_guarded(
            VIEW("[{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1},"
                 "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}]")),
        OK);
}

static void depth_is_counted_exactly(void **state)
{
    char text[2 * (JSON_DEPTH_MAX + 1)];
    struct json_limits limits = {.depth = 3};
    struct json *root;

    (void)state;
    for (int depth = 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_int_equal(parse_guarded(view_of(text, (size_t)depth * 2)),
                         depth <= JSON_DEPTH_MAX ? OK : E_LIMIT);
        assert_int_equal(json_parse(&root, view_of(text, (size_t)depth * 2), &limits, &arena, NULL),
                         depth <= 3 ? OK : E_LIMIT);
    }
    limits.depth = 1000; /* a caller cannot ask for more than the maximum */
    assert_int_equal(json_parse(&root, view_of(text, sizeof(text)), &limits, &arena, NULL),
                     E_LIMIT);
}

static void nodes_are_counted_exactly(void **state)
{
    struct json_limits limits = {.nodes = 4};
    struct json *root;
    static char text[2 * (JSON_NODES_MAX + 1) + 2];
    size_t len = 0;

    (void)state;
    assert_int_equal(json_parse(&root, VIEW("[1,2,3]"), &limits, &arena, NULL), OK);
    assert_int_equal(json_parse(&root, VIEW("[1,2,3,4]"), &limits, &arena, NULL), E_LIMIT);
    assert_int_equal(json_parse(&root, VIEW("{\"a\":[1,2]}"), &limits, &arena, NULL), OK);
    text[len++] = '[';
    for (int i = 0; i < JSON_NODES_MAX - 1; i++) {
        text[len++] = '1';
        text[len++] = ',';
    }
    text[len - 1] = ']';
    assert_int_equal(parse_guarded(view_of(text, len)), OK);
    text[len - 1] = ',';
    text[len++] = '1';
    text[len++] = ']';
    assert_int_equal(parse_guarded(view_of(text, len)), E_LIMIT);
}

static void an_arena_that_is_full_refuses(void **state)
{
    struct arena small;
    struct json *root;
    bool has_worked = false;

    (void)state;
    for (size_t max = 0; max < 8192; max += 64) {
        int rc;

        arena_init(&small, 512, max);
        rc = json_parse(&root,
                        VIEW("{\"a\\n\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,"
                             "\"i\":[1,2,3,4,5,6,7,8]}"),
                        NULL, &small, NULL);
        assert_true(rc == OK || rc == E_NOMEM);
        assert_true(rc == OK || !has_worked);
        has_worked = rc == OK;
        arena_clear(&small);
    }
    assert_true(has_worked);
}

static void *parse_the_bomb(void *context)
{
    static char bomb[200000];
    struct arena own;
    struct json *root;
    int *rc = context;

    arena_init(&own, 64 * 1024, 1024 * 1024);
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof(bomb); k++)
            bomb[k] = i == 0 ? '[' : "{\"a\":"[k % 5];
        rc[i] = json_parse(&root, view_of(bomb, sizeof(bomb)), NULL, &own, NULL);
        arena_reset(&own);
    }
    arena_clear(&own);
    return NULL;
}

static void a_depth_bomb_needs_no_stack(void **state)
{
    pthread_attr_t attr;
    pthread_t thread;
    int rc[2] = {OK, OK};

    (void)state;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 64 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attr, parse_the_bomb, rc), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attr);
    assert_int_equal(rc[0], E_LIMIT);
    assert_int_equal(rc[1], E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tree_has_types_counts_names_and_source_texts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_scalar_alone_is_a_text, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_json_is_refused_where_it_breaks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_prefix_of_a_container_is_a_text, setup, teardown),
        cmocka_unit_test_setup_teardown(duplicate_names_are_refused_in_objects_of_every_size, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(duplicate_names_are_seen_through_escapes_and_at_every_depth,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(depth_is_counted_exactly, setup, teardown),
        cmocka_unit_test_setup_teardown(nodes_are_counted_exactly, setup, teardown),
        cmocka_unit_test(an_arena_that_is_full_refuses),
        cmocka_unit_test(a_depth_bomb_needs_no_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
