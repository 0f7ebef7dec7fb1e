/* SPDX-License-Identifier: Apache-2.0 */
/* error_test.c: formatting, truncation, and a place that is cleared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void formats_and_clears_the_place(void **state)
{
    struct error e = {"old", 3, 4};

    (void)state;
    error_set(&e, "key %s is %d", "a", 7);
    assert_string_equal(e.text, "key a is 7");
    assert_int_equal(e.line, 0);
    assert_int_equal(e.column, 0);
}

static void truncates(void **state)
{
    struct error e;
    char big[2000];

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    error_set(&e, "%s", big);
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

static void null_is_fine(void **state)
{
    (void)state;
    error_set(NULL, "%d", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_and_clears_the_place),
        cmocka_unit_test(truncates),
        cmocka_unit_test(null_is_fine),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
