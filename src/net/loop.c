/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c: the turn of a loop. The poller sleeps and tells sockets, libuv and the alarm what has
 * come; then timers run, and the turn's end: tasks first, then the connections' queued output,
 * again while either made more of the other; much of it in slices with a poll in between. The clock
 * is read when the first callback of a turn asks, and forgotten just before the poll. The alarm
 * stands at the wheel's next deadline; without timers nothing wakes the loop. */
#include "net/loop_private.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/hint.h"
#include "base/status.h"
#include "net/conn_private.h"

/* Tasks that keep queueing tasks get this many rounds; then the sockets have their turn. */
#define ROUNDS_MAX 8
/* Connections flushed at a turn's end, besides one for each read of the turn. A publish to
 * thousands would otherwise keep everyone waiting; and what is published while it leaves joins the
 * same sends. */
#define FLUSHES_PER_TURN 32

static void run_tasks(struct loop *loop)
{
    struct link now;

    if (link_is_alone(&loop->tasks))
        return;
    /* Tasks queued while these run belong to the next round. */
    now = loop->tasks;
    now.next->prev = now.prev->next = &now;
    link_init(&loop->tasks);
    while (!link_is_alone(&now)) {
        struct loop_task *task = LINK_ITEM(now.next, struct loop_task, link);
        link_remove(&task->link);
        task->run(task);
    }
}

/* True when there is more to do than fits in one turn. */
static bool end_busy_turn(struct loop *loop)
{
    uint64_t flushes = FLUSHES_PER_TURN + (loop->counters.recv_calls - loop->recv_calls_before);
    bool has_waiting = conn_shake_admit(loop);
    bool has_more = true;

    for (int round = 0; has_more && round < ROUNDS_MAX; round++) {
        run_tasks(loop);
        conn_turn_end(loop, &flushes);
        conn_bury_dead(loop);
        has_more = !link_is_alone(&loop->tasks) || (flushes > 0 && !link_is_alone(&loop->dirty));
    }
    return has_waiting || !link_is_alone(&loop->tasks) || !link_is_alone(&loop->dirty);
}

/* Most turns only answered what they read: for them this is all. */
static inline bool end_turn(struct loop *loop)
{
    if (link_is_alone(&loop->tasks) && link_is_alone(&loop->dirty) && link_is_alone(&loop->dead) &&
        link_is_alone(&loop->tls.waiting))
        return false;
    return end_busy_turn(loop);
}

static void set_alarm(struct loop *loop)
{
    uint64_t next_ms = timer_wheel_next_ms(&loop->wheel);

    loop->has_new_timer = false;
    if (next_ms == loop->alarm_ms)
        return;
    loop->alarm_ms = next_ms;
    poller_set_alarm(loop->poller, next_ms);
}

APART static void run_timers(struct loop *loop)
{
    loop->alarm_ms = 0; /* it rings on until it is set anew */
    loop->has_new_timer = true;
    loop->is_now_known = false;
    timer_wheel_run(&loop->wheel, loop_now_ms(loop));
}

void loop_run(struct loop *loop)
{
    bool has_more = end_turn(loop);

    while (!loop->is_stopping) {
        if (loop->has_new_timer)
            set_alarm(loop);
        loop->is_now_known = loop->is_wall_known = false;
        loop->recv_calls_before = loop->counters.recv_calls;
        loop->counters.polls++;
        if (poller_turn(loop->poller, !has_more))
            run_timers(loop);
        has_more = end_turn(loop);
    }
    loop->is_stopping = false;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopping = true;
}

int loop_new(struct loop **out)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    int rc = E_NOMEM;

    if (loop == NULL)
        return E_NOMEM;
    loop->rx = malloc(LOOP_RX_BYTES);
    loop->cork = malloc(LOOP_CORK_BYTES);
    if (loop->rx == NULL || loop->cork == NULL)
        goto done;
    link_init(&loop->tasks);
    link_init(&loop->dirty);
    link_init(&loop->dead);
    link_init(&loop->tls.waiting);
    loop->tls.max_running = CONN_MAX_HANDSHAKES_DEFAULT;
    heap_trim_init(&loop->tls.trim, loop);
    loop->alarm_ms = UINT64_MAX;
    timer_wheel_init(&loop->wheel, clock_mono_ms());
    if (uv_loop_init(&loop->uv) != 0) {
        rc = E_IO;
        goto done;
    }
    rc = poller_new(&loop->poller, &loop->uv, conn_ready);
    if (rc != OK) {
        (void)uv_loop_close(&loop->uv);
        goto done;
    }
    *out = loop;
    loop = NULL;
done:
    if (loop != NULL) {
        free(loop->rx);
        free(loop->cork);
        free(loop);
    }
    return rc;
}

void loop_free(struct loop *loop)
{
    int rc;

    if (loop == NULL)
        return;
    conn_bury_dead(loop);
    poller_free(loop->poller);
    /* Handles whose closing is under way; their callbacks may close more. */
    rc = uv_loop_close(&loop->uv);
    for (int round = 0; rc == UV_EBUSY && round < ROUNDS_MAX; round++) {
        (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
        rc = uv_loop_close(&loop->uv);
    }
    ASSERT(rc == 0);
    conn_loop_clear(loop);
    free(loop->rx);
    free(loop->cork);
    free(loop);
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

COLD static void read_clock(struct loop *loop)
{
    loop->now_ns = clock_mono_ns();
    loop->now_ms = loop->now_ns / 1000000;
    loop->is_now_known = true;
}

/* The cached reading is not part of what const promises. */
uint64_t loop_now_ns(const struct loop *loop)
{
    if (!loop->is_now_known)
        read_clock((struct loop *)loop);
    return loop->now_ns;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    if (!loop->is_now_known)
        read_clock((struct loop *)loop);
    return loop->now_ms;
}

int64_t loop_wall_s(const struct loop *loop)
{
    struct loop *self = (struct loop *)loop;

    if (!self->is_wall_known) {
        self->wall_s = clock_wall_s();
        self->is_wall_known = true;
    }
    return self->wall_s;
}

const struct loop_counters *loop_counters(const struct loop *loop)
{
    return &loop->counters;
}

int64_t loop_queued_bytes(const struct loop *loop)
{
    return loop->queued_bytes;
}

void timer_init(struct timer *t, void (*fire)(struct timer *timer))
{
    link_init(&t->link);
    t->at_ms = 0;
    t->fire = fire;
}

void timer_start(struct loop *loop, struct timer *t, uint64_t at_ms)
{
    /* A later deadline needs no move: the wheel finds the timer too early and puts it back further
     * on. */
    if (timer_is_running(t) && at_ms >= t->at_ms) {
        t->at_ms = at_ms;
        return;
    }
    link_remove(&t->link);
    t->at_ms = at_ms;
    timer_wheel_add(&loop->wheel, t);
    loop->has_new_timer = true;
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

void loop_at_turn_end(struct loop *loop, struct loop_task *task)
{
    if (link_is_alone(&task->link))
        link_append(&loop->tasks, &task->link);
}
