/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c: the turn of a loop. libuv polls; before and after each poll the turn's end runs: tasks
 * first, then the connections' queued output, again while either made more of the other; much of it
 * in slices with a poll in between. The clock is read when the first callback of a turn asks, and
 * forgotten just before the poll. One uv_timer stands at the wheel's next deadline; without timers
 * nothing wakes the loop. */
#include "net/loop_private.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
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

static void on_spin(uv_idle_t *handle)
{
    (void)handle; /* its existence is its job: the poll after it does not sleep */
}

static void end_busy_turn(struct loop *loop)
{
    uint64_t flushes = FLUSHES_PER_TURN + (loop->counters.recv_calls - loop->recv_calls_before);
    bool has_waiting = conn_shake_admit(loop);
    bool has_more = true;

    for (int round = 0; has_more && round < ROUNDS_MAX; round++) {
        run_tasks(loop);
        conn_turn_end(loop, &flushes);
        has_more = !link_is_alone(&loop->tasks) || (flushes > 0 && !link_is_alone(&loop->dirty));
    }
    has_more = has_waiting || !link_is_alone(&loop->tasks) || !link_is_alone(&loop->dirty);
    if (has_more == loop->is_spinning)
        return;
    loop->is_spinning = has_more;
    if (has_more)
        (void)uv_idle_start(&loop->spin, on_spin);
    else
        (void)uv_idle_stop(&loop->spin);
}

/* Most turns only answered what they read: for them this is all. */
static inline void end_turn(struct loop *loop)
{
    if (!link_is_alone(&loop->tasks) || !link_is_alone(&loop->dirty) ||
        !link_is_alone(&loop->tls.waiting) || loop->is_spinning)
        end_busy_turn(loop);
}

static void on_alarm(uv_timer_t *handle)
{
    struct loop *loop = handle->data;

    loop->alarm_ms = UINT64_MAX;
    loop->is_now_known = false;
    timer_wheel_run(&loop->wheel, loop_now_ms(loop));
}

static void set_alarm(struct loop *loop)
{
    uint64_t next_ms = timer_wheel_next_ms(&loop->wheel);
    uint64_t now_ms;

    if (next_ms == loop->alarm_ms)
        return;
    loop->alarm_ms = next_ms;
    if (next_ms == UINT64_MAX) {
        (void)uv_timer_stop(&loop->alarm);
        return;
    }
    /* libuv counts from its own idea of now, which may lag behind. */
    uv_update_time(&loop->uv);
    now_ms = clock_mono_ms();
    (void)uv_timer_start(&loop->alarm, on_alarm, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

static void on_prepare(uv_prepare_t *handle)
{
    struct loop *loop = handle->data;

    end_turn(loop);
    set_alarm(loop);
    loop->is_now_known = loop->is_wall_known = false;
    loop->recv_calls_before = loop->counters.recv_calls;
}

static void on_check(uv_check_t *handle)
{
    end_turn(handle->data);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct loop *loop = handle->data;

    loop->open_handles--;
}

static int open_handles(struct loop *loop)
{
    if (uv_loop_init(&loop->uv) != 0)
        return E_IO;
    /* None of these four can fail on a loop that exists. */
    (void)uv_prepare_init(&loop->uv, &loop->prepare);
    (void)uv_check_init(&loop->uv, &loop->check);
    (void)uv_timer_init(&loop->uv, &loop->alarm);
    (void)uv_idle_init(&loop->uv, &loop->spin);
    loop->prepare.data = loop->check.data = loop->alarm.data = loop->spin.data = loop;
    loop->open_handles = 4;
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    (void)uv_check_start(&loop->check, on_check);
    return OK;
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
    link_init(&loop->tls.waiting);
    loop->tls.max_running = CONN_MAX_HANDSHAKES_DEFAULT;
    heap_trim_init(&loop->tls.trim, loop);
    loop->alarm_ms = UINT64_MAX;
    timer_wheel_init(&loop->wheel, clock_mono_ms());
    rc = open_handles(loop);
    if (rc != OK)
        goto done;
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
    if (loop == NULL)
        return;
    uv_close((uv_handle_t *)&loop->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&loop->check, on_handle_closed);
    uv_close((uv_handle_t *)&loop->alarm, on_handle_closed);
    uv_close((uv_handle_t *)&loop->spin, on_handle_closed);
    while (loop->open_handles > 0)
        (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
    ASSERT(uv_loop_close(&loop->uv) == 0);
    conn_loop_clear(loop);
    free(loop->rx);
    free(loop->cork);
    free(loop);
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

uint64_t loop_now_ns(const struct loop *loop)
{
    struct loop *self =
        (struct loop *)loop; /* the cached reading is not part of what const promises */

    if (!self->is_now_known) {
        self->now_ns = clock_mono_ns();
        self->is_now_known = true;
    }
    return self->now_ns;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop_now_ns(loop) / 1000000;
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
