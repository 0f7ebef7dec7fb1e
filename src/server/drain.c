/* SPDX-License-Identifier: Apache-2.0 */
/* The graceful end (RFC 6455 sections 7.1.1 and 7.2.3): no new connections, Close 1001 to everyone,
 * spread over the drain window so that the clients do not all come back in the same instant, then
 * the loop stops. A second drain ends at once. */
#include "server/internal.h"
#include "server/gate.h"
#include "server/proxied.h"

#include "base/log.h"

#define STEP_MS               16
#define CLOSES_PER_SECOND_MIN 500 /* few connections need no window */

static void close_listeners(struct worker *w)
{
    for (uint32_t i = 0; i < w->options->listeners_count; i++) {
        if (w->listeners[i].listener != NULL)
            listener_close(w->listeners[i].listener);
        w->listeners[i].listener = NULL;
    }
    proxied_abort_all(w);
}

static void abort_all(struct worker *w)
{
    struct link *next;

    for (struct link *at = w->peers.next; at != &w->peers; at = next) {
        next = at->next;
        conn_abort(&LINK_ITEM(at, struct peer, link)->conn);
    }
}

static void say_goodbye(struct peer *p)
{
    if (p->is_upgraded)
        session_close(p, CLOSE_GOING_AWAY, "Server shutting down");
    else if (p->phase == PEER_HEAD || p->phase == PEER_ASKING)
        gate_refuse(p, REFUSE_DRAINING, NULL);
    else if (p->phase == PEER_TLS)
        conn_abort(&p->conn);
}

/* The next `count` that have not been told yet. */
static void tell(struct worker *w, uint32_t count)
{
    struct link *next;

    for (struct link *at = w->peers.next; at != &w->peers && count > 0; at = next) {
        struct peer *p = LINK_ITEM(at, struct peer, link);
        next = at->next;
        if (p->phase >= PEER_CLOSING || conn_is_closing(&p->conn))
            continue;
        say_goodbye(p);
        w->drain_closed++;
        count--;
    }
}

static void step(struct timer *timer)
{
    struct worker *w = LINK_ITEM(timer, struct worker, drain_timer);
    uint64_t now_ms = loop_now_ms(w->loop), passed_ms = now_ms - w->drain_started_ms;
    uint64_t window_ms = w->drain_until_ms - w->drain_started_ms;
    uint64_t due, floor_due = (passed_ms + STEP_MS) * CLOSES_PER_SECOND_MIN / 1000 + 1;

    if (now_ms >= w->drain_until_ms) {
        abort_all(w);
        worker_drain_check(w);
        return;
    }
    /* All told by 80 % of the window: the rest is for their answers. */
    due = window_ms == 0 ? UINT64_MAX
                         : (uint64_t)w->drain_total * passed_ms * 5 / (window_ms * 4) + 1;
    due = due > floor_due ? due : floor_due;
    if (due > w->drain_closed)
        tell(w,
             (uint32_t)(due - w->drain_closed > UINT32_MAX ? UINT32_MAX : due - w->drain_closed));
    timer_start(w->loop, &w->drain_timer, now_ms + STEP_MS);
    worker_drain_check(w);
}

void worker_drain_check(struct worker *w)
{
    struct internal *internal = w->server->internal;

    if (!w->is_draining || w->peers_count > 0)
        return;
    /* The API says "not ready" until the last worker has ended, so its worker leaves last. */
    if (w->index == 0 && internal != NULL &&
        (atomic_load(&w->server->running) > 1 || !internal_stop(internal))) {
        timer_start(w->loop, &w->drain_timer, loop_now_ms(w->loop) + STEP_MS);
        return;
    }
    timer_stop(&w->drain_timer);
    loop_stop(w->loop);
}

void worker_drain_letter(void *worker, void *a, void *b)
{
    struct worker *w = worker;

    (void)a;
    (void)b;
    if (w->is_draining) { /* the second time */
        w->drain_until_ms = 0;
        abort_all(w);
        worker_drain_check(w);
        return;
    }
    w->is_draining = true;
    close_listeners(w);
    w->drain_started_ms = loop_now_ms(w->loop);
    w->drain_until_ms = w->drain_started_ms + w->options->drain_ms;
    w->drain_total = w->peers_count;
    timer_init(&w->drain_timer, step);
    step(&w->drain_timer);
}
