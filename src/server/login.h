/* SPDX-License-Identifier: Apache-2.0 */
/* login.h: an identity meets a connection: first message, handshake token, and `auth` on the open
 * socket. Private to server/. Worker thread only. */
#ifndef SERVER_LOGIN_H
#define SERVER_LOGIN_H

#include "auth/csrf.h"
#include "message/json.h"
#include "server/peer.h"

struct ask;

/* --- login.c --- */
/* Accepts an identity; what it rests on is taken from peer_pending(p). id: of the message, or NULL.
 * is_extension: it was logged in before. False: the connection is being closed. */
bool login_welcome(struct peer *p, const struct identity *identity, const struct json *id,
                   bool is_extension);
/* Whoever vouched for it has done so again; NULL: the rules have changed. */
void login_confirmed(struct peer *p, const struct identity *identity);
/* Has it the scopes without which the route takes nobody? */
bool login_has_scopes(const struct peer *p, const struct identity *who);
/* Does the route take this way to log in, and has it those scopes? Asked again where time has
 * passed since the gate asked: a reload may have come between. */
bool login_is_taken(const struct peer *p, const struct identity *who);
/* Keeps a token that will have to be shown again. False: out of memory. */
bool login_keep_token(struct peer *p, enum credential_kind kind, struct view token);
/* That of p, made if need be; NULL: out of memory. */
struct peer_pending *login_pending(struct peer *p, struct view origin);
void login_pending_clear(struct peer *p);

/* --- login_token.c --- */
/* PEER_FIRST: welcome, a close, or a wait for whoever knows the token. */
void login_first(struct peer *p, struct view token, const struct json *id);
/* The open socket: the same user with a fresh token lives longer; another user is closed; a bad
 * token changes nothing. */
void login_again(struct peer *p, struct view token, const struct json *id);
/* PEER_FIRST, and a cookie has said who it is: welcome, or a close. */
bool login_awaits_csrf(const struct peer *p);
void login_by_csrf(struct peer *p, struct view token, const struct json *id);
/* Who it is, or whom its cookie names while the CSRF token is awaited: whatever ends such logins
 * ends this connection. In `space`, or where it stands already. NULL: nobody yet. */
const struct identity *login_named(const struct peer *p, struct identity *space);
/* A good token is used up. */
enum csrf_fault login_csrf_check(struct peer *p, const struct identity *who, struct view origin,
                                 struct view token);
void login_answered(struct peer *p, struct ask *ask);
/* identity.recheck_at_s has come. */
void login_recheck(struct peer *p);
void login_log_failed(struct peer *p, const char *fault);

/* --- login_certificate.c --- */
/* Does the route of the connection take this way to log in? */
bool login_accepts(const struct peer *p, enum login_method method);
/* Judges the client's certificate where the route takes one. True: *who is whom it names, and that
 * is enough for the route. */
bool login_certificate(struct peer *p, struct identity *who);
/* SHA-256 of the certificate that the client has shown and TLS has verified. False: none. */
bool login_certificate_digest(const struct peer *p, uint8_t digest[32]);
/* Where a route requires a token and a certificate, the login ends with the first of them. */
void login_bind(const struct peer *p, struct identity *who);
/* After login_certificate: the route cannot do without a certificate, and there is no good one. */
bool login_lacks_certificate(const struct peer *p);
/* After a reload: judges the certificate anew. False: the route cannot do without one, and there is
 * no good one any more. */
bool login_certificate_review(struct peer *p);
void login_refuse_certificate(struct peer *p); /* after the 101: closes with 4001 or 4003 */

#endif
