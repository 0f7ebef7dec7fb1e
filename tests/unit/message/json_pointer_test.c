/* SPDX-License-Identifier: Apache-2.0 */
/* json_pointer_test.c: the examples of RFC 6901 section 5, and what is no pointer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/json_pointer.h"
#include "three_ways.h"

static const char document[] =
    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
    "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"~1\":9,\"x\":{\"y\":[{\"z\":10}],\"\":{\"\":11}}}";

static const struct json *get(struct arena *arena, const char *pointer)
{
    struct guarded g = guarded_copy(pointer, strlen(pointer));
    const struct json *found;
    struct json *root;

    arena_reset(arena);
    assert_int_equal(json_parse(&root, view_of_text(document), NULL, arena, NULL), OK);
    found = json_pointer_get(root, view_of(g.data, strlen(pointer)));
    guarded_free(&g);
    return found;
}

static void a_pointer_finds_its_place(void **state)
{
    static const struct {
        const char *pointer, *text;
    } rows[] = {
        {"/foo/0", "bar"}, {"/foo/1", "baz"}, {"/", "0"},         {"/a~1b", "1"}, {"/c%d", "2"},
        {"/e^f", "3"},     {"/g|h", "4"},     {"/i\\j", "5"},     {"/k\"l", "6"}, {"/ ", "7"},
        {"/m~0n", "8"},    {"/~01", "9"},     {"/x/y/0/z", "10"}, {"/x//", "11"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 65536);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct json *found = get(&arena, rows[i].pointer);

        if (found == NULL || !view_eq(found->text, view_of_text(rows[i].text)))
            fail_msg("%s", rows[i].pointer);
    }
    assert_int_equal(get(&arena, "")->type, JSON_OBJECT);
    assert_int_equal(get(&arena, "/foo")->type, JSON_ARRAY);
    arena_clear(&arena);
}

static void what_is_not_there_is_nothing(void **state)
{
    static const char *const rows[] = {
        "foo",     "/fo",   "/fooo",   "/foo/2",   "/foo/-",          "/foo/00",
        "/foo/01", "/foo/", "/foo/+0", "/foo/0x0", "/foo/9999999999", "/foo/4294967296",
        "/a/b",    "/m~n",  "/m~",     "/~2",      "/foo/0/x",        "//",
        "/x/y/z",  "/m~1n"};
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 65536);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (get(&arena, rows[i]) != NULL)
            fail_msg("%s", rows[i]);
    assert_null(json_pointer_get(NULL, VIEW("/a")));
    arena_clear(&arena);
}

static void a_claim_is_a_name_or_a_pointer(void **state)
{
    struct arena arena;
    struct json *root;

    (void)state;
    arena_init(&arena, 4096, 65536);
    assert_int_equal(
        json_parse(&root, VIEW("{\"a\":{\"b\":\"c\"},\"d/e\":\"f\"}"), NULL, &arena, NULL), OK);
    assert_true(view_eq(json_claim(root, VIEW("/a/b"))->text, VIEW("c")));
    assert_true(view_eq(json_claim(root, VIEW("d/e"))->text, VIEW("f")));
    assert_null(json_claim(root, VIEW("a/b")));
    assert_null(json_claim(root, VIEW("")));
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pointer_finds_its_place),
        cmocka_unit_test(what_is_not_there_is_nothing),
        cmocka_unit_test(a_claim_is_a_name_or_a_pointer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
