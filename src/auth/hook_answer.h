/* SPDX-License-Identifier: Apache-2.0 */
/* hook_answer.h: what an application says of a request. Inside auth/ only. Pure. */
#ifndef AUTH_HOOK_ANSWER_H
#define AUTH_HOOK_ANSWER_H

#include "access/role.h"
#include "auth/answer_cache.h"
#include "base/arena.h"

#define HOOK_NODES_MAX     4096
#define HOOK_EXPIRES_S_MAX (30 * 24 * 60 * 60) /* a login that lasts longer is cut to it */

struct hook_rules {
    const char *user, *roles_pointer, *tenant, *expires_in, *session; /* NULL: is not read */
    const struct role_set *roles;
    uint32_t recheck_s, expires_s;
};

/* false: no JSON object, which is no answer. Otherwise *out is one: AUTH_OK with an identity,
 * AUTH_EXPIRED, or AUTH_FAILED (without a user nobody has logged in). */
bool hook_answer_read(struct auth_answer *out, const struct hook_rules *rules, struct view body,
                      int64_t wall_s);

#endif
