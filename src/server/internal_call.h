/* SPDX-License-Identifier: Apache-2.0 */
/* internal_call.h: what internal.c and internal_session.c share: the API's tables, and calls whose
 * answer comes later. Private to those two. Worker 0's thread but what says otherwise. */
#ifndef SERVER_INTERNAL_CALL_H
#define SERVER_INTERNAL_CALL_H

#include "api/api.h"
#include "auth/session_store.h"
#include "server/close_job.h"
#include "server/internal.h"

struct internal {
    struct server *server;
    struct api *api;
    struct tickets *tickets;
    struct revocations *revocations;
    struct revocation_log *log;
    struct listen_address address;
    struct link calls; /* until their answer */
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
