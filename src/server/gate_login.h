/* SPDX-License-Identifier: Apache-2.0 */
/* gate_login.h: whose request it is. Private to server/. Worker thread only. */
#ifndef SERVER_GATE_LOGIN_H
#define SERVER_GATE_LOGIN_H

#include "auth/csrf.h"
#include "auth/lookup.h"
#include "server/peer.h"
#include "wire/http1.h"

/* What a request shows, and what came of it. */
struct gate_login {
    const struct lookup *answer; /* to the question for which the request waited; NULL: none yet */
    struct identity who;
    bool has_identity;
    bool by_cookie;  /* what any page can make a browser send: a CSRF token must come with it */
    bool is_waiting; /* asked elsewhere; the same request is judged again with the answer */
};

/* Credentials in the order explicit first: ticket, Authorization, then what a browser sends by
 * itself. REFUSE_NONE without has_identity: none, the first message must bring one. */
enum refusal gate_login(struct peer *p, const struct http1_request *request, struct gate_login *g);
/* By the cookie of a session, or the application's word, and nothing else. */
enum refusal gate_login_cookie(struct peer *p, const struct http1_request *request,
                               struct gate_login *g);
/* Origin of a request that has passed the gate's question about it; empty: none. */
struct view gate_origin(const struct http1_request *request);

/* --- gate.c --- */
enum refusal gate_ask_origin(const struct peer *p, const struct http1_request *request);

/* --- gate_query.c --- */
/* Does the browser, where it says how it came to make the request (Sec-Fetch-Mode, Fetch Metadata),
 * name one of these two ways? A form, a picture or a navigation is none that a page may use here.
 */
bool gate_fetch_mode_ok(const struct http1_request *request, struct view one, struct view other);
/* How many parameters of the query have this name; *value gets the first. */
unsigned gate_query(const struct http1_request *request, struct view name, struct view *value);

/* --- gate_issue.c --- */
#define GATE_TICKET_PATH VIEW("/ticket")
/* Is it the path where browsers get tickets, and are there any? */
bool gate_is_ticket_path(const struct peer *p, const struct http1_request *request);
/* Answers POST and OPTIONS of that path; the Host has been judged. answer as in struct gate_login.
 * False: the answer of the login is awaited. */
bool gate_issue_ticket(struct peer *p, const struct http1_request *request,
                       const struct lookup *answer);

#endif
