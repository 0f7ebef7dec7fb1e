/* SPDX-License-Identifier: Apache-2.0 */
/* conn_shake.c: a TLS connection until its handshake is done: gathers the ClientHello in a buffer
 * of our own, waits for a place inside OpenSSL, and shakes hands there. While others wait, who has
 * been inside longer than any honest client needs gives up its place: half-open handshakes that are
 * made to stay could otherwise keep everybody else out. It is the time inside that counts, not the
 * silence: a byte now and then is no reason to stay. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "net/conn_private.h"

/* Handshakes begun at one turn's end: a third of a millisecond each, and messages of others wait
 * behind them (F-11). */
#define ADMIT_PER_TURN 8
/* The way there and back over a satellite, and a slow machine at its end. */
#define INSIDE_MS 1000

static void on_room(struct timer *timer)
{
    (void)timer; /* the turn's end does what is to be done */
}

void conn_shake_init(struct loop_tls *lt)
{
    link_init(&lt->inside);
    timer_init(&lt->room, on_room);
}

int conn_shake_new(struct conn_shake **out, struct tls_client *client, const char *server_name)
{
    struct conn_shake *shake = calloc(1, sizeof(*shake));

    if (shake == NULL)
        return E_NOMEM;
    shake->client = client;
    link_init(&shake->link);
    buf_init(&shake->early, TLS_HELLO_WIRE_MAX);
    if (server_name != NULL) {
        shake->server_name = strdup(server_name);
        if (shake->server_name == NULL) {
            free(shake);
            return E_NOMEM;
        }
    }
    *out = shake;
    return OK;
}

void conn_shake_free(struct conn_shake *shake)
{
    if (shake == NULL)
        return;
    link_remove(&shake->link);
    buf_clear(&shake->early);
    free(shake->server_name);
    free(shake);
}

void conn_shake_leave(struct conn *c)
{
    if (c->state != CONN_WAITING && c->state != CONN_HANDSHAKE)
        return;
    link_remove(&c->tls->shake->link);
    if (c->state == CONN_HANDSHAKE && c->tls->server != NULL)
        c->loop->tls.running--;
}

enum tls_step conn_shake_step(struct conn *c)
{
    struct conn_tls *t = c->tls;
    enum tls_step step = tls_stream_handshake(&t->stream);

    if (step != TLS_STEP_DONE)
        return step;
    conn_shake_leave(c);
    conn_shake_free(t->shake);
    t->shake = NULL;
    conn_become_ready(c);
    if (c->state != CONN_OPEN) {
        c->loop->tls.io->in_len = 0;
        return TLS_STEP_MORE;
    }
    return TLS_STEP_DONE;
}

static void gather_hello(struct conn *c)
{
    struct conn_tls *t = c->tls;
    struct conn_shake *shake = t->shake;
    struct loop *loop = c->loop;
    size_t n = conn_recv(c, loop->rx, TLS_HELLO_WIRE_MAX - shake->early.len);

    if (n == 0)
        return;
    if (buf_append(&shake->early, loop->rx, n) != OK) {
        conn_kill(c, CONN_END_ERROR);
        return;
    }
    switch (tls_hello_look(&shake->hello, shake->early.data, shake->early.len)) {
    case TLS_HELLO_MORE:
        return;
    case TLS_HELLO_DONE:
        c->state = CONN_WAITING;
        link_append(&loop->tls.waiting, &shake->link);
        return;
    case TLS_HELLO_BAD:
        break;
    }
    t->spoke_plain = tls_hello_is_http(shake->early.data, shake->early.len);
    t->detail = t->spoke_plain ? "plain HTTP on a TLS port" : "not a TLS ClientHello";
    conn_kill(c, CONN_END_TLS);
}

void conn_shake_readable(struct conn *c)
{
    if (c->state == CONN_HELLO)
        gather_hello(c);
    else
        conn_set_events(c, 0); /* it has said all it can for now; its owner's timer bounds it */
}

void conn_shake_start_client(struct conn *c)
{
    struct conn_tls *t = c->tls;
    struct conn_shake *shake = t->shake;

    if (tls_stream_init_client(&t->stream, c->loop->tls.io, shake->client, shake->server_name) !=
        OK) {
        t->detail = "cannot begin a TLS handshake";
        conn_kill(c, CONN_END_TLS);
        return;
    }
    c->state = CONN_HANDSHAKE;
    conn_tls_process(c, NULL, 0);
}

static void admit(struct conn *c)
{
    struct conn_tls *t = c->tls;
    struct conn_shake *shake = t->shake;
    struct loop *loop = c->loop;
    size_t len = shake->early.len;

    if (tls_stream_init_server(&t->stream, loop->tls.io, t->server) != OK) {
        t->detail = "cannot begin a TLS handshake";
        conn_kill(c, CONN_END_TLS);
        return;
    }
    link_remove(&shake->link);
    link_append(&loop->tls.inside, &shake->link);
    shake->entered_ms = loop_now_ms(loop);
    c->state = CONN_HANDSHAKE;
    loop->tls.running++;
    heap_trim_note(&loop->tls.trim);
    memcpy(loop->rx, shake->early.data, len);
    buf_clear(&shake->early);
    conn_set_events(c, c->events | POLLER_READABLE);
    conn_tls_process(c, loop->rx, len);
}

/* Is there a place, perhaps of one who has had his time? If not yet, the timer knows when. */
static bool has_place(struct loop *loop)
{
    struct loop_tls *lt = &loop->tls;
    struct conn_shake *first;

    if (lt->running < lt->max_running)
        return true;
    first = LINK_ITEM(lt->inside.next, struct conn_shake, link);
    if (loop_now_ms(loop) < first->entered_ms + INSIDE_MS) {
        timer_start(loop, &lt->room, first->entered_ms + INSIDE_MS);
        return false;
    }
    first->c->tls->detail = "gave its place in the handshake to others";
    conn_kill(first->c, CONN_END_TLS);
    return true;
}

bool conn_shake_admit(struct loop *loop)
{
    struct loop_tls *lt = &loop->tls;

    for (int i = 0; i < ADMIT_PER_TURN; i++) {
        if (link_is_alone(&lt->waiting) || !has_place(loop))
            return false;
        admit(LINK_ITEM(lt->waiting.next, struct conn_shake, link)->c);
    }
    return !link_is_alone(&lt->waiting) && lt->running < lt->max_running;
}
