/* SPDX-License-Identifier: Apache-2.0 */
/* internal.c: the operations of the API. A revocation stands in the table, then on the disk, before
 * a letter goes to each worker; a worker only counts down, and worker 0 looks every few
 * milliseconds who is done: so nobody ever writes to a worker that may have ended. */
#include "server/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/scope.h"
#include "api/api.h"
#include "auth/origin.h"
#include "auth/revocation_log.h"
#include "auth/ticket.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "server/peer.h"
#include "server/push.h"

#define LOOK_MS  16
#define JOBS_MAX (2 * API_CONNECTIONS_MAX)

/* One revocation on its way to all workers. */
struct job {
    struct link link;
    uint64_t call;
    enum api_result result; /* to be told once all are done */
    uint64_t told;          /* bit n: worker n has its letter */
    atomic_uint left;       /* workers that have not looked yet */
    _Atomic uint64_t closed;
    struct api_revoke_ask what; /* value points into text */
    uint64_t role;
    char text[IDENTITY_TOKEN_ID_MAX];
};

struct internal {
    struct server *server;
    struct api *api;
    struct tickets *tickets;
    struct revocations *revocations;
    struct revocation_log *log;
    struct listen_address address;
    struct link jobs;
    uint32_t jobs_count;
    struct timer timer;
    int fd;
};

static struct worker *worker_of(const struct internal *in)
{
    return &in->server->workers[0];
}

/* --- closing, on each worker --- */

static bool is_meant(const struct job *job, const struct peer *p)
{
    const struct identity *who = p->who != NULL ? &p->who->identity : NULL;
    const struct api_revoke_ask *what = &job->what;

    switch (what->kind) {
    case API_REVOKE_USER:
        return who != NULL && view_eq(what->value, view_of(who->user, who->user_bytes));
    case API_REVOKE_TOKEN_ID:
        return who != NULL && view_eq(what->value, view_of_text(who->token_id));
    case API_REVOKE_ROLE:
        return who != NULL && (who->roles & job->role) != 0;
    case API_REVOKE_IP:
        return p->ip.family == what->ip.family &&
               memcmp(p->ip.bytes, what->ip.bytes, sizeof(p->ip.bytes)) == 0;
    case API_REVOKE_CONNECTION:
        return memcmp(p->id, what->connection, sizeof(p->id)) == 0;
    }
    return false;
}

static bool close_one(struct peer *p)
{
    struct event event = peer_event(p, EVENT_REVOKED, OUTCOME_OK, NULL);

    if (p->phase >= PEER_CLOSING || conn_is_closing(&p->conn))
        return false;
    if (!p->is_upgraded) {
        peer_log(p, &event);
        conn_abort(&p->conn);
        return true;
    }
    event.close_code = CLOSE_POLICY;
    peer_log(p, &event);
    session_close(p, CLOSE_POLICY, "Revoked");
    return true;
}

static void close_letter(void *worker, void *a, void *b)
{
    struct worker *w = worker;
    struct job *job = a;
    struct link *next;

    (void)b;
    for (struct link *at = w->peers.next; at != &w->peers; at = next) {
        struct peer *p = LINK_ITEM(at, struct peer, link);

        next = at->next;
        if (is_meant(job, p) && close_one(p))
            (void)atomic_fetch_add_explicit(&job->closed, 1, memory_order_relaxed);
    }
    (void)atomic_fetch_sub_explicit(&job->left, 1, memory_order_release);
}

/* --- jobs, on worker 0 --- */

/* A full mailbox is tried again; none is forgotten. */
static void tell_workers(struct internal *in, struct job *job)
{
    for (unsigned i = 0; i < in->server->workers_count; i++) {
        struct letter letter = {close_letter, job, NULL};

        if ((job->told >> i & 1) == 0 && mailbox_post(in->server->workers[i].control, letter))
            job->told |= UINT64_C(1) << i;
    }
}

static void look(struct timer *timer)
{
    struct internal *in = LINK_ITEM(timer, struct internal, timer);
    struct loop *loop = worker_of(in)->loop;
    struct link *next;

    for (struct link *at = in->jobs.next; at != &in->jobs; at = next) {
        struct job *job = LINK_ITEM(at, struct job, link);

        next = at->next;
        tell_workers(in, job);
        if (atomic_load_explicit(&job->left, memory_order_acquire) > 0)
            continue;
        api_revoked(in->api, job->call, job->result,
                    atomic_load_explicit(&job->closed, memory_order_relaxed));
        link_remove(&job->link);
        in->jobs_count--;
        free(job);
    }
    if (!link_is_alone(&in->jobs))
        timer_start(loop, &in->timer, loop_now_ms(loop) + LOOK_MS);
}

