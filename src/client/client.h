/* SPDX-License-Identifier: Apache-2.0 */
/* client.h: one WebSocket connection from the client's side, driven by a loop. Loop thread only.
 * Life: client_open -> [on_open -> on_message ...] -> on_ended exactly once, never inside
 * client_open; after on_ended the client is gone. Every wait has a deadline, everything that grows
 * a ceiling. The server's certificate and name are always verified. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/ws_url.h"
#include "net/loop.h"
#include "net/tls.h"
#include "wire/ws_frame.h"

#define CLIENT_CONNECT_MS   10000 /* all addresses together, TLS included */
#define CLIENT_HANDSHAKE_MS 10000 /* from the request to the end of the answer */
#define CLIENT_CLOSE_MS     5000  /* from our Close to the end */
#define CLIENT_STALL_MS     30000 /* a server that takes nothing of what waits for it */
#define CLIENT_MESSAGE_MAX  ((size_t)16 * 1024 * 1024)
#define CLIENT_BACKLOG_MAX  ((size_t)32 * 1024 * 1024)
#define CLIENT_BODY_MAX     ((size_t)16 * 1024) /* of a refusal */

struct client_options { /* all of it, but for the TLS context, is copied or used up inside
                           client_open */
    const struct ws_url *url;
    struct tls_client *tls;        /* needed for wss; must outlive the client */
    const char *origin, *protocol; /* NULL: none; no CR or LF in any of these */
    const char *headers;           /* more lines, each ending in CRLF, or NULL */
    bool offers_deflate;
};

enum client_end {
    CLIENT_CLOSED,    /* both sides said Close; code and text are the server's */
    CLIENT_UNREACHED, /* no connection; text says why */
    CLIENT_REFUSED,   /* an HTTP answer other than 101: status, text is its phrase, body */
    CLIENT_BROKEN, /* the server broke the protocol; code is what we closed with, text says how */
    CLIENT_LOST    /* the end came without a Close; text says when */
};
struct client_ending {
    enum client_end end;
    unsigned code;          /* close code or HTTP status */
    bool was_ours;          /* we said Close first */
    struct view text, body; /* may be the server's bytes: any byte can be in them */
};

/* For watching: what goes over the wire, unmasked and uncompressed. */
struct client_trace {
    bool is_out,
        is_head; /* is_head: an HTTP head; else a frame out, or a message or control frame in */
    enum ws_opcode opcode;
    struct view bytes;
};

struct client;
struct client_ops {
    void (*on_open)(void *context);
    void (*on_message)(void *context, bool is_binary, struct view message);
    void (*on_drained)(void *context); /* a backlog has left; may be NULL */
    void (*on_ended)(void *context, const struct client_ending *ending);
    void (*on_trace)(void *context, const struct client_trace *trace); /* may be NULL */
};

/* Looks the host up (blocking) and begins to connect. E_MISSING, E_LIMIT (headers), E_NOMEM, with
 * *fault, a text that is never freed. */
int client_open(struct client **out, struct loop *loop, const struct client_options *options,
                const char **fault);
/* Right after client_open, before the loop runs. */
void client_watch(struct client *c, const struct client_ops *ops, void *context);
/* One message of one frame, masked under a fresh random key. E_CLOSED unless open, E_INVALID (not
 * UTF-8), E_FULL past CLIENT_BACKLOG_MAX, E_NOMEM. */
int client_send_text(struct client *c, struct view text);
size_t client_backlog(const struct client *c);
/* Begins the close handshake, or gives up while there is no connection. Harmless the second time.
 */
void client_close(struct client *c, unsigned code, struct view reason);
/* Ends now; on_ended still comes. */
void client_abort(struct client *c, const char *why);

#endif
