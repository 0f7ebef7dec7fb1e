/* SPDX-License-Identifier: Apache-2.0 */
/* client_private.h: what client.c (life and frames), client_open.c (until the 101) and
 * client_send.c share. */
#ifndef CLIENT_CLIENT_PRIVATE_H
#define CLIENT_CLIENT_PRIVATE_H

#include "base/buf.h"
#include "client/client.h"
#include "client/dial.h"
#include "client/handshake.h"
#include "net/conn.h"
#include "wire/ws_deflate.h"
#include "wire/ws_message.h"

#define CLIENT_TEXT_MAX 256

enum client_state {
    CLIENT_DIALING,
    CLIENT_ASKING, /* request sent */
    CLIENT_BODY,   /* a refusal's body comes */
    CLIENT_OPEN,
    CLIENT_CLOSING, /* our Close is out, the server's is awaited */
    CLIENT_DONE     /* the ending is known; the connection runs out */
};

struct client {
    struct conn conn; /* first */
    struct loop *loop;
    const struct client_ops *ops;
    void *context;
    struct tls_client *tls;
    struct dial dial;
    struct loop_task dial_task;
    struct timer deadline;
    uint64_t connect_until_ms;
    enum client_state state;
    bool is_connected; /* conn stands, or its on_closed is still to come */

    struct ws_url url;
    struct client_request request; /* key, and what the answer is checked against */
    char *protocol;
    struct buf out; /* the request, until it is sent: may hold a token */
    struct buf in;  /* the answer's head, then a refusal's body */
    size_t scanned;
    uint64_t body_bytes; /* as announced, at most CLIENT_BODY_MAX */

    struct ws_limits limits;
    struct ws_decoder decoder;
    struct ws_inflate *inflate;
    struct ws_deflate *deflate;

    struct client_ending ending;
    bool has_ending;
    char text[CLIENT_TEXT_MAX]; /* of the ending */
};

/* The first one stays. `text` is copied. */
void client_set_ending(struct client *c, enum client_end end, unsigned code, struct view text);
/* Reports and frees. */
void client_finish(struct client *c);
void client_trace(struct client *c, const struct client_trace *trace);
void client_become_open(struct client *c, uint8_t *early, size_t early_len);
void client_on_frames(struct client *c, uint8_t *data, size_t len);
void client_fail(struct client *c, unsigned code, const char *why);
int client_send_frame(struct client *c, enum ws_opcode opcode, struct view payload);
/* client_open.c: bytes while ASKING or BODY. */
void client_on_answer(struct client *c, uint8_t *data, size_t len);
void client_send_request(struct client *c);

#endif
