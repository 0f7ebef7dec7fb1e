/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base access */
/* Input: 16 bytes of roles, then lines: user id, channel name, and one pattern a rule, its first
 * byte being the rule's lists. The answer must be the same with and without the index, follow from
 * the rules taken one by one, and be explained in printable text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/decide.h"
#include "base/assert.h"
#include "base/status.h"

#define RULES_MAX 24
#define NOW       1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void roles_fill(struct role_set *set, const uint8_t *bytes)
{
    char name[2] = "a";
    unsigned i;

    memset(set, 0, sizeof(*set));
    for (i = 0; i < 8; i++, name[0]++)
        ASSERT(role_set_add(set, view_of(name, 1), bytes[i] & 15u) == OK);
}

static void rules_fill(struct access_policy *policy, struct view lines)
{
    struct view line;

    while (lines.len > 0 && policy->rules_count < RULES_MAX) {
        struct access_rule *rule = &policy->rules[policy->rules_count];
        uint8_t lists;

        (void)view_split(lines, '\n', &line, &lines);
        if (line.len < 2)
            continue;
        lists = (uint8_t)line.ptr[0];
        memset(rule, 0, sizeof(*rule));
        if (channel_pattern_parse(&rule->pattern, view_of(line.ptr + 1, line.len - 1), NULL) != OK)
            continue;
        rule->allow = (lists & 7u) << (lists >> 6);
        rule->deny = lists >> 3 & 1u ? UINT64_C(1) << (lists >> 4 & 3u) : 0;
        rule->needs[ACTION_SUBSCRIBE] = PERMISSION_READ;
        rule->needs[ACTION_PUBLISH] = (enum permission)(1u << (lists & 3u));
        /* Rules of every third place ask for scopes, of every fourth for a recent login. */
        rule->scopes[ACTION_PUBLISH] = policy->rules_count % 3 == 2 ? lists & 7u : 0;
        rule->max_auth_age_s = policy->rules_count % 4 == 3 ? lists : 0;
        rule->line = (int)policy->rules_count + 1;
        policy->rules_count++;
    }
}

/* Each rule alone: all that match must allow, at least one must match. *too_old: none refuses but
 * for the age of the login. */
static bool rules_one_by_one(const struct access_policy *policy,
                             const struct access_question *asked, bool *too_old)
{
    bool is_old = false;
    bool has_match = false;
    uint32_t i;

    for (i = 0; i < policy->rules_count; i++) {
        struct access_policy alone = *policy;
        struct access_answer answer;

        alone.rules = &policy->rules[i];
        alone.rules_count = 1;
        alone.index = NULL;
        (void)access_decide(&alone, asked, &answer);
        if (answer.reason == ACCESS_NO_RULE)
            continue;
        is_old = is_old || answer.reason == ACCESS_AUTH_TOO_OLD;
        if (answer.reason != ACCESS_ALLOWED && answer.reason != ACCESS_AUTH_TOO_OLD)
            return false;
        has_match = has_match || answer.reason == ACCESS_ALLOWED;
    }
    *too_old = is_old;
    return has_match && !is_old;
}

static void check(struct access_policy *policy, const struct identity *who, struct view channel,
                  enum action action)
{
    struct access_question asked = {who, channel, action, NOW};
    struct access_index *index = policy->index;
    struct access_answer indexed, linear;
    bool got = access_decide(policy, &asked, &indexed), too_old = false;
    char text[300];
    size_t i;

    policy->index = NULL;
    ASSERT(access_decide(policy, &asked, &linear) == got);
    policy->index = index;
    ASSERT(memcmp(&indexed, &linear, sizeof(linear)) == 0);
    ASSERT(got == (indexed.reason == ACCESS_ALLOWED));
    ASSERT(got == rules_one_by_one(policy, &asked, &too_old));
    ASSERT(too_old == (indexed.reason == ACCESS_AUTH_TOO_OLD));
    access_question_explain(text, sizeof(text), policy, &asked, &indexed);
    ASSERT(memchr(text, '\0', sizeof(text)) != NULL);
    ASSERT(strncmp(text, got ? "allowed" : "refused", 7) == 0);
    for (i = 0; text[i] != '\0'; i++)
        ASSERT(text[i] >= 0x20 && text[i] <= 0x7e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct access_rule rules[RULES_MAX];
    struct view user, channel, lines;
    struct access_policy policy;
    struct identity who;

    if (size < 16)
        return 0;
    memset(&policy, 0, sizeof(policy));
    policy.rules = rules;
    roles_fill(&policy.roles, data);
    (void)view_split(view_of(data + 16, size - 16), '\n', &user, &lines);
    (void)view_split(lines, '\n', &channel, &lines);
    rules_fill(&policy, lines);
    memset(&who, 0, sizeof(who));
    user.len = user.len > IDENTITY_USER_MAX ? IDENTITY_USER_MAX : user.len;
    memcpy(who.user, user.ptr, user.len);
    who.user_bytes = (uint8_t)user.len;
    memcpy(&who.roles, data + 8, sizeof(who.roles));
    who.scopes = data[0] >> 4;
    who.authenticated_at_s = data[1] >> 4 == 0 ? 0 : NOW - data[1];
    if (access_policy_build(&policy) != OK)
        return 0;
    check(&policy, &who, channel, ACTION_SUBSCRIBE);
    check(&policy, &who, channel, ACTION_PUBLISH);
    access_policy_clear(&policy);
    return 0;
}
