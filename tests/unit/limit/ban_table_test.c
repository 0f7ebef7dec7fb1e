/* SPDX-License-Identifier: Apache-2.0 */
/* ban_table_test.c: the failure that bans and the one before it, growth and its end, lifting, and
 * more addresses than there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/status.h"
#include "limit/ban_table.h"

#define S      ((uint64_t)1000000000)
#define MINUTE (60 * S)
#define START  (1000 * MINUTE)

static const struct ban_limits usual = {10, MINUTE, MINUTE, 60 * MINUTE};

static struct ban_table *table(const struct ban_limits *limits)
{
    struct ban_table *t;

    assert_int_equal(ban_table_new(&t, limits), OK);
    return t;
}

static struct ip_address ip(const char *text)
{
    struct ip_address a;

    assert_true(ip_address_parse(&a, view_of_text(text)));
    return a;
}

/* Fails until banned; how many failures it took. */
static unsigned fail_until_banned(struct ban_table *t, const struct ip_address *a, uint64_t now,
                                  struct ban *ban)
{
    for (unsigned i = 1; i < 100; i++) {
        if (ban_table_fail(t, a, now, ban))
            return i;
        assert_int_equal(ban_table_left_ns(t, a, now), 0);
    }
    return 0;
}

static void the_tenth_failure_bans_for_a_minute(void **state)
{
    struct ban_table *t = table(&usual);
    struct ip_address a = ip("192.0.2.1"), b = ip("192.0.2.2");
    struct ban ban;

    (void)state;
    assert_int_equal(fail_until_banned(t, &a, START, &ban), 10);
    assert_true(ban.left_ns == MINUTE && ban.times == 1);
    assert_true(ban_table_left_ns(t, &a, START) == MINUTE);
    assert_true(ban_table_left_ns(t, &a, START + MINUTE - 1) == 1);
    assert_int_equal(ban_table_left_ns(t, &a, START + MINUTE), 0);
    assert_int_equal(ban_table_left_ns(t, &b, START), 0);
    assert_false(ban_table_fail(t, &a, START + 1, &ban)); /* no longer by what was under way */
    assert_true(ban_table_left_ns(t, &a, START) == MINUTE);
    ban_table_free(t);
}

static void slow_failures_do_not_ban(void **state)
{
    struct ban_table *t = table(&usual);
    struct ip_address a = ip("192.0.2.1");
    struct ban ban;

    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        assert_false(ban_table_fail(t, &a, START + i * 6 * S, &ban));
    ban_table_free(t);
}

static void bans_grow_to_the_longest_and_are_forgotten_after_as_long(void **state)
{
    static const uint64_t minutes[] = {1, 2, 4, 8, 16, 32, 60, 60};
    struct ban_table *t = table(&usual);
    struct ip_address a = ip("2001:db8::1"), same = ip("2001:db8::ffff"), b = ip("2001:db8:0:1::");
    uint64_t now = START;
    struct ban ban;

    (void)state;
    for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
        assert_int_equal(fail_until_banned(t, i % 2 == 0 ? &a : &same, now, &ban), 10);
        assert_true(ban.left_ns == minutes[i] * MINUTE && ban.times == i + 1);
        assert_true(ban_table_left_ns(t, &same, now) == ban.left_ns);
        assert_int_equal(ban_table_left_ns(t, &b, now), 0);
        now += ban.left_ns;
    }
    now += 60 * MINUTE; /* a whole hour of peace */
    assert_int_equal(fail_until_banned(t, &a, now, &ban), 10);
    assert_true(ban.left_ns == MINUTE && ban.times == 1);
    ban_table_free(t);
}

static void one_failure_can_be_enough(void **state)
{
    static const struct ban_limits strict = {1, MINUTE, 5 * MINUTE, 5 * MINUTE};
    struct ban_table *t = table(&strict);
    struct ip_address a = ip("192.0.2.1"), unix_peer = {{0}, 0};
    struct ban ban;

    (void)state;
    assert_int_equal(fail_until_banned(t, &a, START, &ban), 1);
    assert_true(ban.left_ns == 5 * MINUTE);
    assert_int_equal(fail_until_banned(t, &unix_peer, START, &ban), 0);
    ban_table_free(t);
}

