/* SPDX-License-Identifier: Apache-2.0 */
/* conn.c: the life of a connection and what the poller says about it. Sending is in conn_out.c, TLS
 * in conn_tls.c. Every end goes through conn_kill: it closes the descriptor at once; at the turn's
 * end conn_bury_dead frees and reports. After each callback to the owner c->state is looked at
 * again: the owner may have closed this connection or any other, but its memory stays until
 * on_closed. */
#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/hint.h"
#include "base/status.h"
#include "net/conn_private.h"
#include "net/socket_io.h"

void conn_set_events(struct conn *c, int events)
{
    if (c->events == events || c->state == CONN_CLOSING)
        return;
    c->events = (uint8_t)events;
    poller_change(c->loop->poller, c->fd, events, c);
}

void conn_look_again(struct conn *c)
{
    if (c->state != CONN_CLOSING)
        poller_again(c->loop->poller, c->fd, c->events, c);
}

static void bury(struct conn *c)
{
    struct loop *loop = c->loop;
    struct conn_tls *tls = c->tls;

    /* c is the owner's again inside on_closed; what conn_end_detail reads lives until it returns.
     */
    conn_queue_clear(c);
    c->ops->on_closed(c, (enum conn_end)c->end);
    conn_tls_free(loop, tls);
}

void conn_bury_dead(struct loop *loop)
{
    while (!link_is_alone(&loop->dead)) {
        struct conn *c = LINK_ITEM(loop->dead.next, struct conn, dirty);
        link_remove(&c->dirty);
        bury(c);
    }
}

void conn_kill(struct conn *c, enum conn_end end)
{
    if (c->state == CONN_CLOSING)
        return;
    if (c->tls != NULL)
        conn_shake_leave(c);
    c->state = CONN_CLOSING;
    c->end = (uint8_t)end;
    link_remove(&c->dirty);
    link_append(&c->loop->dead, &c->dirty);
    poller_remove(c->loop->poller, c->fd);
    (void)close(c->fd);
    c->fd = -1;
}

void conn_enter(struct conn *c)
{
    struct loop *loop = c->loop;

    ASSERT(loop->corked == NULL);
    loop->corked = c;
    loop->cork_len = 0;
    c->is_corked = true;
}

/* Where there is more to think of than what is in the cork. */
APART static void leave_slowly(struct conn *c, size_t len)
{
    struct loop *loop = c->loop;

    if (c->state == CONN_CLOSING) {
        if (c->tls != NULL)
            loop->tls.io->out_len = 0;
        return;
    }
    if (len == 0 && (c->tls == NULL || loop->tls.io->out_len == 0))
        return;
    if ((c->events & POLLER_WRITABLE) != 0)
        conn_hold(c, loop->cork, len);
    else
        conn_send_out(c, loop->cork, len);
}

static inline void leave(struct conn *c)
{
    struct loop *loop = c->loop;
    size_t len = loop->cork_len;

    ASSERT(loop->corked == c);
    loop->corked = NULL;
    loop->cork_len = 0;
    c->is_corked = false;
    if (c->state != CONN_OPEN || c->tls != NULL || (c->events & POLLER_WRITABLE) != 0)
        leave_slowly(c, len);
    else if (len > 0)
        conn_send_cork(c, len);
}

void conn_leave(struct conn *c)
{
    leave(c);
}

void conn_become_ready(struct conn *c)
{
    c->state = CONN_OPEN;
    c->is_ready = true;
    if (c->is_paused)
        conn_set_events(c, c->events & ~POLLER_READABLE);
    if (c->ops->on_ready != NULL)
        c->ops->on_ready(c);
    if (c->out_first != NULL && c->state != CONN_CLOSING)
        conn_mark_dirty(c);
}

void conn_eof(struct conn *c)
{
    if (c->state == CONN_CLOSING || c->saw_eof)
        return;
    c->saw_eof = true;
    conn_set_events(c, c->events & ~POLLER_READABLE);
    if (c->state == CONN_SHUTTING)
        return;
    if (c->state == CONN_DRAINING)
        conn_kill(c, CONN_END_SHUTDOWN);
    else if (c->state < CONN_OPEN || c->ops->on_eof == NULL)
        conn_kill(c, CONN_END_PEER_EOF);
    else
        c->ops->on_eof(c);
}

static bool is_reset(int error)
{
    return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == ECONNABORTED;
}

