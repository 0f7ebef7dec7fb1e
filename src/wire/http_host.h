/* SPDX-License-Identifier: Apache-2.0 */
/* http_host.h: the grammar of Host and authority. Pure.
 *
 *   text  = name [ ":" port ]
 *   name  = label *( "." label )     at most 253 bytes
 *         | dotted-quad              four numbers 0..255 without leading zeros
 *         | "[" ipv6 "]"             without zone
 *   label = 1*63( letter | digit | "-" ), no "-" at either end
 *   port  = 1..65535, no leading zero
 *
 * Where the last label reads as a number (decimal, or 0x and hexadecimal) only a dotted quad is a
 * name. */
#ifndef WIRE_HTTP_HOST_H
#define WIRE_HTTP_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

#define HOST_NAME_MAX_BYTES 253
struct http_host {
    char name[HOST_NAME_MAX_BYTES + 1]; /* lower case; IPv6 without brackets, in RFC 5952 form */
    uint8_t name_bytes;
    uint16_t port; /* 0: none given */
    bool is_ip;
};
/* false: not a host. A trailing dot, an empty label, '_', userinfo, a number dressed up as an
 * address are refused. */
bool http_host_parse(struct http_host *host, struct view text);

#endif
