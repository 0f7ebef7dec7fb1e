/* SPDX-License-Identifier: Apache-2.0 */
/* api_ask.h: what the JSON bodies of the API ask for. Pure; views point into the JSON tree. A field
 * that is not known is refused: a misspelt one must not be a default. */
#ifndef API_API_ASK_H
#define API_API_ASK_H

#include "access/role.h"
#include "api/api_answer.h"
#include "base/ip.h"
#include "message/json.h"

#define API_TICKET_TTL_S_MAX  30
#define API_SESSION_TTL_S_MAX (24 * 60 * 60)
#define API_SESSION_TTL_S     (60 * 60)
#define API_ORIGIN_BYTES_MAX  512
#define API_SESSION_ID_MAX    256

struct api_ticket_ask {
    struct view user, origin; /* origin.ptr NULL: not bound */
    uint64_t roles;
    uint32_t ttl_s, session_ttl_s;
};
enum api_revoke_kind {
    API_REVOKE_USER,
    API_REVOKE_TOKEN_ID,
    API_REVOKE_ROLE,
    API_REVOKE_IP,
    API_REVOKE_CONNECTION,
    API_REVOKE_SESSION
};
struct api_revoke_ask {
    enum api_revoke_kind kind;
    struct view value; /* as written */
    struct ip_address ip;
    uint8_t connection[16];
};
struct api_publish_ask {
    struct view channel;
    const struct json *data;
};
/* API_RESULT_OK, or what is wrong. *out is written on OK only. */
enum api_result api_ask_ticket(struct api_ticket_ask *out, const struct json *body,
                               const struct role_set *roles);
enum api_result api_ask_revoke(struct api_revoke_ask *out, const struct json *body,
                               const struct role_set *roles);
enum api_result api_ask_publish(struct api_publish_ask *out, const struct json *body);

/* --- for what else asks --- */

/* It is an object, and every member stands in `names` (NULL-terminated). */
enum api_result api_ask_members(const struct json *body, const char *const *names);
/* A list of names of roles, as bits. list NULL: it is missing. */
enum api_result api_ask_roles(uint64_t *out, const struct json *list, const struct role_set *roles);
/* The 16 bytes of a connection's id from its text. */
bool api_ask_connection(uint8_t out[16], struct view text);
/* 1 to 256 printable ASCII characters without blanks. */
bool api_session_id_ok(struct view id);

#endif
