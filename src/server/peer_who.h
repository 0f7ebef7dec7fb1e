/* SPDX-License-Identifier: Apache-2.0 */
/* peer_who.h: who a connection is, or is about to be. Private to server/. Worker thread only. */
#ifndef SERVER_PEER_WHO_H
#define SERVER_PEER_WHO_H

#include "access/identity.h"
#include "base/link.h"
#include "limit/user_table.h"
#include "policy/usage.h"
#include "server/standing.h"

/* What only an authenticated connection needs. */
struct peer_who {
    struct identity identity;
    struct user_usage *usage;
    struct policy_usage *used; /* of the rates of message types; NULL: none yet */
    struct link hooks;         /* message_hook.h: messages that wait; set up while there are any */
    unsigned hooks_count;
    struct standing standing;
    int64_t confirmed_at_s; /* wall clock: when whoever vouches last did so */
};

/* What the gate knows until the login is complete. */
struct peer_pending {
    struct standing standing;
    struct identity who; /* where awaits_csrf: whom the cookie named */
    bool awaits_csrf;
    size_t origin_bytes;
    char origin[]; /* of the request */
};

#endif
