/* SPDX-License-Identifier: Apache-2.0 */
/* tls_names_test.c: which site serves which name, and what a ClientHello may ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/tls_private.h"

static char *first[] = {"example.com", "*.example.com"};
static char *second[] = {"a.example.com", "*.b.example.com"};
static struct tls_site sites[] = {{.names = first, .names_count = 2},
                                  {.names = second, .names_count = 2}};
static const struct tls_server server = {.sites = sites, .sites_count = 2};

static int find(const char *name)
{
    return tls_names_find(&server, view_of_text(name));
}

static void exact_beats_wildcard_and_a_star_is_one_label(void **state)
{
    (void)state;
    assert_int_equal(find("example.com"), 0);
    assert_int_equal(find("EXAMPLE.com"), 0);
    assert_int_equal(find("c.example.com"), 0);
    assert_int_equal(find("a.example.com"), 1);
    assert_int_equal(find("A.Example.Com"), 1);
    assert_int_equal(find("b.example.com"), 0);
    assert_int_equal(find("x.b.example.com"), 1);
    assert_int_equal(find("x.c.example.com"), -1);
    assert_int_equal(find("x.y.b.example.com"), -1);
}

static void what_nobody_has_is_found_nowhere(void **state)
{
    char longest[600];

    (void)state;
    assert_int_equal(find(""), -1);
    assert_int_equal(find("."), -1);
    assert_int_equal(find(".example.com"), -1);
    assert_int_equal(find("com"), -1);
    assert_int_equal(find("example.com."), -1);
    assert_int_equal(find("*.example.com"), -1);
    assert_int_equal(find("*.b.example.com"), -1);
    assert_int_equal(find("exampleXcom"), -1);
    for (size_t i = 0; i < sizeof(longest) - 1; i++)
        longest[i] = i % 2 == 0 ? 'a' : '.';
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(find(longest), -1);
}

static void a_name_stands_once(void **state)
{
    struct tls_site twins[] = {sites[0], sites[0]};
    struct tls_site nameless[] = {sites[0], {.names = NULL}};
    struct tls_server t = {.sites = twins, .sites_count = 2};
    struct error why;

    (void)state;
    assert_int_equal(tls_names_check(&server, &why), OK);
    assert_int_equal(tls_names_check(&t, &why), E_EXISTS);
    t.sites_count = 1;
    assert_int_equal(tls_names_check(&t, &why), OK);
    t = (struct tls_server){.sites = nameless, .sites_count = 2};
    assert_int_equal(tls_names_check(&t, &why), E_INVALID);
}

static bool parse(const void *bytes, size_t len, struct view *name)
{
    return tls_names_parse(view_of(bytes, len), name);
}

/* Each byte string is exactly as long as its memory, so that reading past the end would be noticed.
 */
static void the_extension_holds_one_whole_name(void **state)
{
    static const char good[] = "\0\6\0\0\3abc";
    struct view name;
    char *exact;

    (void)state;
    for (size_t len = 0; len < sizeof(good); len++) {
        exact = test_malloc(len > 0 ? len : 1);
        memcpy(exact, good, len);
        assert_int_equal(parse(exact, len, &name), len == 8);
        if (len == 8)
            assert_true(view_eq(name, VIEW("abc")));
        test_free(exact);
    }
    assert_false(parse("\0\6\1\0\3abc", 8, &name));            /* not a host name */
    assert_false(parse("\0\5\0\0\3abc", 8, &name));            /* list too short */
    assert_false(parse("\0\7\0\0\3abc", 8, &name));            /* list too long */
    assert_false(parse("\0\6\0\0\2abc", 8, &name));            /* a byte over */
    assert_false(parse("\0\6\0\0\3a\0c", 8, &name));           /* two names in one */
    assert_false(parse("\0\3\0\0\0", 5, &name));               /* empty */
    assert_false(parse("\0\14\0\0\3abc\0\0\3abd", 14, &name)); /* two */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_beats_wildcard_and_a_star_is_one_label),
        cmocka_unit_test(what_nobody_has_is_found_nowhere),
        cmocka_unit_test(a_name_stands_once),
        cmocka_unit_test(the_extension_holds_one_whole_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