static void a_ban_is_listed_and_lifted(void **state)
{
    struct ban_table *t = table(&usual);
    struct ip_address a = ip("192.0.2.1"), b = ip("2001:db8::1"), c = ip("192.0.2.3");
    struct ban ban, list[4];

    (void)state;
    assert_int_equal(ban_table_list(t, START, list, 4), 0);
    (void)fail_until_banned(t, &a, START, &ban);
    (void)fail_until_banned(t, &b, START, &ban);
    (void)ban_table_fail(t, &c, START, &ban);
    assert_int_equal(ban_table_list(t, START, list, 1), 2);
    assert_int_equal(ban_table_list(t, START, list, 4), 2);
    assert_true(list[0].left_ns == MINUTE && list[1].left_ns == MINUTE);
    assert_int_not_equal(list[0].address.family, list[1].address.family);
    assert_true(ban_table_lift(t, &a, START));
    assert_false(ban_table_lift(t, &a, START));
    assert_false(ban_table_lift(t, &c, START));
    assert_int_equal(ban_table_left_ns(t, &a, START), 0);
    assert_int_equal(ban_table_list(t, START, list, 4), 1);
    assert_int_equal(fail_until_banned(t, &a, START, &ban), 10);
    assert_int_equal(ban.times, 1); /* forgotten altogether */
    ban_table_free(t);
}

static void a_ban_may_be_ordered(void **state)
{
    struct ban_table *t = table(&usual);
    struct ip_address a = ip("192.0.2.1"), b = ip("2001:db8::1"), c = ip("2001:db8::2"),
                      none = {{0}, 0};
    struct ban ban;

    (void)state;
    assert_true(ban_table_put(t, &a, 7 * MINUTE, START));
    assert_int_equal(ban_table_left_ns(t, &a, START), 7 * MINUTE);
    assert_true(ban_table_put(t, &a, 2 * MINUTE, START + MINUTE)); /* shorter than before */
    assert_int_equal(ban_table_left_ns(t, &a, START + MINUTE), 2 * MINUTE);
    assert_false(ban_table_fail(t, &a, START + MINUTE, &ban));
    assert_int_equal(ban_table_list(t, START + MINUTE, &ban, 1), 1);
    assert_int_equal(ban.times, 1);
    assert_true(ban_table_put(t, &b, MINUTE, START));
    assert_int_equal(ban_table_left_ns(t, &c, START), MINUTE); /* of the same /64 */
    assert_true(ban_table_lift(t, &c, START));
    assert_int_equal(ban_table_left_ns(t, &b, START), 0);
    assert_false(ban_table_put(t, &none, MINUTE, START));
    ban_table_free(t);
}

/* A million addresses that fail once push out failures, but no ban. */
static void a_crowd_does_not_lift_bans(void **state)
{
    struct ban_table *t = table(&usual);
    struct ban ban, list[1];
    struct ip_address a = ip("10.0.0.0");

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        a.bytes[2] = (uint8_t)(i >> 8);
        a.bytes[3] = (uint8_t)i;
        assert_int_equal(fail_until_banned(t, &a, START, &ban), 10);
    }
    a = ip("11.0.0.0");
    for (uint32_t i = 0; i < 1000000; i++) {
        a.bytes[1] = (uint8_t)(i >> 16);
        a.bytes[2] = (uint8_t)(i >> 8);
        a.bytes[3] = (uint8_t)i;
        (void)ban_table_fail(t, &a, START + 1, &ban);
    }
    assert_int_equal(ban_table_list(t, START + 1, list, 1), 1000);
    ban_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tenth_failure_bans_for_a_minute),
        cmocka_unit_test(slow_failures_do_not_ban),
        cmocka_unit_test(bans_grow_to_the_longest_and_are_forgotten_after_as_long),
        cmocka_unit_test(one_failure_can_be_enough),
        cmocka_unit_test(a_ban_is_listed_and_lifted),
        cmocka_unit_test(a_ban_may_be_ordered),
        cmocka_unit_test(a_crowd_does_not_lift_bans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
