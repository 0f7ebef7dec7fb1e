/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h and conn.h, kept by the simplest means: lists instead of polls, timers in a list that is
 * searched (mail, listeners and chance: mock_mail.c). The rules of src/net that callers can observe
 * are the same: output of a connection's own callback is corked and is no backlog, on_drained only
 * after the kernel refused something, on_closed once and never from inside a call. */
#include "mock_net.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"

#define CORK_BYTES    (64u * 1024u)
#define CORK_BLOB_MAX (16u * 1024u)

struct loop {
    struct link conns, dead, timers, tasks, mailboxes;
    uint64_t now_ms;
    int64_t wall_ms;
    struct conn *corked;
    uint8_t cork[CORK_BYTES];
    size_t cork_len, conns_count;
    struct loop_counters counters;
    int64_t queued_bytes;
    bool is_stopped;
};

/* Behind conn.tls, for plain connections as well: what the mock knows of one. */
struct conn_tls {
    struct link link;
    struct conn *c;
    uint8_t *queue;
    size_t cap, room;
    bool is_tls;
};

/* --- net/loop.h --- */

int loop_new(struct loop **out)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return E_NOMEM;
    link_init(&l->conns);
    link_init(&l->dead);
    link_init(&l->timers);
    link_init(&l->tasks);
    link_init(&l->mailboxes);
    l->now_ms = 1000;
    l->wall_ms = (int64_t)MOCK_WALL_START_S * 1000;
    *out = l;
    return OK;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    ASSERT(link_is_alone(&l->conns) && link_is_alone(&l->dead) && link_is_alone(&l->timers));
    ASSERT(link_is_alone(&l->mailboxes) && l->corked == NULL);
    free(l);
}

void loop_run(struct loop *l)
{
    (void)l; /* the test turns it */
}

void loop_stop(struct loop *l)
{
    l->is_stopped = true;
}

uint64_t loop_now_ms(const struct loop *l)
{
    return l->now_ms;
}

uint64_t loop_now_ns(const struct loop *l)
{
    return l->now_ms * 1000000;
}

int64_t loop_wall_s(const struct loop *l)
{
    return l->wall_ms / 1000;
}

const struct loop_counters *loop_counters(const struct loop *l)
{
    return &l->counters;
}

int64_t loop_queued_bytes(const struct loop *l)
{
    return l->queued_bytes;
}

void timer_init(struct timer *t, void (*fire)(struct timer *timer))
{
    link_init(&t->link);
    t->at_ms = 0;
    t->fire = fire;
}

void timer_start(struct loop *l, struct timer *t, uint64_t at_ms)
{
    link_remove(&t->link);
    t->at_ms = at_ms;
    link_append(&l->timers, &t->link);
}

void timer_stop(struct timer *t)
{
    link_remove(&t->link);
}

bool timer_is_running(const struct timer *t)
{
    return !link_is_alone(&t->link);
}

void loop_task_init(struct loop_task *task, void (*run)(struct loop_task *task))
{
    link_init(&task->link);
    task->run = run;
}

void loop_at_turn_end(struct loop *l, struct loop_task *task)
{
    if (link_is_alone(&task->link))
        link_append(&l->tasks, &task->link);
}

static struct timer *next_timer(struct loop *l)
{
    struct timer *first = NULL;

    for (struct link *at = l->timers.next; at != &l->timers; at = at->next) {
        struct timer *t = LINK_ITEM(at, struct timer, link);
        if (first == NULL || t->at_ms < first->at_ms)
            first = t;
    }
    return first;
}

struct link *mock_mailboxes(struct loop *l)
{
    return &l->mailboxes;
}

bool mock_is_stopped(const struct loop *l)
{
    return l->is_stopped;
}

size_t mock_conns(const struct loop *l)
{
    return l->conns_count;
}

void mock_wall_jump(struct loop *l, int64_t seconds)
{
    l->wall_ms += seconds * 1000;
}

