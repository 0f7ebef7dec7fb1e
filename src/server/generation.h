/* SPDX-License-Identifier: Apache-2.0 */
/* generation.h: one configuration in force and what is computed from it. A reload makes another
 * one; each worker goes over to it at the end of a turn, and the old one ends when nobody holds it
 * any more. The first one lives as long as the server: what cannot change without a restart
 * (listeners, stores, whoever is asked online) hangs on it, and later ones borrow it from there.
 * Private to server/. Immutable; holding is for any thread. */
#ifndef SERVER_GENERATION_H
#define SERVER_GENERATION_H

#include <stdatomic.h>

#include "server/limit_table.h"
#include "server/options.h"
#include "wire/ws_message.h"

/* Open connections of a route, over all workers and as long as the route is there. */
struct route_count {
    atomic_uint holds, open;
};

struct generation {
    struct options *options; /* owned */
    bool is_first;
    atomic_uint holds;
    struct limit_table *limits;
    struct ws_limits limits_echo;
    struct route_count **route_counts; /* one a route; held */
    uint32_t routes_count;
};

/* Takes over options on success, held once. `before` is in force now; NULL: this is the first.
 * E_NOMEM. */
int generation_new(struct generation **out, struct options *options,
                   const struct generation *before);
struct generation *generation_keep(struct generation *g);
void generation_drop(struct generation *g); /* NULL is fine */

#endif
