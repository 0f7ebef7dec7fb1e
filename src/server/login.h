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

/* --- login_certificate.c --- */
/* Does the route of the connection take this way to log in? */
bool login_accepts(const struct peer *p, enum login_method method);
/* Judges the client's certificate where the route takes one. True: *who is whom it names, and that
 * is enough for the route. */
bool login_certificate(struct peer *p, struct identity *who);
/* Where a route requires a token and a certificate, the login ends with the first of them. */
void login_bind(const struct peer *p, struct identity *who);
/* After login_certificate: the route cannot do without a certificate, and there is no good one. */
bool login_lacks_certificate(const struct peer *p);
void login_refuse_certificate(struct peer *p); /* after the 101: closes with 4001 or 4003 */

#endif
