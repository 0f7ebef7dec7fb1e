/* SPDX-License-Identifier: Apache-2.0 */
/* The credentials of a handshake. What a client says on purpose (a ticket, Authorization) comes
 * before what a browser adds by itself (cookies); two of one kind are refused, whichever was meant.
 * A cookie that is good for nothing is no login, but leaves the first message its chance where the
 * route takes tokens. */
#include "server/gate_login.h"

#include "auth/hook.h"
#include "auth/session_store.h"
#include "auth/ticket.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "server/ask.h"
#include "server/login.h"
#include "wire/cookie.h"

struct view gate_origin(const struct http1_request *request)
{
    const struct http1_header *header = NULL;

    return http1_find(request, VIEW("Origin"), &header) > 0 ? header->value : VIEW("");
}

static const struct auth *auth_of(const struct peer *p)
{
    return &p->worker->options->auth;
}

/* The verdict on a credential: the answer that was awaited, or what can be said now. */
static enum auth_verdict verdict_on(struct peer *p, struct gate_login *g,
                                    const struct credential *credential, const char **fault)
{
    struct worker *w = p->worker;
    enum auth_verdict verdict;

    if (g->answer != NULL) {
        *fault = g->answer->fault;
        g->who = g->answer->who;
        verdict = g->answer->verdict;
    } else {
        arena_reset(&w->arena);
        verdict =
            auth_check(auth_of(p), credential, loop_wall_s(w->loop), &w->arena, &g->who, fault);
    }
    if (verdict == AUTH_OK && !login_has_scopes(p, &g->who)) {
        *fault = "insufficient_scope";
        verdict = AUTH_SCOPE;
    }
    return verdict;
}

/* REFUSE_NONE: g->has_identity or g->is_waiting. otherwise: what a failure is called. */
static enum refusal judge(struct peer *p, struct gate_login *g, const struct credential *credential,
                          enum refusal otherwise)
{
    const char *fault = "unknown";

    switch (verdict_on(p, g, credential, &fault)) {
    case AUTH_OK:
        login_bind(p, &g->who);
        g->has_identity = true;
        return REFUSE_NONE;
    case AUTH_LATER:
        g->is_waiting = ask_start(p, ASK_GATE, credential, NULL) == OK;
        if (!g->is_waiting)
            p->close_reason = "too_many_lookups";
        return g->is_waiting ? REFUSE_NONE : REFUSE_AUTH_UNAVAILABLE;
    case AUTH_UNAVAILABLE:
        p->close_reason = fault;
        return REFUSE_AUTH_UNAVAILABLE;
    case AUTH_SCOPE:
        p->close_reason = fault;
        return REFUSE_SCOPE;
    default:
        p->close_reason = fault; /* to the event log only */
        return otherwise;
    }
}

static enum refusal by_ticket(struct peer *p, const struct http1_request *request,
                              struct gate_login *g)
{
    struct ticket_session session = {.bytes = 0};
    struct credential credential = {
        .kind = CREDENTIAL_TICKET, .now_ms = loop_now_ms(p->worker->loop), .session = &session};
    const struct http1_header *origin = NULL;
    enum refusal why;

    g->has_identity = false;
    if (gate_query(request, VIEW("ticket"), &credential.token) > 1)
        return REFUSE_CREDENTIALS_REPEATED;
    if (http1_find(request, VIEW("Origin"), &origin) > 0)
        credential.origin = origin->value;
    if (!login_accepts(p, LOGIN_TICKET)) {
        p->close_reason = "ticket_not_taken";
        return REFUSE_TICKET;
    }
    why = judge(p, g, &credential, REFUSE_TICKET);
    if (why == REFUSE_NONE && session.bytes > 0 &&
        !login_keep_token(p, CREDENTIAL_SESSION, view_of(session.id, session.bytes)))
        why = REFUSE_FULL;
    secret_wipe(&session, sizeof(session));
    return why;
}

static enum refusal by_bearer(struct peer *p, const struct http1_header *header,
                              struct gate_login *g)
{
    uint8_t digest[32];
    struct credential credential = {.kind = CREDENTIAL_BEARER,
                                    .no_jwt = !login_accepts(p, LOGIN_JWT),
                                    .no_opaque = !login_accepts(p, LOGIN_OAUTH2)};
    enum refusal why;

    if (p->worker->options->routes[p->route].kind == ROUTE_ECHO)
        credential.no_jwt = credential.no_opaque = false;
    p->close_reason = "authorization_not_taken";
    if (credential.no_jwt && credential.no_opaque)
        return REFUSE_CREDENTIALS;
    p->close_reason = "authorization_scheme";
    if (!auth_bearer_parse(header->value, &credential.token))
        return REFUSE_CREDENTIALS;
    p->close_reason = NULL;
    if (login_certificate_digest(p, digest))
        credential.certificate_sha256 = digest;
    why = judge(p, g, &credential, REFUSE_CREDENTIALS);
    if (why == REFUSE_NONE && g->has_identity && g->who.recheck_at_s != 0 &&
        !login_keep_token(p, CREDENTIAL_BEARER, credential.token))
        return REFUSE_FULL;
    return why;
}

