/* SPDX-License-Identifier: Apache-2.0 */
/* user_table_test.c: reconnecting resets nothing, and a full table refuses new users rather than
 * forget old ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "base/status.h"
#include "limit/user_table.h"

#define SECOND UINT64_C(1000000000)

struct house {
    struct rate_limit minute, hour;
    struct user_table *table;
};

static struct house house_of(size_t max_users)
{
    struct house h = {rate_limit_make(60, 60000, 60), rate_limit_make(1000, 3600000, 1000), NULL};

    assert_int_equal(user_table_new(&h.table, max_users, &h.minute, &h.hour), OK);
    return h;
}

static struct user_usage *hold(struct house *h, const char *user, uint64_t now, int expected)
{
    struct user_usage *usage = NULL;

    assert_int_equal(user_table_hold(h->table, view_of_text(user), UINT32_MAX, now, &usage),
                     expected);
    return usage;
}

static void reconnecting_resets_nothing(void **state)
{
    struct house h = house_of(10);
    uint64_t now = 1000 * SECOND;
    unsigned passed = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct user_usage *usage = hold(&h, "alice", now, OK);

        passed += rate_shared_take(&usage->per_minute, &h.minute, now);
        user_table_drop(h.table, usage);
    }
    assert_int_equal(passed, 60);
    user_table_free(h.table);
}

static void connections_share_one_usage(void **state)
{
    struct house h = house_of(10);
    struct user_usage *a = hold(&h, "alice", 0, OK), *b = hold(&h, "alice", 0, OK);
    struct user_usage *c = hold(&h, "bob", 0, OK);

    (void)state;
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_int_equal(user_table_count(h.table), 2);
    user_table_drop(h.table, a);
    user_table_drop(h.table, b);
    user_table_drop(h.table, c);
    assert_int_equal(user_table_count(h.table), 0);
    user_table_free(h.table);
}

static void entry_stays_until_both_limits_are_full(void **state)
{
    struct house h = house_of(1);
    uint64_t now = 50 * SECOND;
    struct user_usage *alice = hold(&h, "alice", now, OK);

    (void)state;
    assert_true(rate_shared_take(&alice->per_minute, &h.minute, now));
    assert_true(rate_shared_take(&alice->per_hour, &h.hour, now));
    user_table_drop(h.table, alice);
    /* One of 60 a minute is back after 1 s, one of 1000 an hour after 3.6 s. */
    (void)hold(&h, "bob", now + SECOND, E_FULL);
    (void)hold(&h, "bob", now + 3600 * SECOND / 1000 - 1, E_FULL);
    user_table_drop(h.table, hold(&h, "bob", now + 3600 * SECOND / 1000, OK));
    user_table_free(h.table);
}

static void limits_that_never_recover_are_refused(void **state)
{
    struct rate_limit good = rate_limit_make(60, 60000, 60), none = rate_limit_make(0, 60000, 60);
    struct rate_limit month = rate_limit_make(30, UINT64_C(30) * 24 * 3600000, 30);
    struct rate_limit more = rate_limit_make(30, UINT64_C(30) * 24 * 3600000, 31);
    struct user_table *t = NULL;

    (void)state;
    assert_int_equal(user_table_new(&t, 10, &good, &more), E_LIMIT);
    assert_int_equal(user_table_new(&t, 10, &more, &good), E_LIMIT);
    assert_null(t);
    assert_int_equal(user_table_new(&t, 10, &good, &month), OK);
    user_table_free(t);
    assert_int_equal(user_table_new(&t, 10, &none, &good), OK);
    user_table_free(t);
    user_table_free(NULL);
}

static void a_flood_of_names_evicts_nobody_who_matters(void **state)
{
    struct house h = house_of(1000);
    uint64_t now = 10 * SECOND;
    struct user_usage *alice = hold(&h, "alice", now, OK);
    char name[16];

    (void)state;
    for (int i = 0; i < 60; i++)
        assert_true(rate_shared_take(&alice->per_minute, &h.minute, now));
    user_table_drop(h.table, alice);
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof(name), "u%d", i);
        user_table_drop(h.table, hold(&h, name, now, OK));
        assert_true(user_table_count(h.table) <= 1000);
    }
    alice = hold(&h, "alice", now, OK);
    assert_false(rate_shared_take(&alice->per_minute, &h.minute, now));
    user_table_drop(h.table, alice);
    user_table_free(h.table);
}

struct crowd {
    struct house *house;
    atomic_uint passed;
};

static void *send_many(void *shared)
{
    struct crowd *crowd = shared;

    for (int i = 0; i < 3000; i++) {
        struct user_usage *usage;

        if (user_table_hold(crowd->house->table, VIEW("alice"), UINT32_MAX, SECOND, &usage) != OK)
            continue;
        if (rate_shared_take(&usage->per_minute, &crowd->house->minute, SECOND))
            atomic_fetch_add(&crowd->passed, 1);
        user_table_drop(crowd->house->table, usage);
    }
    return NULL;
}

static void threads_of_one_user_share_the_limit(void **state)
{
    struct house h = house_of(10);
    struct crowd crowd = {&h, 0};
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &crowd), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&crowd.passed), 60);
    user_table_free(h.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reconnecting_resets_nothing),
        cmocka_unit_test(connections_share_one_usage),
        cmocka_unit_test(entry_stays_until_both_limits_are_full),
        cmocka_unit_test(limits_that_never_recover_are_refused),
        cmocka_unit_test(a_flood_of_names_evicts_nobody_who_matters),
        cmocka_unit_test(threads_of_one_user_share_the_limit),
    };

    return cmocka_run_group_tests_name("user_table", tests, NULL, NULL);
}
