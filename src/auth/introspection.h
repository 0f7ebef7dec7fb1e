/* SPDX-License-Identifier: Apache-2.0 */
/* introspection.h: asks the authorization server whether an opaque token is good and whose it is
 * (RFC 7662). Answers are kept for a short while under SHA-256 of token and endpoint; `active` is
 * the JSON value true and nothing that looks like it; an answer that cannot be had refuses. Any
 * thread. */
#ifndef AUTH_INTROSPECTION_H
#define AUTH_INTROSPECTION_H

#include "access/role.h"
#include "access/scope.h"
#include "auth/lookup.h"
#include "base/arena.h"
#include "net/outbound.h"

enum client_authentication { CLIENT_SECRET_BASIC, CLIENT_SECRET_POST };

struct introspection_options { /* everything is copied but roles and scopes, which must outlive it
                                */
    const char *url;
    struct view ca_pem; /* whom to trust instead of the system's authorities; empty: those */
    const char *client_id, *client_secret;
    enum client_authentication client_authentication;
    const char *issuer, *audience;                       /* NULL: not checked */
    const char *user_claim, *roles_claim, *tenant_claim; /* names, or JSON pointers with a / */
    struct view required_scopes; /* names with single blanks; without one of them: AUTH_SCOPE */
    const struct role_set *roles;
    const struct scope_set *scopes;
    uint32_t cache_s;   /* an answer is not asked for again so long; never past the token's exp */
    uint32_t recheck_s; /* identity.recheck_at_s: so long after the answer */
    uint32_t skew_s, deadline_ms;
    bool allows_loopback_http;
};

struct introspection;
/* E_INVALID (the URL), E_NOMEM. */
int introspection_new(struct introspection **out, const struct introspection_options *options);
/* Before anyone asks. `tell` (outbound thread) is called when the endpoint stops answering and when
 * it answers again. */
void introspection_start(struct introspection *in, struct outbound *o,
                         void (*tell)(void *context, bool is_up, const char *why), void *context);
/* The bits of required_scopes. */
uint64_t introspection_scopes(const struct introspection *in);
void introspection_free(struct introspection *in); /* the outbound thread has ended. NULL is fine */
/* What is known of this token now: AUTH_LATER where it must be asked, AUTH_UNAVAILABLE while the
 * breaker is open. */
enum auth_verdict introspection_check(struct introspection *in, struct view token, int64_t wall_s,
                                      struct identity *who, const char **fault);
/* lookup.h. fresh: an answer that is kept will not do (a recheck). One token is asked about once at
 * a time, whoever wants to know. */
int introspection_lookup(struct introspection *in, struct lookup *l, struct view token,
                         bool is_fresh);

#endif
