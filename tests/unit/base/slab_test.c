/* SPDX-License-Identifier: Apache-2.0 */
/* slab_test.c: every item is its taker's alone, comes zeroed and aligned, and pages that nobody
 * uses are given back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/slab.h"

#define ITEMS 3000

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static void items_are_apart_zeroed_and_aligned(void **state)
{
    static const size_t sizes[] = {8, 24, 32, 100, 384, 4096, SLAB_ITEM_MAX};
    static uint8_t *taken[ITEMS];

    (void)state;
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        struct slab_pool pool;

        slab_pool_init(&pool, sizes[k]);
        for (size_t i = 0; i < ITEMS; i++) {
            taken[i] = slab_take(&pool);
            assert_non_null(taken[i]);
            assert_int_equal((uintptr_t)taken[i] % (sizes[k] % 64 == 0 ? 64 : 8), 0);
            assert_true(is_zero(taken[i], sizes[k]));
            memset(taken[i], (int)(i % 255 + 1), sizes[k]);
        }
        for (size_t i = 0; i < ITEMS; i++) {
            for (size_t at = 0; at < sizes[k]; at++)
                assert_int_equal(taken[i][at], i % 255 + 1);
        }
        for (size_t i = 0; i < ITEMS; i++)
            slab_give(&pool, taken[i]);
        slab_pool_clear(&pool);
    }
}

static void what_is_given_back_comes_again_and_clean(void **state)
{
    struct slab_pool pool;
    uint8_t *first, *again;

    (void)state;
    slab_pool_init(&pool, 384);
    first = slab_take(&pool);
    memset(first, 7, 384);
    slab_give(&pool, first);
    slab_give(&pool, NULL);
    again = slab_take(&pool);
    assert_ptr_equal(again, first);
    assert_true(is_zero(again, 384));
    slab_give(&pool, again);
    assert_int_equal(pool.slabs, 1);
    slab_pool_clear(&pool);
    assert_int_equal(pool.slabs, 0);
    slab_give(&pool, slab_take(&pool));
    slab_pool_clear(&pool);
}

/* A peak leaves one empty slab at most, whatever the order in which its items go. */
static void pages_go_back_after_a_peak(void **state)
{
    static void *taken[ITEMS];
    static const size_t steps[] = {1, 7, ITEMS - 2};

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct slab_pool pool;
        size_t peak;

        slab_pool_init(&pool, 384);
        for (size_t i = 0; i < ITEMS; i++)
            taken[i] = slab_take(&pool);
        peak = pool.slabs;
        assert_int_equal(peak, (ITEMS + 169) / 170);
        for (size_t i = 1; i < ITEMS; i++) /* all but taken[0] */
            slab_give(&pool, taken[1 + (i - 1) * steps[k] % (ITEMS - 1)]);
        assert_in_range(pool.slabs, 1, 2);
        assert_int_equal(pool.empty, pool.slabs - 1);
        slab_give(&pool, taken[0]);
        assert_int_equal(pool.slabs, 1);
        slab_pool_clear(&pool);
    }
}

/* Room that came back is used before new pages are asked for. */
static void holes_are_filled_first(void **state)
{
    static void *taken[ITEMS];
    struct slab_pool pool;
    size_t slabs;

    (void)state;
    slab_pool_init(&pool, 384);
    for (size_t i = 0; i < ITEMS; i++)
        taken[i] = slab_take(&pool);
    slabs = pool.slabs;
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < ITEMS; i += 3)
            slab_give(&pool, taken[i]);
        for (size_t i = 0; i < ITEMS; i += 3)
            taken[i] = slab_take(&pool);
        assert_int_equal(pool.slabs, slabs);
    }
    for (size_t i = 0; i < ITEMS; i++)
        slab_give(&pool, taken[i]);
    slab_pool_clear(&pool);
}

static void an_item_costs_little_more_than_its_size(void **state)
{
    (void)state;
    assert_int_equal(slab_item_cost(384), 386);
    assert_int_equal(slab_item_cost(24), 25);
    for (size_t bytes = 8; bytes <= 1024; bytes += 8)
        assert_in_range(slab_item_cost(bytes), bytes, bytes + bytes / 50 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_apart_zeroed_and_aligned),
        cmocka_unit_test(what_is_given_back_comes_again_and_clean),
        cmocka_unit_test(pages_go_back_after_a_peak),
        cmocka_unit_test(holes_are_filled_first),
        cmocka_unit_test(an_item_costs_little_more_than_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
