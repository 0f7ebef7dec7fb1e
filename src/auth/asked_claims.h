/* SPDX-License-Identifier: Apache-2.0 */
/* asked_claims.h: what answers of an authorization server and of an application have in common.
 * Inside auth/ only. Pure. A value that is there and not of its kind is refused: false. */
#ifndef AUTH_ASKED_CLAIMS_H
#define AUTH_ASKED_CLAIMS_H

#include "access/role.h"
#include "message/json.h"

#define ASKED_LATEST_S INT64_C(253402300799) /* 9999-12-31: so that sums fit */

bool asked_user(struct identity *who, const struct json *value);
/* An array of names, or one string with blanks between them; NULL and JSON's null: none. What the
 * configuration does not know gives nothing. */
bool asked_roles(struct identity *who, const struct role_set *roles, const struct json *value);
/* NULL and JSON's null: none. */
bool asked_tenant(struct identity *who, const struct json *value);
/* A finite number; cut to whole seconds from 0 to ASKED_LATEST_S. */
bool asked_seconds(const struct json *value, int64_t *seconds);

#endif
