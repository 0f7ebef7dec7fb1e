/* SPDX-License-Identifier: Apache-2.0 */
/* api_session.h: what the JSON bodies of the endpoints for sessions and CSRF tokens ask for. Pure;
 * views point into the JSON tree. */
#ifndef API_API_SESSION_H
#define API_API_SESSION_H

#include "api/api_ask.h"

#define API_SESSION_ROLES_MAX 1024

enum api_session_verb {
    API_SESSION_CREATE,
    API_SESSION_GET,
    API_SESSION_EXTEND,
    API_SESSION_END,
    API_SESSION_END_USER
};
struct api_session_ask {
    enum api_session_verb verb;
    struct view session, user;         /* create, end_user: user; the others: session */
    struct view replaces, tenant;      /* create; ptr NULL: none */
    char roles[API_SESSION_ROLES_MAX]; /* create: names with single blanks between them */
    size_t roles_bytes;
};
struct api_csrf_ask {
    struct view session, origin;
};
/* API_RESULT_OK, or what is wrong. *out is good on OK only. */
enum api_result api_ask_session_create(struct api_session_ask *out, const struct json *body,
                                       const struct role_set *roles);
/* verb: API_SESSION_GET or API_SESSION_EXTEND. */
enum api_result api_ask_session(struct api_session_ask *out, const struct json *body,
                                enum api_session_verb verb);
/* A session, or all of a user. */
enum api_result api_ask_session_end(struct api_session_ask *out, const struct json *body);
enum api_result api_ask_csrf(struct api_csrf_ask *out, const struct json *body);

#endif
