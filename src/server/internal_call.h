/* SPDX-License-Identifier: Apache-2.0 */
/* internal_call.h: what the files internal*.c share: the API's tables, and calls whose answer comes
 * later. Private to those. Worker 0's thread but what says otherwise. */
#ifndef SERVER_INTERNAL_CALL_H
#define SERVER_INTERNAL_CALL_H

#include "api/api.h"
#include "auth/session_store.h"
#include "server/close_job.h"
#include "server/internal.h"

/* The reload that a call has begun: one at a time, on a thread of its own. */
struct internal_reload {
    pthread_t thread;
    bool is_running, is_over; /* over: the server ends, nobody waits for an answer any more */
    uint64_t number;
    int rc;
    unsigned changes;
    struct error why;
};

struct internal {
    struct server *server;
    struct api *api;
    struct tickets *tickets;
    struct revocations *revocations;
    struct revocation_log *log;
    struct listen_address address;
    struct link calls; /* until their answer */
    struct link orders;
    struct internal_reload reload;
    int fd;
    bool is_stopped;
};

/* One call on its way: through the store of sessions, to all workers, or both. */
struct call {
    struct close_job job; /* first */
    struct link link;
    struct internal *internal;
    uint64_t number;
    bool is_revocation, has_job;
    enum api_result result; /* to be told once all are done */
    struct session_op op;   /* its texts lie in what follows */
    char text[SESSION_ID_MAX], replaces[SESSION_ID_MAX], roles[SESSION_ROLES_MAX],
        tenant[IDENTITY_TENANT_MAX];
};

static inline struct worker *internal_worker(const struct internal *in)
{
    return &in->server->workers[0];
}
/* In in->calls. NULL: out of memory. */
struct call *internal_call_new(struct internal *in, uint64_t number);
void internal_call_free(struct call *call); /* wipes */
struct view internal_call_keep(char *out, struct view text);

/* One call on its way to all workers: something to be done, or something to be counted or listed.
 */
struct order {
    struct crew_job work; /* first */
    struct link link;
    struct internal *internal;
    uint64_t number;
    void (*clear)(struct order *order); /* what the order holds beside itself; may be NULL */
    void (*answer)(struct order *order, struct wr *w);
    size_t answer_bytes; /* at most */
};
/* `bytes`: of the struct that begins with the order. In in->orders. NULL: out of memory, or too
 * many. */
struct order *internal_order_new(struct internal *in, size_t bytes, uint64_t number);
void internal_order_free(struct order *order);
/* `run`, `answer` and `answer_bytes` are set. */
enum api_result internal_order_start(struct order *order);
void internal_orders_free(struct internal *in);

/* --- internal_order.c --- */
enum api_result internal_broadcast(void *internal, const struct api_broadcast_ask *ask,
                                   uint64_t number);
enum api_result internal_subscription(void *internal, const struct api_subscription_ask *ask,
                                      uint64_t number);
enum api_result internal_disconnect(void *internal, const struct api_disconnect_ask *ask,
                                    uint64_t number);

/* --- internal_moderate.c --- */
enum api_result internal_moderate(void *internal, const struct api_moderate_ask *ask,
                                  uint64_t number);

/* --- internal_reload.c --- */
enum api_result internal_reload(void *internal, uint64_t number);

/* --- internal_oversight.c --- */
enum api_result internal_ban(void *internal, const struct api_ban_ask *ask, struct wr *out);
enum api_result internal_presence(void *internal, const struct api_look_ask *ask, struct wr *out);
enum api_result internal_history(void *internal, const struct api_look_ask *ask, uint64_t number);

/* --- internal_sanctions.c --- */
enum api_result internal_sanctions(void *internal, const struct api_sanctions_ask *ask,
                                   uint64_t number);

/* --- internal_metrics.c --- */
enum api_result internal_metrics(struct internal *in, uint64_t number);

/* --- internal_list.c --- */
enum api_result internal_list(void *internal, const struct api_list_ask *ask, uint64_t number);

/* --- internal_session.c --- */
enum api_result internal_session(void *internal, const struct api_session_ask *ask,
                                 uint64_t number);
enum api_result internal_csrf(void *internal, const struct api_csrf_ask *ask,
                              char text[API_CSRF_TEXT_MAX]);
/* By its id: at the store, where there is one, and on all workers. */
enum api_result internal_revoke_session(struct internal *in, struct view id, uint64_t number);
/* A revoked user's sessions end in the store as well: they may outlive the memory of the
 * revocation. Nobody waits for it; until it is done the revocation bars them. */
void internal_end_sessions_of(struct internal *in, struct view user);

#endif
