/* SPDX-License-Identifier: Apache-2.0 */
/* protocol.h: the messages of the native protocol (docs/protocol.md). Private to server/. Worker
 * thread only. */
#ifndef SERVER_PROTOCOL_H
#define SERVER_PROTOCOL_H

#include "server/peer.h"

void protocol_first(struct peer *p, struct view text); /* PEER_FIRST: must be auth */
void protocol_message(struct peer *p, struct view text);
/* What the server does with this built-in type, when all checks of the configuration have passed.
 */
struct request;
void protocol_run(struct request *r, struct view type);

/* As if the peer (PEER_OPEN, logged in) had asked: the rules decide, and it is told what has
 * changed. OK (also where it was so already); E_DENIED; what hub_subscribe says. */
int protocol_subscribe(struct peer *p, struct view channel);
/* OK; E_MISSING. */
int protocol_unsubscribe(struct peer *p, struct view channel);

#endif