/* --- what a browser sends by itself --- */

/* *has_one: there was a session's cookie, whatever came of it. */
static enum refusal by_session(struct peer *p, const struct http1_request *request,
                               struct gate_login *g, bool *has_one)
{
    struct credential credential = {.kind = CREDENTIAL_SESSION};
    const struct auth *auth = auth_of(p);
    struct view value;
    char space[SESSION_ID_MAX];
    enum refusal why;

    switch (cookie_find(request, view_of_text(auth->session_cookie), &value)) {
    case COOKIE_ABSENT:
        return REFUSE_NONE;
    case COOKIE_REPEATED:
    case COOKIE_BAD:
        return REFUSE_COOKIE;
    case COOKIE_FOUND:
        break;
    }
    *has_one = true;
    p->close_reason = "session_malformed"; /* of no form that the store has */
    if (!session_store_id_of_cookie(auth->sessions, value, space, &credential.token))
        return REFUSE_SESSION;
    p->close_reason = NULL;
    why = judge(p, g, &credential, REFUSE_SESSION);
    if (why == REFUSE_NONE && g->has_identity &&
        (login_pending(p, gate_origin(request)) == NULL ||
         !standing_set_token(&peer_pending(p)->standing, CREDENTIAL_SESSION, credential.token)))
        return REFUSE_FULL;
    return why;
}

static enum refusal by_hook(struct peer *p, const struct http1_request *request,
                            struct gate_login *g, bool *has_one)
{
    struct credential credential = {.kind = CREDENTIAL_HOOK};
    struct hook_shown *shown;
    enum refusal why;

    switch (hook_show(auth_of(p)->hook, &shown, request)) {
    case OK:
        break;
    case E_MISSING:
        return REFUSE_NONE;
    case E_LIMIT:
        return REFUSE_HEADERS_TOO_LARGE;
    default:
        return REFUSE_FULL;
    }
    *has_one = true;
    credential.shown = shown;
    why = judge(p, g, &credential, REFUSE_SESSION);
    if (why == REFUSE_NONE && g->has_identity) {
        if (login_pending(p, gate_origin(request)) == NULL)
            why = REFUSE_FULL;
        else if (g->who.recheck_at_s != 0) {
            standing_set_shown(&peer_pending(p)->standing, shown);
            return REFUSE_NONE;
        }
    }
    hook_shown_free(shown);
    return why;
}

enum refusal gate_login_cookie(struct peer *p, const struct http1_request *request,
                               struct gate_login *g)
{
    enum refusal why = REFUSE_NONE;
    bool has_one = false;

    if (auth_of(p)->sessions != NULL && login_accepts(p, LOGIN_SESSION))
        why = by_session(p, request, g, &has_one);
    if (!has_one && why == REFUSE_NONE && auth_of(p)->hook != NULL && login_accepts(p, LOGIN_HOOK))
        why = by_hook(p, request, g, &has_one);
    g->by_cookie = has_one && http1_find(request, VIEW("Cookie"), NULL) > 0;
    return why;
}

/* --- all of it --- */

static enum refusal by_browser(struct peer *p, const struct http1_request *request,
                               struct gate_login *g)
{
    enum refusal why = gate_login_cookie(p, request, g);

    if (why != REFUSE_SESSION || (!login_accepts(p, LOGIN_JWT) && !login_accepts(p, LOGIN_OAUTH2)))
        return why;
    login_log_failed(p, p->close_reason);
    p->close_reason = NULL;
    login_pending_clear(p);
    g->has_identity = false;
    return REFUSE_NONE;
}

/* Does the application alone know what to make of an Authorization header here? */
static bool asks_application(const struct peer *p)
{
    return login_accepts(p, LOGIN_HOOK) && !login_accepts(p, LOGIN_JWT) &&
           !login_accepts(p, LOGIN_OAUTH2);
}

enum refusal gate_login(struct peer *p, const struct http1_request *request, struct gate_login *g)
{
    const struct http1_header *header = NULL;
    unsigned count = http1_find(request, VIEW("Authorization"), &header);
    bool is_channels = p->worker->options->routes[p->route].kind == ROUTE_CHANNELS;
    struct view ticket;

    g->has_identity = login_certificate(p, &g->who);
    if (is_channels && gate_query(request, VIEW("ticket"), &ticket) > 0)
        return count > 0 ? REFUSE_CREDENTIALS_REPEATED : by_ticket(p, request, g);
    if (count > 1)
        return REFUSE_CREDENTIALS_REPEATED;
    if (count == 1 && !asks_application(p))
        return by_bearer(p, header, g);
    if (is_channels && !g->has_identity)
        return by_browser(p, request, g);
    return REFUSE_NONE;
}
