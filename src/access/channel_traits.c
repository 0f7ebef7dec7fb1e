/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates come in any order from the index, so the smallest rule number that speaks of a thing
 * is remembered for each. Where no rule speaks of anything, nothing is looked up. */
#include "access/channel_traits.h"

#include "access/decide.h"
#include "access/decide_index.h"

struct found {
    struct channel_traits traits;
    uint32_t history_rule, presence_rule;
};

static void consider(struct found *found, const struct access_policy *policy,
                     const struct channel_name *name, uint32_t i)
{
    const struct channel_traits *t = &policy->rules[i].traits;
    bool has_history = t->history_messages > 0 && i < found->history_rule;
    bool has_presence = t->presence != CHANNEL_PRESENCE_OFF && i < found->presence_rule;

    if ((!has_history && !has_presence) ||
        !channel_pattern_match_anyone(&policy->rules[i].pattern, name))
        return;
    if (has_history) {
        found->traits.history_messages = t->history_messages;
        found->traits.history_ttl_ms = t->history_ttl_ms;
        found->history_rule = i;
    }
    if (has_presence) {
        found->traits.presence = t->presence;
        found->presence_rule = i;
    }
}

struct channel_traits access_channel_traits(const struct access_policy *policy, struct view channel)
{
    struct found found = {{0, 0, CHANNEL_PRESENCE_OFF}, UINT32_MAX, UINT32_MAX};
    struct channel_name name;
    struct access_walk walk;
    uint32_t i;

    if (!policy->has_traits || !channel_name_split(&name, channel))
        return found.traits;
    if (policy->index == NULL) {
        for (i = 0; i < policy->rules_count; i++)
            consider(&found, policy, &name, i);
        return found.traits;
    }
    access_walk_start(&walk, policy->index, &name);
    while (access_walk_next(&walk, policy->index, &i))
        consider(&found, policy, &name, i);
    return found.traits;
}

static bool rule_is_same(const struct access_rule *a, const struct access_rule *b)
{
    return view_eq(a->pattern.text, b->pattern.text) &&
           a->traits.history_messages == b->traits.history_messages &&
           a->traits.history_ttl_ms == b->traits.history_ttl_ms &&
           a->traits.presence == b->traits.presence;
}

bool access_same_traits(const struct access_policy *a, const struct access_policy *b)
{
    if (!a->has_traits && !b->has_traits)
        return true;
    if (a->rules_count != b->rules_count)
        return false;
    for (uint32_t i = 0; i < a->rules_count; i++) {
        if (!rule_is_same(&a->rules[i], &b->rules[i]))
            return false;
    }
    return true;
}
