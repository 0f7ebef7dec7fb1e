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

#include "base/random.h"
#include "base/status.h"
#include "heap_bytes.h"
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

/* Ten times what the limit allows for a minute, unevenly, on a new connection each seventh time. (A
 * burst of one has no memory: of an event that comes late by a tenth the tenth is lost.) */
static void a_minute_at_ten_times_the_rate(struct rate_limit limit, unsigned a_minute,
                                           unsigned burst)
{
    uint64_t now = 1000 * SECOND, end, seed = a_minute;
    struct rate_limit hour = rate_limit_make(1000000000, 3600000, 1000000000);
    struct user_usage *usage = NULL;
    struct user_table *table;
    unsigned passed = 0, offered = 0;

    assert_int_equal(user_table_new(&table, 10, &limit, &hour), OK);
    assert_int_equal(user_table_hold(table, VIEW("alice"), UINT32_MAX, now, &usage), OK);
    for (end = now + 60 * SECOND; now < end; offered++) {
        if (offered % 7 == 0) {
            user_table_drop(table, usage);
            assert_int_equal(user_table_hold(table, VIEW("alice"), UINT32_MAX, now, &usage), OK);
        }
        passed += rate_shared_take(&usage->per_minute, &limit, now);
        now += random_jitter(&seed, (uint32_t)(limit.interval_ns / 5));
    }
    user_table_drop(table, usage);
    user_table_free(table);
    print_message("# %u a minute, burst %u: %u of %u passed\n", a_minute, burst, passed, offered);
    assert_in_range(offered, a_minute * 19 / 2, a_minute * 21 / 2);
    assert_in_range(passed, burst + a_minute * 98 / 100, burst + a_minute * 102 / 100);
}

static void at_ten_times_the_rate_two_percent_is_the_error(void **state)
{
    (void)state;
    for (unsigned a_minute = 60; a_minute <= 60000; a_minute *= 10) {
        a_minute_at_ten_times_the_rate(rate_limit_make(a_minute, 60000, 2), a_minute, 2);
        a_minute_at_ten_times_the_rate(rate_limit_make(a_minute, 60000, a_minute), a_minute,
                                       a_minute);
    }
}

#define MANY_USERS 1000000
/* What an allocator may keep at hand and count as taken. */
#define CACHE_BYTES ((size_t)256 * 1024)

static void a_million_users_fit_in_64_mib(void **state)
{
    size_t before = heap_bytes();
    struct house h = house_of(MANY_USERS);
    uint64_t now = SECOND;
    char name[64];

    (void)state;
    for (int i = 0; i < MANY_USERS; i++) {
        struct user_usage *usage;

        (void)snprintf(name, sizeof(name), "a-name-as-long-as-many-users-have-%d", i);
        usage = hold(&h, name, now, OK);
        assert_true(rate_shared_take(&usage->per_hour, &h.hour, now));
        user_table_drop(h.table, usage);
    }
    assert_int_equal(user_table_count(h.table), MANY_USERS);
    print_message("# a million users: %zu bytes\n", heap_bytes() - before);
    assert_true(heap_bytes() - before <= (size_t)64 * 1024 * 1024);
    /* Whoever comes later makes room: of the flood nothing stays but empty buckets. */
    for (int i = 0; i < MANY_USERS; i++) {
        (void)snprintf(name, sizeof(name), "later-%d", i);
        user_table_drop(h.table, hold(&h, name, now + 3600 * SECOND, OK));
    }
    assert_true(user_table_count(h.table) <= 16);
    assert_true(heap_bytes() - before <= (size_t)24 * 1024 * 1024);
    user_table_free(h.table);
    assert_true(heap_bytes() <= before + CACHE_BYTES);
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
        cmocka_unit_test(at_ten_times_the_rate_two_percent_is_the_error),
        cmocka_unit_test(a_million_users_fit_in_64_mib),
        cmocka_unit_test(threads_of_one_user_share_the_limit),
    };

    return cmocka_run_group_tests_name("user_table", tests, NULL, NULL);
}
