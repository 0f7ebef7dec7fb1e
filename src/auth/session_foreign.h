/* SPDX-License-Identifier: Apache-2.0 */
/* session_foreign.h: sessions as other programs write them: the id in a cookie's value, and who is
 * logged in according to the JSON text that their store keeps. Pure; any thread. Our own sessions
 * in Redis are read by the same code. */
#ifndef AUTH_SESSION_FOREIGN_H
#define AUTH_SESSION_FOREIGN_H

#include "access/role.h"
#include "auth/session_store.h"
#include "base/arena.h"
#include "crypto/hmac.h"

#define SESSION_SECRETS_MAX 2             /* the old one and the new one, while they change */
#define SESSION_VALUE_MAX   (64 * 1024)   /* of one session's JSON text */
#define SESSION_ARENA_BYTES (2048 * 1024) /* what reading one takes at most */

/* The key of a secret, however short: HMAC fills a short key up with zeros itself (RFC 2104), which
 * hmac_key_new does not take. The caller has judged its strength. */
int session_express_key(struct hmac_key **out, struct view secret);
/* The id of a cookie that express-session has made: "s:<id>.<signature>", perhaps percent-encoded,
 * signed with one of the keys (HMAC-SHA-256 in standard Base64 without padding). */
bool session_express_id(struct hmac_key *const keys[SESSION_SECRETS_MAX], struct view value,
                        char space[SESSION_ID_MAX], struct view *id);
/* [A-Za-z0-9_.-]{16,256}: what another program's unsigned id must look like. */
bool session_foreign_id_ok(struct view id);

/* Where things stand in the JSON text: pointers (RFC 6901); NULL: nowhere. */
struct session_shape {
    const char *user[2]; /* the first that is there counts */
    const char *roles, *tenant, *expires, *created;
};
struct session_facts {
    struct identity who;  /* user, tenant, roles, scopes, method */
    int64_t ends_at_s;    /* what `expires` says; 0: nothing */
    int64_t created_at_s; /* 0: not known */
};
/* NULL and *out, or a stable word: "session_malformed", "session_anonymous" (nobody is logged in),
 * "session_user" (one that cannot be ours). Nothing is compared with a clock. The arena is reset.
 */
const char *session_value_decode(struct session_facts *out, const struct session_shape *shape,
                                 const struct role_set *roles, struct view value,
                                 struct arena *arena);

#endif