static struct job *job_new(struct internal *in, const struct api_revoke_ask *ask, uint64_t call)
{
    struct job *job = in->jobs_count < JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;

    if (job == NULL)
        return NULL;
    job->call = call;
    job->result = API_RESULT_OK;
    job->what = *ask;
    if (ask->kind <= API_REVOKE_ROLE) {
        memcpy(job->text, ask->value.ptr, ask->value.len);
        job->what.value = view_of(job->text, ask->value.len);
    }
    job->role = ask->kind == API_REVOKE_ROLE
                    ? role_set_bit(&in->server->options->policy.roles, ask->value)
                    : 0;
    atomic_init(&job->left, in->server->workers_count);
    return job;
}

/* Into the table and onto the disk. Addresses and connections are only closed, not barred. */
static enum api_result remember(struct internal *in, const struct api_revoke_ask *ask)
{
    static const enum revoked_kind kinds[] = {[API_REVOKE_USER] = REVOKED_USER,
                                              [API_REVOKE_TOKEN_ID] = REVOKED_TOKEN_ID,
                                              [API_REVOKE_ROLE] = REVOKED_ROLE};
    struct revocation what;
    int rc;

    if (ask->kind > API_REVOKE_ROLE)
        return API_RESULT_OK;
    what = (struct revocation){kinds[ask->kind], ask->value, clock_wall_s()};
    rc = revocations_add(in->revocations, &what, what.at_s);
    if (rc != OK)
        return rc == E_FULL ? API_RESULT_REVOCATIONS_FULL : API_RESULT_OVERLOADED;
    if (revocation_log_add(in->log, &what) == OK)
        return API_RESULT_OK;
    log_line(LOG_ERROR, "a revocation could not be written to the state folder: %s",
             strerror(errno));
    return API_RESULT_NOT_STORED;
}

static bool is_ready(void *server)
{
    return atomic_load(&((struct internal *)server)->server->drains) == 0;
}

static enum api_result op_revoke(void *server, const struct api_revoke_ask *ask, uint64_t call)
{
    struct internal *in = server;
    struct loop *loop = worker_of(in)->loop;
    struct job *job = job_new(in, ask, call);

    if (job == NULL)
        return API_RESULT_OVERLOADED;
    job->result = remember(in, ask);
    if (job->result != API_RESULT_OK && job->result != API_RESULT_NOT_STORED) {
        enum api_result result = job->result;

        free(job);
        return result;
    }
    link_append(&in->jobs, &job->link);
    in->jobs_count++;
    tell_workers(in, job);
    timer_start(loop, &in->timer, loop_now_ms(loop) + 1);
    return API_RESULT_LATER;
}

/* --- tickets and messages --- */

static enum api_result op_ticket(void *server, const struct api_ticket_ask *ask,
                                 char text[API_TICKET_TEXT_MAX])
{
    struct internal *in = server;
    struct worker *w = worker_of(in);
    const struct options *o = w->server->options;
    struct ticket_offer offer = {.origin = ask->origin, .ttl_s = ask->ttl_s};
    struct identity *who = &offer.who;

    if (!is_ready(server))
        return API_RESULT_DRAINING;
    if (ask->origin.ptr != NULL && !origin_allowed(o->origins, o->origins_count, ask->origin))
        return API_RESULT_ORIGIN;
    who->method = IDENTITY_TICKET;
    who->scopes = SCOPES_ALL;
    memcpy(who->user, ask->user.ptr, ask->user.len);
    who->user_bytes = (uint8_t)ask->user.len;
    who->roles = ask->roles;
    who->issued_at_s = clock_wall_s();
    who->expires_at_s = who->issued_at_s + ask->session_ttl_s;
    switch (tickets_issue(in->tickets, &offer, loop_now_ms(w->loop), text)) {
    case OK:
        return API_RESULT_OK;
    case E_FULL:
        return API_RESULT_TICKETS_FULL;
    default:
        return API_RESULT_OVERLOADED;
    }
}

