/* SPDX-License-Identifier: Apache-2.0 */
/* terminal_test.c: what strangers' bytes look like on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/terminal.h"
#include "three_ways.h"

static void check(struct view text, const char *secret, const char *expected)
{
    struct guarded g = guarded_copy(text.ptr, text.len);
    char *shown = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&shown, &len);

    assert_non_null(to);
    terminal_put_redacted(to, view_of(g.data, text.len), view_of_text(secret));
    assert_int_equal(fclose(to), 0);
    assert_string_equal(shown, expected);
    free(shown);
    guarded_free(&g);
}

static void text_stays_as_it_is(void **state)
{
    (void)state;
    check(VIEW(""), NULL, "");
    check(VIEW("plain {\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\"}\tx"), NULL,
          "plain {\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\"}\tx");
}

static void nothing_drives_the_terminal(void **state)
{
    (void)state;
    check(VIEW("\x1b]0;title\x07\x1b[2J"), NULL, "\\x1b]0;title\\x07\\x1b[2J");
    check(VIEW("a\nb\rc\0d\x7f"), NULL, "a\\x0ab\\x0dc\\x00d\\x7f");
    check(VIEW("\xc2\x9b"
               "31m"),
          NULL, "\\u009b31m");
    check(VIEW("\xe2\x80\xae"
               "evil\xe2\x81\xa6\xe2\x80\xa8"),
          NULL, "\\u202eevil\\u2066\\u2028");
    check(VIEW("\x9b\xff\xc3"), NULL, "\\x9b\\xff\\xc3");
}

static void the_secret_is_nowhere(void **state)
{
    (void)state;
    check(VIEW("tok"), "tok", "[redacted]");
    check(VIEW("a tok b toktok to"), "tok", "a [redacted] b [redacted][redacted] to");
    check(VIEW("to"), "tok", "to");
    check(VIEW("tok"), "", "tok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_as_it_is),
        cmocka_unit_test(nothing_drives_the_terminal),
        cmocka_unit_test(the_secret_is_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
