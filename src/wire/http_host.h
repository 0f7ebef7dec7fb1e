/* SPDX-License-Identifier: Apache-2.0 */
/* http_host.h: the grammar of Host and authority: DNS name (LDH, lower-cased), IPv4 or [IPv6], optional port. Pure. */
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
/* false: not a host. A trailing dot, an empty label, '_', userinfo, a number dressed up as an address are refused. */
bool http_host_parse(struct http_host *host, struct view text);

#endif
