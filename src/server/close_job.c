/* SPDX-License-Identifier: Apache-2.0 */
/* close_job.c: a job for all workers (crew.h). Whoever closes a connection tells all jobs that
 * would have closed it too: the count is right even where the store of sessions was quicker. */
#include "server/close_job.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "server/login.h"

struct closer {
    struct server *server;
    pthread_mutex_t lock; /* the ring, which worker 0 changes and all read */
    struct link jobs;
    uint32_t jobs_count;
    bool is_stopped;
};

/* --- closing, on each worker --- */

static bool is_meant(const struct close_job *job, const struct peer *p)
{
    struct identity space;
    const struct identity *who = login_named(p, &space);
    const struct close_target *what = &job->target;

    switch (what->by) {
    case CLOSE_BY_USER:
        return who != NULL && view_eq(what->text, view_of(who->user, who->user_bytes));
    case CLOSE_BY_TOKEN_ID:
        return who != NULL && view_eq(what->text, view_of_text(who->token_id));
    case CLOSE_BY_ROLE:
        return who != NULL && (who->roles & what->role) != 0;
    case CLOSE_BY_IP:
        return p->ip.family == what->ip.family &&
               memcmp(p->ip.bytes, what->ip.bytes, sizeof(p->ip.bytes)) == 0;
    case CLOSE_BY_CONNECTION:
        return memcmp(p->id, what->bytes, sizeof(p->id)) == 0;
    case CLOSE_BY_SESSION:
        return who != NULL && who->has_session &&
               memcmp(who->session, what->bytes, sizeof(who->session)) == 0;
    case CLOSE_BY_SESSIONS_USER:
        return who != NULL && who->has_session &&
               view_eq(what->text, view_of(who->user, who->user_bytes));
    }
    return false;
}

/* The jobs that wait for such a connection. */
static void count(struct closer *c, const struct peer *p)
{
    (void)pthread_mutex_lock(&c->lock);
    for (struct link *at = c->jobs.next; at != &c->jobs; at = at->next) {
        struct close_job *job = LINK_ITEM(at, struct close_job, link);

        if (is_meant(job, p))
            (void)atomic_fetch_add_explicit(&job->closed, 1, memory_order_relaxed);
    }
    (void)pthread_mutex_unlock(&c->lock);
}

void close_peer(struct peer *p, const struct closing *how)
{
    struct event event = peer_event(p, how->event, OUTCOME_OK, how->code);

    if (p->phase >= PEER_CLOSING || conn_is_closing(&p->conn))
        return;
    count(p->worker->server->closer, p);
    if (!p->is_upgraded) {
        peer_log(p, &event);
        conn_abort(&p->conn);
        return;
    }
    event.close_code = (uint16_t)how->close_code;
    peer_log(p, &event);
    session_close(p, how->close_code, how->reason);
}

static void close_theirs(struct worker *w, struct crew_job *work)
{
    struct close_job *job = (struct close_job *)(void *)work;
    struct closing how = {EVENT_REVOKED, NULL, CLOSE_POLICY, "Revoked"};
    struct link *next;

    if (job->how != NULL)
        how = *job->how;
    else if (job->target.by == CLOSE_BY_SESSION || job->target.by == CLOSE_BY_SESSIONS_USER)
        how = closing_of_session(SESSION_LOGGED_OUT);
    for (struct link *at = w->peers.next; at != &w->peers; at = next) {
        struct peer *p = LINK_ITEM(at, struct peer, link);

        next = at->next;
        if (is_meant(job, p))
            close_peer(p, &how);
    }
}

/* --- jobs, on worker 0 --- */

static void leave_ring(struct closer *c, struct close_job *job)
{
    (void)pthread_mutex_lock(&c->lock);
    link_remove(&job->link);
    (void)pthread_mutex_unlock(&c->lock);
    c->jobs_count--;
}

static void all_closed(struct crew_job *work)
{
    struct close_job *job = (struct close_job *)(void *)work;

    leave_ring(job->closer, job);
    job->done(job);
}

bool close_job_add(struct closer *c, struct close_job *job)
{
    if (c->is_stopped || c->jobs_count >= CLOSE_JOBS_MAX)
        return false;
    job->closer = c;
    atomic_init(&job->closed, 0);
    (void)pthread_mutex_lock(&c->lock);
    link_append(&c->jobs, &job->link);
    (void)pthread_mutex_unlock(&c->lock);
    c->jobs_count++;
    return true;
}

void close_job_start(struct closer *c, struct close_job *job)
{
    job->work.run = close_theirs;
    job->work.done = all_closed;
    crew_start(c->server->crew, &job->work);
}

void close_job_cancel(struct closer *c, struct close_job *job)
{
    leave_ring(c, job);
}

/* --- life --- */

int closer_new(struct closer **out, struct server *s)
{
    struct closer *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return E_NOMEM;
    if (pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c);
        return E_NOMEM;
    }
    c->server = s;
    link_init(&c->jobs);
    *out = c;
    return OK;
}

void closer_stop(struct closer *c)
{
    if (c == NULL)
        return;
    c->is_stopped = true;
}

void closer_free(struct closer *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}
