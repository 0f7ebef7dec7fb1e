/* SPDX-License-Identifier: Apache-2.0 */
/* conn_table_test.c: every verdict at its exact limit, counts that return to nothing, and threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "base/status.h"
#include "limit/conn_table.h"

#define SECOND UINT64_C(1000000000)

static struct conn_table *table_of(uint32_t total, uint32_t per_ip, struct rate_limit rate)
{
    struct conn_limits limits = {total, per_ip, rate};
    struct conn_table *t = NULL;

    assert_int_equal(conn_table_new(&t, &limits), OK);
    return t;
}

static struct rate_limit plenty(void)
{
    return rate_limit_make(1000000000, 1000, 1000000000);
}

static struct ip_prefix prefix_of(uint32_t number)
{
    return (struct ip_prefix){number, 4};
}

static struct ip_prefix parsed(const char *text)
{
    struct ip_address address;

    assert_true(ip_address_parse(&address, view_of_text(text)));
    return ip_prefix_of(&address);
}

static void enter(struct conn_table *t, struct ip_prefix prefix, enum conn_verdict expected)
{
    uint64_t wait = 12345;

    assert_int_equal(conn_table_enter(t, prefix, SECOND, &wait), expected);
    assert_int_equal(wait == 0, expected == CONN_OK);
    assert_true(wait != 12345);
}

static void total_is_exact(void **state)
{
    struct conn_table *t = table_of(5, 5, plenty());

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        enter(t, prefix_of(i), CONN_OK);
    enter(t, prefix_of(9), CONN_FULL);
    enter(t, (struct ip_prefix){0, 0}, CONN_FULL);
    assert_int_equal(conn_table_total(t), 5);
    assert_int_equal(conn_table_prefixes(t), 5);
    conn_table_leave(t, prefix_of(3), SECOND);
    enter(t, prefix_of(9), CONN_OK);
    enter(t, prefix_of(3), CONN_FULL);
    conn_table_leave(t, prefix_of(9), SECOND);
    for (uint32_t i = 0; i < 5; i++) {
        if (i != 3)
            conn_table_leave(t, prefix_of(i), SECOND);
    }
    assert_int_equal(conn_table_total(t), 0);
    conn_table_free(t);
}

static void per_ip_is_exact_and_by_64(void **state)
{
    struct conn_table *t = table_of(100, 2, plenty());

    (void)state;
    enter(t, parsed("2001:db8::1"), CONN_OK);
    enter(t, parsed("2001:db8::2"), CONN_OK);
    enter(t, parsed("2001:db8::3"), CONN_PER_IP);
    enter(t, parsed("2001:db8:0:1::3"), CONN_OK);
    enter(t, parsed("192.0.2.1"), CONN_OK);
    enter(t, parsed("::ffff:192.0.2.1"), CONN_OK);
    enter(t, parsed("192.0.2.1"), CONN_PER_IP);
    assert_int_equal(conn_table_total(t), 5);
    conn_table_leave(t, parsed("2001:db8::ffff"), SECOND);
    enter(t, parsed("2001:db8::3"), CONN_OK);
    conn_table_leave(t, parsed("2001:db8::1"), SECOND);
    conn_table_leave(t, parsed("2001:db8::1"), SECOND);
    conn_table_leave(t, parsed("2001:db8:0:1::"), SECOND);
    conn_table_leave(t, parsed("192.0.2.1"), SECOND);
    conn_table_leave(t, parsed("192.0.2.1"), SECOND);
    assert_int_equal(conn_table_total(t), 0);
    conn_table_free(t);
}

static void new_connections_are_rated(void **state)
{
    struct conn_table *t = table_of(100, 100, rate_limit_make(10, 1000, 3));
    uint64_t wait = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        enter(t, prefix_of(1), CONN_OK);
        conn_table_leave(t, prefix_of(1), SECOND);
    }
    /* Gone, but not forgotten: three tenths of a second are used up. */
    assert_int_equal(conn_table_total(t), 0);
    assert_int_equal(conn_table_prefixes(t), 1);
    assert_int_equal(conn_table_enter(t, prefix_of(1), SECOND, &wait), CONN_TOO_FAST);
    assert_int_equal(wait, 100);
    assert_int_equal(conn_table_total(t), 0);
    enter(t, prefix_of(2), CONN_OK);
    conn_table_leave(t, prefix_of(2), 100 * SECOND);
    assert_int_equal(conn_table_enter(t, prefix_of(1), SECOND + SECOND / 10, &wait), CONN_OK);
    assert_int_equal(wait, 0);
    conn_table_leave(t, prefix_of(1), SECOND + SECOND / 10);
    assert_int_equal(conn_table_prefixes(t), 1);
    /* Idle again: the entry goes with the last connection. */
    assert_int_equal(conn_table_enter(t, prefix_of(1), 9 * SECOND, &wait), CONN_OK);
    conn_table_leave(t, prefix_of(1), 10 * SECOND);
    assert_int_equal(conn_table_prefixes(t), 0);
    conn_table_free(t);
}

