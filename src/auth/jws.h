/* SPDX-License-Identifier: Apache-2.0 */
/* jws.h: the outer half of a token: compact form (RFC 7515 section 7.1), header, key, signature.
 * Knows no claims. Inside auth/ only. Views point into the token or the arena. */
#ifndef AUTH_JWS_H
#define AUTH_JWS_H

#include "auth/jwt.h"

struct jws {
    struct view signed_part; /* header and payload as they came, with the dot between */
    struct view algorithm;
    struct view key_id;
    bool has_key_id;
    bool is_access_token; /* typ is at+jwt (RFC 9068 section 2.1) */
    struct view payload;  /* decoded, and not to be believed before jws_check */
    struct view signature;
};

/* Form and header. Nothing is allocated before the token has three segments and a sane length. */
enum jwt_fault jws_parse(struct jws *jws, struct view token, struct arena *arena);
/* Form, and of the rest the header alone: algorithm and key id. */
enum jwt_fault jws_parse_header(struct jws *jws, struct view token, struct arena *arena);
/* JWT_OK when a key of this issuer, of exactly the algorithm that the header names, has made the
 * signature. */
enum jwt_fault jws_check(const struct jws *jws, const struct jwt_issuer *issuer);

#endif
