/* SPDX-License-Identifier: Apache-2.0 */
/* conn_tls.c: a connection that speaks TLS: moves bytes between the socket and its tls_stream
 * through the loop's shared buffers; how it came to have one is in conn_shake.c. One event: one
 * recv, all records opened, one on_data, all answers sealed, one send. The buffers hold one
 * connection's bytes at a time: io->out is empty between events. While ciphertext waits for the
 * kernel, plaintext stays queued unsealed. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/status.h"
#include "crypto/tls_record.h"
#include "net/conn_private.h"
#include "net/tls_private.h"
#include "net/tls_taken.h"

/* Ciphertext one connection may have waiting: one event's output and what answering key updates may
 * add. */
#define CIPHER_MAX (2 * TLS_OUT_BYTES)

static int loop_tls_init(struct loop_tls *lt)
{
    if (lt->io != NULL)
        return OK;
    lt->plain = malloc(LOOP_PLAIN_BYTES);
    lt->join = malloc(LOOP_JOIN_BYTES);
    if (lt->plain != NULL && lt->join != NULL && tls_io_new(&lt->io) == OK) {
        /* Without either OpenSSL carries the records. */
        (void)tls_crypto_new(&lt->io->crypto);
        (void)tls_taken_slab_new(&lt->io->slab);
        slab_pool_init(&lt->conns, sizeof(struct conn_tls));
        conn_shake_init(lt);
        return OK;
    }
    free(lt->plain);
    free(lt->join);
    lt->plain = lt->join = NULL;
    return E_NOMEM;
}

void conn_loop_clear(struct loop *loop)
{
    heap_trim_stop(&loop->tls.trim);
    if (loop->tls.io != NULL) {
        timer_stop(&loop->tls.room);
        slab_pool_clear(&loop->tls.conns);
    }
    conn_items_free(loop);
    tls_io_free(loop->tls.io);
    free(loop->tls.plain);
    free(loop->tls.join);
}

int conn_tls_new(struct conn_tls **out, struct loop *loop, struct tls_server *server,
                 struct tls_client *client, const char *server_name)
{
    struct conn_tls *t;
    int rc = loop_tls_init(&loop->tls);

    if (rc != OK)
        return rc;
    t = slab_take(&loop->tls.conns);
    if (t == NULL)
        return E_NOMEM;
    rc = conn_shake_new(&t->shake, client, server_name);
    if (rc != OK) {
        slab_give(&loop->tls.conns, t);
        return rc;
    }
    t->server = tls_server_keep(server);
    *out = t;
    return OK;
}

void conn_tls_free(struct loop *loop, struct conn_tls *t)
{
    if (t == NULL)
        return;
    tls_stream_clear(&t->stream);
    conn_shake_free(t->shake);
    tls_server_drop(t->server);
    free(t->cipher);
    slab_give(&loop->tls.conns, t);
}

/* ---- what the handshake has settled ---- */

static bool is_served(const struct conn *c)
{
    return c->tls != NULL && c->tls->server != NULL && tls_stream_has_begun(&c->tls->stream);
}

bool conn_serves_host(const struct conn *c, struct view name)
{
    const struct tls_server *tls;
    int index;

    if (!is_served(c) || c->tls->server->sites_count == 1)
        return true;
    tls = c->tls->server;
    index = tls_names_find(tls, name);
    return tls_stream_site(&c->tls->stream) == (index < 0 ? 0 : index);
}

int conn_peer_certificate(const struct conn *c, struct buf *der)
{
    return is_served(c) ? tls_stream_certificate(&c->tls->stream, der) : E_MISSING;
}

bool conn_peer_is_revoked(const struct conn *c, const struct tls_server *now)
{
    return is_served(c) && c->tls->server != now && tls_stream_is_revoked(&c->tls->stream, now);
}

/* ---- out ---- */

/* Keeps ciphertext behind what is kept already. */
static bool keep_cipher(struct conn *c, const uint8_t *bytes, size_t len)
{
    struct conn_cipher *old = c->tls->cipher, *grown = NULL;
    size_t have = conn_tls_backlog(c);

    if (len == 0)
        return true;
    if (have + len <= CIPHER_MAX)
        grown = malloc(sizeof(*grown) + have + len);
    if (grown == NULL) {
        conn_kill(c, CONN_END_ERROR);
        return false;
    }
    if (have > 0)
        memcpy(grown->bytes, old->bytes + old->off, have);
    memcpy(grown->bytes + have, bytes, len);
    grown->off = 0;
    grown->len = have + len;
    free(old);
    c->tls->cipher = grown;
    return true;
}

bool conn_tls_hold(struct conn *c)
{
    struct tls_io *io = c->loop->tls.io;
    bool is_kept = keep_cipher(c, io->out, io->out_len);

    io->out_len = 0;
    return is_kept;
}

/* io->out in one send; what is left of it is kept. True when all went. */
static bool send_out(struct conn *c)
{
    struct tls_io *io = c->loop->tls.io;
    ssize_t n;
    bool is_kept;

    if (io->out_len == 0)
        return true;
    n = conn_send(c, io->out, io->out_len);
    if (n >= 0 && (size_t)n < io->out_len) {
        is_kept = keep_cipher(c, io->out + n, io->out_len - (size_t)n);
        io->out_len = 0;
        if (is_kept)
            conn_await_writable(c);
        return false;
    }
    io->out_len = 0;
    return n >= 0;
}

