/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_claims.h: what a token says, judged once its signature has been verified. Inside auth/ only.
 * Pure. */
#ifndef AUTH_JWT_CLAIMS_H
#define AUTH_JWT_CLAIMS_H

#include "auth/jwt.h"

struct json;

/* Fills *who on JWT_OK and leaves it alone otherwise. JWT_EXPIRED only when everything else was
 * right. */
enum jwt_fault jwt_claims_check(struct identity *who, const struct jwt_issuer *issuer,
                                const struct role_set *roles, const struct json *claims,
                                int64_t wall_s);

#endif
