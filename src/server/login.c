/* SPDX-License-Identifier: Apache-2.0 */
/* Where an identity becomes the connection's own: its user's limits, its expiry, its welcome. */
#include "server/login.h"

#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "base/json_out.h"
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
    const struct identity *who = &p->who->identity;
    int64_t left_s = who->expires_at_s - loop_wall_s(p->worker->loop);
    char text[PEER_ID_TEXT_BYTES];

    peer_id_text(p, text);
    say_begin(&w, "welcome");
    json_out_member(&w, "user", view_of(who->user, who->user_bytes));
    put_roles(&w, &p->worker->server->options->policy.roles, who->roles);
    json_out_member_u64(&w, "expires_in", left_s > 0 ? (uint64_t)left_s : 0);
    json_out_member(&w, "connection", view_of_text(text));
    say_end(p, &w, id);
}

/* The limits of the user come with the identity; a table with no room refuses (nobody's limits are
 * forgotten). */
static bool become(struct peer *p, const struct identity *identity)
{
    struct worker *w = p->worker;
    struct peer_who *who = calloc(1, sizeof(*who));

    if (who == NULL ||
        user_table_hold(w->server->users, view_of(identity->user, identity->user_bytes),
                        loop_now_ns(w->loop), &who->usage) != OK) {
        free(who);
        struct event event = peer_event(p, EVENT_LIMIT_EXCEEDED, OUTCOME_REFUSED, "too_many_users");
        peer_log(p, &event);
        session_close(p, CLOSE_OVERLOAD, "Server overloaded, try again later");
        return false;
    }
    p->who = who;
    return true;
}

/* Time alone ends no subscription: max_auth_age is asked when one begins and at each login. So one
 * outlives that age by the life of a token at most, since without a login the connection ends. */
static bool may_still_subscribe(void *peer, struct view channel)
{
    const struct peer *p = peer;

    struct access_question asked = {&p->who->identity, channel, ACTION_SUBSCRIBE,
                                    loop_wall_s(p->worker->loop)};

    return access_decide(&p->worker->server->options->policy, &asked, NULL);
}

static bool welcome(struct peer *p, const struct identity *identity, const struct json *id,
                    bool is_extension)
{
    struct event event;

    if (p->who == NULL && !become(p, identity))
        return false;
    p->who->identity = *identity;
    p->phase = PEER_OPEN;
    p->decoder.limits = &p->worker->server->limits_channels;
    event = peer_event(p, is_extension ? EVENT_AUTH_EXTENDED : EVENT_AUTH_OK, OUTCOME_OK, NULL);
    peer_log(p, &event);
    if (is_extension)
        hub_review(p->worker->hub, &p->subscriber, may_still_subscribe, p); /* W-21 */
    say_welcome(p, id);
    if (p->phase == PEER_OPEN)
        peer_rearm(p);
    return p->phase == PEER_OPEN;
}

bool login_welcome(struct peer *p, const struct identity *identity)
{
    return welcome(p, identity, NULL, false);
}

void login_log_failed(struct peer *p, const char *fault)
{
    struct event event = peer_event(p, EVENT_AUTH_FAILED, OUTCOME_REFUSED, fault);

    if (p->phase == PEER_FIRST)
        event.close_code = CLOSE_POLICY;
    peer_log(p, &event);
}

static enum auth_verdict check(struct peer *p, struct view token, struct identity *identity,
                               const char **fault)
{
    struct worker *w = p->worker;
    struct credential credential = {.kind = CREDENTIAL_FIRST_MESSAGE, .token = token};

    enum auth_verdict verdict;

    *fault = "token_not_taken";
    if (!login_accepts(p, LOGIN_JWT))
        return AUTH_FAILED;
    *fault = "unknown";
    verdict = auth_check(&w->server->options->auth, &credential, loop_wall_s(w->loop), &w->arena,
                         identity, fault);
    if (verdict == AUTH_OK)
        login_bind(p, identity);
    return verdict;
}

void login_first(struct peer *p, struct view token, const struct json *id)
{
    struct identity identity;
    const char *fault;
    enum auth_verdict verdict = check(p, token, &identity, &fault);

    if (verdict == AUTH_OK) {
        (void)welcome(p, &identity, id, false);
        return;
    }
    login_log_failed(p, fault);
    if (verdict == AUTH_UNAVAILABLE)
        session_close(p, CLOSE_OVERLOAD, "Authentication unavailable, try again later");
    else
        session_close(p, CLOSE_POLICY,
                      verdict == AUTH_EXPIRED ? "Token expired" : "Authentication failed");
}

void login_again(struct peer *p, struct view token, const struct json *id)
{
    struct identity identity;
    const char *fault;
    enum auth_verdict verdict;

    if (p->who == NULL || !login_accepts(p, LOGIN_JWT)) {
        say_error(p, id, "not_allowed", VIEW("This route takes no authentication"));
        return;
    }
    verdict = check(p, token, &identity, &fault);
    if (verdict == AUTH_UNAVAILABLE) {
        login_log_failed(p, fault);
        say_error(p, id, "authentication_unavailable",
                  VIEW("Authentication unavailable, try again later"));
    } else if (verdict != AUTH_OK) {
        login_log_failed(p, fault);
        say_error(p, id, "authentication_failed",
                  verdict == AUTH_EXPIRED ? VIEW("Token expired") : VIEW("Authentication failed"));
    } else if (strcmp(identity.user, p->who->identity.user) != 0) {
        login_log_failed(p, "other_user");
        session_close(p, CLOSE_POLICY, "Authentication failed");
    } else {
        (void)welcome(p, &identity, id, true);
    }
}
