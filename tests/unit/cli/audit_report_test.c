/* SPDX-License-Identifier: Apache-2.0 */
/* audit_report_test.c: how findings add up to verdicts, and what of a stranger's words is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/audit.h"
#include "three_ways.h"

static void add(struct audit *a, enum audit_verdict verdict)
{
    audit_add(a, (struct audit_place){AUDIT_SIZE, verdict, 0}, "%s", "words");
}

static void a_point_takes_the_worst_of_its_findings(void **state)
{
    static const enum audit_verdict order[] = {AUDIT_NOTE, AUDIT_PASS, AUDIT_UNKNOWN, AUDIT_FAIL,
                                               AUDIT_PASS};
    static const enum audit_verdict expected[] = {AUDIT_UNKNOWN, AUDIT_PASS, AUDIT_UNKNOWN,
                                                  AUDIT_FAIL, AUDIT_FAIL};
    struct audit a;

    (void)state;
    assert_true(audit_init(&a, "x", false));
    assert_int_equal(audit_verdict_of(&a, AUDIT_SIZE), AUDIT_UNKNOWN); /* nothing is known */
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        add(&a, order[i]);
        assert_int_equal(audit_verdict_of(&a, AUDIT_SIZE), expected[i]);
        assert_int_equal(audit_verdict_of(&a, AUDIT_RATES), AUDIT_UNKNOWN);
    }
    audit_clear(&a);
}

static void the_list_is_bounded_and_the_verdict_is_not(void **state)
{
    struct audit a;

    (void)state;
    assert_true(audit_init(&a, "x", false));
    for (unsigned i = 0; i < AUDIT_FINDINGS_MAX; i++)
        add(&a, AUDIT_PASS);
    assert_int_equal(a.left_out, 0);
    add(&a, AUDIT_FAIL);
    assert_int_equal(a.count, AUDIT_FINDINGS_MAX);
    assert_int_equal(a.left_out, 1);
    assert_int_equal(audit_verdict_of(&a, AUDIT_SIZE), AUDIT_FAIL);
    audit_clear(&a);
}

static void check_quote(const struct audit *a, struct view words, const char *expected)
{
    struct guarded g = guarded_copy(words.ptr, words.len);

    assert_string_equal(audit_quote(a, view_of(g.data, words.len)).text, expected);
    guarded_free(&g);
}

static void quotes_are_short_and_plain(void **state)
{
    char words[200];
    struct audit a;

    (void)state;
    assert_true(audit_init(&a, "x", true));
    check_quote(&a, VIEW(""), "");
    check_quote(&a, VIEW("{\"a\":1}"), "{\"a\":1}");
    check_quote(&a, VIEW("a\x1b[31m\r\n\0\x7f\xe2\x80\xae"), "a?[31m???????");
    memset(words, 'w', sizeof(words));
    assert_int_equal(strlen(audit_quote(&a, view_of(words, 76)).text), 76);
    assert_int_equal(strlen(audit_quote(&a, view_of(words, 77)).text), 79); /* 76 and "..." */
    assert_int_equal(strlen(audit_quote(&a, view_of(words, 200)).text), 79);
    audit_clear(&a);
}

static void no_piece_of_the_secret_is_quoted(void **state)
{
    static const char secret[] = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
    char words[300];
    struct audit a;

    (void)state;
    assert_true(audit_init(&a, "x", true));
    a.secret = VIEW("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl");
    check_quote(&a, view_of_text(secret), "[redacted]");
    for (size_t at = 0; at + 12 <= sizeof(secret) - 1; at++) {
        memset(words, 'w', sizeof(words));
        memcpy(words + 280, secret + at, 12); /* also far behind what would be shown */
        check_quote(&a, view_of(words, 292), "[redacted]");
    }
    check_quote(&a, VIEW("eyJhbGciOiJ"), "eyJhbGciOiJ"); /* eleven bytes tell nothing */
    audit_clear(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_takes_the_worst_of_its_findings),
        cmocka_unit_test(the_list_is_bounded_and_the_verdict_is_not),
        cmocka_unit_test(quotes_are_short_and_plain),
        cmocka_unit_test(no_piece_of_the_secret_is_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
