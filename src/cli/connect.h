/* SPDX-License-Identifier: Apache-2.0 */
/* connect.h: what `gateward connect` was asked to do (connect.c reads it, connect_session.c does it). */
#ifndef CLI_CONNECT_H
#define CLI_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "client/ws_url.h"

#define CONNECT_CHANNELS_MAX 64

struct connect_options {
    struct ws_url url;
    const char *cacert, *origin, *protocol;
    const char *channels[CONNECT_CHANNELS_MAX];
    uint32_t channels_count;
    struct buf headers; /* lines that end in CRLF; NUL behind them once read */
    struct buf token;
    uint64_t wait_ms; /* of silence behind the end of stdin */
    uint64_t count;   /* messages; 0: no end */
    bool is_bearer, is_verbose, offers_deflate;
};

/* Returns the exit code of the process. */
int connect_run(const struct connect_options *options);

#endif
