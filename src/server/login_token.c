/* SPDX-License-Identifier: Apache-2.0 */
/* login_token.c: tokens in messages, CSRF tokens for those whom a cookie has named, and the answers
 * to what had to be asked elsewhere: each ends in a welcome, an error or a close. */
#include "server/login.h"

#include <string.h>

#include "auth/csrf.h"
#include "base/status.h"
#include "server/ask.h"
#include "server/say.h"

#define RECHECK_AGAIN_S 5   /* whoever vouched could not be reached: until the next try */
#define RECHECK_STALE_S 600 /* so long an identity counts that nobody could confirm */

void login_log_failed(struct peer *p, const char *fault)
{
    struct event event = peer_event(p, EVENT_AUTH_FAILED, OUTCOME_REFUSED, fault);

    if (p->phase == PEER_FIRST)
        event.close_code = CLOSE_POLICY;
    peer_log(p, &event);
}

/* --- the first message --- */

static void refuse_first(struct peer *p, enum auth_verdict verdict, const char *fault)
{
    const char *reason = "Authentication failed";

    login_log_failed(p, fault);
    if (verdict == AUTH_UNAVAILABLE) {
        session_close(p, CLOSE_OVERLOAD, "Authentication unavailable, try again later");
        return;
    }
    if (verdict == AUTH_EXPIRED)
        reason = "Token expired";
    else if (verdict == AUTH_SCOPE)
        reason = "Insufficient scope";
    session_close(p, CLOSE_POLICY, reason);
}

/* --- the open socket --- */

static void refuse_again(struct peer *p, enum auth_verdict verdict, const char *fault,
                         const struct json *id)
{
    login_log_failed(p, fault);
    switch (verdict) {
    case AUTH_UNAVAILABLE:
        say_error(p, id, "authentication_unavailable",
                  VIEW("Authentication unavailable, try again later"));
        break;
    case AUTH_EXPIRED:
        say_error(p, id, "authentication_failed", VIEW("Token expired"));
        break;
    case AUTH_SCOPE:
        say_error(p, id, "authentication_failed", VIEW("Insufficient scope"));
        break;
    default:
        say_error(p, id, "authentication_failed", VIEW("Authentication failed"));
        break;
    }
}

static bool is_same_user(const struct identity *a, const struct identity *b)
{
    return strcmp(a->user, b->user) == 0 && strcmp(a->tenant, b->tenant) == 0;
}

/* A session that the connection began with still ends it, whatever vouches for it by now. */
static void keep_session(struct identity *identity, const struct identity *was)
{
    if (identity->has_session || !was->has_session)
        return;
    identity->has_session = true;
    memcpy(identity->session, was->session, sizeof(identity->session));
}

/* The connection rests on the new token from now on, and nobody is asked about the old one. */
static void accept_again(struct peer *p, struct identity *identity, const struct json *id)
{
    struct identity space;
    const struct identity *was = peer_identity(p, &space);

    if (!is_same_user(identity, was)) {
        login_log_failed(p, "other_user");
        session_close(p, CLOSE_POLICY, "Authentication failed");
        return;
    }
    keep_session(identity, was);
    ask_drop_recheck(p);
    if (identity->recheck_at_s == 0 && p->who->standing != NULL)
        standing_forget(p->who->standing);
    (void)login_welcome(p, identity, id, true);
}

/* --- both --- */

static enum auth_verdict check(struct peer *p, struct view token, const struct json *id,
                               struct identity *identity, const char **fault)
{
    struct worker *w = p->worker;
    uint8_t digest[32];
    struct credential credential = {.kind = CREDENTIAL_FIRST_MESSAGE,
                                    .token = token,
                                    .no_jwt = !login_accepts(p, LOGIN_JWT),
                                    .no_opaque = !login_accepts(p, LOGIN_OAUTH2)};
    enum ask_purpose purpose = p->phase == PEER_FIRST ? ASK_FIRST : ASK_AGAIN;
    enum auth_verdict verdict;

