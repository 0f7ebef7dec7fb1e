/* SPDX-License-Identifier: Apache-2.0 */
/* rate_test.c: exact at the limit and one past it, equal to a log of everything that passed, and
 * exact between threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/random.h"
#include "limit/rate.h"

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)

static void sixty_a_minute_is_exact(void **state)
{
    struct rate_limit limit = rate_limit_make(60, 60000, 60);
    struct rate r = {0};
    uint64_t now = 12345 * SECOND + 678;

    (void)state;
    assert_true(limit.interval_ns == SECOND);
    for (int i = 0; i < 60; i++)
        assert_true(rate_take(&r, &limit, now));
    assert_false(rate_take(&r, &limit, now));
    assert_false(rate_allows(&r, &limit, now));
    assert_int_equal(rate_wait_ms(&r, &limit, now), 1000);
    assert_false(rate_take(&r, &limit, now + SECOND - 1));
    assert_int_equal(rate_wait_ms(&r, &limit, now + SECOND - 1), 1);
    assert_true(rate_allows(&r, &limit, now + SECOND));
    assert_int_equal(rate_wait_ms(&r, &limit, now + SECOND), 0);
    assert_true(rate_take(&r, &limit, now + SECOND));
    assert_false(rate_take(&r, &limit, now + SECOND));
    /* A minute after the last event everything is there again, and no more than that. */
    for (int i = 0; i < 60; i++)
        assert_true(rate_take(&r, &limit, now + SECOND + MINUTE));
    assert_false(rate_take(&r, &limit, now + SECOND + MINUTE));
}

static void burst_is_exact_for_many_limits(void **state)
{
    static const uint64_t counts[] = {1, 2, 3, 7, 60, 1000, 999999937, 1000000000};
    static const uint64_t bursts[] = {1, 2, 10, 5000};

    (void)state;
    for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
        for (size_t b = 0; b < sizeof(bursts) / sizeof(*bursts); b++) {
            struct rate_limit limit = rate_limit_make(counts[c], 60000, bursts[b]);
            struct rate r = {0};

            for (uint64_t i = 0; i < bursts[b]; i++)
                assert_true(rate_take(&r, &limit, MINUTE));
            assert_false(rate_take(&r, &limit, MINUTE));
            assert_false(rate_take(&r, &limit, MINUTE + limit.interval_ns - 1));
            assert_true(rate_take(&r, &limit, MINUTE + limit.interval_ns));
        }
    }
}

static void extremes_do_not_overflow(void **state)
{
    static const uint64_t values[] = {1, 60, 1000000000, UINT64_C(1) << 40, UINT64_MAX};
    const size_t n = sizeof(values) / sizeof(*values);

    (void)state;
    for (size_t i = 0; i < n * n * n; i++) {
        struct rate_limit limit =
            rate_limit_make(values[i % n], values[i / n % n], values[i / n / n]);
        uint64_t now = UINT64_C(1) << 61; /* 73 years after boot */
        struct rate r = {0};

        assert_true(limit.interval_ns > 0 && limit.interval_ns <= UINT64_C(1) << 62);
        assert_true(limit.tolerance_ns <= UINT64_C(1) << 62);
        for (int k = 0; k < 4 && rate_allows(&r, &limit, now); k++) {
            uint64_t before = r.arrival_ns;

            assert_true(rate_take(&r, &limit, now));
            assert_true(r.arrival_ns > now && r.arrival_ns > before);
        }
        assert_true(rate_wait_ms(&r, &limit, now) <= RATE_WAIT_MAX_MS);
    }
    assert_true(rate_limit_make(1000000000, 60000, 1).interval_ns == 60);
    assert_true(rate_limit_make(7, 1000, 1).interval_ns == 142857143);
}

static void nothing_allowed_means_nothing(void **state)
{
    struct rate_limit none[] = {rate_limit_make(0, 60000, 60), rate_limit_make(60, 60000, 0)};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rate_shared s = {0};
        struct rate r = {0};

        assert_false(rate_take(&r, &none[i], MINUTE));
        assert_false(rate_allows(&r, &none[i], UINT64_C(1) << 61));
        assert_int_equal(rate_wait_ms(&r, &none[i], MINUTE), RATE_WAIT_MAX_MS);
        assert_false(rate_shared_take(&s, &none[i], MINUTE));
        assert_int_equal(r.arrival_ns, 0);
    }
}

