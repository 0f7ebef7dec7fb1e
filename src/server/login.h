/* SPDX-License-Identifier: Apache-2.0 */
/* login.h: an identity meets a connection: first message, handshake token, and `auth` on the open
 * socket. Private to server/. Worker thread only. */
#ifndef SERVER_LOGIN_H
#define SERVER_LOGIN_H

#include "message/json.h"
#include "server/peer.h"

/* Accepts the identity that came with the handshake. False: the connection is being closed. */
bool login_welcome(struct peer *p, const struct identity *identity);
/* PEER_FIRST: welcome, or a close. */
void login_first(struct peer *p, struct view token, const struct json *id);
/* The open socket: the same user with a fresh token lives longer; another user is closed; a bad
 * token changes nothing. */
void login_again(struct peer *p, struct view token, const struct json *id);
void login_log_failed(struct peer *p, const char *fault);

#endif