    *fault = "token_not_taken";
    if (credential.no_jwt && credential.no_opaque)
        return AUTH_FAILED;
    *fault = "unknown";
    if (login_certificate_digest(p, digest))
        credential.certificate_sha256 = digest;
    verdict = auth_check(&w->options->auth, &credential, loop_wall_s(w->loop), &w->arena, identity,
                         fault);
    if (verdict == AUTH_LATER && ask_start(p, purpose, &credential, id) != OK) {
        *fault = "too_many_lookups";
        return AUTH_UNAVAILABLE;
    }
    if (verdict == AUTH_OK && !login_has_scopes(p, identity)) {
        *fault = "insufficient_scope";
        return AUTH_SCOPE;
    }
    if (verdict == AUTH_OK && identity->recheck_at_s != 0 &&
        !login_keep_token(p, CREDENTIAL_FIRST_MESSAGE, token)) {
        *fault = "out_of_memory";
        return AUTH_UNAVAILABLE;
    }
    if (verdict == AUTH_OK)
        login_bind(p, identity);
    return verdict;
}

void login_first(struct peer *p, struct view token, const struct json *id)
{
    struct identity identity;
    const char *fault;
    enum auth_verdict verdict = check(p, token, id, &identity, &fault);

    if (verdict == AUTH_OK && identity.recheck_at_s == 0)
        login_pending_clear(p); /* the token counts, not what a cookie said before it */
    if (verdict == AUTH_OK)
        (void)login_welcome(p, &identity, id, false);
    else if (verdict != AUTH_LATER)
        refuse_first(p, verdict, fault);
}

void login_again(struct peer *p, struct view token, const struct json *id)
{
    struct identity identity;
    const char *fault;
    enum auth_verdict verdict;

    if (p->who == NULL || (!login_accepts(p, LOGIN_JWT) && !login_accepts(p, LOGIN_OAUTH2))) {
        say_error(p, id, "not_allowed", VIEW("This route takes no authentication"));
        return;
    }
    if (peer_ask(p) != NULL) { /* one at a time, and each is answered */
        refuse_again(p, AUTH_UNAVAILABLE, "too_many_lookups", id);
        return;
    }
    verdict = check(p, token, id, &identity, &fault);
    if (verdict == AUTH_OK)
        accept_again(p, &identity, id);
    else if (verdict != AUTH_LATER)
        refuse_again(p, verdict, fault, id);
}

/* --- whom a cookie has named --- */

enum csrf_fault login_csrf_check(struct peer *p, const struct identity *who, struct view origin,
                                 struct view token)
{
    struct worker *w = p->worker;
    struct csrf_place place = {.session = who->session, .origin = origin};

    if (!who->has_session)
        return CSRF_WRONG; /* nothing to bind a token to: the application did not name a session */
    return csrf_check(w->options->auth.csrf, &place, token, loop_wall_s(w->loop));
}

bool login_awaits_csrf(const struct peer *p)
{
    return peer_pending(p) != NULL && peer_pending(p)->awaits_csrf;
}

const struct identity *login_named(const struct peer *p, struct identity *space)
{
    if (p->who != NULL)
        return peer_identity(p, space);
    return login_awaits_csrf(p) ? &peer_pending(p)->who : NULL;
}

void login_by_csrf(struct peer *p, struct view token, const struct json *id)
{
    struct peer_pending *pending = peer_pending(p);
    struct identity who = pending->who;
    enum csrf_fault fault =
        login_csrf_check(p, &who, view_of(pending->origin, pending->origin_bytes), token);
    struct event event = peer_event(p, EVENT_CSRF_REFUSED, OUTCOME_REFUSED, csrf_fault_text(fault));

    if (fault == CSRF_OK && !login_is_taken(p, &who)) {
        refuse_first(p, AUTH_FAILED, "login_not_taken");
        return;
    }
    if (fault == CSRF_OK) {
        (void)login_welcome(p, &who, id, false);
        return;
    }
    event.close_code = CLOSE_POLICY;
    event.origin = view_of(pending->origin, pending->origin_bytes);
    peer_log(p, &event);
    session_close(p, CLOSE_POLICY, "CSRF token refused");
}

/* --- answers from elsewhere --- */

/* Takes what the question showed, so that it can be shown again. */
static void take_standing(struct peer *p, struct ask *ask)
{
    if (ask->lookup.who.recheck_at_s != 0 && p->who != NULL)
        standing_take_token(p->who->standing, &ask->standing);
}

