/* SPDX-License-Identifier: Apache-2.0 */
/* ip.h: an address without sockets. Pure. */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

struct ip_address {
    uint8_t bytes[16]; /* network order; IPv4 in the first 4 */
    uint8_t family;    /* 4, 6, or 0 for a Unix socket */
};
/* "192.0.2.1" or RFC 5952 form; out holds IP_TEXT_BYTES. A Unix socket is "unix". */
#define IP_TEXT_BYTES 46
void ip_address_text(const struct ip_address *address, char *out);
/* Strict dotted quad (no leading zeros) or IPv6 without zone and brackets. */
bool ip_address_parse(struct ip_address *out, struct view text);
/* 127/8, ::1, v4-mapped 127/8; a Unix socket counts. */
bool ip_address_is_loopback(const struct ip_address *address);

#endif
