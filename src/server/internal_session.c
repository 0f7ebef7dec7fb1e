/* SPDX-License-Identifier: Apache-2.0 */
/* internal_session.c: sessions and CSRF tokens for the API. A store answers on a thread of its own:
 * the place for that letter is taken before it is asked. Ending counts from before the store is
 * asked, because the store tells the workers as well. */
#include <stdlib.h>
#include <string.h>

#include "auth/csrf.h"
#include "auth/origin.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "server/internal_call.h"

#define BODY_MAX 3072

_Static_assert(API_SESSION_ID_MAX <= SESSION_ID_MAX, "an id must fit");
_Static_assert(API_SESSION_ROLES_MAX <= SESSION_ROLES_MAX, "names of roles must fit");
_Static_assert(API_CSRF_TEXT_MAX >= CSRF_TEXT_BYTES && API_CSRF_TTL_S == CSRF_TTL_S,
               "what the API says of CSRF tokens is true");

/* --- answers --- */

static enum api_result result_of(int status)
{
    switch (status) {
    case OK:
        return API_RESULT_OK;
    case E_MISSING:
        return API_RESULT_SESSION_NOT_FOUND;
    case E_FULL:
        return API_RESULT_SESSIONS_FULL;
    case E_INVALID:
        return API_RESULT_SESSION;
    case E_UNSUPPORTED:
        return API_RESULT_NOT_SUPPORTED;
    case E_NOMEM:
        return API_RESULT_OVERLOADED;
    default:
        return API_RESULT_SESSIONS_UNAVAILABLE;
    }
}

static uint64_t seconds_until(int64_t at_s)
{
    int64_t now_s = clock_wall_s();

    return at_s > now_s ? (uint64_t)(at_s - now_s) : 0;
}

static void write_times(struct wr *w, const struct session_op *op)
{
    json_out_member_u64(w, "expires_in", seconds_until(op->ends_at_s));
    json_out_member_u64(w, "idle", seconds_until(op->idle_until_s));
}

static void write_who(struct wr *w, const struct session_op *op, const struct role_set *roles)
{
    const struct identity *who = &op->who;
    bool is_first = true;

    json_out_member(w, "user", view_of(who->user, who->user_bytes));
    json_out_key(w, "roles");
    wr_u8(w, '[');
    for (uint32_t i = 0; i < roles->count; i++) {
        if ((who->roles >> i & 1) == 0)
            continue;
        if (!is_first)
            wr_u8(w, ',');
        json_out_string(w, view_of_text(roles->roles[i].name), 0);
        is_first = false;
    }
    wr_u8(w, ']');
    json_out_key(w, "tenant");
    if (who->tenant[0] != '\0')
        json_out_string(w, view_of_text(who->tenant), 0);
    else
        wr_text(w, "null");
    json_out_member_u64(w, "created", op->created_at_s > 0 ? (uint64_t)op->created_at_s : 0);
}

static void finish(struct call *call)
{
    struct internal *in = call->internal;
    const struct session_op *op = &call->op;
    char text[BODY_MAX];
    struct wr w = wr_of(text, sizeof(text));

    json_out_open(&w);
    if (op->verb == SESSION_CREATE)
        json_out_member(&w, "session", view_of_text(op->new_id));
    if (op->verb == SESSION_GET)
        write_who(&w, op, &internal_worker(in)->options->policy.roles);
    if (op->verb <= SESSION_EXTEND)
        write_times(&w, op);
    if (op->verb > SESSION_EXTEND && !call->is_revocation)
        json_out_member_u64(&w, "ended", op->verb == SESSION_END ? 1 : op->count);
    if (op->verb > SESSION_EXTEND)
        json_out_member_u64(&w, "closed",
                            atomic_load_explicit(&call->job.closed, memory_order_relaxed));
    json_out_close(&w);
    wr_u8(&w, '\n');
    api_finish(in->api, call->number, w.failed ? API_RESULT_LATER : call->result,
               view_of(text, wr_len(&w)));
    secret_wipe(text, sizeof(text));
    internal_call_free(call);
}

static void on_closed(struct close_job *job)
{
    struct call *call = (struct call *)(void *)job;

    call->has_job = false;
    finish(call);
}

/* --- the store --- */

/* On worker 0. */
static void done_letter(void *worker, void *a, void *b)
{
    struct call *call = a;
    struct internal *in = call->internal;

    (void)worker;
    (void)b;
    if (in->is_stopped) {
        internal_call_free(call);
        return;
    }
    call->result = result_of(call->op.status);
    /* What is revoked is closed in any case, and barred where the store knows it. */
    if (call->is_revocation && (call->op.status == E_MISSING || call->op.status == E_UNSUPPORTED ||
                                call->op.status == E_INVALID))
        call->result = API_RESULT_OK;
    if (call->has_job && (call->result == API_RESULT_OK || call->is_revocation))
        close_job_start(in->server->closer, &call->job);
    else
        finish(call);
}

/* On a thread of the store. */
static void on_done(struct session_op *op)
{
    struct call *call = op->context;

    mailbox_post_reserved(internal_worker(call->internal)->control,
                          (struct letter){done_letter, call, NULL});
}

static enum api_result submit(struct call *call)
{
    struct internal *in = call->internal;
    bool ends = call->op.verb == SESSION_END || call->op.verb == SESSION_END_USER;