static bool send_cipher(struct conn *c)
{
    struct conn_cipher *cipher = c->tls->cipher;
    ssize_t n;

    if (cipher == NULL)
        return true;
    n = conn_send(c, cipher->bytes + cipher->off, cipher->len);
    if (n < 0)
        return false;
    cipher->off += (size_t)n;
    cipher->len -= (size_t)n;
    if (cipher->len > 0) {
        conn_await_writable(c);
        return false;
    }
    free(cipher);
    c->tls->cipher = NULL;
    return true;
}

static void fail(struct conn *c)
{
    c->tls->detail = tls_stream_detail(&c->tls->stream);
    c->tls->is_broken = true;
}

/* The next record's plaintext: straight from the queue's first item when it fills a record or
 * stands alone, otherwise small items joined. */
static const uint8_t *next_plaintext(struct conn *c, size_t *len)
{
    struct conn_item *item = c->out_first;
    uint8_t *join = c->loop->tls.join;
    size_t n = item->len - item->off;

    if (item->next == NULL || n >= LOOP_JOIN_BYTES) {
        *len = n < LOOP_JOIN_BYTES ? n : LOOP_JOIN_BYTES;
        return conn_item_data(item);
    }
    *len = 0;
    for (; item != NULL && *len < LOOP_JOIN_BYTES; item = item->next) {
        n = item->len - item->off;
        if (n > LOOP_JOIN_BYTES - *len)
            n = LOOP_JOIN_BYTES - *len;
        memcpy(join + *len, conn_item_data(item), n);
        *len += n;
    }
    return join;
}

bool conn_tls_flush(struct conn *c, const uint8_t *cork, size_t cork_len)
{
    struct conn_tls *t = c->tls;
    struct tls_io *io = c->loop->tls.io;
    bool is_sealed = true;

    if (!send_cipher(c))
        return false;
    if (cork_len > 0 && !t->is_broken)
        is_sealed = tls_stream_seal(&t->stream, cork, cork_len);
    while (is_sealed && c->out_first != NULL && !t->is_broken) {
        size_t len;
        const uint8_t *plain = next_plaintext(c, &len);
        is_sealed = tls_stream_seal(&t->stream, plain, len);
        conn_queue_consume(c, len);
        if (is_sealed && io->out_len >= TLS_OUT_MARK && !send_out(c))
            return false;
    }
    if (!is_sealed) {
        fail(c);
        io->out_len = 0;
        conn_kill(c, CONN_END_TLS);
        return false;
    }
    return send_out(c);
}

bool conn_tls_close_notify(struct conn *c)
{
    struct conn_tls *t = c->tls;

    if (!t->said_close) {
        t->said_close = true;
        tls_stream_close(&t->stream);
    }
    return send_out(c);
}

void conn_tls_farewell(struct conn *c)
{
    struct conn_tls *t = c->tls;
    struct tls_io *io = c->loop->tls.io;

    if (t->is_broken || t->said_close || t->cipher != NULL)
        return;
    t->said_close = true;
    tls_stream_close(&t->stream);
    (void)send(c->fd, io->out, io->out_len, MSG_NOSIGNAL);
    io->out_len = 0;
}

/* ---- in ---- */

static enum tls_step deliver(struct conn *c)
{
    struct loop_tls *lt = &c->loop->tls;
    enum tls_step step;
    size_t len;

    do {
        step = tls_stream_open(&c->tls->stream, lt->plain, LOOP_PLAIN_BYTES, &len);
        if (len > 0)
            c->ops->on_data(c, lt->plain, len);
        if (c->state != CONN_OPEN) {
            lt->io->in_len = 0; /* what follows a shutdown is discarded unread */
            return TLS_STEP_MORE;
        }
    } while (step == TLS_STEP_DONE);
    return step;
}

/* Works through io->in. The handshake's last flight may carry the first data behind it. */
void conn_tls_process(struct conn *c, const uint8_t *bytes, size_t len)
{
    struct tls_io *io = c->loop->tls.io;
    enum tls_step step = TLS_STEP_DONE;

    ASSERT(io->out_len == 0);
    io->in = bytes;
    io->in_len = len;
    conn_enter(c);
    if (c->state == CONN_HANDSHAKE)
        step = conn_shake_step(c);
    if (step == TLS_STEP_DONE)
        step = deliver(c);
    if (step == TLS_STEP_CLOSED)
        conn_eof(c);
    if (step == TLS_STEP_FAILED) {
        /* Nothing can be sealed any more; the alert in io->out still goes. */
        fail(c);
        c->loop->cork_len = 0;
    }
    io->in_len = 0;
    conn_leave(c);
    if (step == TLS_STEP_FAILED)
        conn_kill(c, CONN_END_TLS);
}

void conn_tls_readable(struct conn *c)
{
    struct loop *loop = c->loop;
    size_t n;

    if (c->state < CONN_HANDSHAKE) {
        conn_shake_readable(c);
        return;
    }
    n = conn_recv(c, loop->rx, LOOP_RX_BYTES);
    if (n > 0)
        conn_tls_process(c, loop->rx, n);
}
