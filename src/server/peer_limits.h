/* SPDX-License-Identifier: Apache-2.0 */
/* peer_limits.h: the row of limits that counts for a connection, and the connections of its
 * listener and its route. Private to server/. Worker thread only. */
#ifndef SERVER_PEER_LIMITS_H
#define SERVER_PEER_LIMITS_H

#include "server/peer.h"

/* Looks the row up again: after the beginning, a login, other roles, another configuration. */
void peer_limits_settle(struct peer *p);
/* What would count if it were this user. */
const struct limit_row *peer_limits_of(const struct peer *p, uint64_t roles);
/* Counts p in at its listener. False: the listener is full. */
bool peer_enter_listener(struct peer *p);
void peer_leave_listener(struct peer *p);
/* The same at its route, where it stays counted until peer_leave_route; `counts` are those of the
 * configuration by which p->route counts. */
bool peer_enter_route(struct peer *p);
void peer_leave_route(struct peer *p, struct route_count *const *counts);

#endif
