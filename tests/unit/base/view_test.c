/* SPDX-License-Identifier: Apache-2.0 */
/* view_test.c: comparing, splitting, trimming and copying borrowed bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/view.h"

static void of_text(void **state)
{
    (void)state;
    assert_int_equal(view_of_text(NULL).len, 0);
    assert_int_equal(view_of_text("abc").len, 3);
}

static void equality(void **state)
{
    (void)state;
    assert_true(view_eq(VIEW(""), view_of(NULL, 0)));
    assert_true(view_eq(VIEW("a\0b"), VIEW("a\0b")));
    assert_false(view_eq(VIEW("a\0b"), VIEW("a\0c")));
    assert_false(view_eq(VIEW("a"), VIEW("ab")));
    assert_true(view_eq_nocase(VIEW("UpGrade-9"), VIEW("uPgRADE-9")));
    assert_false(view_eq_nocase(VIEW("a"), VIEW("b")));
    assert_false(view_eq_nocase(VIEW("a"), VIEW("aa")));
    /* Neighbours of the letters, and bytes above ASCII, have no case. */
    assert_false(view_eq_nocase(VIEW("@"), VIEW("`")));
    assert_false(view_eq_nocase(VIEW("["), VIEW("{")));
    assert_false(view_eq_nocase(VIEW("\xc0"), VIEW("\xe0")));
}

static void prefixes(void **state)
{
    (void)state;
    assert_true(view_starts_with(VIEW("abc"), VIEW("")));
    assert_true(view_starts_with(VIEW("abc"), VIEW("abc")));
    assert_false(view_starts_with(VIEW("ab"), VIEW("abc")));
    assert_false(view_starts_with(VIEW("abc"), VIEW("b")));
    assert_true(view_starts_with(view_of(NULL, 0), VIEW("")));
}

static void splitting(void **state)
{
    struct view head, tail;

    (void)state;
    assert_true(view_split(VIEW("a=b=c"), '=', &head, &tail));
    assert_true(view_eq(head, VIEW("a")));
    assert_true(view_eq(tail, VIEW("b=c")));
    assert_true(view_split(VIEW("=x"), '=', &head, &tail));
    assert_int_equal(head.len, 0);
    assert_true(view_eq(tail, VIEW("x")));
    assert_true(view_split(VIEW("x="), '=', &head, &tail));
    assert_int_equal(tail.len, 0);
    assert_false(view_split(VIEW("abc"), '=', &head, &tail));
    assert_true(view_eq(head, VIEW("abc")));
    assert_int_equal(tail.len, 0);
    assert_false(view_split(view_of(NULL, 0), '=', &head, &tail));
    assert_int_equal(head.len + tail.len, 0);
}

static void splitting_into_itself(void **state)
{
    struct view rest = VIEW("a,b,c"), part;

    (void)state;
    assert_true(view_split(rest, ',', &part, &rest));
    assert_true(view_split(rest, ',', &part, &rest));
    assert_true(view_eq(part, VIEW("b")));
    assert_false(view_split(rest, ',', &part, &rest));
    assert_true(view_eq(part, VIEW("c")));
    assert_int_equal(rest.len, 0);
}

static void trimming(void **state)
{
    (void)state;
    assert_true(view_eq(view_trim(VIEW(" \t a b\t ")), VIEW("a b")));
    assert_true(view_eq(view_trim(VIEW("\r\na")), VIEW("\r\na")));
    assert_int_equal(view_trim(VIEW(" \t ")).len, 0);
    assert_int_equal(view_trim(view_of(NULL, 0)).len, 0);
}

static void copying(void **state)
{
    char *copy = view_dup(view_of("hello!", 5));

    (void)state;
    assert_string_equal(copy, "hello");
    free(copy);
    copy = view_dup(view_of(NULL, 0));
    assert_string_equal(copy, "");
    free(copy);
    assert_null(view_dup(view_of("", SIZE_MAX)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_text),
        cmocka_unit_test(equality),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(splitting),
        cmocka_unit_test(splitting_into_itself),
        cmocka_unit_test(trimming),
        cmocka_unit_test(copying),
    };

    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
