/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "access/decide.h"
#include "base/status.h"

#define RULES_MAX 8

struct fixture {
    struct access_policy policy;
    struct access_rule rules[RULES_MAX];
};

static void rule_add(struct fixture *f, const char *pattern, struct channel_traits traits)
{
    struct access_rule *rule = &f->rules[f->policy.rules_count++];

    f->policy.rules = f->rules;
    f->policy.has_traits = true;
    assert_int_equal(channel_pattern_parse(&rule->pattern, view_of_text(pattern), NULL), OK);
    rule->traits = traits;
}

/* With and without the index; both must agree. */
static struct channel_traits traits_of(struct fixture *f, const char *channel)
{
    struct channel_traits linear, indexed;

    linear = access_channel_traits(&f->policy, view_of_text(channel));
    assert_int_equal(access_policy_build(&f->policy), OK);
    indexed = access_channel_traits(&f->policy, view_of_text(channel));
    access_policy_clear(&f->policy);
    assert_int_equal(linear.history_messages, indexed.history_messages);
    assert_int_equal(linear.history_ttl_ms, indexed.history_ttl_ms);
    assert_int_equal(linear.presence, indexed.presence);
    return linear;
}

static void the_first_rule_that_speaks_of_a_thing_gives_it(void **state)
{
    struct fixture f = {0};
    struct channel_traits t;

    (void)state;
    rule_add(&f, "a:{x}", (struct channel_traits){0});
    rule_add(&f, "{y}:b", (struct channel_traits){5, 1000, CHANNEL_PRESENCE_OFF});
    rule_add(&f, "a:b", (struct channel_traits){9, 2000, CHANNEL_PRESENCE_JOIN_LEAVE});
    rule_add(&f, "{y}:{x}", (struct channel_traits){0, 0, CHANNEL_PRESENCE_ON});
    t = traits_of(&f, "a:b");
    assert_int_equal(t.history_messages, 5);
    assert_int_equal(t.history_ttl_ms, 1000);
    assert_int_equal(t.presence, CHANNEL_PRESENCE_JOIN_LEAVE);
    t = traits_of(&f, "a:c");
    assert_int_equal(t.history_messages, 0);
    assert_int_equal(t.presence, CHANNEL_PRESENCE_ON);
    assert_int_equal(traits_of(&f, "a").presence, CHANNEL_PRESENCE_OFF);
}

/* A channel of one user has the same history for everyone who may use it. */
static void a_user_s_own_channel_is_the_same_for_all(void **state)
{
    struct fixture f = {0};

    (void)state;
    rule_add(&f, "user:{user_id}:inbox", (struct channel_traits){7, 1000, CHANNEL_PRESENCE_ON});
    assert_int_equal(traits_of(&f, "user:alice:inbox").history_messages, 7);
    assert_int_equal(traits_of(&f, "user:bob:inbox").presence, CHANNEL_PRESENCE_ON);
    assert_int_equal(traits_of(&f, "user:not.an.id:inbox").history_messages, 0);
}

static void what_is_no_channel_has_nothing(void **state)
{
    struct fixture f = {0};

    (void)state;
    rule_add(&f, "{x}", (struct channel_traits){7, 1000, CHANNEL_PRESENCE_ON});
    assert_int_equal(traits_of(&f, "a:").history_messages, 0);
    assert_int_equal(traits_of(&f, "").presence, CHANNEL_PRESENCE_OFF);
    f.policy.has_traits = false;
    assert_int_equal(traits_of(&f, "a").history_messages, 0);
}

static void a_change_of_any_trait_is_seen(void **state)
{
    struct fixture f = {0}, g = {0};

    (void)state;
    rule_add(&f, "{x}", (struct channel_traits){7, 1000, CHANNEL_PRESENCE_ON});
    assert_false(access_same_traits(&f.policy, &g.policy));
    rule_add(&g, "{x}", (struct channel_traits){7, 1000, CHANNEL_PRESENCE_ON});
    assert_true(access_same_traits(&f.policy, &g.policy));
    g.rules[0].traits.history_messages = 8;
    assert_false(access_same_traits(&f.policy, &g.policy));
    g.rules[0].traits = (struct channel_traits){7, 2000, CHANNEL_PRESENCE_ON};
    assert_false(access_same_traits(&f.policy, &g.policy));
    g.rules[0].traits = (struct channel_traits){7, 1000, CHANNEL_PRESENCE_OFF};
    assert_false(access_same_traits(&f.policy, &g.policy));
    g.policy.rules_count = 0;
    rule_add(&g, "{y}:b", f.rules[0].traits);
    assert_false(access_same_traits(&f.policy, &g.policy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_speaks_of_a_thing_gives_it),
        cmocka_unit_test(a_user_s_own_channel_is_the_same_for_all),
        cmocka_unit_test(a_change_of_any_trait_is_seen),
        cmocka_unit_test(what_is_no_channel_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
