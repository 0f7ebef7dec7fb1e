/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.h: an identity that a worker cannot know at once: the token's issuer, a store of sessions
 * or the application has to be asked, or the signature is too slow to check between two messages.
 * Whoever can be asked has a function of the shape
 *
 *     int x_lookup(struct x *x, struct lookup *l, what is shown);
 *
 * that never waits, copies what is shown, and answers OK (then `done` is called exactly once, on a
 * thread of its own, perhaps before the function returns), E_FULL, E_NOMEM or E_CLOSED (then it is
 * not called). */
#ifndef AUTH_LOOKUP_H
#define AUTH_LOOKUP_H

#include "access/identity.h"
#include "auth/auth.h"

struct lookup { /* the asker's; must live until `done` */
    void (*done)(struct lookup *l);
    /* The answer, complete when `done` is called. */
    enum auth_verdict verdict; /* never AUTH_LATER */
    const char *fault;         /* a stable snake_case word for the event log; constant text */
    struct identity who;       /* where verdict is AUTH_OK */
};

#endif
