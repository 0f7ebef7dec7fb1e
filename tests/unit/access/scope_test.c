/* SPDX-License-Identifier: Apache-2.0 */
/* scope_test.c: scopes are exact names; what the configuration does not know has no bit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "access/scope.h"
#include "base/status.h"

static void a_name_has_one_bit(void **state)
{
    struct scope_set set = {.count = 0};
    char text[64];
    struct wr w = wr_of(text, sizeof(text));
    uint64_t read = 0, write = 0, again = 0;

    (void)state;
    assert_int_equal(scope_set_add(&set, VIEW("chat:read"), &read), OK);
    assert_int_equal(scope_set_add(&set, VIEW("chat:write"), &write), OK);
    assert_int_equal(scope_set_add(&set, VIEW("chat:read"), &again), OK);
    assert_int_equal(read, again);
    assert_int_not_equal(read, write);
    assert_int_equal(set.count, 2);
    assert_int_equal(scope_set_bits(&set, VIEW("chat:write chat:read")), read | write);
    assert_int_equal(scope_set_bits(&set, VIEW("Chat:read chat:rea chat:readx  chat:write ")),
                     write);
    assert_int_equal(scope_set_bits(&set, VIEW("")), 0);
    scope_set_write(&w, &set, read | write);
    assert_int_equal(scope_set_bits(&set, view_of(text, wr_len(&w))), read | write);
    assert_int_equal(wr_len(&w), strlen("chat:read chat:write")); /* one blank, none around */
    w = wr_of(text, sizeof(text));
    scope_set_write(&w, &set, 0);
    assert_int_equal(wr_len(&w), 0);
}

static void only_the_letters_of_the_standard_make_a_name(void **state)
{
    char longest[SCOPE_NAME_MAX + 1];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    assert_true(scope_name_ok(VIEW("https://example.com/chat.read!#[]~")));
    assert_true(scope_name_ok(view_of(longest, SCOPE_NAME_MAX)));
    assert_false(scope_name_ok(view_of(longest, SCOPE_NAME_MAX + 1)));
    assert_false(scope_name_ok(VIEW("")));
    assert_false(scope_name_ok(VIEW("a b")));
    assert_false(scope_name_ok(VIEW("a\"")));
    assert_false(scope_name_ok(VIEW("a\\")));
    assert_false(scope_name_ok(VIEW("\x7f")));
    assert_false(scope_name_ok(VIEW("\xc3\xa9")));
}

static void there_is_room_for_sixty_four(void **state)
{
    struct scope_set set = {.count = 0};
    uint64_t bit = 0, seen = 0;
    char name[8];

    (void)state;
    for (int i = 0; i < SCOPES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        assert_int_equal(scope_set_add(&set, view_of_text(name), &bit), OK);
        seen |= bit;
    }
    assert_true(seen == SCOPES_ALL);
    assert_int_equal(scope_set_add(&set, VIEW("more"), &bit), E_LIMIT);
    assert_int_equal(scope_set_add(&set, VIEW("s3"), &bit), OK);
    assert_int_equal(scope_set_add(&set, VIEW("a b"), &bit), E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_one_bit),
        cmocka_unit_test(only_the_letters_of_the_standard_make_a_name),
        cmocka_unit_test(there_is_room_for_sixty_four),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
