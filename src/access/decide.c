/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that says yes. Every way through starts from "no": a name that is not one, nobody,
 * no rule, an action we do not know, a rule without its needs. Of the rules that match, each must
 * allow; a denial outranks every other answer. */
#include "access/decide.h"

#include "access/decide_index.h"
#include "base/status.h"

static const char *const action_names[ACTION_COUNT] = {"subscribe", "publish", "presence",
                                                       "history", "moderate"};

bool action_from_text(struct view text, enum action *out)
{
    unsigned i;

    for (i = 0; i < ACTION_COUNT; i++) {
        if (strlen(action_names[i]) == text.len &&
            memcmp(action_names[i], text.ptr, text.len) == 0) {
            *out = (enum action)i;
            return true;
        }
    }
    return false;
}

const char *action_text(enum action a)
{
    return (unsigned)a < ACTION_COUNT ? action_names[a] : "unknown action";
}

int access_policy_build(struct access_policy *policy)
{
    access_policy_clear(policy);
    policy->index = access_index_new(policy);
    return policy->index != NULL ? OK : E_NOMEM;
}

void access_policy_clear(struct access_policy *policy)
{
    access_index_free(policy->index);
    policy->index = NULL;
}

const char *access_reason_text(enum access_reason reason)
{
    static const char *const texts[] = {
        [ACCESS_ALLOWED] = "allowed",
        [ACCESS_BAD_CHANNEL] = "bad_channel",
        [ACCESS_NO_IDENTITY] = "no_identity",
        [ACCESS_NO_RULE] = "no_rule",
        [ACCESS_ROLE_DENIED] = "role_denied",
        [ACCESS_ROLE_NOT_ALLOWED] = "role_not_allowed",
        [ACCESS_NO_PERMISSION] = "no_permission",
        [ACCESS_NO_SCOPE] = "no_scope",
        [ACCESS_AUTH_TOO_OLD] = "reauth_required",
    };

    return texts[reason];
}

/* What the caller brings, worked out once. */
struct question {
    const struct identity *who;
    unsigned permissions;
    enum action action;
    int64_t wall_s;
};

static enum access_reason rule_judge(const struct access_rule *rule, const struct question *q)
{
    enum permission needed = rule->needs[q->action];

    if ((rule->deny & q->who->roles) != 0)
        return ACCESS_ROLE_DENIED;
    /* An empty allow list restricts nobody, as in the guide; the permission below still has to be
     * there. */
    if (rule->allow != 0 && (rule->allow & q->who->roles) == 0)
        return ACCESS_ROLE_NOT_ALLOWED;
    if (needed == 0 || (q->permissions & needed) != needed)
        return ACCESS_NO_PERMISSION;
    if ((rule->scopes[q->action] & ~q->who->scopes) != 0)
        return ACCESS_NO_SCOPE;
    if (rule->max_auth_age_s != 0 && identity_is_too_old(q->who, rule->max_auth_age_s, q->wall_s))
        return ACCESS_AUTH_TOO_OLD;
    return ACCESS_ALLOWED;
}

/* A denial before another refusal before the one that a new login would lift before a permission
 * before nothing. */
static int reason_rank(enum access_reason reason)
{
    switch (reason) {
    case ACCESS_ROLE_DENIED:
        return 4;
    case ACCESS_ROLE_NOT_ALLOWED:
    case ACCESS_NO_PERMISSION:
    case ACCESS_NO_SCOPE:
        return 3;
    case ACCESS_AUTH_TOO_OLD:
        return 2;
    case ACCESS_ALLOWED:
        return 1;
    default:
        return 0;
    }
}

struct verdict {
    enum access_reason reason;
    const struct access_rule *rule;
};

/* Rules come in any order: the strongest reason wins, and among equals the rule that stands first.
 */
static void verdict_add(struct verdict *v, const struct access_rule *rule, const struct question *q)
{
    enum access_reason reason = rule_judge(rule, q);
    int new_rank = reason_rank(reason), old_rank = reason_rank(v->reason);

    if (new_rank > old_rank || (new_rank == old_rank && rule < v->rule))
        *v = (struct verdict){reason, rule};
}

static struct verdict rules_judge(const struct access_policy *policy,
                                  const struct channel_name *name, const struct question *q)
{
    struct verdict v = {ACCESS_NO_RULE, NULL};
    struct access_walk walk;
    uint32_t i;

    if (policy->index == NULL) {
        for (i = 0; i < policy->rules_count; i++) {
            if (channel_pattern_match_split(&policy->rules[i].pattern, name, q->who))
                verdict_add(&v, &policy->rules[i], q);
        }
        return v;
    }
    access_walk_start(&walk, policy->index, name);
    while (access_walk_next(&walk, policy->index, &i)) {
        if (channel_pattern_match_split(&policy->rules[i].pattern, name, q->who))
            verdict_add(&v, &policy->rules[i], q);
    }
    return v;
}

bool access_decide(const struct access_policy *policy, const struct access_question *asked,
                   struct access_answer *answer)
{
    const struct identity *who = asked->who;
    enum action action = asked->action;
    struct verdict v = {ACCESS_NO_RULE, NULL};
    struct channel_name name;
    struct question q;

    if (!channel_name_split(&name, asked->channel)) {
        v.reason = ACCESS_BAD_CHANNEL;
    } else if (who == NULL) {
        v.reason = ACCESS_NO_IDENTITY;
    } else if ((unsigned)action >= ACTION_COUNT) {
        v.reason = ACCESS_NO_PERMISSION;
    } else {
        q = (struct question){who, role_set_permissions(&policy->roles, who->roles), action,
                              asked->wall_s};
        v = rules_judge(policy, &name, &q);
    }
    if (answer != NULL) {
        memset(answer, 0, sizeof(*answer));
        answer->reason = v.reason;
        answer->rule = v.rule;
        if (v.reason == ACCESS_ROLE_DENIED)
            answer->role = v.rule->deny & who->roles;
        if (v.reason == ACCESS_NO_PERMISSION && v.rule != NULL)
            answer->needed = v.rule->needs[action];
        if (v.reason == ACCESS_NO_SCOPE)
            answer->scopes = v.rule->scopes[action] & ~who->scopes;
    }
    return v.reason == ACCESS_ALLOWED;
}
