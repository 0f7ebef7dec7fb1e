/* SPDX-License-Identifier: Apache-2.0 */
/* conn_out.c: what a connection has to send: the cork while its own callback runs, the queue
 * otherwise. Queue items come from the loop's free lists, so the steady state allocates nothing;
 * the lists are bounded and the excess is given back. Once the kernel took less than all, nothing
 * is sent before it asks for more. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/hint.h"
#include "base/status.h"
#include "net/conn_private.h"
#include "net/socket_io.h"

#define IOV_MAX_OURS 64
/* Sends of one connection in one go, so that a fast reader starves nobody. */
#define ROUNDS_MAX 16
/* 0.5 MiB: one publish to that many subscribers without malloc. */
#define FREE_REFS_MAX 16384
/* 0.5 MiB. */
#define FREE_CHUNKS_MAX 256
/* Larger blobs are sent from where they lie. */
#define CORK_BLOB_MAX (16 * 1024)

/* A reference's share of the blob is counted with the blob. */
static int64_t item_bytes(bool is_ref)
{
    return (int64_t)sizeof(struct conn_item) + (is_ref ? 0 : CONN_CHUNK_BYTES);
}

static struct conn_item *item_new(struct loop *loop, struct blob *blob)
{
    struct conn_item **list = blob != NULL ? &loop->free_refs : &loop->free_chunks;
    unsigned *list_len = blob != NULL ? &loop->free_refs_len : &loop->free_chunks_len;
    struct conn_item *item = *list;

    if (item != NULL) {
        *list = item->next;
        (*list_len)--;
    } else {
        item = malloc(sizeof(*item) + (blob != NULL ? 0 : CONN_CHUNK_BYTES));
        if (item == NULL)
            return NULL;
    }
    loop->queued_bytes += item_bytes(blob != NULL);
    item->next = NULL;
    item->blob = blob;
    item->off = 0;
    item->len = blob != NULL ? blob->len : 0;
    return item;
}

static void item_free(struct loop *loop, struct conn_item *item)
{
    bool is_ref = item->blob != NULL;
    struct conn_item **list = is_ref ? &loop->free_refs : &loop->free_chunks;
    unsigned *list_len = is_ref ? &loop->free_refs_len : &loop->free_chunks_len;

    loop->queued_bytes -= item_bytes(is_ref);
    if (is_ref) {
        int64_t bytes = (int64_t)blob_bytes(item->blob);
        loop->queued_bytes -= blob_drop_queued(item->blob) ? bytes : 0;
    }
    if (*list_len >= (is_ref ? FREE_REFS_MAX : FREE_CHUNKS_MAX)) {
        free(item);
        return;
    }
    item->next = *list;
    *list = item;
    (*list_len)++;
}

static void free_list(struct conn_item *item)
{
    while (item != NULL) {
        struct conn_item *next = item->next;
        free(item);
        item = next;
    }
}

void conn_items_free(struct loop *loop)
{
    free_list(loop->free_refs);
    free_list(loop->free_chunks);
    loop->free_refs = loop->free_chunks = NULL;
    loop->free_refs_len = loop->free_chunks_len = 0;
}

const uint8_t *conn_item_data(const struct conn_item *item)
{
    return (item->blob != NULL ? item->blob->data : item->bytes) + item->off;
}

static void append(struct conn *c, struct conn_item *item)
{
    if (c->out_last == NULL)
        c->out_first = item;
    else
        c->out_last->next = item;
    c->out_last = item;
}

static int queue_blob(struct conn *c, struct blob *blob)
{
    struct conn_item *item = item_new(c->loop, blob);

    if (item == NULL)
        return E_NOMEM;
    if (blob_keep_queued(blob))
        c->loop->queued_bytes += (int64_t)blob_bytes(blob);
    append(c, item);
    c->out_bytes += blob->len;
    return OK;
}

int conn_queue_bytes(struct conn *c, const void *bytes, size_t len)
{
    struct conn_item *last = c->out_last;
    struct blob *blob;
    int rc;

    if (len == 0)
        return OK;
    if (len > CONN_CHUNK_BYTES) {
        if (len > UINT32_MAX)
            return E_LIMIT;
        blob = blob_new((uint32_t)len);
        if (blob == NULL)
            return E_NOMEM;
        memcpy(blob->data, bytes, len);
        rc = queue_blob(c, blob);
        blob_drop(blob);
        return rc;
    }
    if (last == NULL || last->blob != NULL || CONN_CHUNK_BYTES - last->len < len) {
        last = item_new(c->loop, NULL);
        if (last == NULL)
            return E_NOMEM;
        append(c, last);
    }
    memcpy(last->bytes + last->len, bytes, len);
    last->len += (uint32_t)len;
    c->out_bytes += len;
    return OK;
}

