/* SPDX-License-Identifier: Apache-2.0 */
/* crew.h: one job for all workers: each does its share on its own thread, and worker 0 hears when
 * all are done. Private to server/. Worker 0 but what says otherwise. */
#ifndef SERVER_CREW_H
#define SERVER_CREW_H

#include <stdatomic.h>

#include "base/link.h"
#include "server/worker.h"

#define CREW_JOBS_MAX 128 /* of those that ask crew_has_room, and of those that must stay */

struct crew_job { /* starts zeroed; its owner's until `done` */
    void (*run)(struct worker *w, struct crew_job *job); /* on each worker */
    void (*done)(struct crew_job *job);                  /* on worker 0 */
    struct link link;
    uint64_t told;            /* bit n: worker n has its letter */
    _Atomic uint64_t waiting; /* bit n: worker n has not done it yet */
    /* For a worker that has ended (the server drains) worker 0 may do it, so that the job ends. */
    bool may_stand_in;
    bool must_stay; /* then, after `done`: a letter still knows it, until the workers are closed */
};

struct crew;
int crew_new(struct crew **out, struct server *s);
/* Jobs that are not done stay so: their owner frees them once the workers are closed. */
void crew_stop(struct crew *c); /* NULL is fine */
void crew_free(struct crew *c); /* the same */
bool crew_has_room(const struct crew *c);
/* run and done are set. */
void crew_start(struct crew *c, struct crew_job *job);

#endif
