/* SPDX-License-Identifier: Apache-2.0 */
/* introspection_answer.h: what an authorization server says of a token (RFC 7662 section 2.2).
 * Inside auth/ only. Pure. */
#ifndef AUTH_INTROSPECTION_ANSWER_H
#define AUTH_INTROSPECTION_ANSWER_H

#include "access/role.h"
#include "access/scope.h"
#include "auth/answer_cache.h"
#include "base/arena.h"

#define INTROSPECTION_NODES_MAX 4096
/* A token without an end ends so many rechecks after an answer; each recheck moves that. */
#define INTROSPECTION_RECHECKS 4

struct introspection_rules {
    const char *issuer, *audience; /* NULL: not checked */
    const char *user_claim, *roles_claim, *tenant_claim;
    const struct role_set *roles;
    const struct scope_set *scopes; /* NULL: none is known */
    uint32_t recheck_s, skew_s;
};

/* token: what was asked about. false: no JSON object, which is no answer. Otherwise *out is one:
 * AUTH_OK with an identity, AUTH_EXPIRED, or AUTH_FAILED; required scopes are not looked at. */
bool introspection_answer_read(struct auth_answer *out, const struct introspection_rules *rules,
                               struct view body, struct view token, int64_t wall_s);

#endif
