/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h: every way to prove an identity ends here, in one struct identity. A method is one row of
 * a table in auth.c. Immutable once built (tickets and revocations lock
 * themselves): any thread may check. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "access/identity.h"
#include "auth/certificate.h"
#include "auth/jwt.h"
#include "base/arena.h"

struct csrf; /* auth/csrf.h */
struct hook; /* auth/hook.h */
struct hook_shown;
struct introspection; /* auth/introspection.h */
struct lookup;        /* auth/lookup.h */
struct outbound;      /* net/outbound.h */
struct session_store; /* auth/session_store.h */
struct tickets;       /* auth/ticket.h */
struct ticket_session;
struct revocations; /* auth/revocation.h */

enum credential_kind {
    CREDENTIAL_BEARER,
    CREDENTIAL_FIRST_MESSAGE,
    CREDENTIAL_CERTIFICATE, /* token: the DER form of a certificate that TLS has verified */
    CREDENTIAL_TICKET,      /* ?ticket= of the handshake */
    CREDENTIAL_SESSION,     /* token: the id of a session, out of its cookie */
    CREDENTIAL_HOOK,        /* shown: what the application is to judge */
    CREDENTIAL_KINDS
};
struct credential {
    enum credential_kind kind;
    struct view token;
    bool no_jwt, no_opaque; /* tokens: of this kind none is taken here */
    bool is_fresh;          /* an answer that was kept will not do */
    const struct hook_shown *shown;
    const uint8_t *certificate_sha256; /* of the client's certificate, verified; NULL: none */
    struct view origin;                /* tickets: of the request; ptr NULL: it named none */
    uint64_t now_ms;                   /* tickets: monotonic */
    struct ticket_session *session;    /* tickets: gets what it was made from; NULL: nobody asks */
};
struct auth {
    const struct role_set *roles;
    const struct scope_set *scopes; /* NULL: nothing asks for any */
    struct jwt_issuer *issuers;
    uint32_t issuers_count;
    struct certificate_row *certificates;
    uint32_t certificates_count;
    struct introspection *introspection; /* NULL: opaque tokens are not taken */
    struct hook *hook;                   /* NULL: there is none */
    struct session_store *sessions;      /* NULL: cookies are not looked at; not owned */
    const char *session_cookie;          /* its name; not owned */
    struct csrf *csrf;               /* NULL: no proof beyond the Origin is asked for; not owned */
    struct tickets *tickets;         /* NULL: there are none; not owned */
    struct revocations *revocations; /* NULL: nothing can be revoked; not owned */
    struct outbound *verifier; /* thread for slow signatures; NULL: they are checked at once; not
                                  owned */
};
enum auth_verdict {
    AUTH_OK,
    AUTH_FAILED,      /* "Authentication failed" */
    AUTH_EXPIRED,     /* "Token expired" */
    AUTH_UNAVAILABLE, /* who would know is out of reach: fail closed, 503 or 1013 */
    AUTH_SCOPE,       /* good, but without a scope that is asked of everyone: 403 */
    AUTH_LATER        /* not known on this thread: ask by auth_lookup */
};
/* *fault (may be NULL) is a stable snake_case word for the event log. Fails closed: anything but
 * AUTH_OK leaves *who alone. */
enum auth_verdict auth_check(const struct auth *auth, const struct credential *credential,
                             int64_t wall_s, struct arena *arena, struct identity *who,
                             const char **fault);
/* Asks whoever knows, after AUTH_LATER; see lookup.h for the answer, and for what this answers. */
int auth_lookup(const struct auth *auth, const struct credential *credential, int64_t wall_s,
                struct lookup *l);
/* Does a revocation speak against `who`? NULL: no; otherwise the word for it. auth_check has asked
 * already, a lookup has not. */
const char *auth_revoked(const struct auth *auth, const struct identity *who, int64_t wall_s);
/* The token of an `Authorization` value of scheme Bearer (RFC 6750 section 2.1: b64token, scheme
 * without case). false: not of that form. */
bool auth_bearer_parse(struct view header_value, struct view *token);

#endif
