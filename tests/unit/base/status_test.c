/* SPDX-License-Identifier: Apache-2.0 */
/* status_test.c: every status has its own phrase, and any other number a phrase as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

static void every_status_has_its_own_phrase(void **state)
{
    (void)state;
    for (int a = E_UNSUPPORTED; a <= OK; a++) {
        assert_true(strlen(status_text(a)) > 0);
        assert_string_not_equal(status_text(a), status_text(1));
        for (int b = E_UNSUPPORTED; b < a; b++)
            assert_string_not_equal(status_text(a), status_text(b));
    }
}

static void unknown_numbers_have_a_phrase(void **state)
{
    (void)state;
    assert_string_equal(status_text(1), "unknown status");
    assert_string_equal(status_text(E_UNSUPPORTED - 1), "unknown status");
    assert_string_equal(status_text(INT32_MIN), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_own_phrase),
        cmocka_unit_test(unknown_numbers_have_a_phrase),
    };

    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