void conn_queue_consume(struct conn *c, size_t bytes)
{
    c->out_bytes -= bytes;
    while (c->out_first != NULL) {
        struct conn_item *item = c->out_first;
        uint32_t left = item->len - item->off;
        if (bytes < left) {
            item->off += (uint32_t)bytes;
            return;
        }
        bytes -= left;
        c->out_first = item->next;
        if (c->out_first == NULL)
            c->out_last = NULL;
        item_free(c->loop, item);
    }
}

void conn_queue_clear(struct conn *c)
{
    conn_queue_consume(c, c->out_bytes);
}

void conn_mark_dirty(struct conn *c)
{
    /* Not yet ready: becoming ready looks at the queue. Kernel full: its word will. */
    if (c->state != CONN_NEW && c->state != CONN_OPEN && c->state != CONN_SHUTTING)
        return;
    if ((c->events & POLLER_WRITABLE) == 0 && link_is_alone(&c->dirty))
        link_append(&c->loop->dirty, &c->dirty);
}

/* The cork's bytes go in front of what will be queued next. */
static int spill_cork(struct conn *c)
{
    struct loop *loop = c->loop;
    int rc = conn_queue_bytes(c, loop->cork, loop->cork_len);

    if (rc == OK)
        loop->cork_len = 0;
    return rc;
}

static bool fits_cork(const struct conn *c, size_t len)
{
    return c->is_corked && c->out_first == NULL && len <= LOOP_CORK_BYTES - c->loop->cork_len;
}

static void put_cork(struct loop *loop, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(loop->cork + loop->cork_len, bytes, len);
    loop->cork_len += len;
}

uint8_t *conn_room(struct conn *c, size_t len)
{
    struct loop *loop = c->loop;
    uint8_t *room = loop->cork + loop->cork_len;

    if (c->state >= CONN_SHUTTING || !fits_cork(c, len))
        return NULL;
    loop->cork_len += len;
    return room;
}

int conn_write(struct conn *c, const void *bytes, size_t len)
{
    if (c->state == CONN_OPEN && fits_cork(c, len)) {
        put_cork(c->loop, bytes, len);
        return OK;
    }
    return conn_write2(c, bytes, len, "", 0);
}

int conn_write2(struct conn *c, const void *a, size_t a_len, const void *b, size_t b_len)
{
    int rc = OK;

    if (c->state >= CONN_SHUTTING)
        return E_CLOSED;
    if (a_len <= LOOP_CORK_BYTES && b_len <= LOOP_CORK_BYTES && fits_cork(c, a_len + b_len)) {
        put_cork(c->loop, a, a_len);
        put_cork(c->loop, b, b_len);
        return OK;
    }
    if (c->is_corked)
        rc = spill_cork(c);
    if (rc == OK)
        rc = conn_queue_bytes(c, a, a_len);
    if (rc == OK)
        rc = conn_queue_bytes(c, b, b_len);
    conn_mark_dirty(c);
    return rc;
}

int conn_write_blob(struct conn *c, struct blob *blob)
{
    int rc = OK;

    if (c->state >= CONN_SHUTTING)
        return E_CLOSED;
    if (blob->len == 0)
        return OK;
    if (blob->len <= CORK_BLOB_MAX && fits_cork(c, blob->len)) {
        put_cork(c->loop, blob->data, blob->len);
        return OK;
    }
    if (c->is_corked)
        rc = spill_cork(c);
    if (rc == OK)
        rc = queue_blob(c, blob);
    conn_mark_dirty(c);
    return rc;
}

size_t conn_kept_bytes(const struct conn *c)
{
    return c->tls != NULL && c->tls->cipher != NULL ? c->tls->cipher->off + c->tls->cipher->len : 0;
}

size_t conn_backlog(const struct conn *c)
{
    size_t bytes = c->out_bytes;

    if (c->is_corked)
        bytes += c->loop->cork_len;
    return bytes + conn_tls_backlog(c);
}

bool conn_is_stalled(struct conn *c, uint64_t now_ms, uint64_t window_ms, size_t min_bytes)
{
    if (!c->has_backlog)
        return false;
    if (now_ms < c->stall_since_ms || now_ms - c->stall_since_ms < window_ms)
        return false;
    if (c->stall_sent_bytes < min_bytes)
        return true;
    c->stall_since_ms = now_ms;
    c->stall_sent_bytes = 0;
    return false;
}

void conn_await_writable(struct conn *c)
{
    if (!c->has_backlog) {
        c->has_backlog = true;
        c->stall_since_ms = loop_now_ms(c->loop);
        c->stall_sent_bytes = 0;
    }
    conn_set_events(c, c->events | POLLER_WRITABLE);
}

COLD static ssize_t judge_failure(struct conn *c)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    if (errno == EINTR) {
        conn_look_again(c);
        return 0;
    }
    c->error = errno;
    conn_kill(c, c->error == EPIPE || c->error == ECONNRESET ? CONN_END_PEER_EOF : CONN_END_ERROR);
    return -1;
}

