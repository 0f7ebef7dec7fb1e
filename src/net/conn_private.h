/* SPDX-License-Identifier: Apache-2.0 */
/* conn_private.h: what conn.c (life and events), conn_out.c (queue and sends), conn_tls.c (TLS) and
 * conn_shake.c (until its handshake is done) share. */
#ifndef NET_CONN_PRIVATE_H
#define NET_CONN_PRIVATE_H

#include <sys/types.h>

#include "base/buf.h"
#include "net/conn.h"
#include "net/loop_private.h"
#include "net/tls_hello.h"

#define CONN_MAX_HANDSHAKES_DEFAULT 2000
/* What the queue copies goes into chunks of this size; more than that becomes a blob of its own. */
#define CONN_CHUNK_BYTES 2048

/* Bytes in a connection's queue: a reference to a blob, or a chunk that copies fill. */
struct conn_item {
    struct conn_item *next;
    struct blob *blob; /* NULL: bytes[] hold the data */
    uint32_t off, len; /* still to be sent: [off, len) */
    uint8_t bytes[];
};

/* What only the handshake needs: gone once it is done. */
struct conn_shake {
    struct conn *c;
    struct tls_client *client; /* NULL: we are the server */
    char *server_name;
    struct link link;    /* in loop_tls.waiting, then in loop_tls.inside */
    uint64_t entered_ms; /* when it came inside OpenSSL */
    struct tls_hello hello;
    struct buf early; /* what came before the stream began */
};

/* What the kernel did not take. */
struct conn_cipher {
    size_t off, len; /* still to be sent: len bytes from off on */
    uint8_t bytes[];
};

struct conn_tls {
    struct tls_server *server; /* NULL: a client */
    struct conn_shake *shake;  /* NULL once the handshake is done */
    struct tls_stream stream;  /* begins when the ClientHello is whole */
    struct conn_cipher *cipher;
    const char *detail;
    bool spoke_plain, is_broken, said_close;
};

/* conn.c */
void conn_kill(struct conn *c,
               enum conn_end end); /* the way every connection ends; harmless the second time */
void conn_set_events(struct conn *c, int events); /* enum poller_event */
/* Events come once (poller.h): when not all that an event offers is taken, this brings it back. */
void conn_look_again(struct conn *c);
void conn_ready(void *item, int events); /* from the poller */
void conn_eof(struct conn *c);
/* Brackets a callback of c: what it writes gathers in the cork and leaves in conn_leave. */
void conn_enter(struct conn *c);
void conn_leave(struct conn *c);
void conn_become_ready(struct conn *c); /* state OPEN, on_ready */
/* One recv into `into`. Bytes that came, or 0 when there is nothing for the caller to do (EOF and
 * errors are done). When `cap` bytes came, there may be more, and the next turn brings it. */
size_t conn_recv(struct conn *c, uint8_t *into, size_t cap);
void conn_turn_end(struct loop *loop, uint64_t *flushes); /* of dirty ones, while *flushes lasts */
void conn_bury_dead(struct loop *loop);                   /* on_closed for all that were killed */
void conn_loop_clear(struct loop *loop);

/* conn_out.c */
void conn_mark_dirty(struct conn *c);
/* Sends cork or queue as far as the kernel takes them and goes on with a shutdown that waited for
 * it. Bytes in the cork mean that the queue is empty. */
void conn_send_out(struct conn *c, const uint8_t *cork, size_t cork_len);
/* What a callback left in the cork of a plain connection that is open and has nothing else to send.
 */
void conn_send_cork(struct conn *c, size_t len);
/* conn_send_out while the kernel is known to be full: keeps what would be sent. */
void conn_hold(struct conn *c, const uint8_t *cork, size_t cork_len);
/* One send. Bytes taken, 0 when the kernel is full; -1 when the connection was killed. */
ssize_t conn_send(struct conn *c, const uint8_t *bytes, size_t len);
/* The kernel did not take all: wait for it, and start the stall window. */
void conn_await_writable(struct conn *c);
int conn_queue_bytes(struct conn *c, const void *bytes, size_t len);
void conn_queue_consume(struct conn *c, size_t bytes);
void conn_queue_clear(struct conn *c);
const uint8_t *conn_item_data(const struct conn_item *item);
void conn_items_free(struct loop *loop);

/* conn_tls.c */
int conn_tls_new(struct conn_tls **out, struct loop *loop, struct tls_server *server,
                 struct tls_client *client, const char *server_name);
void conn_tls_free(struct loop *loop, struct conn_tls *t);
void conn_tls_readable(struct conn *c);
/* Works through ciphertext of c. */
void conn_tls_process(struct conn *c, const uint8_t *bytes, size_t len);
/* Seals and sends the cork (when c is corked) and the queue. True when nothing is left to send. */
bool conn_tls_flush(struct conn *c, const uint8_t *cork, size_t cork_len);
bool conn_tls_hold(
    struct conn *c); /* keeps io->out as ciphertext; false when the connection was killed */
bool conn_tls_close_notify(struct conn *c); /* true when it left entirely */
/* The same once, for a connection that ends now: whether it left is nobody's business any more. */
void conn_tls_farewell(struct conn *c);
static inline size_t conn_tls_backlog(const struct conn *c)
{
    return c->tls != NULL && c->tls->cipher != NULL ? c->tls->cipher->len : 0;
}

/* conn_shake.c */
void conn_shake_init(struct loop_tls *lt);
int conn_shake_new(struct conn_shake **out, struct tls_client *client, const char *server_name);
void conn_shake_free(struct conn_shake *shake); /* NULL is fine */
void conn_shake_leave(
    struct conn *c); /* gives back places held by the handshake; before a state change to CLOSING */
void conn_shake_start_client(struct conn *c);
void conn_shake_readable(struct conn *c); /* until the ClientHello is whole */
/* DONE: the connection is open, and what came behind the handshake can be read. */
enum tls_step conn_shake_step(struct conn *c);
bool conn_shake_admit(struct loop *loop); /* true when more wait that could go in */

#endif
