/* SPDX-License-Identifier: Apache-2.0 */
/* usage_test.c: a connection's rate is its own, a user's is one for all of its connections and
 * outlives them, and types do not eat from each other's plate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "policy/usage.h"

#define SECOND UINT64_C(1000000000)

struct house {
    struct message_type types[3];
    struct message_policy policy;
    struct user_table *users;
};

static void house_init(struct house *h, size_t max_users)
{
    struct rate_limit minute = rate_limit_make(3, 60000, 3), hour = rate_limit_make(5, 3600000, 5);

    memset(h, 0, sizeof(*h));
    h->types[0].name = (char *)(uintptr_t) "chat";
    h->types[0].rate = (struct message_rate){.has_minute = true, .per_minute = minute};
    h->types[1].name = (char *)(uintptr_t) "free";
    h->types[2].name = (char *)(uintptr_t) "typing";
    h->types[2].rate = (struct message_rate){.has_connection = true,
                                             .connection = rate_limit_make(2, 60000, 2),
                                             .has_hour = true,
                                             .per_hour = hour};
    h->policy.types = h->types;
    h->policy.count = 3;
    assert_int_equal(message_policy_build(&h->policy), OK);
    assert_int_equal(user_table_new(&h->users, max_users, &minute, &hour), OK);
}

static void house_clear(struct house *h)
{
    map_clear(&h->policy.by_name);
    user_table_free(h->users);
}

static unsigned take(struct house *h, struct policy_usage **usage, const char *user, unsigned type,
                     uint64_t now_ns)
{
    struct policy_meter meter = {usage, h->users, view_of_text(user), now_ns};
    unsigned passed = 0;
    bool is_first;

    for (unsigned i = 0; i < 20; i++)
        passed += policy_usage_take(&meter, &h->policy, &h->types[type], &is_first);
    return passed;
}

static void a_user_has_one_rate_on_all_connections(void **state)
{
    struct policy_usage *a = NULL, *b = NULL;
    struct house h;

    (void)state;
    house_init(&h, 100);
    assert_int_equal(take(&h, &a, "alice", 0, SECOND), 3);
    assert_int_equal(take(&h, &b, "alice", 0, SECOND), 0);
    assert_int_equal(take(&h, &b, "bob", 1, SECOND), 20);
    policy_usage_free(a);
    policy_usage_free(b);
    a = NULL;
    assert_int_equal(take(&h, &a, "alice", 0, SECOND), 0); /* connecting again resets nothing */
    assert_int_equal(take(&h, &a, "alice", 0, 22 * SECOND), 1);
    policy_usage_free(a);
    house_clear(&h);
}

static void users_and_types_are_counted_apart(void **state)
{
    struct policy_usage *a = NULL, *b = NULL;
    struct house h;

    (void)state;
    house_init(&h, 100);
    assert_int_equal(take(&h, &a, "alice", 0, SECOND), 3);
    assert_int_equal(take(&h, &b, "bob", 0, SECOND), 3);
    assert_int_equal(take(&h, &a, "alice", 2, SECOND), 2);
    assert_int_equal(take(&h, &a, "alice", 1, SECOND), 20);
    policy_usage_free(a);
    policy_usage_free(b);
    house_clear(&h);
}

static void a_connection_has_its_own_rate_beside_the_users(void **state)
{
    struct policy_usage *use[3] = {NULL, NULL, NULL};
    struct house h;

    (void)state;
    house_init(&h, 100);
    assert_int_equal(take(&h, &use[0], "alice", 2, SECOND), 2);
    assert_int_equal(take(&h, &use[1], "alice", 2, SECOND), 2);
    assert_int_equal(take(&h, &use[2], "alice", 2, SECOND), 1); /* the fifth of the hour */
    for (unsigned i = 0; i < 3; i++)
        policy_usage_free(use[i]);
    house_clear(&h);
}

static void the_first_refusal_of_a_run_is_marked(void **state)
{
    struct policy_usage *use = NULL;
    struct policy_meter meter;
    struct house h;
    bool is_first;

    (void)state;
    house_init(&h, 100);
    meter = (struct policy_meter){&use, h.users, VIEW("alice"), SECOND};
    assert_int_equal(take(&h, &use, "alice", 0, 1), 3); /* ends inside a run of refusals */
    assert_false(policy_usage_take(&meter, &h.policy, &h.types[0], &is_first));
    assert_false(is_first);
    meter.now_ns = 30 * SECOND;
    assert_true(policy_usage_take(&meter, &h.policy, &h.types[0], &is_first));
    assert_false(policy_usage_take(&meter, &h.policy, &h.types[0], &is_first));
    assert_true(is_first);
    policy_usage_free(use);
    house_clear(&h);
}

static void what_cannot_be_counted_is_refused(void **state)
{
    struct policy_usage *a = NULL, *b = NULL;
    struct house h;

    (void)state;
    house_init(&h, 1);
    assert_int_equal(take(&h, &a, "alice", 0, SECOND), 3);
    assert_int_equal(take(&h, &b, "bob", 0, SECOND), 0); /* the table is full */
    policy_usage_free(a);
    policy_usage_free(b);
    house_clear(&h);
}

static void another_configuration_starts_the_connection_anew(void **state)
{
    struct policy_usage *use = NULL;
    struct house h, other;

    (void)state;
    house_init(&h, 100);
    house_init(&other, 100);
    assert_int_equal(take(&h, &use, "alice", 2, SECOND), 2);
    user_table_free(other.users);
    other.users = h.users;
    assert_int_equal(take(&other, &use, "alice", 2, SECOND), 2);
    assert_int_equal(take(&h, &use, "alice", 2, SECOND), 1); /* the user's five of the hour */
    policy_usage_free(use);
    map_clear(&other.policy.by_name);
    house_clear(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_has_one_rate_on_all_connections),
        cmocka_unit_test(users_and_types_are_counted_apart),
        cmocka_unit_test(a_connection_has_its_own_rate_beside_the_users),
        cmocka_unit_test(the_first_refusal_of_a_run_is_marked),
        cmocka_unit_test(what_cannot_be_counted_is_refused),
        cmocka_unit_test(another_configuration_starts_the_connection_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
