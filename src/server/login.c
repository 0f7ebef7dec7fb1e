/* SPDX-License-Identifier: Apache-2.0 */
/* login.c: where an identity becomes the connection's own: its user's limits, its expiry, what it
 * rests on, its welcome. */
#include "server/login.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "server/ask.h"
#include "server/observe.h"
#include "server/peer_limits.h"
#include "server/say.h"

static void put_roles(struct wr *w, const struct role_set *set, uint64_t roles)
{
    bool is_first = true;

    json_out_key(w, "roles");
    wr_u8(w, '[');
    for (uint32_t i = 0; i < set->count; i++) {
        if ((roles >> i & 1) == 0)
            continue;
        if (!is_first)
            wr_u8(w, ',');
        is_first = false;
        json_out_string(w, view_of_text(set->roles[i].name), 0);
    }
    wr_u8(w, ']');
}

static void say_welcome(struct peer *p, const struct json *id)
{
    uint8_t bytes[8192]; /* 64 role names of 64 bytes */
    struct wr w = wr_of(bytes, sizeof(bytes));
    const struct identity_kept *who = &p->who->identity;
    int64_t left_s = who->expires_at_s - loop_wall_s(p->worker->loop);
    char text[PEER_ID_TEXT_BYTES];

    peer_id_text(p, text);
    say_begin(&w, "welcome");
    json_out_member(&w, "user", peer_user(p));
    put_roles(&w, &p->worker->options->policy.roles, who->roles);
    json_out_member_u64(&w, "expires_in", left_s > 0 ? (uint64_t)left_s : 0);
    json_out_member(&w, "connection", view_of_text(text));
    say_end(p, &w, id);
}

static struct event refusal_of_user(const struct peer *p, const struct identity *identity,
                                    bool has_too_many)
{
    struct event event =
        peer_event(p, EVENT_LIMIT_EXCEEDED, OUTCOME_REFUSED,
                   has_too_many ? "too_many_connections_of_user" : "too_many_users");

    event.user = view_of(identity->user, identity->user_bytes);
    event.close_code = has_too_many ? CLOSE_POLICY : CLOSE_OVERLOAD;
    return event;
}

/* One connection too many of this user, which is the newest; or no room for one user more. */
static void refuse_user(struct peer *p, const struct identity *identity, bool has_too_many)
{
    struct event event = refusal_of_user(p, identity, has_too_many);

    peer_log(p, &event);
    session_close(p, event.close_code,
                  has_too_many ? "Too many connections" : "Server overloaded, try again later");
}

static void close_overloaded(struct peer *p)
{
    session_close(p, CLOSE_OVERLOAD, "Server overloaded, try again later");
}

/* What the gate knew becomes what the login rests on. False: out of memory. */
static bool take_pending(struct peer *p)
{
    struct peer_pending *pending = peer_pending(p);
    struct standing *mine;
    int64_t confirmed_at_s;

    if (pending == NULL)
        return true;
    if (!standing_is_empty(&pending->standing)) {
        mine = peer_who_standing(p);
        if (mine == NULL)
            return false;
        confirmed_at_s = mine->confirmed_at_s;
        *mine = pending->standing;
        mine->confirmed_at_s = confirmed_at_s;
        pending->standing = (struct standing){.kind = CREDENTIAL_BEARER};
    }
    login_pending_clear(p);
    return p->who->standing == NULL ||
           standing_watch(p->who->standing, p->worker->options->auth.sessions);
}

static int hold_usage(struct peer *p, const struct identity *identity, struct user_usage **out)
{
    struct worker *w = p->worker;
    struct view user = view_of(identity->user, identity->user_bytes);
    struct event would;
    int rc = user_table_hold(w->server->users, user,
                             peer_limits_of(p, identity->roles)->connections_per_user,
                             loop_now_ns(w->loop), out);

    if (rc != E_LIMIT)
        return rc;
    would = refusal_of_user(p, identity, true);
    return observe_lets(p, LIMIT_PER_USER, &would)
               ? user_table_hold(w->server->users, user, UINT32_MAX, loop_now_ns(w->loop), out)
               : E_LIMIT;
}

/* The limits of the user come with the identity; a table with no room refuses (nobody's limits are
 * forgotten). */
static bool become(struct peer *p, const struct identity *identity)
{
    struct worker *w = p->worker;
    struct user_usage *usage;
    int rc = hold_usage(p, identity, &usage);

    if (rc == OK && !peer_who_set(p, identity)) {
        user_table_drop(w->server->users, usage);
        rc = E_NOMEM;
    }
    if (rc != OK) {
        refuse_user(p, identity, rc == E_LIMIT);
        return false;
    }
    p->who->usage = usage;
    if (take_pending(p))
        return true;
    close_overloaded(p);
    return false;
}

