/* SPDX-License-Identifier: Apache-2.0 */
/* internal.c: the operations of the API. A revocation stands in the table, then on the disk, before
 * its connections are closed (close_job.h). */
#include "server/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/scope.h"
#include "auth/origin.h"
#include "auth/revocation_log.h"
#include "auth/ticket.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "server/internal_call.h"
#include "server/push.h"

/* --- calls --- */

struct call *internal_call_new(struct internal *in, uint64_t number)
{
    struct call *call = calloc(1, sizeof(*call));

    if (call == NULL)
        return NULL;
    call->internal = in;
    call->number = number;
    call->result = API_RESULT_OK;
    link_append(&in->calls, &call->link);
    return call;
}

void internal_call_free(struct call *call)
{
    if (call->has_job)
        close_job_cancel(call->internal->server->closer, &call->job);
    link_remove(&call->link);
    secret_wipe(call, sizeof(*call)); /* ids of sessions */
    free(call);
}

struct view internal_call_keep(char *out, struct view text)
{
    if (text.len > 0)
        memcpy(out, text.ptr, text.len);
    return view_of(out, text.len);
}

/* --- revocation --- */

static void on_revoked(struct close_job *job)
{
    struct call *call = (struct call *)(void *)job;
    char text[64];
    struct wr w = wr_of(text, sizeof(text));

    json_out_open(&w);
    json_out_member_u64(&w, "closed", atomic_load_explicit(&job->closed, memory_order_relaxed));
    json_out_close(&w);
    wr_u8(&w, '\n');
    call->has_job = false;
    api_finish(call->internal->api, call->number, call->result, view_of(text, wr_len(&w)));
    internal_call_free(call);
}

static struct call *revocation_new(struct internal *in, const struct api_revoke_ask *ask,
                                   uint64_t number)
{
    static const enum close_by ways[] = {[API_REVOKE_USER] = CLOSE_BY_USER,
                                         [API_REVOKE_TOKEN_ID] = CLOSE_BY_TOKEN_ID,
                                         [API_REVOKE_ROLE] = CLOSE_BY_ROLE,
                                         [API_REVOKE_IP] = CLOSE_BY_IP,
                                         [API_REVOKE_CONNECTION] = CLOSE_BY_CONNECTION};
    struct call *call = internal_call_new(in, number);
    struct close_target *target;

    if (call == NULL)
        return NULL;
    call->job.done = on_revoked;
    target = &call->job.target;
    target->by = ways[ask->kind];
    target->ip = ask->ip;
    memcpy(target->bytes, ask->connection, sizeof(target->bytes));
    if (ask->kind <= API_REVOKE_TOKEN_ID)
        target->text = internal_call_keep(call->text, ask->value);
    if (ask->kind == API_REVOKE_ROLE)
        target->role = role_set_bit(&internal_worker(in)->options->policy.roles, ask->value);
    return call;
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

static enum api_result op_revoke(void *server, const struct api_revoke_ask *ask, uint64_t number)
{
    struct internal *in = server;
    struct closer *closer = in->server->closer;
    enum api_result result = API_RESULT_OVERLOADED;
    struct call *call;

    if (ask->kind == API_REVOKE_SESSION)
        return internal_revoke_session(in, ask->value, number);
    call = revocation_new(in, ask, number);
    if (call == NULL)
        return API_RESULT_OVERLOADED;
    call->has_job = close_job_add(closer, &call->job);
    if (call->has_job)
        result = call->result = remember(in, ask);
    if (result == API_RESULT_OK || result == API_RESULT_NOT_STORED) {
        if (ask->kind == API_REVOKE_USER)
            internal_end_sessions_of(in, ask->value);
        close_job_start(closer, &call->job);
        return API_RESULT_LATER;
    }
    internal_call_free(call);
    return result;
}

/* --- tickets and messages --- */

static enum api_result op_ticket(void *server, const struct api_ticket_ask *ask,
                                 char text[API_TICKET_TEXT_MAX])
{
    struct internal *in = server;
    struct worker *w = internal_worker(in);
    const struct options *o = w->options;
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
    who->issued_at_s = who->authenticated_at_s = clock_wall_s();
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
    struct worker *w = internal_worker(server);
    struct push push = {ask->channel, ask->data, VIEW("")};

    return push_publish(w, &push) == OK ? API_RESULT_OK : API_RESULT_OVERLOADED;
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

static const struct api_ops operations = {.is_ready = is_ready,
                                          .ticket = op_ticket,
                                          .revoke = op_revoke,
                                          .publish = op_publish,
                                          .session = internal_session,
                                          .csrf = internal_csrf,
                                          .broadcast = internal_broadcast,
                                          .subscription = internal_subscription,
                                          .disconnect = internal_disconnect,
                                          .moderate = internal_moderate,
                                          .reload = internal_reload,
                                          .ban = internal_ban,
                                          .sanctions = internal_sanctions,
                                          .presence = internal_presence,
                                          .history = internal_history,
                                          .list = internal_list,
                                          .log = op_log};

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
    link_init(&in->calls);
    link_init(&in->orders);
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
    struct api_options options = {.loop = internal_worker(in)->loop,
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
    in->is_stopped = true;
    closer_stop(in->server->closer);
    crew_stop(in->server->crew);
    return api_stop(in->api);
}

void internal_free(struct internal *in)
{
    if (in == NULL)
        return;
    while (!link_is_alone(&in->calls))
        internal_call_free(LINK_ITEM(in->calls.next, struct call, link));
    internal_orders_free(in);
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
