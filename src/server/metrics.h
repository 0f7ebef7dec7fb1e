/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h: what one worker counts for GET /metrics beside the events, in its own memory: plain
 * numbers, which the worker itself copies when somebody asks. Nothing on the way of a message but
 * an increment. Private to server/. Worker thread only. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stdint.h>

#include "access/identity.h"
#include "limit/limit_name.h"
#include "net/tls.h"
#include "wire/handshake.h"

#define METRICS_METHODS (IDENTITY_HOOK + 1)

struct metrics {
    uint64_t connections, upgrades, tls_ok, tls_failed;
    uint64_t tls_records[TLS_RECORDS_COUNT];
    uint64_t messages_in, messages_out, rate_limited;
    uint64_t logins[METRICS_METHODS], extensions;
    uint64_t refused[REFUSE_COUNT];
    uint64_t observed[LIMIT_NAMES]; /* would have been refused */
};

#endif
