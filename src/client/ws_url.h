/* SPDX-License-Identifier: Apache-2.0 */
/* ws_url.h: ws:// and wss:// addresses (RFC 6455 section 3). Pure. */
#ifndef CLIENT_WS_URL_H
#define CLIENT_WS_URL_H

#include <stdbool.h>

#include "base/view.h"
#include "wire/http1.h"
#include "wire/http_host.h"

#define WS_URL_AUTHORITY_MAX (HOST_NAME_MAX_BYTES + sizeof("[]:65535"))

struct ws_url {
    struct http_host host; /* the port is always set */
    bool is_tls;
    char authority[WS_URL_AUTHORITY_MAX]; /* for Host: the port only where it is not the scheme's
                                             own */
    char target[HTTP1_TARGET_MAX + 1];    /* path and query, at least "/" */
};

/* E_INVALID with *fault, a constant text that says what is wrong. */
int ws_url_parse(struct ws_url *url, struct view text, const char **fault);

#endif
