/* SPDX-License-Identifier: Apache-2.0 */
/* hub_channel_test.c: the array of listeners keeps every place true while it grows, loses and
 * shrinks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/status.h"
#include "hub/hub_channel.h"

#define MANY 1000

static void places_are_true(const struct hub_channel *c)
{
    uint32_t i;

    for (i = 0; i < c->count; i++) {
        assert_int_equal(c->members[i].subscription->place, i);
        assert_ptr_equal(c->members[i].subscription->channel, c);
    }
}

static void a_new_channel_is_empty_and_has_its_name(void **state)
{
    struct hub_channel *c = hub_channel_new(VIEW("private:room-7"));

    (void)state;
    assert_non_null(c);
    assert_int_equal(c->count, 0);
    assert_true(view_eq(hub_channel_name(c), VIEW("private:room-7")));
    hub_channel_free(c);
    hub_channel_free(NULL);
}

static void the_first_member_needs_no_memory_of_its_own(void **state)
{
    struct hub_channel *c = hub_channel_new(VIEW("a"));
    struct hub_subscription subscription = {0};
    struct hub_subscriber subscriber = {0};

    (void)state;
    assert_non_null(c);
    assert_int_equal(hub_channel_add(c, &subscriber, &subscription), OK);
    assert_ptr_equal(c->members, &c->only);
    places_are_true(c);
    hub_channel_remove(c, &subscription);
    assert_int_equal(c->count, 0);
    hub_channel_free(c);
}

static void members_leave_in_any_order(void **state)
{
    static struct hub_subscription subscriptions[MANY];
    static struct hub_subscriber subscribers[MANY];
    struct hub_channel *c = hub_channel_new(VIEW("a"));
    uint32_t i;

    (void)state;
    assert_non_null(c);
    for (i = 0; i < MANY; i++) {
        assert_int_equal(hub_channel_add(c, &subscribers[i], &subscriptions[i]), OK);
        assert_int_equal(subscriptions[i].place, i);
    }
    assert_true(c->capacity >= MANY && c->capacity < 2 * MANY + 50);
    for (i = 0; i < MANY; i++) {
        uint32_t leaver = (i * 377) % MANY;

        hub_channel_remove(c, &subscriptions[leaver]);
        assert_int_equal(c->count, MANY - i - 1);
        places_are_true(c);
        assert_true(c->capacity <= 4 || c->count > c->capacity / 4);
    }
    assert_int_equal(c->capacity, 4);
    assert_int_equal(hub_channel_add(c, &subscribers[0], &subscriptions[0]), OK);
    places_are_true(c);
    hub_channel_free(c);
}

static void a_subscription_costs_what_the_room_promises(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct hub_subscription), 32);
    assert_int_equal(sizeof(struct hub_member), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_channel_is_empty_and_has_its_name),
        cmocka_unit_test(the_first_member_needs_no_memory_of_its_own),
        cmocka_unit_test(members_leave_in_any_order),
        cmocka_unit_test(a_subscription_costs_what_the_room_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