static enum api_result op_publish(void *server, const struct api_publish_ask *ask)
{
    struct worker *w = worker_of(server);
    struct blob *frame = push_encode(w, ask->channel, ask->data, VIEW(""));
    int rc = frame != NULL ? hub_publish(w->hub, ask->channel, frame, NULL) : E_NOMEM;

    blob_drop(frame);
    return rc == OK ? API_RESULT_OK : API_RESULT_OVERLOADED;
}

static void op_log(void *server, const struct api_call *call)
{
    struct internal *in = server;
    char ip[IP_TEXT_BYTES];
    struct event event = {.type = EVENT_API_CALL,
                          .outcome = call->status < 400 ? OUTCOME_OK : OUTCOME_REFUSED,
                          .code = call->code,
                          .status = (uint16_t)call->status,
                          .port = call->port,
                          .user = call->user,
                          .key = call->key,
                          .action = view_of_text(call->operation),
                          .detail = call->detail};

    ip_address_text(&call->ip, ip);
    event.ip = view_of_text(ip);
    event_log_put(in->server->events, &event);
}

static const struct api_ops operations = {is_ready, op_ticket, op_revoke, op_publish, op_log};

/* --- life --- */

static int open_tables(struct internal *in, struct error *why)
{
    struct options *o = in->server->options;
    unsigned scopes = api_keys_scopes(&o->internal.keys);
    int rc = OK;

    if ((scopes & API_SCOPE_TICKETS) != 0)
        rc = tickets_new(&in->tickets, TICKETS_MAX);
    if (rc == OK && (scopes & API_SCOPE_REVOKE) != 0)
        rc = revocations_new(&in->revocations, REVOCATIONS_MAX,
                             (int64_t)(o->max_token_age_ms / 1000));
    if (rc != OK) {
        error_set(why, "cannot prepare the tables: %s", status_text(rc));
        return rc;
    }
    if (in->revocations != NULL)
        rc = revocation_log_open(&in->log, o->state_dir, in->revocations, clock_wall_s(), why);
    o->auth.tickets = in->tickets;
    o->auth.revocations = in->revocations;
    return rc;
}

int internal_open(struct server *s, struct error *why)
{
    struct options *o = s->options;
    struct internal *in;
    int rc;

    if (!o->internal.is_on)
        return OK;
    in = calloc(1, sizeof(*in));
    if (in == NULL) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    s->internal = in;
    in->server = s;
    in->fd = -1;
    in->address = o->internal.address;
    link_init(&in->jobs);
    timer_init(&in->timer, look);
    api_keys_forget_secrets(&o->internal.keys);
    rc = open_tables(in, why);
    if (rc == OK)
        rc = listener_probe(&in->address, why);
    if (rc == OK) {
        in->fd = listener_bind(&in->address, &in->address.port, why);
        rc = in->fd < 0 ? in->fd : OK;
    }
    return rc;
}

int internal_start(struct internal *in)
{
    struct options *o = in->server->options;
    struct api_options options = {.loop = worker_of(in)->loop,
                                  .fd = in->fd,
                                  .is_unix = in->address.unix_path[0] != '\0',
                                  .keys = &o->internal.keys,
                                  .roles = &o->policy.roles,
                                  .ops = &operations,
                                  .server = in};

    in->fd = -1;
    return api_open(&in->api, &options);
}

/* The path goes while the listener is still ours, as for the others. */
bool internal_stop(struct internal *in)
{
    if (in->api == NULL)
        return true;
    if (in->address.unix_path[0] != '\0')
        (void)unlink(in->address.unix_path);
    in->address.unix_path[0] = '\0';
    timer_stop(&in->timer);
    return api_stop(in->api);
}

void internal_free(struct internal *in)
{
    if (in == NULL)
        return;
    while (!link_is_alone(&in->jobs)) {
        struct job *job = LINK_ITEM(in->jobs.next, struct job, link);

        link_remove(&job->link);
        free(job);
    }
    if (in->fd >= 0) { /* it never ran */
        (void)close(in->fd);
        if (in->address.unix_path[0] != '\0')
            (void)unlink(in->address.unix_path);
    }
    in->server->options->auth.tickets = NULL;
    in->server->options->auth.revocations = NULL;
    api_free(in->api);
    revocation_log_close(in->log);
    revocations_free(in->revocations);
    tickets_free(in->tickets);
    free(in);
}

uint16_t internal_port(const struct internal *in)
{
    return in != NULL ? in->address.port : 0;
}
