/* SPDX-License-Identifier: Apache-2.0 */
/* siphash_test.c: the published vectors of SipHash-2-4 (key 00..0f, message 00, 01, 02, ...). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "three_ways.h"

static void vectors_of_the_paper(void **state)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } cases[] = {
        {0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd},  {2, 0x0d6c8009d9a94f5a},
        {3, 0x85676696d7fb7e2d},  {7, 0xab0200f58b01d137},  {8, 0x93f5f5799a932462},
        {9, 0x9e0082df0ba9e4b0},  {15, 0xa129ca6149be45e5}, {16, 0x3f2acc7f57c29bdb},
        {31, 0x32d892fad841c342}, {63, 0x958a324ceb064572},
    };
    const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t message[64];

    (void)state;
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct guarded g = guarded_copy(message, cases[i].len);

        assert_true(siphash(key, g.data, cases[i].len) == cases[i].hash);
        guarded_free(&g);
    }
}

static void key_matters_and_nothing_can_be_hashed(void **state)
{
    const uint64_t a[2] = {1, 2}, b[2] = {1, 3};

    (void)state;
    assert_true(siphash(a, "x", 1) != siphash(b, "x", 1));
    assert_true(siphash(a, NULL, 0) != siphash(b, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_paper),
        cmocka_unit_test(key_matters_and_nothing_can_be_hashed),
    };

    return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
