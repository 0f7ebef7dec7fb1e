/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.h: the client's half of the opening handshake (RFC 6455 section 4.1). Pure. */
#ifndef CLIENT_HANDSHAKE_H
#define CLIENT_HANDSHAKE_H

#include "base/wr.h"
#include "client/answer.h"
#include "client/ws_url.h"
#include "wire/ws_deflate.h"

#define CLIENT_KEY_BYTES 24
/* Request line, our own headers, and as much again for those of the caller. */
#define CLIENT_REQUEST_MAX (HTTP1_HEAD_MAX + 2 * HTTP1_TARGET_MAX)

struct client_request {
    const struct ws_url *url;
    const char *origin, *protocol; /* NULL: none */
    const char *headers;           /* more lines, each ending in CRLF, or NULL */
    bool offers_deflate;
    char key[CLIENT_KEY_BYTES]; /* 16 random bytes in base64 */
};

/* No text of *request is checked here: CR and LF must have been refused before. */
void client_request_encode(struct wr *w, const struct client_request *request);
/* Is a 101 what we asked for? E_INVALID with *fault, a constant text. */
int client_answer_check(struct ws_deflate_params *deflate, const struct client_answer *answer,
                        const struct client_request *request, const char **fault);

#endif
