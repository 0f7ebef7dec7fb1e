/* SPDX-License-Identifier: Apache-2.0 */
/* options_limits_test.c: which limits only observe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limit/limit_name.h"
#include "options_fixture.h"

static uint32_t observed_by(const char *value)
{
    char text[512];
    struct options *o;
    uint32_t observed;

    (void)snprintf(text, sizeof(text), BASE "limits: {observe: %s}\n", value);
    o = load_good(text);
    observed = o->limits.observed;
    options_free(o);
    return observed;
}

static void limits_observe_by_name(void **state)
{
    struct options *o = load_good(BASE);

    (void)state;
    assert_int_equal(o->limits.observed, 0);
    options_free(o);
    assert_int_equal(observed_by("all"), LIMIT_ALL);
    assert_int_equal(observed_by("[all]"), LIMIT_ALL);
    assert_int_equal(observed_by("[]"), 0);
    assert_int_equal(observed_by("bytes"), 1U << LIMIT_BYTES);
    assert_int_equal(observed_by("[messages, connections.per_ip, messages]"),
                     1U << LIMIT_MESSAGES | 1U << LIMIT_PER_IP);
    for (unsigned i = 0; i < LIMIT_NAMES; i++)
        assert_int_equal(observed_by(limit_name_text((enum limit_name)i)), 1U << i);
}

static void what_cannot_observe_is_refused_with_a_reason(void **state)
{
    (void)state;
    assert_fault(BASE "limits: {observe: [mesages]}\n",
                 "t:5:20: `mesages` is no limit that can observe (did you mean `messages`?)");
    assert_fault(BASE "limits: {observe: [messages, message_size]}\n",
                 "t:5:30: `message_size` cannot only observe, it is always enforced: it bounds the "
                 "memory that a peer can make grow");
    assert_fault(BASE "limits: {observe: connections.total}\n",
                 "cannot only observe, it is always enforced: each connection takes a descriptor");
    assert_fault(BASE "limits: {observe: [connections]}\n",
                 "which one? connections.per_ip or connections.per_user");
    assert_fault(BASE "limits: {observe: {messages: true}}\n", "`observe`");
    assert_fault(BASE "limits: {observe: [[messages]]}\n", "is no limit that can observe");
    assert_fault(BASE "limits: {observe: [al]}\n", "did you mean `all`?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_observe_by_name),
        cmocka_unit_test(what_cannot_observe_is_refused_with_a_reason),
    };

    return cmocka_run_group_tests_name("options_limits", tests, fixture_open, fixture_close);
}
