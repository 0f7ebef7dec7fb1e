/* SPDX-License-Identifier: Apache-2.0 */
/* Client certificates at the login: TLS has verified the certificate, here it meets the list of who
 * may come and what the route asks for. A browser sends its certificate to whoever makes it
 * connect, as it does with cookies; the Origin has been judged before this. */
#include "server/login.h"

#include "auth/auth.h"
#include "base/buf.h"
#include "crypto/digest.h"

static const struct route_options *route_of(const struct peer *p)
{
    return &p->worker->options->routes[p->route];
}

bool login_accepts(const struct peer *p, enum login_method method)
{
    return (route_of(p)->accepts & 1U << method) != 0;
}

static bool is_needed(const struct peer *p)
{
    const struct route_options *route = route_of(p);

    return route->accepts == 1U << LOGIN_CERTIFICATE ||
           (route->requires_all && login_accepts(p, LOGIN_CERTIFICATE));
}

bool login_certificate(struct peer *p, struct identity *who)
{
    struct worker *w = p->worker;
    struct buf der = BUF_INIT(TLS_CLIENT_CHAIN_SIZE);
    struct credential credential = {.kind = CREDENTIAL_CERTIFICATE};
    enum auth_verdict verdict = AUTH_FAILED;
    struct peer_extra *extra;
    struct identity found;

    if (p->extra != NULL)
        p->extra->certificate_fault = NULL;
    if (!login_accepts(p, LOGIN_CERTIFICATE))
        return false;
    extra = peer_extra_get(p);
    if (extra == NULL)
        return false;
    extra->certificate_fault = "certificate_required";
    if (conn_peer_certificate(&p->conn, &der) == OK) {
        credential.token = buf_view(&der);
        verdict = auth_check(&w->options->auth, &credential, loop_wall_s(w->loop), &w->arena,
                             &found, &extra->certificate_fault);
    }
    buf_clear(&der);
    if (verdict != AUTH_OK)
        return false;
    extra->certificate_fault = NULL;
    extra->certificate_ends_s = 0;
    if (route_of(p)->requires_all) { /* the token says who it is */
        extra->certificate_ends_s = found.expires_at_s;
        return false;
    }
    *who = found;
    return true;
}

bool login_certificate_digest(const struct peer *p, uint8_t digest[32])
{
    struct buf der = BUF_INIT(TLS_CLIENT_CHAIN_SIZE);
    bool has_one = p->is_tls && conn_peer_certificate(&p->conn, &der) == OK &&
                   digest_sha256(digest, der.data, der.len) == OK;

    buf_clear(&der);
    return has_one;
}

void login_bind(const struct peer *p, struct identity *who)
{
    int64_t ends_s = p->extra != NULL ? p->extra->certificate_ends_s : 0;

    if (route_of(p)->requires_all && ends_s < who->expires_at_s)
        who->expires_at_s = ends_s;
}

/* Of a route that needs one; NULL: it is good. */
static const char *fault_of(const struct peer *p)
{
    return p->extra != NULL ? p->extra->certificate_fault : "out_of_memory";
}

bool login_lacks_certificate(const struct peer *p)
{
    return is_needed(p) && fault_of(p) != NULL;
}

bool login_certificate_review(struct peer *p)
{
    struct identity unused;

    if (!is_needed(p))
        return true;
    arena_reset(&p->worker->arena);
    (void)login_certificate(p, &unused);
    return fault_of(p) == NULL;
}

void login_refuse_certificate(struct peer *p)
{
    const char *fault = fault_of(p);
    struct event event = peer_event(p, EVENT_AUTH_FAILED, OUTCOME_REFUSED, fault);
    bool has_none = view_eq(view_of_text(fault), VIEW("certificate_required"));

    event.close_code = has_none ? CLOSE_CERTIFICATE_REQUIRED : CLOSE_UNAUTHORIZED_CLIENT;
    peer_log(p, &event);
    if (has_none)
        session_close(p, CLOSE_CERTIFICATE_REQUIRED, "Certificate required");
    else
        session_close(p, CLOSE_UNAUTHORIZED_CLIENT, "Unauthorized client");
}
