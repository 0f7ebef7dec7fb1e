/* SPDX-License-Identifier: Apache-2.0 */
/* limit_name_test.c: each limit is found by its own name alone, and none can both observe and be
 * always enforced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limit/limit_name.h"

static void each_is_found_by_its_own_name(void **state)
{
    enum limit_name found;

    (void)state;
    for (unsigned i = 0; i < LIMIT_NAMES; i++) {
        struct view text = view_of_text(limit_name_text((enum limit_name)i));

        assert_true(text.len > 3);
        assert_true(limit_name_find(&found, text));
        assert_int_equal(found, i);
        assert_null(limit_name_always(text));
        assert_false(limit_name_find(&found, view_of(text.ptr, text.len - 1)));
    }
    assert_string_equal(limit_name_text(LIMIT_NAMES), "unknown");
}

static void what_keeps_the_process_alive_says_why_it_stays(void **state)
{
    static const char *const names[] = {
        "connections.total", "message_size", "assembly", "fragments",    "queue",
        "queue.size",        "users",        "channels", "subscriptions"};
    enum limit_name found;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_non_null(limit_name_always(view_of_text(names[i])));
        assert_false(limit_name_find(&found, view_of_text(names[i])));
    }
    assert_null(limit_name_always(VIEW("queues")));
    assert_null(limit_name_always(VIEW("queue_size")));
    assert_null(limit_name_always(VIEW("")));
    assert_null(limit_name_always(VIEW("nonsense")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_by_its_own_name),
        cmocka_unit_test(what_keeps_the_process_alive_says_why_it_stays),
    };

    return cmocka_run_group_tests_name("limit_name", tests, NULL, NULL);
}
