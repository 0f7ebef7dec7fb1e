/* SPDX-License-Identifier: Apache-2.0 */
/* generation.h: one configuration in force and what is computed from it. A reload makes another
 * one; each worker goes over to it at the end of a turn, and the old one ends when nobody holds it
 * any more. The first one lives as long as the server: what cannot change without a restart
 * (listeners, stores, whoever is asked online) hangs on it, and later ones borrow it from there.
 * Private to server/. Immutable; holding is for any thread. */
#ifndef SERVER_GENERATION_H
#define SERVER_GENERATION_H

#include <stdatomic.h>

#include "limit/flow.h"
#include "limit/rate.h"
#include "server/options.h"
#include "wire/ws_message.h"

struct generation {
    struct options *options; /* owned */
    bool is_first;
    atomic_uint holds;
    struct rate_limit per_minute, per_hour, control_frames, subscribes;
    struct flow_limit bytes_in;
    struct ws_limits limits_channels, limits_first, limits_echo;
};

/* Takes over options on success, held once. E_NOMEM. */
int generation_new(struct generation **out, struct options *options, bool is_first);
struct generation *generation_keep(struct generation *g);
void generation_drop(struct generation *g); /* NULL is fine */
/* The limits of `to` that are what `limits` is in `from`. */
const struct ws_limits *generation_limits(const struct generation *from,
                                          const struct ws_limits *limits,
                                          const struct generation *to);

#endif
