/* SPDX-License-Identifier: Apache-2.0 */
/* outbound.h: the one thread of a server for what is slow or may block: fetches (fetch.h), their
 * retries, and jobs of others. Everything runs on it one after the other, so a job must not take
 * longer than its neighbours can wait. Workers only post. */
#ifndef NET_OUTBOUND_H
#define NET_OUTBOUND_H

#include <stdint.h>

#include "base/link.h"

#define OUTBOUND_JOBS_MAX      256 /* waiting to begin */
#define OUTBOUND_TRANSFERS_MAX 64  /* under way at a time */

struct outbound;

/* Starts the thread. It takes no signals. E_NOMEM, E_IO. */
int outbound_start(struct outbound **out);
/* Ends the thread and waits for it. Jobs that have not begun run with E_CLOSED, fetches under way
 * are answered E_CLOSED, timers no longer fire; posting answers E_CLOSED from then on. Once, by
 * any thread but the outbound one. */
void outbound_stop(struct outbound *o);
/* Stopped, and nobody posts any more. NULL is fine. */
void outbound_free(struct outbound *o);

/* Embedded in its owner; belongs to the thread from the post until `run` is called. */
struct outbound_job {
    struct link link;
    /* On the outbound thread, exactly once a post. status: OK, or E_CLOSED. May free the job. */
    void (*run)(struct outbound_job *job, int status);
};
/* Any thread; never waits. Jobs of one sender keep their order. E_FULL, E_CLOSED: `run` is not
 * called. */
int outbound_post(struct outbound *o, struct outbound_job *job);

/* --- on the outbound thread only --- */

uint64_t outbound_now_ms(const struct outbound *o); /* monotonic; read once a turn */

struct outbound_timer {
    struct link link;
    uint64_t at_ms;
    void (*fire)(struct outbound_timer *timer);
};
void outbound_timer_init(struct outbound_timer *t, void (*fire)(struct outbound_timer *timer));
/* Moves it when it is running already. Does nothing once the thread is ending. */
void outbound_timer_start(struct outbound *o, struct outbound_timer *t, uint64_t at_ms);
void outbound_timer_stop(struct outbound_timer *t); /* harmless when stopped */

#endif