static void zero_limits_refuse(void **state)
{
    struct conn_table *no_total = table_of(0, 10, plenty());
    struct conn_table *no_ip = table_of(10, 0, plenty());
    struct conn_table *no_rate = table_of(10, 10, rate_limit_make(0, 1000, 1));

    (void)state;
    enter(no_total, prefix_of(1), CONN_FULL);
    enter(no_ip, prefix_of(1), CONN_PER_IP);
    enter(no_rate, prefix_of(1), CONN_TOO_FAST);
    enter(no_rate, (struct ip_prefix){0, 0}, CONN_OK);
    conn_table_leave(no_rate, (struct ip_prefix){0, 0}, SECOND);
    assert_int_equal(conn_table_prefixes(no_rate), 0);
    conn_table_free(no_total);
    conn_table_free(no_ip);
    conn_table_free(no_rate);
    conn_table_free(NULL);
}

/* One address an attempt, each with used-up rate left behind: memory stays under its ceiling, and
 * once the table is full of what matters newcomers are refused. */
static void strangers_cannot_grow_the_table(void **state)
{
    struct conn_table *t = table_of(100, 10, rate_limit_make(1, 1000, 1));
    uint64_t wait, full = 0;

    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        if (conn_table_enter(t, prefix_of(i), SECOND, &wait) == CONN_OK)
            conn_table_leave(t, prefix_of(i), SECOND);
        else
            full++;
    }
    assert_int_equal(conn_table_prefixes(t), 2 * 100 + 1024);
    assert_int_equal(full, 5000 - (2 * 100 + 1024));
    assert_int_equal(conn_table_total(t), 0);
    /* A second later all of them are idle, and everyone is welcome again. */
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(conn_table_enter(t, prefix_of(9000 + i), 2 * SECOND, &wait), CONN_OK);
    for (uint32_t i = 0; i < 100; i++)
        conn_table_leave(t, prefix_of(9000 + i), 4 * SECOND);
    assert_int_equal(conn_table_total(t), 0);
    conn_table_free(t);
}

static void leaving_twice_is_a_bug_that_stops_the_process(void **state)
{
    struct conn_table *t = table_of(10, 10, plenty());
    int status;
    pid_t child;

    (void)state;
    enter(t, prefix_of(1), CONN_OK);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        conn_table_leave(t, prefix_of(1), SECOND);
        conn_table_leave(t, prefix_of(1), SECOND);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    conn_table_leave(t, prefix_of(1), SECOND);
    conn_table_free(t);
}

struct crowd {
    struct conn_table *table;
    atomic_uint passed, wrong;
};

