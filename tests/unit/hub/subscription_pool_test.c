/* SPDX-License-Identifier: Apache-2.0 */
/* subscription_pool_test.c: every subscription is handed out once, cleared, and reused before new
 * memory is asked for. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "hub/subscription_pool.h"

static void taken_ones_are_distinct_and_clean(void **state)
{
    static struct hub_subscription *taken[1000];
    struct subscription_pool pool = {NULL, NULL};
    uint32_t i;

    (void)state;
    for (i = 0; i < 1000; i++) {
        taken[i] = subscription_pool_take(&pool);
        assert_non_null(taken[i]);
        assert_null(taken[i]->channel);
        assert_null(taken[i]->next);
        assert_int_equal(taken[i]->place, 0);
        taken[i]->place = i + 1;
    }
    for (i = 0; i < 1000; i++)
        assert_int_equal(taken[i]->place, i + 1);
    subscription_pool_clear(&pool);
}

static void what_is_given_back_is_taken_next(void **state)
{
    struct subscription_pool pool = {NULL, NULL};
    struct hub_subscription *a = subscription_pool_take(&pool), *b = subscription_pool_take(&pool);
    struct subscription_slab *slabs = pool.slabs;
    int i;

    (void)state;
    assert_ptr_not_equal(a, b);
    b->place = 9;
    for (i = 0; i < 10000; i++) {
        subscription_pool_give(&pool, b);
        assert_ptr_equal(subscription_pool_take(&pool), b);
        assert_int_equal(b->place, 0);
    }
    assert_ptr_equal(pool.slabs, slabs);
    subscription_pool_clear(&pool);
    assert_null(pool.unused);
    subscription_pool_clear(&pool);
}

static void a_subscription_costs_what_the_room_promises(void **state)
{
    (void)state;
    assert_true(sizeof(struct hub_subscription) + sizeof(struct hub_member) <= 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_ones_are_distinct_and_clean),
        cmocka_unit_test(what_is_given_back_is_taken_next),
        cmocka_unit_test(a_subscription_costs_what_the_room_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
