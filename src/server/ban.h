/* SPDX-License-Identifier: Apache-2.0 */
/* ban.h: failed logins and what follows from them. Private to server/. Worker thread only, but for
 * ban_open. */
#ifndef SERVER_BAN_H
#define SERVER_BAN_H

#include "server/peer.h"

/* Makes server->bans, where `limits.bans` wants any. E_NOMEM. */
int ban_open(struct server *s);
/* After an event of type EVENT_AUTH_FAILED: a failure that may be a guess counts. */
void ban_note(const struct peer *p, const struct event *event);
/* How long the peer's address is not let in; 0: it may come. */
uint64_t ban_left_ms(const struct peer *p);

#endif
