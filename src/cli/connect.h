/* SPDX-License-Identifier: Apache-2.0 */
/* connect.h: what `gateward connect` was asked to do: connect.c and connect_option.c read it,
 * connect_session.c does it. */
#ifndef CLI_CONNECT_H
#define CLI_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "client/ws_url.h"

#define CONNECT_CHANNELS_MAX 64
#define CONNECT_TOKEN_MAX    8192
#define CONNECT_HEADERS_MAX  8192 /* of the caller; the token's is not among them */

/* Options without a letter, as getopt_long answers them. */
enum connect_option {
    OPT_TOKEN = 256,
    OPT_TOKEN_FILE,
    OPT_BEARER,
    OPT_CACERT,
    OPT_ORIGIN,
    OPT_PROTOCOL,
    OPT_COMPRESS,
    OPT_COUNT,
    OPT_WAIT
};

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
    bool has_authorization; /* among headers, by -H */
};

/* These three report to stderr. Option `which` with its argument: CLI_OK or CLI_USAGE. */
int connect_take(struct connect_options *o, int which, char *argument);
/* GATEWARD_TOKEN, unless there is a token already; it leaves the environment. */
int connect_take_environment(struct connect_options *o);
/* Always CLI_USAGE. */
int connect_complain(const char *what);

/* Returns the exit code of the process. */
int connect_run(const struct connect_options *options);

#endif
