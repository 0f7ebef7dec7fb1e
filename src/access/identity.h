/* SPDX-License-Identifier: Apache-2.0 */
/* identity.h: who is on the other end. auth/ fills it, access/ judges it, nobody else changes it.
 */
#ifndef ACCESS_IDENTITY_H
#define ACCESS_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

#define IDENTITY_USER_MAX                                                                          \
    64 /* bytes; grammar [A-Za-z0-9_-] and, inside, . and @ are NOT allowed: see identity_user_ok  \
        */
#define IDENTITY_ROLES_MAX    64 /* roles known to a configuration: one bit each */
#define IDENTITY_TOKEN_ID_MAX 128
#define IDENTITY_TENANT_MAX   32 /* the grammar of a user */
#define IDENTITY_SESSION_BYTES                                                                     \
    16 /* the first half of SHA-256 over the session's id: names it without being it */

enum identity_method {
    IDENTITY_NONE,
    IDENTITY_JWT,
    IDENTITY_CERTIFICATE,
    IDENTITY_TICKET,
    IDENTITY_OAUTH2,  /* a token that its issuer was asked about (RFC 7662) */
    IDENTITY_SESSION, /* a cookie, looked up in a store of sessions */
    IDENTITY_HOOK     /* an application that was asked about the request */
};

struct identity {
    char user[IDENTITY_USER_MAX + 1];
    char token_id[IDENTITY_TOKEN_ID_MAX + 1]; /* jti, or "" */
    char tenant[IDENTITY_TENANT_MAX + 1];     /* "": none */
    uint8_t user_bytes;
    bool has_session;
    uint8_t session[IDENTITY_SESSION_BYTES]; /* where has_session: its end ends the connection */
    enum identity_method method;
    uint64_t roles;  /* bit n = role n of struct role_set; roles the configuration does not know are
                        dropped */
    uint64_t scopes; /* bit n = scope n of struct scope_set; SCOPES_ALL: was not delegated */
    int64_t authenticated_at_s; /* wall clock: when the user last proved who it is (claim auth_time,
                                   else iat); what max_auth_age is measured from */
    int64_t issued_at_s;        /* wall clock: claim iat, or when a ticket was made; 0: not known */
    int64_t expires_at_s;       /* wall clock; always set */
    int64_t recheck_at_s;       /* wall clock: whoever vouched is asked again then; 0: never */
};

/* [A-Za-z0-9_-]{1,64}: nothing that means anything in a channel name or a pattern (C-G1, W-17). */
bool identity_user_ok(struct view user);
/* Did the user prove who it is longer ago than that? A time that is not known is too long ago. One
 * that lies ahead is a clock that differs by what the login allowed, and counts as now. */
bool identity_is_too_old(const struct identity *who, uint32_t max_age_s, int64_t wall_s);

#endif
