/* SPDX-License-Identifier: Apache-2.0 */
/* roca_test.c: the fingerprint is found where it is and not where it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "crypto/roca.h"

static void powers_of_65537_carry_the_fingerprint(void **state)
{
    /* 1, 65537, 65537^2, 65537^3: a power as a number is one modulo every prime. */
    static const uint8_t powers[][7] = {
        {0, 0, 0, 0, 0, 0, 1},
        {0, 0, 0, 0, 1, 0, 1},
        {0, 0, 1, 0, 2, 0, 1},
        {1, 0, 3, 0, 3, 0, 1},
    };

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_true(roca_has_fingerprint(view_of(powers[i], sizeof(powers[i]))));
    assert_false(roca_has_fingerprint(VIEW("\x01\x00\x03\x00\x03\x00\x03")));
}

static void multiples_of_a_small_prime_do_not(void **state)
{
    (void)state;
    assert_false(roca_has_fingerprint(VIEW("\x00")));
    assert_false(roca_has_fingerprint(VIEW("\xa7"))); /* 167, the last of the primes */
}

/* One in 2^27 would have it by chance. */
static void random_numbers_do_not(void **state)
{
    uint8_t number[256];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        random_bytes(number, sizeof(number));
        assert_false(roca_has_fingerprint(view_of(number, sizeof(number))));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_65537_carry_the_fingerprint),
        cmocka_unit_test(multiples_of_a_small_prime_do_not),
        cmocka_unit_test(random_numbers_do_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
