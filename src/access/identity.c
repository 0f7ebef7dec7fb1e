/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of user ids. It is narrower than the grammar of channel names on purpose: an id holds
 * nothing that separates, joins or stands for anything in a name or a pattern, so an id can never
 * reach further than itself (C-G1). */
#include "access/identity.h"

#include "access/grammar.h"

bool identity_user_ok(struct view user)
{
    return user.len >= 1 && user.len <= IDENTITY_USER_MAX && grammar_is_id(user);
}

bool identity_is_too_old(const struct identity *who, uint32_t max_age_s, int64_t wall_s)
{
    int64_t then_s = who->authenticated_at_s;

    if (then_s <= 0)
        return true;
    return then_s < wall_s && wall_s - then_s > (int64_t)max_age_s;
}
