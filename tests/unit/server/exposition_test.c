/* SPDX-License-Identifier: Apache-2.0 */
/* exposition_test.c: lines exactly as Prometheus wants them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/exposition.h"

static char text[512];

static struct wr begin(void)
{
    memset(text, 0, sizeof(text));
    return wr_of(text, sizeof(text) - 1);
}

static void a_family_is_help_type_and_samples(void **state)
{
    struct wr w = begin();

    (void)state;
    exposition_family(&w, "a_total", EXPOSITION_COUNTER, "Things.");
    exposition_sample(&w, "a_total", "kind", "x", 7);
    exposition_sample2(&w, "a_total", (const char *const[]){"p", "q"},
                       (const char *const[]){"1", "2"}, UINT64_MAX);
    exposition_one(&w, "b", EXPOSITION_GAUGE, "Others.", 0);
    assert_string_equal(text, "# HELP a_total Things.\n# TYPE a_total counter\n"
                              "a_total{kind=\"x\"} 7\n"
                              "a_total{p=\"1\",q=\"2\"} 18446744073709551615\n"
                              "# HELP b Others.\n# TYPE b gauge\nb 0\n");
}

static void seconds_have_six_digits_behind_the_point(void **state)
{
    struct wr w = begin();

    (void)state;
    exposition_seconds(&w, "s", NULL, NULL, 0);
    exposition_seconds(&w, "s", "w", "0", 1234567890);
    exposition_seconds(&w, "s", NULL, NULL, 60000000999);
    assert_string_equal(text, "s 0.000000\ns{w=\"0\"} 1.234567\ns 60.000000\n");
}

static void a_label_cannot_end_its_line(void **state)
{
    struct wr w = begin();

    (void)state;
    exposition_sample(&w, "a", "k", "\"} 1\nb\\", 2);
    assert_string_equal(text, "a{k=\"\\\"} 1\\nb\\\\\"} 2\n");
}

static void what_does_not_fit_is_told(void **state)
{
    char few[8];
    struct wr w = wr_of(few, sizeof(few));

    (void)state;
    exposition_one(&w, "abcdefgh", EXPOSITION_GAUGE, "Help.", 1);
    assert_true(w.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_is_help_type_and_samples),
        cmocka_unit_test(seconds_have_six_digits_behind_the_point),
        cmocka_unit_test(a_label_cannot_end_its_line),
        cmocka_unit_test(what_does_not_fit_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
