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

#endif
