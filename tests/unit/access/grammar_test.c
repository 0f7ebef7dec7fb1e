/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_test.c: each of the 256 bytes stands in exactly the classes that the header names. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "access/grammar.h"

static void every_byte_has_its_class(void **state)
{
    static const char id[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    int c;

    (void)state;
    for (c = 0; c < 256; c++) {
        bool is_id = c != 0 && strchr(id, c) != NULL;

        assert_int_equal(grammar_has((char)c, GRAMMAR_ID), is_id);
        assert_int_equal(grammar_has((char)c, GRAMMAR_SEGMENT), is_id || c == '.');
    }
}

static void one_byte_outside_spoils_a_view(void **state)
{
    (void)state;
    assert_true(grammar_is_id(view_of(NULL, 0)));
    assert_true(grammar_is_id(VIEW("room-7_A")));
    assert_false(grammar_is_id(VIEW("room.7")));
    assert_false(grammar_is_id(VIEW("room-7\n")));
    assert_false(grammar_is_id(view_of("\0", 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_has_its_class),
        cmocka_unit_test(one_byte_outside_spoils_a_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