    call->job.done = on_closed;
    if (ends)
        call->has_job = close_job_add(in->server->closer, &call->job);
    if ((ends && !call->has_job) || !mailbox_reserve(internal_worker(in)->control)) {
        internal_call_free(call);
        return API_RESULT_OVERLOADED;
    }
    call->op.done = on_done;
    call->op.context = call;
    session_store_do(in->server->options->auth.sessions, &call->op);
    return API_RESULT_LATER;
}

enum api_result internal_session(void *internal, const struct api_session_ask *ask, uint64_t number)
{
    static const enum session_verb verbs[] = {[API_SESSION_CREATE] = SESSION_CREATE,
                                              [API_SESSION_GET] = SESSION_GET,
                                              [API_SESSION_EXTEND] = SESSION_EXTEND,
                                              [API_SESSION_END] = SESSION_END,
                                              [API_SESSION_END_USER] = SESSION_END_USER};
    struct internal *in = internal;
    struct call *call;

    if (in->server->options->auth.sessions == NULL)
        return API_RESULT_SESSIONS_OFF;
    if (ask->verb == API_SESSION_CREATE && atomic_load(&in->server->drains) != 0)
        return API_RESULT_DRAINING;
    call = internal_call_new(in, number);
    if (call == NULL)
        return API_RESULT_OVERLOADED;
    call->op.verb = verbs[ask->verb];
    call->op.tenant = internal_call_keep(call->tenant, ask->tenant);
    call->op.replaces = internal_call_keep(call->replaces, ask->replaces);
    call->op.roles = internal_call_keep(call->roles, view_of(ask->roles, ask->roles_bytes));
    if (ask->user.len > 0) {
        call->op.user = internal_call_keep(call->text, ask->user);
        call->job.target =
            (struct close_target){.by = CLOSE_BY_SESSIONS_USER, .text = call->op.user};
    } else {
        call->op.id = internal_call_keep(call->text, ask->session);
        call->job.target.by = CLOSE_BY_SESSION;
        if (!session_digest(call->job.target.bytes, call->op.id)) {
            internal_call_free(call);
            return API_RESULT_OVERLOADED;
        }
    }
    return submit(call);
}

enum api_result internal_revoke_session(struct internal *in, struct view id, uint64_t number)
{
    struct call *call = internal_call_new(in, number);

    if (call == NULL)
        return API_RESULT_OVERLOADED;
    call->is_revocation = true;
    call->op.verb = SESSION_END;
    call->op.id = internal_call_keep(call->text, id);
    call->job.target.by = CLOSE_BY_SESSION;
    if (!session_digest(call->job.target.bytes, id)) {
        internal_call_free(call);
        return API_RESULT_OVERLOADED;
    }
    if (in->server->options->auth.sessions != NULL)
        return submit(call);
    call->job.done = on_closed;
    call->has_job = close_job_add(in->server->closer, &call->job);
    if (!call->has_job) {
        internal_call_free(call);
        return API_RESULT_OVERLOADED;
    }
    close_job_start(in->server->closer, &call->job);
    return API_RESULT_LATER;
}

/* --- CSRF tokens --- */

/* As a browser sends it: scheme and host in lower case. */
static struct view lower(char out[API_ORIGIN_BYTES_MAX], struct view origin)
{
    for (size_t i = 0; i < origin.len; i++) {
        char c = origin.ptr[i];

        out[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    return view_of(out, origin.len);
}

enum api_result internal_csrf(void *internal, const struct api_csrf_ask *ask,
                              char text[API_CSRF_TEXT_MAX])
{
    const struct options *o = internal_worker(internal)->options;
    uint8_t session[IDENTITY_SESSION_BYTES];
    char origin[API_ORIGIN_BYTES_MAX];
    struct csrf_place place = {.session = session};

    if (o->auth.csrf == NULL)
        return API_RESULT_CSRF_OFF;
    if (!origin_allowed(o->origins, o->origins_count, ask->origin))
        return API_RESULT_ORIGIN;
    place.origin = lower(origin, ask->origin);
    if (!session_digest(session, ask->session))
        return API_RESULT_OVERLOADED;
    return csrf_issue(o->auth.csrf, &place, clock_wall_s(), text) == OK ? API_RESULT_OK
                                                                        : API_RESULT_OVERLOADED;
}

/* --- of a revoked user --- */

struct ending {
    struct session_op op; /* first */
    char user[IDENTITY_USER_MAX];
};

/* On the store's thread. Sessions of another program are its own business: there the revocation is
 * all that can be done. */
static void on_ended(struct session_op *op)
{
    struct ending *e = (struct ending *)(void *)op;

    if (op->status != OK && op->status != E_MISSING && op->status != E_UNSUPPORTED)
        log_line(LOG_ERROR,
                 "the sessions of a revoked user could not be ended in the store: %s; the "
                 "revocation bars them for `auth.max_token_age`",
                 status_text(op->status));
    free(e);
}

void internal_end_sessions_of(struct internal *in, struct view user)
{
    struct session_store *store = in->server->options->auth.sessions;
    struct ending *e;

    if (store == NULL || user.len > IDENTITY_USER_MAX)
        return;
    e = calloc(1, sizeof(*e));
    if (e == NULL) {
        log_line(LOG_ERROR, "the sessions of a revoked user could not be ended: out of memory");
        return;
    }
    memcpy(e->user, user.ptr, user.len);
    e->op = (struct session_op){
        .verb = SESSION_END_USER, .user = view_of(e->user, user.len), .done = on_ended};
    session_store_do(store, &e->op);
}
