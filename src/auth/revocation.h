/* SPDX-License-Identifier: Apache-2.0 */
/* revocation.h: what is no longer accepted although its signature is good: a user's or a role's
 * identities from before an instant, and single tokens by their id. Any thread. Bounded; a full
 * table refuses, and forgets only what `memory_s` has made pointless: a token older than that is
 * refused for its age. Keeping it across restarts is revocation_log.h's business. */
#ifndef AUTH_REVOCATION_H
#define AUTH_REVOCATION_H

#include "access/identity.h"
#include "access/role.h"

#define REVOCATIONS_MAX 100000

enum revoked_kind { REVOKED_USER, REVOKED_TOKEN_ID, REVOKED_ROLE, REVOKED_KINDS };

struct revocation {
    enum revoked_kind kind;
    struct view value; /* at most IDENTITY_TOKEN_ID_MAX bytes */
    int64_t at_s;      /* wall clock */
};

struct revocations;
/* memory_s: the greatest age of a token that is accepted at all. */
int revocations_new(struct revocations **out, uint32_t max, int64_t memory_s);
void revocations_free(struct revocations *r);
/* Again for the same value: the later instant counts. E_FULL, E_INVALID, E_NOMEM. */
int revocations_add(struct revocations *r, const struct revocation *what, int64_t wall_s);
/* NULL: nothing speaks against `who`. Otherwise a stable word: "user_revoked", "token_revoked",
 * "role_revoked", "token_too_old", "issued_at_missing" (a JWT that does not say when it was issued
 * could not be told from one that was revoked). An identity issued in the second of a revocation is
 * revoked. What is asked about elsewhere (OAuth 2.0, sessions, the hook) has no age limit here, and
 * where it does not say when it was issued, it was before any revocation. */
const char *revocations_judge(struct revocations *r, const struct identity *who,
                              const struct role_set *roles, int64_t wall_s);
uint32_t revocations_count(struct revocations *r);
/* Oldest first, under the table's lock; `visit` answers false to stop. */
void revocations_each(struct revocations *r,
                      bool (*visit)(void *context, const struct revocation *what), void *context);

#endif