/* What send or sendmsg answered. */
static inline ssize_t judge(struct conn *c, ssize_t n)
{
    struct loop_counters *counters = &c->loop->counters;

    counters->send_calls++;
    if (n < 0)
        return judge_failure(c);
    counters->send_bytes += (size_t)n;
    c->stall_sent_bytes += (size_t)n;
    return n;
}

/* The kernel took less than all, or failed. */
APART static void keep_rest(struct conn *c, size_t len, ssize_t n)
{
    n = judge(c, n);
    if (n >= 0)
        conn_hold(c, c->loop->cork + n, len - (size_t)n);
}

void conn_send_cork(struct conn *c, size_t len)
{
    ssize_t n = socket_send(c->fd, c->loop->cork, len);

    if (n != (ssize_t)len)
        keep_rest(c, len, n);
    else
        (void)judge(c, n);
}

ssize_t conn_send(struct conn *c, const uint8_t *bytes, size_t len)
{
    return judge(c, socket_send(c->fd, bytes, len));
}

/* One send of up to IOV_MAX_OURS items. Bytes taken, or -1; *asked: what was offered. */
static ssize_t send_items(struct conn *c, size_t *asked)
{
    struct iovec iov[IOV_MAX_OURS];
    struct msghdr message = {.msg_iov = iov};
    size_t count = 0;

    *asked = 0;
    for (struct conn_item *i = c->out_first; i != NULL && count < IOV_MAX_OURS; i = i->next) {
        iov[count].iov_base = (void *)conn_item_data(i);
        iov[count].iov_len = i->len - i->off;
        *asked += iov[count].iov_len;
        count++;
    }
    message.msg_iovlen = count;
    return judge(c, sendmsg(c->fd, &message, MSG_NOSIGNAL));
}

static bool flush_queue(struct conn *c)
{
    size_t asked;
    ssize_t n;

    for (int round = 0; c->out_first != NULL; round++) {
        n = round < ROUNDS_MAX ? send_items(c, &asked) : 0;
        if (n < 0)
            return false;
        conn_queue_consume(c, (size_t)n);
        if ((size_t)n < asked || round >= ROUNDS_MAX) {
            conn_await_writable(c);
            if (round >= ROUNDS_MAX) /* the kernel would take more, and will not say so again */
                conn_look_again(c);
            return false;
        }
    }
    return true;
}

static bool flush_plain(struct conn *c, const uint8_t *cork, size_t cork_len)
{
    ssize_t n;

    if (cork_len == 0)
        return flush_queue(c);
    n = conn_send(c, cork, cork_len);
    if (n < 0)
        return false;
    if ((size_t)n == cork_len)
        return true;
    conn_hold(c, cork + n, cork_len - (size_t)n);
    return false;
}

void conn_hold(struct conn *c, const uint8_t *cork, size_t cork_len)
{
    if (c->tls != NULL && !conn_tls_hold(c))
        return;
    if (conn_queue_bytes(c, cork, cork_len) != OK) {
        c->error = ENOMEM;
        conn_kill(c, CONN_END_ERROR);
        return;
    }
    conn_await_writable(c);
}

/* Everything has left: now the goodbyes (R-X5). */
static void finish_shutdown(struct conn *c)
{
    if (c->tls != NULL && !conn_tls_close_notify(c))
        return;
    if (shutdown(c->fd, SHUT_WR) != 0 || c->saw_eof) {
        conn_kill(c, CONN_END_SHUTDOWN);
        return;
    }
    c->state = CONN_DRAINING;
}

void conn_send_out(struct conn *c, const uint8_t *cork, size_t cork_len)
{
    bool is_done =
        c->tls != NULL ? conn_tls_flush(c, cork, cork_len) : flush_plain(c, cork, cork_len);

    if (!is_done)
        return;
    conn_set_events(c, c->events & ~POLLER_WRITABLE);
    if (c->has_backlog) {
        c->has_backlog = false;
        if (c->ops->on_drained != NULL && c->state == CONN_OPEN)
            c->ops->on_drained(c);
    }
    if (c->state == CONN_SHUTTING && c->out_first == NULL)
        finish_shutdown(c);
}

void conn_flush(struct conn *c)
{
    struct loop *loop = c->loop;
    struct conn *corked = loop->corked;
    size_t len = 0;

    if ((c->state != CONN_OPEN && c->state != CONN_SHUTTING) || (c->events & POLLER_WRITABLE) != 0)
        return;
    if (corked == c) {
        len = loop->cork_len;
        loop->cork_len = 0;
    } else if (corked != NULL && c->tls != NULL && corked->tls != NULL &&
               loop->tls.io->out_len > 0) {
        /* The shared buffer holds what another connection was about to send. */
        if (conn_tls_hold(corked))
            conn_mark_dirty(corked);
    }
    conn_send_out(c, loop->cork, len);
}
