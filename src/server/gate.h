/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h: the HTTP phase of a connection, until the 101 or the refusal. Private to server/. Worker
 * thread only. */
#ifndef SERVER_GATE_H
#define SERVER_GATE_H

#include "server/peer.h"

struct lookup;

/* --- gate.c --- */
void gate_data(struct peer *p, const uint8_t *data, size_t len); /* PEER_HEAD */
void gate_refuse(struct peer *p, enum refusal why, const struct http1_request *request);
/* PEER_ASKING. NULL: what was asked is no question any more, judge the request anew. */
void gate_answered(struct peer *p, const struct lookup *answer);
/* PEER_ASKING: more has come, although nothing was to be read. */
void gate_hold(struct peer *p, const uint8_t *data, size_t len);
void gate_turn_away(struct peer *p); /* the answer to one who was over a limit at the door */

/* --- gate_client.c --- */
/* Behind a trusted proxy: finds out whose request it is, once. False: it was refused. */
bool gate_client(struct peer *p, const struct http1_request *request);

#endif