/* The same user, by another token. */
static bool become_again(struct peer *p, const struct identity *identity)
{
    if (peer_who_set(p, identity))
        return true;
    close_overloaded(p);
    return false;
}

struct peer_pending *login_pending(struct peer *p, struct view origin)
{
    struct peer_extra *extra = peer_extra_get(p);
    struct peer_pending *pending;

    if (extra == NULL || extra->pending != NULL)
        return peer_pending(p);
    pending = calloc(1, sizeof(*pending) + origin.len);
    if (pending == NULL)
        return NULL;
    pending->origin_bytes = origin.len;
    if (origin.len > 0)
        memcpy(pending->origin, origin.ptr, origin.len);
    extra->pending = pending;
    return pending;
}

bool login_keep_token(struct peer *p, enum credential_kind kind, struct view token)
{
    struct peer_pending *pending;
    struct standing *mine;

    if (p->who != NULL) {
        mine = peer_who_standing(p);
        return mine != NULL && standing_set_token(mine, kind, token);
    }
    pending = login_pending(p, VIEW(""));
    if (pending == NULL)
        return false;
    standing_clear(&pending->standing, p->worker->options->auth.sessions);
    return standing_set_token(&pending->standing, kind, token);
}

void login_pending_clear(struct peer *p)
{
    struct peer_pending *pending = peer_pending(p);

    if (pending == NULL)
        return;
    standing_clear(&pending->standing, p->worker->options->auth.sessions);
    free(pending);
    p->extra->pending = NULL;
}

/* Time alone ends no subscription: max_auth_age is asked when one begins and at each login. So one
 * outlives that age by the life of a token at most, since without a login the connection ends. */
static bool may_still_subscribe(void *peer, struct view channel)
{
    const struct peer *p = peer;
    struct identity who;
    struct access_question asked = {peer_identity(p, &who), channel, ACTION_SUBSCRIBE,
                                    loop_wall_s(p->worker->loop)};

    return access_decide(&p->worker->options->policy, &asked, NULL);
}

bool login_has_scopes(const struct peer *p, const struct identity *who)
{
    uint64_t asked = p->worker->options->routes[p->route].scopes;

    return (who->scopes & asked) == asked;
}

static bool takes_method(const struct peer *p, enum identity_method method)
{
    switch (method) {
    case IDENTITY_JWT:
        return login_accepts(p, LOGIN_JWT);
    case IDENTITY_CERTIFICATE:
        return login_accepts(p, LOGIN_CERTIFICATE);
    case IDENTITY_TICKET:
        return login_accepts(p, LOGIN_TICKET);
    case IDENTITY_OAUTH2:
        return login_accepts(p, LOGIN_OAUTH2);
    case IDENTITY_SESSION:
        return login_accepts(p, LOGIN_SESSION);
    case IDENTITY_HOOK:
        return login_accepts(p, LOGIN_HOOK);
    case IDENTITY_NONE:
        break;
    }
    return false;
}

bool login_is_taken(const struct peer *p, const struct identity *who)
{
    return takes_method(p, (enum identity_method)who->method) && login_has_scopes(p, who);
}

void login_confirmed(struct peer *p, const struct identity *identity)
{
    const struct identity_kept *who = &p->who->identity;
    bool is_same =
        identity != NULL && who->roles == identity->roles && who->scopes == identity->scopes;

    if (identity != NULL && !become_again(p, identity))
        return;
    peer_limits_settle(p);
    if (!is_same)
        hub_review(p->worker->hub, &p->subscriber, may_still_subscribe, p);
    peer_rearm(p);
}

bool login_welcome(struct peer *p, const struct identity *identity, const struct json *id,
                   bool is_extension)
{
    struct event event;

    if (!(p->who == NULL ? become(p, identity) : become_again(p, identity)))
        return false;
    p->phase = PEER_OPEN;
    peer_limits_settle(p);
    event = peer_event(p, is_extension ? EVENT_AUTH_EXTENDED : EVENT_AUTH_OK, OUTCOME_OK, NULL);
    p->worker->metrics.extensions += is_extension;
    p->worker->metrics.logins[identity->method] += !is_extension;
    peer_log(p, &event);
    if (is_extension)
        hub_review(p->worker->hub, &p->subscriber, may_still_subscribe, p); /* W-21 */
    say_welcome(p, id);
    if (p->phase != PEER_OPEN)
        return false;
    peer_extra_tidy(p);
    peer_rearm(p);
    return true;
}