static void move_clock(struct loop *l, uint64_t to_ms)
{
    l->wall_ms += (int64_t)(to_ms - l->now_ms);
    l->now_ms = to_ms;
}

void mock_pass(struct loop **loops, unsigned count, uint64_t ms)
{
    for (unsigned i = 0; i < count; i++) {
        struct loop *l = loops[i];
        uint64_t until_ms = l->now_ms + ms, last_ms = 0;
        unsigned at_once = 0;
        while (!l->is_stopped) {
            struct timer *t = next_timer(l);
            if (t == NULL || t->at_ms > until_ms)
                break;
            if (t->at_ms > l->now_ms)
                move_clock(l, t->at_ms);
            /* A timer set to the past fires with the next tick: it must not go on doing so. */
            at_once = l->now_ms == last_ms ? at_once + 1 : 0;
            last_ms = l->now_ms;
            ASSERT(at_once < 1000);
            link_remove(&t->link);
            t->fire(t);
            mock_turn(l);
        }
        move_clock(l, until_ms > l->now_ms ? until_ms : l->now_ms);
        mock_turn(l);
    }
}

/* --- net/conn.h --- */

void conn_set_max_handshakes(struct loop *l, unsigned max_handshakes)
{
    (void)l;
    ASSERT(max_handshakes > 0);
}

int conn_open(struct conn *c, struct loop *l, int fd, struct tls_server *tls,
              const struct conn_ops *ops)
{
    struct conn_tls *own;

    if (fd < 0) /* the test's way to say that the system has no room */
        return E_NOMEM;
    own = calloc(1, sizeof(*own));
    if (own == NULL)
        return E_NOMEM;
    memset(c, 0, sizeof(*c));
    c->loop = l;
    c->ops = ops;
    c->fd = fd;
    c->tls = own;
    c->state = tls != NULL ? CONN_HANDSHAKE : CONN_NEW;
    own->c = c;
    own->is_tls = tls != NULL;
    own->room = SIZE_MAX;
    link_init(&own->link);
    link_append(&l->conns, &own->link);
    l->conns_count++;
    return OK;
}

static void kill_conn(struct conn *c, enum conn_end end)
{
    if (c->state == CONN_CLOSING)
        return;
    c->state = CONN_CLOSING;
    c->end = (uint8_t)end;
    link_remove(&c->tls->link);
    link_append(&c->loop->dead, &c->tls->link);
}

static void queue(struct conn *c, const void *bytes, size_t len)
{
    struct conn_tls *own = c->tls;

    if (len == 0)
        return;
    if (c->out_bytes + len > own->cap) {
        own->cap = (c->out_bytes + len) * 2;
        own->queue = realloc(own->queue, own->cap);
        ASSERT(own->queue != NULL);
    }
    memcpy(own->queue + c->out_bytes, bytes, len);
    c->out_bytes += len;
    c->loop->queued_bytes += (int64_t)len;
}

static void queue_count_off(struct conn *c, size_t len)
{
    c->out_bytes -= len;
    c->loop->queued_bytes -= (int64_t)len;
}

static size_t kernel_send(struct conn *c, const uint8_t *bytes, size_t len)
{
    struct conn_tls *own = c->tls;
    size_t n = len < own->room ? len : own->room;

    if (own->room != SIZE_MAX)
        own->room -= n;
    if (n > 0)
        mock_sent(c, bytes, n);
    c->stall_sent_bytes += n;
    return n;
}

static void await_writable(struct conn *c)
{
    if (!c->has_backlog) {
        c->has_backlog = true;
        c->stall_since_ms = c->loop->now_ms;
        c->stall_sent_bytes = 0;
    }
}

static void send_out(struct conn *c)
{
    size_t n = kernel_send(c, c->tls->queue, c->out_bytes);

    if (n > 0)
        memmove(c->tls->queue, c->tls->queue + n, c->out_bytes - n);
    queue_count_off(c, n);
    if (c->out_bytes > 0) {
        await_writable(c);
        return;
    }
    if (c->has_backlog) {
        c->has_backlog = false;
        if (c->state == CONN_OPEN && c->ops->on_drained != NULL)
            c->ops->on_drained(c);
    }
    if (c->state == CONN_SHUTTING && c->out_bytes == 0) {
        if (c->saw_eof)
            kill_conn(c, CONN_END_SHUTDOWN);
        else
            c->state = CONN_DRAINING;
    }
}