/* What recv answered, where that were not bytes. */
COLD static size_t judge_recv(struct conn *c, ssize_t n)
{
    if (n == 0) {
        if (c->loop->corked == NULL && c->state == CONN_OPEN) {
            conn_enter(c);
            conn_eof(c);
            conn_leave(c);
        } else {
            conn_eof(c);
        }
        return 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    if (errno == EINTR) {
        conn_look_again(c);
        return 0;
    }
    c->error = errno;
    conn_kill(c, is_reset(c->error) ? CONN_END_PEER_EOF : CONN_END_ERROR);
    return 0;
}

static inline size_t receive(struct conn *c, uint8_t *into, size_t cap)
{
    struct loop_counters *counters = &c->loop->counters;
    ssize_t n = socket_recv(c->fd, into, cap);

    counters->recv_calls++;
    if (n <= 0)
        return judge_recv(c, n);
    counters->recv_bytes += (size_t)n;
    if ((size_t)n == cap)
        conn_look_again(c);
    return (size_t)n;
}

size_t conn_recv(struct conn *c, uint8_t *into, size_t cap)
{
    return receive(c, into, cap);
}

static inline void read_plain(struct conn *c)
{
    struct loop *loop = c->loop;
    size_t n = receive(c, loop->rx, LOOP_RX_BYTES);

    if (n == 0 || c->state != CONN_OPEN)
        return;
    conn_enter(c);
    c->ops->on_data(c, loop->rx, n);
    leave(c);
}

static void on_readable(struct conn *c)
{
    if (c->tls != NULL && c->state < CONN_SHUTTING) {
        conn_tls_readable(c);
        return;
    }
    if (c->state == CONN_NEW) {
        /* The turn's end has not come to it before the poll: its bytes must not overtake on_ready.
         */
        conn_enter(c);
        conn_become_ready(c);
        conn_leave(c);
        if (c->state != CONN_OPEN || (c->events & POLLER_READABLE) == 0)
            return;
    }
    read_plain(c);
}

static void on_connected(struct conn *c)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error != 0) {
        c->error = error;
        conn_kill(c, CONN_END_ERROR);
        return;
    }
    conn_set_events(c, POLLER_READABLE);
    if (c->tls != NULL) {
        conn_shake_start_client(c);
        return;
    }
    conn_enter(c);
    conn_become_ready(c);
    conn_leave(c);
}

static void on_fault(struct conn *c)
{
    if (c->state == CONN_CONNECTING) {
        on_connected(c);
        conn_kill(c, CONN_END_ERROR);
        return;
    }
    /* One last read finds the reason. */
    c->events = 0;
    on_readable(c);
    conn_kill(c, CONN_END_PEER_EOF);
}

static void on_event(struct conn *c, int events)
{
    /* Closed since the poll, by another's callback; or not to be bothered. */
    if (c->state == CONN_CLOSING || c->events == 0)
        return;
    if ((events & POLLER_FAULT) != 0) {
        on_fault(c);
        return;
    }
    events &= c->events | POLLER_LAST;
    if ((events & POLLER_WRITABLE) != 0) {
        if (c->state == CONN_CONNECTING) {
            on_connected(c);
            return;
        }
        conn_send_out(c, NULL, 0);
    }
    /* Sending may have closed or paused it. */
    if ((events & POLLER_READABLE) == 0 || (c->events & POLLER_READABLE) == 0 ||
        c->state == CONN_CLOSING)
        return;
    on_readable(c);
    /* The read may have left the end behind, which is not told a second time. */
    if ((events & POLLER_LAST) != 0 && (c->events & POLLER_READABLE) != 0)
        conn_look_again(c);
}

void conn_ready(void *item, int events)
{
    struct conn *c = item;

    /* Nearly always, and then there is nothing else to think of. */
    if (events == POLLER_READABLE && c->events == POLLER_READABLE && c->state == CONN_OPEN &&
        c->tls == NULL)
        read_plain(c);
    else
        on_event(c, events);
}

static void init(struct conn *c, struct loop *loop, int fd, const struct conn_ops *ops)
{
    memset(c, 0, sizeof(*c));
    c->loop = loop;
    c->ops = ops;
    c->fd = fd;
    link_init(&c->dirty);
}

static int start(struct conn *c, enum conn_state state, int events)
{
    int rc = poller_add(c->loop->poller, c->fd, events, c);

    if (rc != OK) {
        conn_tls_free(c->loop, c->tls);
        (void)close(c->fd);
        return rc;
    }
    if (c->tls != NULL)
        c->tls->shake->c = c;
    c->state = (uint8_t)state;
    c->events = (uint8_t)events;
    return OK;
}

