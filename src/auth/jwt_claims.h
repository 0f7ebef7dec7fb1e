/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_claims.h: what a token says, judged once its signature has been verified. Inside auth/ only.
 * Pure. */
#ifndef AUTH_JWT_CLAIMS_H
#define AUTH_JWT_CLAIMS_H

#include "auth/jwt.h"
#include "message/json.h"

/* What a payload is parsed with. */
extern const struct json_limits jwt_claims_limits;

/* `rules`: its issuers are not looked at. Fills *who on JWT_OK and leaves it alone otherwise.
 * JWT_EXPIRED only when everything else was right. */
enum jwt_fault jwt_claims_check(struct identity *who, const struct jwt_issuer *issuer,
                                const struct jwt_rules *rules, const struct json *claims,
                                int64_t wall_s);

#endif
