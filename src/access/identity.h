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

enum identity_method { IDENTITY_NONE, IDENTITY_JWT, IDENTITY_CERTIFICATE, IDENTITY_TICKET };

struct identity {
    char user[IDENTITY_USER_MAX + 1];
    char token_id[IDENTITY_TOKEN_ID_MAX + 1]; /* jti, or "" */
    uint8_t user_bytes;
    enum identity_method method;
    uint64_t roles; /* bit n = role n of struct role_set; roles the configuration does not know are
                       dropped */
    int64_t authenticated_at_s; /* wall clock */
    int64_t issued_at_s;        /* wall clock: claim iat, or when a ticket was made; 0: not known */
    int64_t expires_at_s;       /* wall clock; always set */
};

/* [A-Za-z0-9_-]{1,64}: nothing that means anything in a channel name or a pattern (C-G1, W-17). */
bool identity_user_ok(struct view user);

#endif
