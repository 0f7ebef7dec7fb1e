/* SPDX-License-Identifier: Apache-2.0 */
/* ip_prefix.h: the address a limit is counted by: IPv4 whole, IPv6 by /64, v4-mapped IPv6 as IPv4.
 * Pure. */
#ifndef LIMIT_IP_PREFIX_H
#define LIMIT_IP_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"

struct ip_prefix {
    uint64_t key; /* unique per prefix and family */
    uint8_t family;
};
struct ip_prefix ip_prefix_of(const struct ip_address *address);
bool ip_prefix_eq(struct ip_prefix a, struct ip_prefix b);

#endif
