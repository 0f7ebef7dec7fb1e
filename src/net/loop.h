/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h: one thread's event loop over libuv: time once per turn, one timer wheel, deferred frees,
 * work at the turn's end, and the worker's big shared buffers. Everything here belongs to the
 * loop's thread unless it says otherwise. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/link.h"

struct loop;

/* What this loop asked of the kernel for its connections. Only grows. */
struct loop_counters {
    uint64_t polls, recv_calls, send_calls;
    uint64_t recv_bytes, send_bytes; /* as the network has them */
};

int loop_new(struct loop **out);
/* Everything registered must be closed. */
void loop_free(struct loop *loop);
void loop_run(struct loop *loop);  /* until loop_stop */
void loop_stop(struct loop *loop); /* loop thread; from others: post a mail */
uv_loop_t *loop_uv(struct loop *loop);

/* Read once per turn. */
uint64_t loop_now_ms(const struct loop *loop); /* monotonic */
uint64_t loop_now_ns(const struct loop *loop); /* monotonic */
int64_t loop_wall_s(const struct loop *loop);
const struct loop_counters *loop_counters(const struct loop *loop);
/* Bytes of the queues of this loop's connections, a blob in several of them once, by the loop that
 * queued it first; counted off by the one that sends it last. So one loop's number may be negative,
 * and the sum of all is right. */
int64_t loop_queued_bytes(const struct loop *loop);

/* Timers: embedded in their owner, hashed wheel, 8 ms ticks, O(1), never early, up to one tick
 * late. */
struct timer {
    struct link link;
    uint64_t at_ms;
    void (*fire)(struct timer *timer);
};
void timer_init(struct timer *t, void (*fire)(struct timer *timer));
void timer_start(struct loop *loop, struct timer *t,
                 uint64_t at_ms); /* re-arms when already running */
void timer_stop(struct timer *t); /* harmless when stopped */
bool timer_is_running(const struct timer *t);

/* Runs once at the end of this turn, after all readable events: where queued output leaves and dead
 * objects are freed. */
struct loop_task {
    struct link link;
    void (*run)(struct loop_task *task);
};
void loop_task_init(struct loop_task *task, void (*run)(struct loop_task *task));
void loop_at_turn_end(struct loop *loop, struct loop_task *task); /* harmless when already queued */

#endif