static void *come_and_go(void *shared)
{
    struct crowd *crowd = shared;
    uint64_t seed = random_u64(), wait;
    struct ip_prefix in[8];
    unsigned count = 0;

    for (int i = 0; i < 250000; i++) {
        if (count < 8) {
            struct ip_prefix prefix = prefix_of(random_jitter(&seed, 50));
            uint64_t now = SECOND + (uint64_t)i;
            enum conn_verdict verdict = conn_table_enter(crowd->table, prefix, now, &wait);

            if (verdict == CONN_OK)
                in[count++] = prefix;
            else if (verdict == CONN_TOO_FAST)
                atomic_fetch_add(&crowd->wrong, 1);
        }
        if (conn_table_total(crowd->table) > 20)
            atomic_fetch_add(&crowd->wrong, 1);
        if (count > 0 && random_jitter(&seed, 2) == 0)
            conn_table_leave(crowd->table, in[--count], SECOND + (uint64_t)i);
    }
    atomic_fetch_add(&crowd->passed, 1);
    while (count > 0)
        conn_table_leave(crowd->table, in[--count], 1000 * SECOND);
    return NULL;
}

static void a_million_comings_and_goings_return_to_nothing(void **state)
{
    struct crowd crowd = {table_of(20, 3, plenty()), 0, 0};
    pthread_t threads[4];
    uint64_t wait;

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &crowd), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&crowd.passed), 4);
    assert_int_equal(atomic_load(&crowd.wrong), 0);
    assert_int_equal(conn_table_total(crowd.table), 0);
    /* Whatever was remembered goes as addresses come and leave long after. */
    for (uint32_t i = 0; i < 5000; i++) {
        assert_int_equal(conn_table_enter(crowd.table, prefix_of(i), 2000 * SECOND, &wait),
                         CONN_OK);
        conn_table_leave(crowd.table, prefix_of(i), 3000 * SECOND);
    }
    assert_int_equal(conn_table_prefixes(crowd.table), 0);
    conn_table_free(crowd.table);
}

static void waived(struct conn_table *t, unsigned which, enum conn_verdict expected,
                   unsigned exceeded)
{
    struct conn_entry entry = {.now_ns = SECOND, .waived = which, .exceeded = 77, .wait_ms = 77};

    assert_int_equal(conn_table_enter_waived(t, prefix_of(1), &entry), expected);
    assert_int_equal(entry.exceeded, exceeded);
    assert_int_equal(entry.wait_ms == 0, expected == CONN_OK);
}

static void what_is_waived_is_counted_in_and_named(void **state)
{
    const unsigned per_ip = 1U << CONN_PER_IP, too_fast = 1U << CONN_TOO_FAST;
    struct conn_table *t = table_of(6, 2, rate_limit_make(3, 1000, 3));

    (void)state;
    waived(t, per_ip | too_fast, CONN_OK, 0);
    waived(t, per_ip | too_fast, CONN_OK, 0);
    waived(t, 0, CONN_PER_IP, 0);
    waived(t, too_fast, CONN_PER_IP, 0);
    waived(t, per_ip, CONN_OK, per_ip);
    waived(t, per_ip, CONN_TOO_FAST, per_ip);
    waived(t, per_ip | too_fast, CONN_OK, per_ip | too_fast);
    waived(t, UINT32_MAX, CONN_OK, per_ip | too_fast);
    waived(t, UINT32_MAX, CONN_OK, per_ip | too_fast);
    waived(t, UINT32_MAX, CONN_FULL, 0); /* the total is never waived */
    assert_int_equal(conn_table_total(t), 6);
    for (int i = 0; i < 6; i++)
        conn_table_leave(t, prefix_of(1), SECOND);
    assert_int_equal(conn_table_total(t), 0);
    conn_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(total_is_exact),
        cmocka_unit_test(per_ip_is_exact_and_by_64),
        cmocka_unit_test(new_connections_are_rated),
        cmocka_unit_test(zero_limits_refuse),
        cmocka_unit_test(what_is_waived_is_counted_in_and_named),
        cmocka_unit_test(strangers_cannot_grow_the_table),
        cmocka_unit_test(leaving_twice_is_a_bug_that_stops_the_process),
        cmocka_unit_test(a_million_comings_and_goings_return_to_nothing),
    };

    return cmocka_run_group_tests_name("conn_table", tests, NULL, NULL);
}
