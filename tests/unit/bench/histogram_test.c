/* SPDX-License-Identifier: Apache-2.0 */
/* The histogram against sorted durations: every percentile it answers is the true one or up to 0.8
 * % above it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "bench/histogram.h"

static struct histogram h;

static void nothing_added_is_all_zero(void **state)
{
    (void)state;
    histogram_clear(&h);
    assert_int_equal(histogram_at(&h, 0.5), 0);
    assert_int_equal(histogram_mean(&h), 0);
    assert_int_equal(h.max, 0);
}

static void small_durations_are_exact(void **state)
{
    (void)state;
    histogram_clear(&h);
    for (uint64_t ns = 1; ns <= 200; ns++)
        histogram_add(&h, ns);
    assert_int_equal(histogram_at(&h, 0.5), 100);
    assert_int_equal(histogram_at(&h, 0.99), 198);
    assert_int_equal(histogram_at(&h, 0.001), 1);
    assert_int_equal(histogram_at(&h, 0), 1);
    assert_int_equal(histogram_at(&h, 1), 200);
    assert_int_equal(histogram_mean(&h), 100);
}

static void every_power_of_two_has_its_own_bucket(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit <= HISTOGRAM_TOP_BIT; bit++) {
        uint64_t ns = (uint64_t)1 << bit;

        histogram_clear(&h);
        histogram_add(&h, ns);
        histogram_add(&h, UINT64_MAX / 2);
        assert_true(histogram_at(&h, 0.5) >= ns);
        assert_true((double)histogram_at(&h, 0.5) <= (double)ns * 1.008);
        if (ns > 1) {
            histogram_clear(&h);
            histogram_add(&h, ns - 1);
            histogram_add(&h, ns);
            assert_int_equal(histogram_at(&h, 0.5), ns - 1);
            assert_int_equal(histogram_at(&h, 1), ns);
        }
    }
}

static void what_is_too_long_counts_and_max_stays_exact(void **state)
{
    (void)state;
    histogram_clear(&h);
    histogram_add(&h, UINT64_MAX);
    histogram_add(&h, (uint64_t)1 << (HISTOGRAM_TOP_BIT + 1));
    assert_int_equal(h.count, 2);
    assert_true(h.max == UINT64_MAX);
    assert_true(histogram_at(&h, 0.5) == UINT64_MAX);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void percentiles_are_those_of_sorted_durations(void **state)
{
    static const double shares[] = {0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    static uint64_t all[20000];
    const size_t count = sizeof(all) / sizeof(all[0]);
    uint64_t seed = 42;

    (void)state;
    histogram_clear(&h);
    for (size_t i = 0; i < count; i++) {
        all[i] = (uint64_t)random_jitter(&seed, 1000000000) >> random_jitter(&seed, 28);
        histogram_add(&h, all[i]);
    }
    qsort(all, count, sizeof(all[0]), compare);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        uint64_t truth = all[(size_t)ceil(shares[i] * (double)count) - 1];
        uint64_t told = histogram_at(&h, shares[i]);

        assert_true(told >= truth);
        assert_true((double)told <= (double)truth * 1.008 + 1);
    }
}

static void two_histograms_are_one(void **state)
{
    static struct histogram other;

    (void)state;
    histogram_clear(&h);
    histogram_clear(&other);
    for (uint64_t ns = 1; ns <= 100; ns++)
        histogram_add(ns <= 50 ? &h : &other, ns);
    histogram_merge(&h, &other);
    assert_int_equal(h.count, 100);
    assert_int_equal(h.max, 100);
    assert_int_equal(histogram_at(&h, 0.5), 50);
    assert_int_equal(histogram_at(&h, 0.9), 90);
    assert_int_equal(histogram_mean(&h), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_added_is_all_zero),
        cmocka_unit_test(small_durations_are_exact),
        cmocka_unit_test(every_power_of_two_has_its_own_bucket),
        cmocka_unit_test(what_is_too_long_counts_and_max_stays_exact),
        cmocka_unit_test(two_histograms_are_one),
        cmocka_unit_test(percentiles_are_those_of_sorted_durations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
