/* SPDX-License-Identifier: Apache-2.0 */
/* ip_prefix.c: an IPv6 customer gets a /64 at least, so counting whole addresses would give
 * everyone 2^64 fresh limits. A v4-mapped address is the IPv4 client it stands for, not a way to be
 * two. */
#include "limit/ip_prefix.h"

#include <string.h>

static uint64_t number(const uint8_t *bytes, int len)
{
    uint64_t value = 0;

    for (int i = 0; i < len; i++)
        value = value << 8 | bytes[i];
    return value;
}

struct ip_prefix ip_prefix_of(const struct ip_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (address->family == 4)
        return (struct ip_prefix){number(address->bytes, 4), 4};
    if (address->family != 6)
        return (struct ip_prefix){0, 0};
    if (memcmp(address->bytes, mapped, sizeof(mapped)) == 0)
        return (struct ip_prefix){number(address->bytes + 12, 4), 4};
    return (struct ip_prefix){number(address->bytes, 8), 6};
}

bool ip_prefix_eq(struct ip_prefix a, struct ip_prefix b)
{
    return a.key == b.key && a.family == b.family;
}
