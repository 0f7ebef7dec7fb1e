/* SPDX-License-Identifier: Apache-2.0 */
/* schema_uri_test.c: the examples of RFC 3986 section 5.4, and fragments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/schema_uri.h"

static const struct {
    const char *reference, *target;
} rows[] = {
    {"g:h", "g:h"},
    {"g", "http://a/b/c/g"},
    {"./g", "http://a/b/c/g"},
    {"g/", "http://a/b/c/g/"},
    {"/g", "http://a/g"},
    {"//g", "http://g"},
    {"?y", "http://a/b/c/d;p?y"},
    {"g?y", "http://a/b/c/g?y"},
    {";x", "http://a/b/c/;x"},
    {"g;x?y", "http://a/b/c/g;x?y"},
    {".", "http://a/b/c/"},
    {"./", "http://a/b/c/"},
    {"..", "http://a/b/"},
    {"../g", "http://a/b/g"},
    {"../..", "http://a/"},
    {"../../g", "http://a/g"},
    {"../../../g", "http://a/g"},
    {"/./g", "http://a/g"},
    {"/../g", "http://a/g"},
    {"g.", "http://a/b/c/g."},
    {"..g", "http://a/b/c/..g"},
    {"./../g", "http://a/b/g"},
    {"g/./h", "http://a/b/c/g/h"},
    {"g/../h", "http://a/b/c/h"},
};

static void references_resolve_as_in_the_rfc(void **state)
{
    struct arena arena;
    struct schema_uri out;

    (void)state;
    arena_init(&arena, 4096, 65536);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(schema_uri_resolve(&out, &arena, VIEW("http://a/b/c/d;p?q"),
                                            view_of_text(rows[i].reference)),
                         OK);
        if (!view_eq(out.uri, view_of_text(rows[i].target)))
            fail_msg("%s: %.*s", rows[i].reference, VIEW_ARG(out.uri));
    }
    arena_clear(&arena);
}

static void fragments_are_unescaped(void **state)
{
    struct arena arena;
    struct schema_uri out;

    (void)state;
    arena_init(&arena, 4096, 65536);
    assert_int_equal(schema_uri_resolve(&out, &arena, VIEW("urn:x:y"), VIEW("#/a%25b/%C3%A9")), OK);
    assert_true(view_eq(out.uri, VIEW("urn:x:y")));
    assert_true(view_eq(out.fragment, VIEW("/a%b/\xc3\xa9")));
    assert_int_equal(schema_uri_resolve(&out, &arena, VIEW(""), VIEW("b.json#x")), OK);
    assert_true(view_eq(out.uri, VIEW("b.json")) && view_eq(out.fragment, VIEW("x")));
    assert_int_equal(schema_uri_resolve(&out, &arena, VIEW(""), VIEW("#%4")), E_INVALID);
    assert_int_equal(schema_uri_resolve(&out, &arena, VIEW(""), VIEW("#%zz")), E_INVALID);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_resolve_as_in_the_rfc),
        cmocka_unit_test(fragments_are_unescaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