static void spill(struct conn *c)
{
    queue(c, c->loop->cork, c->loop->cork_len);
    c->loop->cork_len = 0;
}

static bool fits_cork(const struct conn *c, size_t len)
{
    return c->is_corked && c->out_bytes == 0 && len <= CORK_BYTES - c->loop->cork_len;
}

static void put(struct conn *c, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    if (fits_cork(c, len)) {
        memcpy(c->loop->cork + c->loop->cork_len, bytes, len);
        c->loop->cork_len += len;
        return;
    }
    if (c->is_corked)
        spill(c);
    queue(c, bytes, len);
}

uint8_t *conn_room(struct conn *c, size_t len)
{
    uint8_t *room = c->loop->cork + c->loop->cork_len;

    if (c->state >= CONN_SHUTTING || !fits_cork(c, len))
        return NULL;
    c->loop->cork_len += len;
    return room;
}

int conn_write(struct conn *c, const void *bytes, size_t len)
{
    if (c->state >= CONN_SHUTTING)
        return E_CLOSED;
    put(c, bytes, len);
    return OK;
}

int conn_write2(struct conn *c, const void *a, size_t a_len, const void *b, size_t b_len)
{
    int rc = conn_write(c, a, a_len);

    return rc == OK ? conn_write(c, b, b_len) : rc;
}

int conn_write_blob(struct conn *c, struct blob *blob)
{
    if (c->state >= CONN_SHUTTING)
        return E_CLOSED;
    if (c->is_corked && blob->len > CORK_BLOB_MAX) {
        spill(c);
        queue(c, blob->data, blob->len);
    } else {
        put(c, blob->data, blob->len);
    }
    return OK;
}

static void enter(struct conn *c)
{
    ASSERT(c->loop->corked == NULL);
    c->loop->corked = c;
    c->loop->cork_len = 0;
    c->is_corked = true;
}

static void leave(struct conn *c)
{
    struct loop *l = c->loop;
    size_t len = l->cork_len, n = 0;

    ASSERT(l->corked == c);
    l->corked = NULL;
    l->cork_len = 0;
    c->is_corked = false;
    if (c->state == CONN_CLOSING || len == 0)
        return;
    if (!c->has_backlog)
        n = kernel_send(c, l->cork, len);
    if (n < len) {
        queue(c, l->cork + n, len - n);
        await_writable(c);
    }
}

void conn_flush(struct conn *c)
{
    if ((c->state != CONN_OPEN && c->state != CONN_SHUTTING) || c->has_backlog)
        return;
    if (c->is_corked)
        spill(c);
    send_out(c);
}

size_t conn_backlog(const struct conn *c)
{
    return c->out_bytes + (c->is_corked ? c->loop->cork_len : 0);
}

size_t conn_kept_bytes(const struct conn *c)
{
    (void)c; /* what is queued lies in the queue */
    return 0;
}

bool conn_is_stalled(struct conn *c, uint64_t now_ms, uint64_t window_ms, size_t min_bytes)
{
    if (!c->has_backlog || now_ms - c->stall_since_ms < window_ms)
        return false;
    if (c->stall_sent_bytes < min_bytes)
        return true;
    c->stall_since_ms = now_ms;
    c->stall_sent_bytes = 0;
    return false;
}

void conn_read_pause(struct conn *c)
{
    if (c->state < CONN_SHUTTING)
        c->is_paused = true;
}

void conn_read_resume(struct conn *c)
{
    c->is_paused = false;
}

void conn_shutdown(struct conn *c)
{
    if (c->state >= CONN_SHUTTING)
        return;
    if (c->state == CONN_HANDSHAKE) {
        kill_conn(c, CONN_END_SHUTDOWN);
        return;
    }
    c->state = CONN_SHUTTING;
    c->is_paused = false;
}

