/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.h: the server's half of the opening handshake (RFC 6455 section 4.2). Pure. Origin and
 * Host lists, limits and identity are the gate's business (server/gate.c); here is only what the
 * protocol itself demands. */
#ifndef WIRE_HANDSHAKE_H
#define WIRE_HANDSHAKE_H

#include <stdint.h>

#include "base/view.h"
#include "base/wr.h"
#include "wire/http1.h"
#include "wire/ws_deflate.h"

/* Why a request is refused; handshake_refusal gives status, headers and code for each. */
enum refusal {
    REFUSE_NONE = 0,
    REFUSE_MALFORMED,            /* 400 bad_request */
    REFUSE_TARGET_TOO_LONG,      /* 414 */
    REFUSE_HEADERS_TOO_LARGE,    /* 431 */
    REFUSE_HTTP_VERSION,         /* 505 */
    REFUSE_METHOD,               /* 405 Allow: GET */
    REFUSE_METHOD_POST,          /* 405 Allow: POST, OPTIONS */
    REFUSE_BODY,                 /* 400: Content-Length > 0 or Transfer-Encoding */
    REFUSE_HOST_MISSING,         /* 400: none, several or invalid */
    REFUSE_HOST_UNKNOWN,         /* 421 */
    REFUSE_HOST_OTHER,           /* 421: of another certificate than the one TLS began with */
    REFUSE_NOT_FOUND,            /* 404 */
    REFUSE_NOT_UPGRADE,          /* 426 */
    REFUSE_WS_VERSION,           /* 426 */
    REFUSE_WS_VERSION_MISSING,   /* 400 + Sec-WebSocket-Version */
    REFUSE_WS_KEY,               /* 400 */
    REFUSE_WS_PROTOCOL,          /* 400 */
    REFUSE_WS_EXTENSIONS,        /* 400 */
    REFUSE_ORIGIN,               /* 403 origin_not_allowed */
    REFUSE_ORIGIN_MISSING,       /* 403 origin_missing */
    REFUSE_CREDENTIALS,          /* 401 invalid_token */
    REFUSE_NO_CREDENTIALS,       /* 401 credentials_missing: none, and the route asks for some */
    REFUSE_TICKET,               /* 401 invalid_ticket */
    REFUSE_SESSION,              /* 401 invalid_session */
    REFUSE_CREDENTIALS_REPEATED, /* 400 */
    REFUSE_COOKIE,               /* 400: the cookie of the session twice, or not a cookie */
    REFUSE_CSRF,                 /* 403 csrf_token_invalid */
    REFUSE_SCOPE,                /* 403 insufficient_scope */
    REFUSE_AUTH_UNAVAILABLE,     /* 503 Retry-After: who would know is out of reach */
    REFUSE_TIMEOUT,              /* 408 */
    REFUSE_RATE,                 /* 429 Retry-After */
    REFUSE_PER_IP,               /* 429 Retry-After */
    REFUSE_BANNED,               /* 429 Retry-After */
    REFUSE_FULL,                 /* 503 Retry-After */
    REFUSE_MEMORY,               /* 503 Retry-After */
    REFUSE_LISTENER_FULL,        /* 503 Retry-After */
    REFUSE_ROUTE_FULL,           /* 503 Retry-After */
    REFUSE_DRAINING,             /* 503 Retry-After */
    REFUSE_COUNT
};

struct handshake {
    struct view key;       /* 24 characters */
    struct view protocols; /* joined list is not needed: the first Sec-WebSocket-Protocol header's
                              value; len 0 = none */
    struct ws_deflate_params deflate;
};

/* Everything R-H1..R-H14 and R-H18 ask of an upgrade request, in the order of the status table;
 * Host only for presence, number and grammar. *upgrade is filled on REFUSE_NONE. */
enum refusal handshake_check(struct handshake *upgrade, const struct http1_request *request,
                             const struct ws_deflate_options *deflate);
/* Is one of the client's subprotocols `ours`? (exact, case-sensitive) */
bool handshake_offers_protocol(const struct http1_request *request, struct view ours);

/* base64(SHA-1(key + GUID)), 28 characters. */
int handshake_accept(char out[28], struct view key);
/* The whole 101 answer. protocol.len 0: none. */
int handshake_answer(struct wr *w, const struct handshake *upgrade, struct view protocol);

struct refusal_row {
    uint16_t status;
    const char *phrase, *code,
        *message; /* code: stable, snake_case; message: what to do about it */
};
const struct refusal_row *refusal_get(enum refusal why);
/* The whole refusal answer: status line, Connection: close, the headers its status demands, HSTS
 * when is_tls, Cache-Control: no-store, and a body {"error":{"code":...,"message":...}}.
 * retry_after_s is used by 429 and 503. */
void refusal_answer(struct wr *w, enum refusal why, unsigned retry_after_s, bool is_tls);
/* REFUSE_SCOPE, whose challenge says which scopes are asked for (RFC 6750 section 3.1), with single
 * blanks between them; where they are longer, it does not. */
#define REFUSAL_SCOPES_MAX 512
void refusal_answer_scopes(struct wr *w, struct view scopes, bool is_tls);

#endif