/* The route of the question may have been given other rules since. */
static void hold_against_route(const struct peer *p, struct lookup *l)
{
    if (l->verdict != AUTH_OK || login_is_taken(p, &l->who))
        return;
    l->verdict = login_has_scopes(p, &l->who) ? AUTH_FAILED : AUTH_SCOPE;
    l->fault = l->verdict == AUTH_SCOPE ? "insufficient_scope" : "login_not_taken";
}

static void first_answered(struct peer *p, struct ask *ask)
{
    const struct json *id = ask->has_id ? &ask->id : NULL;

    hold_against_route(p, &ask->lookup);
    if (ask->lookup.verdict != AUTH_OK) {
        refuse_first(p, ask->lookup.verdict, ask->lookup.fault);
        return;
    }
    login_bind(p, &ask->lookup.who);
    login_pending_clear(p);
    if (login_welcome(p, &ask->lookup.who, id, false))
        take_standing(p, ask);
}

static void again_answered(struct peer *p, struct ask *ask)
{
    const struct json *id = ask->has_id ? &ask->id : NULL;

    hold_against_route(p, &ask->lookup);
    if (ask->lookup.verdict != AUTH_OK) {
        refuse_again(p, ask->lookup.verdict, ask->lookup.fault, id);
        return;
    }
    login_bind(p, &ask->lookup.who);
    accept_again(p, &ask->lookup.who, id);
    if (p->phase == PEER_OPEN)
        take_standing(p, ask);
}

static void end_unconfirmed(struct peer *p, unsigned code, const char *fault, const char *reason)
{
    struct event event = peer_event(p, EVENT_AUTH_FAILED, OUTCOME_REFUSED, fault);

    event.close_code = (uint16_t)code;
    peer_log(p, &event);
    session_close(p, code, reason);
}

static void recheck_unanswered(struct peer *p)
{
    struct identity_kept *who = &p->who->identity;
    int64_t now_s = loop_wall_s(p->worker->loop);

    if (now_s - p->who->standing->confirmed_at_s > RECHECK_STALE_S) {
        end_unconfirmed(p, CLOSE_OVERLOAD, "unconfirmed",
                        "Authentication unavailable, try again later");
        return;
    }
    who->recheck_at_s = now_s + RECHECK_AGAIN_S;
    peer_rearm(p);
}

static void recheck_answered(struct peer *p, struct ask *ask)
{
    const struct lookup *l = &ask->lookup;
    struct identity was;

    switch (l->verdict) {
    case AUTH_OK:
        if (!is_same_user(&l->who, peer_identity(p, &was)) || !login_is_taken(p, &l->who)) {
            end_unconfirmed(p, CLOSE_TOKEN_EXPIRED, "other_user", "Access revoked");
            return;
        }
        login_bind(p, &ask->lookup.who);
        keep_session(&ask->lookup.who, &was);
        login_confirmed(p, &l->who);
        return;
    case AUTH_UNAVAILABLE:
        recheck_unanswered(p);
        return;
    case AUTH_EXPIRED:
        end_unconfirmed(p, CLOSE_TOKEN_EXPIRED, l->fault, "Token expired");
        return;
    default:
        end_unconfirmed(p, CLOSE_TOKEN_EXPIRED, l->fault, "Access revoked");
        return;
    }
}

void login_answered(struct peer *p, struct ask *ask)
{
    if (ask->purpose == ASK_FIRST && p->phase == PEER_FIRST) {
        first_answered(p, ask);
        session_resume(p);
    } else if (ask->purpose == ASK_AGAIN && p->phase == PEER_OPEN) {
        again_answered(p, ask);
    } else if (ask->purpose == ASK_RECHECK && p->phase == PEER_OPEN) {
        recheck_answered(p, ask);
    }
}

void login_recheck(struct peer *p)
{
    struct standing *standing = p->who->standing;
    struct credential credential = {.kind = standing->kind,
                                    .token = view_of(standing->token, standing->token_bytes),
                                    .no_jwt = true,
                                    .is_fresh = true,
                                    .shown = standing->shown};
    int64_t now_s = loop_wall_s(p->worker->loop);

    if (standing->confirmed_at_s > now_s)
        standing->confirmed_at_s = now_s; /* the clock was set back */
    if ((p->extra != NULL && p->extra->recheck != NULL) ||
        ask_start(p, ASK_RECHECK, &credential, NULL) != OK)
        recheck_unanswered(p);
    else
        p->who->identity.recheck_at_s = now_s + ASK_MS / 1000;
}
