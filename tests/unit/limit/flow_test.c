/* SPDX-License-Identifier: Apache-2.0 */
/* flow_test.c: a burst passes, the byte behind it waits, and over a long time the rate is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limit/flow.h"

#define S     UINT64_C(1000000000)
#define START (1000 * S)

static void a_burst_passes_and_the_byte_behind_it_waits(void **state)
{
    struct flow_limit limit = flow_limit_make(1000, 5000);
    struct flow f = {0};

    (void)state;
    assert_int_equal(flow_charge(&f, &limit, 5000, START), 0);
    assert_int_equal(flow_charge(&f, &limit, 1, START), 1);
    assert_int_equal(flow_charge(&f, &limit, 999, START), 1000);
    assert_int_equal(flow_charge(&f, &limit, 0, START + S), 0);
    assert_int_equal(flow_charge(&f, &limit, 1000, START + 2 * S), 0);
    assert_int_equal(flow_charge(&f, &limit, 5001, START + 100 * S), 1);
}

static void without_a_limit_nothing_waits(void **state)
{
    struct flow_limit limit = flow_limit_make(0, 0);
    struct flow f = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(flow_charge(&f, &limit, SIZE_MAX, START), 0);
}

/* Who obeys gets per_second to within a percent, whatever the pieces are. */
static void over_a_minute_the_rate_is_kept(void **state)
{
    static const uint64_t rates[] = {1024, 65536, 10000000, UINT64_C(1) << 40};
    static const size_t pieces[] = {1, 100, 4096, 262144};

    (void)state;
    for (size_t r = 0; r < 4; r++) {
        for (size_t p = 0; p < 4; p++) {
            struct flow_limit limit = flow_limit_make(rates[r], rates[r]);
            struct flow f = {0};
            uint64_t now = START, bytes = 0;
            unsigned turns = 0;
            while (now < START + 60 * S && turns++ < 2000000) {
                now += flow_charge(&f, &limit, pieces[p], now) * 1000000;
                bytes += pieces[p];
            }
            if (turns >= 2000000)
                continue; /* so fast that it never waited in that many pieces */
            assert_true(bytes <= rates[r] * 61 + rates[r] * 61 / 100 + 2 * pieces[p]);
            assert_true(bytes >= rates[r] * 60 - rates[r] * 60 / 100);
        }
    }
}

static void no_sum_stops_it_for_good(void **state)
{
    static const uint64_t rates[] = {1, 1024, UINT64_C(1) << 40, UINT64_MAX};
    struct flow f = {0};

    (void)state;
    for (size_t r = 0; r < 4; r++) {
        struct flow_limit limit = flow_limit_make(rates[r], 1);
        for (int i = 0; i < 10; i++)
            assert_true(flow_charge(&f, &limit, SIZE_MAX, START) <= FLOW_WAIT_MAX_MS);
        f = (struct flow){0};
    }
}

/* A dry run takes everything and tells each time what a wait would have been due for. */
static void what_is_forgiven_leaves_what_a_wait_would_have(void **state)
{
    struct flow_limit limit = flow_limit_make(1024, 4096);
    struct flow waits = {0}, forgiven = {0};

    (void)state;
    assert_int_equal(flow_charge(&waits, &limit, 8192, START), 4000);
    assert_int_equal(flow_charge(&forgiven, &limit, 8192, START), 4000);
    flow_forgive(&forgiven, &limit, START);
    assert_int_equal(flow_charge(&waits, &limit, 1024, START + 4 * S), 1000);
    assert_int_equal(flow_charge(&forgiven, &limit, 1024, START), 1000);
    forgiven = (struct flow){0};
    assert_int_equal(flow_charge(&forgiven, &limit, 1024, START), 0);
    flow_forgive(&forgiven, &limit, START); /* nothing was owed */
    assert_int_equal(flow_charge(&forgiven, &limit, 3072, START), 0);
    assert_int_equal(flow_charge(&forgiven, &limit, 1, START), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_passes_and_the_byte_behind_it_waits),
        cmocka_unit_test(without_a_limit_nothing_waits),
        cmocka_unit_test(over_a_minute_the_rate_is_kept),
        cmocka_unit_test(no_sum_stops_it_for_good),
        cmocka_unit_test(what_is_forgiven_leaves_what_a_wait_would_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
