/* SPDX-License-Identifier: Apache-2.0 */
/* ip_prefix.h: the address a limit is counted by: IPv4 whole, IPv6 by /64, v4-mapped IPv6 as IPv4. Pure. */
#ifndef LIMIT_IP_PREFIX_H
#define LIMIT_IP_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

/* base/ must not know sockets, so the caller passes raw address bytes (network order). */
struct ip_address {
    uint8_t bytes[16]; /* IPv4 in the first 4 */
    uint8_t family;    /* 4, 6, or 0 for a Unix socket */
};
struct ip_prefix {
    uint64_t key; /* unique per prefix and family */
    uint8_t family;
};
struct ip_prefix ip_prefix_of(const struct ip_address *address);
bool ip_prefix_eq(struct ip_prefix a, struct ip_prefix b);
/* "192.0.2.1" or RFC 5952 form; out holds IP_TEXT_BYTES. A Unix socket is "unix". */
#define IP_TEXT_BYTES 46
void ip_address_text(const struct ip_address *address, char *out);

#endif
