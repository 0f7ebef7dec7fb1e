/* SPDX-License-Identifier: Apache-2.0 */
/* identity_test.c: which user ids are ids at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "access/identity.h"
#include "three_ways.h"

static void plain_ids_are_accepted(void **state)
{
    static const char *const good[] = {"a", "user123", "app-1", "A_b-9", "0", "-", "_", "admin456"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(identity_user_ok(view_of_text(good[i])));
}

static void ids_that_mean_something_elsewhere_are_refused(void **state)
{
    static const char *const bad[] = {
        "",    "*",         "#",        "+",     "a:b",  "{x}",   "{user_id}",
        "..",  ".",         "a b",      "a\n",   "a.b",  "a@b",   "a/b",
        "%00", "e\xcc\x81", "\xc3\xa9", "a\x7f", "\xff", "a\x80", "user:*"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(identity_user_ok(view_of_text(bad[i])));
    assert_false(identity_user_ok(view_of("a\0b", 3)));
}

static void the_length_is_hit_exactly(void **state)
{
    char text[1024];
    struct guarded g;

    (void)state;
    memset(text, 'x', sizeof(text));
    g = guarded_copy(text, 64);
    assert_true(identity_user_ok(view_of(g.data, 64)));
    guarded_free(&g);
    assert_false(identity_user_ok(view_of(text, 65)));
    assert_false(identity_user_ok(view_of(text, sizeof(text))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_ids_are_accepted),
        cmocka_unit_test(ids_that_mean_something_elsewhere_are_refused),
        cmocka_unit_test(the_length_is_hit_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
