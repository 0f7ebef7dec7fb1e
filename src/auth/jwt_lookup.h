/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_lookup.h: a token whose signature is slow to verify (jwt_is_slow) is judged on a thread of
 * its own, while the worker serves others. */
#ifndef AUTH_JWT_LOOKUP_H
#define AUTH_JWT_LOOKUP_H

#include "auth/lookup.h"
#include "net/outbound.h"

/* What a fault means for the login. */
static inline enum auth_verdict jwt_verdict(enum jwt_fault fault)
{
    switch (fault) {
    case JWT_OK:
        return AUTH_OK;
    case JWT_EXPIRED:
        return AUTH_EXPIRED;
    case JWT_UNAVAILABLE:
    case JWT_NO_MEMORY:
        return AUTH_UNAVAILABLE; /* our shortage says nothing about the token */
    default:
        return AUTH_FAILED;
    }
}

/* lookup.h: judges the token on the thread of `o`, at `wall_s`. Token and certificate hash are
 * copied, the token's copy is wiped; what else `rules` points to must live until `done`.
 * Revocations are the asker's. E_FULL: the thread has too much to do already. */
int jwt_lookup(struct outbound *o, struct lookup *l, const struct jwt_rules *rules,
               struct view token, int64_t wall_s);

#endif
