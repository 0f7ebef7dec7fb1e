/* SPDX-License-Identifier: Apache-2.0 */
/* random_test.c: bytes are filled to the last one, and jitter stays in its bounds and spreads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "three_ways.h"

static void fills_every_byte_and_no_more(void **state)
{
    uint8_t zeros[40] = {0}, seen[40] = {0};

    (void)state;
    for (int round = 0; round < 64; round++) {
        struct guarded g = guarded_copy(zeros, sizeof(zeros));

        random_bytes(g.data, sizeof(zeros));
        for (size_t i = 0; i < sizeof(seen); i++)
            seen[i] |= g.data[i];
        guarded_free(&g);
    }
    /* A byte that is 0 in 64 draws happens once in 2^512. */
    for (size_t i = 0; i < sizeof(seen); i++)
        assert_int_not_equal(seen[i], 0);
    random_bytes(NULL, 0);
}

static void large_requests_are_filled(void **state)
{
    size_t len = 100000;
    uint8_t *bytes = calloc(1, len);
    size_t zeros = 0;

    (void)state;
    random_bytes(bytes, len);
    for (size_t i = 0; i < len; i++)
        zeros += bytes[i] == 0;
    assert_true(zeros > 200 && zeros < 700);
    free(bytes);
}

static void numbers_differ(void **state)
{
    (void)state;
    assert_true(random_u64() != random_u64());
}

static void jitter_is_below_and_spread(void **state)
{
    unsigned seen[10] = {0};
    uint64_t seed = 1, other = 2, same = 1;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint32_t value = random_jitter(&seed, 10);

        assert_true(value < 10);
        seen[value]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 9500, 10500);
    assert_int_equal(random_jitter(&seed, 0), 0);
    assert_int_equal(random_jitter(&seed, 1), 0);
    seed = 1;
    assert_int_equal(random_jitter(&seed, UINT32_MAX), random_jitter(&same, UINT32_MAX));
    assert_int_not_equal(random_jitter(&seed, UINT32_MAX), random_jitter(&other, UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_every_byte_and_no_more),
        cmocka_unit_test(large_requests_are_filled),
        cmocka_unit_test(numbers_differ),
        cmocka_unit_test(jitter_is_below_and_spread),
    };

    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