static void a_refusal_takes_nothing(void **state)
{
    struct rate_limit limit = rate_limit_make(1, 1000, 1);
    struct rate r = {0};

    (void)state;
    assert_true(rate_take(&r, &limit, SECOND));
    for (uint64_t i = 0; i < 1000; i++)
        assert_false(rate_take(&r, &limit, SECOND + i * 999999));
    assert_true(rate_take(&r, &limit, 2 * SECOND));
}

static void time_may_stand_or_step_back(void **state)
{
    struct rate_limit limit = rate_limit_make(10, 1000, 2);
    struct rate r = {0};

    (void)state;
    assert_true(rate_take(&r, &limit, 0));
    assert_true(rate_take(&r, &limit, 0));
    assert_false(rate_take(&r, &limit, 0));
    assert_true(rate_take(&r, &limit, 10 * SECOND));
    /* Another worker's clock reading may be older: it is stricter then, never looser. */
    assert_false(rate_take(&r, &limit, 9 * SECOND));
    assert_true(rate_take(&r, &limit, 10 * SECOND));
    assert_false(rate_take(&r, &limit, 10 * SECOND));
}

/* The log says what a limit means: an event fits unless, together with the events since some
 * earlier one, it would be more than `burst` plus one for each interval since then. */
static bool log_allows(const uint64_t *log, size_t count, const struct rate_limit *limit,
                       uint64_t burst, uint64_t now)
{
    for (size_t i = 0; i < count; i++) {
        if (count - i + 1 > burst + (now - log[i]) / limit->interval_ns)
            return false;
    }
    return true;
}

static void agrees_with_a_log_of_everything(void **state)
{
    uint64_t seed = random_u64();

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 300; round++) {
        uint64_t count = 1 + random_jitter(&seed, round % 2 ? 10 : 5000);
        uint64_t period_ms = 1 + random_jitter(&seed, 5000);
        uint64_t burst = 1 + random_jitter(&seed, 20);
        struct rate_limit limit = rate_limit_make(count, period_ms, burst);
        uint64_t now = random_jitter(&seed, 1000), log[400];
        struct rate_shared shared = {0};
        struct rate r = {0};
        size_t passed = 0;

        for (int i = 0; i < 400; i++) {
            bool expected = log_allows(log, passed, &limit, burst, now);
            uint64_t wait = rate_wait_ms(&r, &limit, now);

            assert_int_equal(rate_allows(&r, &limit, now), expected);
            assert_int_equal(wait == 0, expected);
            assert_true(rate_allows(&r, &limit, now + wait * 1000000));
            assert_true(wait == 0 || !rate_allows(&r, &limit, now + (wait - 1) * 1000000));
            assert_int_equal(rate_shared_allows(&shared, &limit, now), expected);
            assert_int_equal(rate_shared_wait_ms(&shared, &limit, now), wait);
            assert_int_equal(rate_take(&r, &limit, now), expected);
            assert_int_equal(rate_shared_take(&shared, &limit, now), expected);
            if (expected)
                log[passed++] = now;
            now += random_jitter(&seed, 4) == 0
                       ? random_jitter(&seed, (uint32_t)(2 * burst)) * limit.interval_ns
                       : random_jitter(&seed, 1000) * limit.interval_ns / 1000;
        }
        assert_true(passed >= burst);
    }
}

struct race {
    struct rate_shared rate;
    struct rate_limit limit;
    atomic_uint passed;
};

static void *take_many(void *shared)
{
    struct race *race = shared;

    for (int i = 0; i < 20000; i++) {
        if (rate_shared_take(&race->rate, &race->limit, MINUTE))
            atomic_fetch_add(&race->passed, 1);
    }
    return NULL;
}

static void threads_together_take_exactly_the_burst(void **state)
{
    struct race race = {{0}, rate_limit_make(60, 60000, 5000), 0};
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &race), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&race.passed), 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_a_minute_is_exact),
        cmocka_unit_test(burst_is_exact_for_many_limits),
        cmocka_unit_test(extremes_do_not_overflow),
        cmocka_unit_test(nothing_allowed_means_nothing),
        cmocka_unit_test(a_refusal_takes_nothing),
        cmocka_unit_test(time_may_stand_or_step_back),
        cmocka_unit_test(agrees_with_a_log_of_everything),
        cmocka_unit_test(threads_together_take_exactly_the_burst),
    };

    return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