int conn_open(struct conn *c, struct loop *loop, int fd, struct tls_server *tls,
              const struct conn_ops *ops)
{
    int rc = OK;

    init(c, loop, fd, ops);
    if (tls != NULL)
        rc = conn_tls_new(&c->tls, loop, tls, NULL, NULL);
    if (rc != OK) {
        (void)close(fd);
        return rc;
    }
    rc = start(c, tls != NULL ? CONN_HELLO : CONN_NEW, POLLER_READABLE);
    if (rc == OK)
        conn_mark_dirty(c);
    return rc;
}

int conn_open_client(struct conn *c, struct loop *loop, int fd, struct tls_client *tls,
                     const char *server_name, const struct conn_ops *ops)
{
    int rc = OK;

    init(c, loop, fd, ops);
    if (tls != NULL)
        rc = conn_tls_new(&c->tls, loop, NULL, tls, server_name);
    if (rc != OK) {
        (void)close(fd);
        return rc;
    }
    return start(c, CONN_CONNECTING, POLLER_WRITABLE);
}

void conn_read_pause(struct conn *c)
{
    /* A connection that shuts down must go on reading to see the peer's EOF. */
    if (c->state >= CONN_SHUTTING)
        return;
    c->is_paused = true;
    if (c->state == CONN_OPEN)
        conn_set_events(c, c->events & ~POLLER_READABLE);
}

void conn_read_resume(struct conn *c)
{
    c->is_paused = false;
    if (c->state == CONN_OPEN && !c->saw_eof)
        conn_set_events(c, c->events | POLLER_READABLE);
}

void conn_shutdown(struct conn *c)
{
    if (c->state >= CONN_SHUTTING)
        return;
    if (c->state < CONN_OPEN && c->state != CONN_NEW) {
        /* Nothing can be said before the handshake is done. */
        conn_kill(c, CONN_END_SHUTDOWN);
        return;
    }
    c->state = CONN_SHUTTING;
    c->is_paused = false;
    if (!c->saw_eof)
        conn_set_events(c, c->events | POLLER_READABLE);
    conn_mark_dirty(c);
}

void conn_abort(struct conn *c)
{
    /* A close_notify is answered by one (RFC 8446 section 6.1), unless something of ours is dropped
     * here: then the end must look cut off. */
    if (c->tls != NULL && c->saw_eof && c->loop->corked == c && c->state == CONN_OPEN &&
        c->out_first == NULL && c->loop->cork_len == 0)
        conn_tls_farewell(c);
    conn_kill(c, c->saw_eof ? CONN_END_PEER_EOF : CONN_END_ABORTED);
}

const char *conn_end_detail(const struct conn *c)
{
    const char *text = NULL;

    if (c->tls != NULL && c->tls->detail != NULL)
        return c->tls->detail;
    if (c->error != 0)
        text = strerrordesc_np(c->error);
    return text != NULL ? text : "";
}

const char *conn_tls_version(const struct conn *c)
{
    if (c->tls == NULL || !c->is_ready)
        return NULL;
    return tls_stream_version(&c->tls->stream);
}

bool conn_tls_records(const struct conn *c, enum tls_records *records)
{
    if (c->tls == NULL || !c->is_ready)
        return false;
    *records = tls_stream_records(&c->tls->stream);
    return true;
}

bool conn_spoke_plain(const struct conn *c)
{
    return c->tls != NULL && c->tls->spoke_plain;
}

void conn_set_max_handshakes(struct loop *loop, unsigned max_handshakes)
{
    loop->tls.max_running = max_handshakes > 0 ? max_handshakes : 1;
}

void conn_turn_end(struct loop *loop, uint64_t *flushes)
{
    for (; *flushes > 0 && !link_is_alone(&loop->dirty); (*flushes)--) {
        struct conn *c = LINK_ITEM(loop->dirty.next, struct conn, dirty);
        link_remove(&c->dirty);
        if (c->state == CONN_NEW) {
            conn_enter(c);
            conn_become_ready(c);
            conn_leave(c);
        }
        /* While the kernel is full its word is awaited; asking again would be a wasted call. */
        if (c->state >= CONN_OPEN && (c->events & POLLER_WRITABLE) == 0)
            conn_send_out(c, NULL, 0);
    }
}
