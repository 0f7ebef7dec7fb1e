/* SPDX-License-Identifier: Apache-2.0 */
/* ip_net.h: networks in CIDR notation, and whether an address is in one of them. IPv4 inside IPv6
 * (::ffff:192.0.2.1) counts as the IPv4 address that it is. Pure. */
#ifndef BASE_IP_NET_H
#define BASE_IP_NET_H

#include <stddef.h>

#include "base/ip.h"

struct ip_net {
    struct ip_address start; /* family 0: the peers of Unix sockets */
    uint8_t bits;
};
struct ip_nets {
    struct ip_net *list; /* on the heap of malloc, or NULL */
    size_t count;
};

/* "10.0.0.0/8", "2001:db8::/32", one address, or "unix". False where it is none of these; bits
 * behind the prefix must be 0, so that a slip of the pen does not name another network. */
bool ip_net_parse(struct ip_net *out, struct view text);
bool ip_net_has(const struct ip_net *net, const struct ip_address *address);
bool ip_nets_have(const struct ip_nets *nets, const struct ip_address *address);

#endif
