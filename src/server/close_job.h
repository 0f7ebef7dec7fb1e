/* SPDX-License-Identifier: Apache-2.0 */
/* close_job.h: closing connections of whatever worker, because a revocation or the end of a session
 * says so. A job closes what its target names and counts; it belongs to worker 0. The end of a
 * session may be told by any thread and is never lost. Private to server/. */
#ifndef SERVER_CLOSE_JOB_H
#define SERVER_CLOSE_JOB_H

#include <stdatomic.h>

#include "auth/session_store.h"
#include "base/ip.h"
#include "base/link.h"
#include "server/crew.h"
#include "server/peer.h"

/* --- sessions, any thread --- */

/* Closes all connections that live by this session, on all workers: 4001, "Session ended" or
 * "Session expired", an event `session_ended` each. Never waits, never fails: where there is no
 * room to remember one more end, every connection with a session is closed. The workers are open
 * and not yet closed (server_open to server_free). */
void close_session_everywhere(struct server *s, const uint8_t session[IDENTITY_SESSION_BYTES],
                              enum session_end why);

/* One worker's ends of sessions, made and freed with the worker. */
struct session_ends;
int session_ends_new(struct session_ends **out, struct worker *w); /* w->loop exists */
void session_ends_free(struct session_ends *ends); /* before the loop; NULL is fine */

/* --- jobs, worker 0 --- */

#define CLOSE_JOBS_MAX 128

enum close_by {
    CLOSE_BY_USER,
    CLOSE_BY_TOKEN_ID,
    CLOSE_BY_ROLE,
    CLOSE_BY_IP,
    CLOSE_BY_CONNECTION,
    CLOSE_BY_SESSION,      /* the session with this digest */
    CLOSE_BY_SESSIONS_USER /* all sessions of this user, and what has no session stays */
};
struct close_target {
    enum close_by by;
    struct view text; /* user, token id; must live as long as the job */
    uint64_t role;    /* its bit */
    struct ip_address ip;
    uint8_t bytes[16]; /* connection, session */
};
struct closer;
struct closing;
struct close_job {        /* starts zeroed; its owner's until `done` */
    struct crew_job work; /* first; private */
    struct closer *closer;
    struct close_target target;
    const struct closing *how;           /* constant; NULL: as the target says */
    void (*done)(struct close_job *job); /* all workers have looked; on worker 0 */
    struct link link;
    _Atomic uint64_t closed; /* matching connections closed since close_job_add, by whomever */
};

int closer_new(struct closer **out, struct server *s);
/* Jobs that are not done stay so: their owner frees them once the workers are closed. */
void closer_stop(struct closer *c); /* NULL is fine */
void closer_free(struct closer *c); /* the same */
/* From now on it counts; false: too many. close_job_start or close_job_cancel follows. */
bool close_job_add(struct closer *c, struct close_job *job);
void close_job_start(struct closer *c, struct close_job *job);
void close_job_cancel(struct closer *c, struct close_job *job);

/* --- for both, on the worker of p --- */

/* What the peer and the event log are told. */
struct closing {
    enum event_type event;
    const char *code; /* of the event */
    unsigned close_code;
    const char *reason; /* constant text */
};
void close_peer(struct peer *p, const struct closing *how);
struct closing closing_of_session(enum session_end why);

#endif
