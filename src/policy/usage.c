/* SPDX-License-Identifier: Apache-2.0 */
/* A slot for each type with a rate. The entry in the table of users is held from the first message
 * of the type to the end of the connection, so that no lock is taken per message. */
#include "policy/usage.h"

#include <stdlib.h>

#include "base/status.h"
#include "base/wr.h"

struct usage_slot {
    struct rate connection;
    struct user_usage *user; /* NULL until it is needed */
    bool has_refused;
};
struct policy_usage {
    const struct message_policy *policy; /* what the slots belong to */
    struct user_table *users;
    uint32_t count;
    struct usage_slot slots[];
};

void policy_usage_free(struct policy_usage *usage)
{
    if (usage == NULL)
        return;
    for (uint32_t i = 0; i < usage->count; i++) {
        if (usage->slots[i].user != NULL)
            user_table_drop(usage->users, usage->slots[i].user);
    }
    free(usage);
}

/* Another configuration numbers its types otherwise: what the connection has used starts anew then,
 * what the user has used does not. */
static struct usage_slot *slot_of(const struct policy_meter *meter,
                                  const struct message_policy *policy,
                                  const struct message_type *type)
{
    struct policy_usage *u = *meter->usage;

    if (u == NULL || u->policy != policy || u->count != policy->rated_count) {
        policy_usage_free(u);
        u = calloc(1, sizeof(*u) + policy->rated_count * sizeof(u->slots[0]));
        *meter->usage = u;
        if (u == NULL)
            return NULL;
        u->policy = policy;
        u->users = meter->users;
        u->count = policy->rated_count;
    }
    return &u->slots[type->rated];
}

/* "type:user". A user has no colon, so the last one parts them: two pairs never look alike. */
static bool hold_user(const struct policy_meter *meter, const struct message_type *type,
                      struct usage_slot *slot)
{
    char key[MESSAGE_TYPE_NAME_MAX + 1 + IDENTITY_USER_MAX];
    struct wr w = wr_of(key, sizeof(key));

    if (slot->user != NULL)
        return true;
    wr_view(&w, type->name_view);
    wr_u8(&w, ':');
    wr_view(&w, meter->user);
    return !w.failed && user_table_hold(meter->users, view_of(key, wr_len(&w)), UINT32_MAX,
                                        meter->now_ns, &slot->user) == OK;
}

static bool take(const struct policy_meter *meter, const struct message_type *type,
                 struct usage_slot *slot)
{
    const struct message_rate *rate = &type->rate;
    uint64_t now_ns = meter->now_ns;

    if (rate->has_connection && !rate_allows(&slot->connection, &rate->connection, now_ns))
        return false;
    if (rate->has_minute || rate->has_hour) {
        if (!hold_user(meter, type, slot))
            return false;
        if (rate->has_hour && !rate_shared_allows(&slot->user->per_hour, &rate->per_hour, now_ns))
            return false;
        if (rate->has_minute &&
            !rate_shared_take(&slot->user->per_minute, &rate->per_minute, now_ns))
            return false;
        /* Another worker may have taken the last one of the hour meanwhile: one is owed then. */
        if (rate->has_hour)
            (void)rate_shared_take(&slot->user->per_hour, &rate->per_hour, now_ns);
    }
    if (rate->has_connection)
        (void)rate_take(&slot->connection, &rate->connection, now_ns);
    return true;
}

bool policy_usage_take(const struct policy_meter *meter, const struct message_policy *policy,
                       const struct message_type *type, bool *is_first)
{
    struct usage_slot *slot;
    bool is_good;

    *is_first = false;
    if (!type->rate.has_minute && !type->rate.has_hour && !type->rate.has_connection)
        return true;
    slot = slot_of(meter, policy, type);
    if (slot == NULL)
        return false;
    is_good = take(meter, type, slot);
    *is_first = !is_good && !slot->has_refused;
    slot->has_refused = !is_good;
    return is_good;
}
