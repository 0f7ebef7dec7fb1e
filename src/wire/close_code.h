/* SPDX-License-Identifier: Apache-2.0 */
/* close_code.h: RFC 6455 section 7.4. Pure. */
#ifndef WIRE_CLOSE_CODE_H
#define WIRE_CLOSE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

enum close_code {
    CLOSE_NORMAL = 1000,
    CLOSE_GOING_AWAY = 1001,
    CLOSE_PROTOCOL = 1002,
    CLOSE_UNSUPPORTED = 1003,
    CLOSE_NO_STATUS = 1005, /* never on the wire */
    CLOSE_ABNORMAL = 1006,  /* never on the wire */
    CLOSE_BAD_DATA = 1007,
    CLOSE_POLICY = 1008,
    CLOSE_TOO_BIG = 1009,
    CLOSE_INTERNAL = 1011,
    CLOSE_RESTART = 1012,
    CLOSE_OVERLOAD = 1013,
    CLOSE_TOKEN_EXPIRED = 4001,
    CLOSE_CERTIFICATE_REQUIRED = 4001,
    CLOSE_UNAUTHORIZED_CLIENT = 4003
};

#define CLOSE_REASON_MAX  123
#define CLOSE_PAYLOAD_MAX 125

bool close_code_may_receive(unsigned code); /* R-X3 */
bool close_code_may_send(unsigned code);    /* R-X4, server side */

/* The payload of a Close frame from a peer. An empty one gives CLOSE_NO_STATUS. On failure returns
 * false and *code is what to fail the connection with (1002 or 1007, R-X1). *reason points into
 * payload. */
bool close_payload_decode(const uint8_t *payload, size_t len, uint16_t *code, struct view *reason);
/* Writes at most CLOSE_PAYLOAD_MAX bytes: an illegal code becomes 1011, the reason is cut on a code
 * point. Returns length. */
size_t close_payload_encode(uint8_t out[CLOSE_PAYLOAD_MAX], unsigned code, struct view reason);

#endif
