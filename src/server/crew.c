/* SPDX-License-Identifier: Apache-2.0 */
/* crew.c: a job sends a letter to each worker, a worker only counts down, and worker 0 looks every
 * few milliseconds who is done: so nobody ever writes to a worker that may have ended. A letter
 * that an ended worker has not opened is opened when the server is freed, and finds that it was
 * done. */
#include "server/crew.h"

#include <stdlib.h>

#include "base/status.h"

#define LOOK_MS 16

struct crew {
    struct server *server;
    struct link jobs;
    uint32_t jobs_count;
    struct timer timer;
    bool is_stopped;
};

/* On each worker. */
static void job_letter(void *worker, void *a, void *b)
{
    struct crew_job *job = a;
    struct worker *w = worker;
    uint64_t bit = UINT64_C(1) << w->index;

    (void)b;
    if ((atomic_load_explicit(&job->waiting, memory_order_acquire) & bit) == 0)
        return;
    job->run(w, job);
    (void)atomic_fetch_and_explicit(&job->waiting, ~bit, memory_order_release);
}

/* A full mailbox is tried again; none is forgotten. */
static void tell_workers(struct crew *c, struct crew_job *job)
{
    for (unsigned i = 0; i < c->server->workers_count; i++) {
        struct letter letter = {job_letter, job, NULL};

        if ((job->told >> i & 1) == 0 && mailbox_post(c->server->workers[i].control, letter))
            job->told |= UINT64_C(1) << i;
    }
}

static void stand_in(struct crew *c, struct crew_job *job)
{
    uint64_t waiting = atomic_load_explicit(&job->waiting, memory_order_acquire);

    for (unsigned i = 0; i < c->server->workers_count; i++) {
        struct worker *w = &c->server->workers[i];
        uint64_t bit = UINT64_C(1) << i;

        if ((waiting & bit) == 0 || !atomic_load_explicit(&w->has_ended, memory_order_acquire))
            continue;
        job->must_stay = job->must_stay || (job->told & bit) != 0;
        job->told |= bit;
        job->run(w, job);
        (void)atomic_fetch_and_explicit(&job->waiting, ~bit, memory_order_release);
    }
}

/* true: one is done; then the ring may have changed. */
static bool finish_one(struct crew *c)
{
    for (struct link *at = c->jobs.next; at != &c->jobs; at = at->next) {
        struct crew_job *job = LINK_ITEM(at, struct crew_job, link);

        if (job->may_stand_in)
            stand_in(c, job);
        tell_workers(c, job);
        if (atomic_load_explicit(&job->waiting, memory_order_acquire) != 0)
            continue;
        link_remove(&job->link);
        c->jobs_count -= !job->must_stay;
        job->done(job);
        return true;
    }
    return false;
}

static void look(struct timer *timer)
{
    struct crew *c = LINK_ITEM(timer, struct crew, timer);
    struct loop *loop = c->server->workers[0].loop;

    while (finish_one(c)) {
    }
    if (!link_is_alone(&c->jobs) && !c->is_stopped)
        timer_start(loop, &c->timer, loop_now_ms(loop) + LOOK_MS);
}

bool crew_has_room(const struct crew *c)
{
    return !c->is_stopped && c->jobs_count < CREW_JOBS_MAX;
}

void crew_start(struct crew *c, struct crew_job *job)
{
    struct loop *loop = c->server->workers[0].loop;

    atomic_init(&job->waiting, UINT64_MAX >> (64 - c->server->workers_count));
    link_append(&c->jobs, &job->link);
    c->jobs_count++;
    if (c->is_stopped)
        return;
    tell_workers(c, job);
    timer_start(loop, &c->timer, loop_now_ms(loop) + 1);
}

int crew_new(struct crew **out, struct server *s)
{
    struct crew *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return E_NOMEM;
    c->server = s;
    link_init(&c->jobs);
    timer_init(&c->timer, look);
    *out = c;
    return OK;
}

void crew_stop(struct crew *c)
{
    if (c == NULL)
        return;
    c->is_stopped = true;
    timer_stop(&c->timer);
}

void crew_free(struct crew *c)
{
    free(c);
}
