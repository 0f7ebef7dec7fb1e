/* SPDX-License-Identifier: Apache-2.0 */
/* peer_who.h: who a connection is, or is about to be. Private to server/. Worker thread only. */
#ifndef SERVER_PEER_WHO_H
#define SERVER_PEER_WHO_H

#include "access/identity_kept.h"
#include "base/slab.h"
#include "limit/user_table.h"
#include "policy/usage.h"
#include "server/standing.h"

struct peer;

/* Logins lie in slabs of a few sizes, so that they neither cost headers nor hold pages between what
 * handshakes leave behind. */
#define PEER_WHO_STEP  8
#define PEER_WHO_SIZES 29 /* 96 bytes, 104, ... */
struct peer_who_slabs {
    struct slab_pool of[PEER_WHO_SIZES];
};

/* What only an authenticated connection needs. Moves when it logs in again: point at nothing in it.
 */
struct peer_who {
    struct user_usage *usage;
    struct policy_usage *used;     /* of the rates of message types; NULL: none yet */
    struct standing *standing;     /* NULL: nobody has to be asked again */
    struct identity_kept identity; /* last: its text lies behind it */
};

/* What the gate knows until the login is complete. */
struct peer_pending {
    struct standing standing;
    struct identity who; /* where awaits_csrf: whom the cookie named */
    bool awaits_csrf;
    size_t origin_bytes;
    char origin[]; /* of the request */
};

/* --- peer_who.c --- */
void peer_who_slabs_init(struct peer_who_slabs *slabs);
void peer_who_slabs_clear(struct peer_who_slabs *slabs); /* after the last peer_who_clear */
/* Of a login in its slab. */
size_t peer_who_slab_bytes(const struct identity *identity);
/* The connection is this one from now on, confirmed a moment ago. False: out of memory, and nothing
 * has changed. */
bool peer_who_set(struct peer *p, const struct identity *identity);
/* What the identity of p rests on, made if need be; NULL: out of memory. Only where p->who is. */
struct standing *peer_who_standing(struct peer *p);
void peer_who_clear(struct peer *p);
/* Empty where it is nobody. Lives until the next login. */
struct view peer_user(const struct peer *p);
/* The whole identity, in `space`; NULL where it is nobody. */
const struct identity *peer_identity(const struct peer *p, struct identity *space);

#endif
