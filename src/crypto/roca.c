/* SPDX-License-Identifier: Apache-2.0 */
/* roca.c: the fingerprint of "The Return of Coppersmith's Attack" (Nemec et al., CCS 2017). The
 * broken library made its primes as k * M + (65537^a mod M), M being a product of small primes. So
 * modulo each small prime the modulus is a power of 65537, which a random number is for all of them
 * at once only with a probability of about 2^-27. */
#include "crypto/roca.h"

#include <stddef.h>
#include <stdint.h>

/* The odd primes in the M of the shortest keys, so in every M. Those modulo which 65537 makes every
 * residue tell only that the modulus has no such factor. */
static const uint8_t primes[] = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                 47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

static unsigned remainder_of(struct view number, unsigned prime)
{
    unsigned rest = 0;

    for (size_t i = 0; i < number.len; i++)
        rest = (rest << 8 | (uint8_t)number.ptr[i]) % prime;
    return rest;
}

static bool is_power_of_65537(unsigned value, unsigned prime)
{
    unsigned power = 1;

    do {
        if (power == value)
            return true;
        power = power * (65537 % prime) % prime;
    } while (power != 1);
    return false;
}

bool roca_has_fingerprint(struct view modulus)
{
    for (size_t i = 0; i < sizeof(primes); i++) {
        if (!is_power_of_65537(remainder_of(modulus, primes[i]), primes[i]))
            return false;
    }
    return true;
}