void conn_abort(struct conn *c)
{
    kill_conn(c, c->saw_eof ? CONN_END_PEER_EOF : CONN_END_ABORTED);
}

const char *conn_end_detail(const struct conn *c)
{
    (void)c;
    return "detail";
}

const char *conn_tls_version(const struct conn *c)
{
    return c->tls->is_tls ? "TLSv1.3" : NULL;
}

bool conn_tls_records(const struct conn *c, enum tls_records *records)
{
    *records = TLS_RECORDS_OWN;
    return c->tls->is_tls;
}

bool conn_spoke_plain(const struct conn *c)
{
    return c->tls->is_tls && (c->fd & 1) != 0;
}

/* --- what the other side does --- */

static void become_ready(struct conn *c)
{
    enter(c);
    c->state = CONN_OPEN;
    c->is_ready = true;
    if (c->ops->on_ready != NULL)
        c->ops->on_ready(c);
    leave(c);
}

void mock_receive(struct conn *c, const uint8_t *bytes, size_t len)
{
    uint8_t *copy;

    if (c->state != CONN_OPEN || c->is_paused || c->saw_eof || len == 0)
        return;
    copy = malloc(len); /* of exactly this size: one byte beyond is seen */
    ASSERT(copy != NULL);
    memcpy(copy, bytes, len);
    enter(c);
    c->ops->on_data(c, copy, len);
    leave(c);
    free(copy);
}

void mock_eof(struct conn *c)
{
    if (c->state == CONN_CLOSING || c->saw_eof || c->is_paused)
        return;
    c->saw_eof = true;
    if (c->state == CONN_SHUTTING)
        return;
    if (c->state == CONN_DRAINING) {
        kill_conn(c, CONN_END_SHUTDOWN);
    } else if (c->state != CONN_OPEN) {
        kill_conn(c, CONN_END_PEER_EOF);
    } else {
        enter(c);
        c->ops->on_eof(c);
        leave(c);
    }
}

void mock_reset(struct conn *c)
{
    kill_conn(c, CONN_END_PEER_EOF);
}

void mock_handshake(struct conn *c, bool is_good)
{
    if (c->state != CONN_HANDSHAKE)
        return;
    if (is_good)
        become_ready(c);
    else
        kill_conn(c, CONN_END_TLS);
}

void mock_kernel_takes(struct conn *c, size_t bytes)
{
    c->tls->room = bytes;
    if (bytes > 0 && c->has_backlog && c->state != CONN_CLOSING)
        send_out(c);
}

static void bury(struct loop *l)
{
    while (!link_is_alone(&l->dead)) {
        struct conn_tls *own = LINK_ITEM(l->dead.next, struct conn_tls, link);
        struct conn *c = own->c;
        link_remove(&own->link);
        l->conns_count--;
        mock_ended(c);
        queue_count_off(c, c->out_bytes);
        c->ops->on_closed(c, (enum conn_end)c->end); /* c is gone behind this */
        free(own->queue);
        free(own);
    }
}

static void end_turn(struct loop *l)
{
    struct link *next;

    while (!link_is_alone(&l->tasks)) {
        struct loop_task *task = LINK_ITEM(l->tasks.next, struct loop_task, link);
        link_remove(&task->link);
        task->run(task);
    }
    for (struct link *at = l->conns.next; at != &l->conns; at = next) {
        struct conn *c = LINK_ITEM(at, struct conn_tls, link)->c;
        next = at->next; /* nothing frees here, and a callback ends at most its own connection */
        if (c->state == CONN_NEW)
            become_ready(c);
        if (c->state >= CONN_OPEN && c->state <= CONN_SHUTTING && !c->has_backlog)
            send_out(c);
    }
}

void mock_turn(struct loop *l)
{
    mock_mail_open(&l->mailboxes);
    end_turn(l);
    end_turn(l); /* what draining set off */
    bury(l);
}
