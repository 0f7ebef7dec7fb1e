/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_header.h: the header that a load balancer puts before everything else to say whose
 * connection it passes on: the PROXY protocol, version 1 (a line) and version 2 (binary). Pure.
 * Whether the sender may be believed is the caller's question, and comes first. */
#ifndef WIRE_PROXY_HEADER_H
#define WIRE_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

#define PROXY_HEADER_MAX 4096 /* with extensions; they are skipped */

struct proxy_header {
    bool has_client; /* false: the sender speaks for itself (a health check), or does not know */
    struct ip_address client;
    uint16_t client_port;
    size_t bytes; /* of the header; behind it the client's own bytes begin */
};
enum proxy_step { PROXY_MORE, PROXY_DONE, PROXY_BAD };

/* `bytes` are all bytes since the connection began. Answers BAD as soon as they cannot become a
 * header. MORE: every byte so far belongs to the header. */
enum proxy_step proxy_header_decode(struct proxy_header *out, const uint8_t *bytes, size_t len);

#endif
