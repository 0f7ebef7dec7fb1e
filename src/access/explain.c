/* SPDX-License-Identifier: Apache-2.0 */
/* Why a decision came out as it did, in one sentence for whoever runs the server. Decides nothing.
 * A channel that is not a channel name is not repeated, nor an id outside its grammar, so a
 * stranger's bytes never reach a terminal through here. */
#include "access/decide.h"

#include <stdarg.h>
#include <stdio.h>

struct sentence {
    char *out;
    size_t bytes, len;
};

static void add(struct sentence *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct sentence *s, const char *format, ...)
{
    va_list args;
    int written;

    va_start(args, format);
    written = vsnprintf(s->out + s->len, s->bytes - s->len, format, args);
    va_end(args);
    if (written > 0)
        s->len += (size_t)written < s->bytes - s->len ? (size_t)written : s->bytes - s->len - 1;
}

static void add_rule(struct sentence *s, const struct access_policy *policy,
                     const struct access_rule *rule)
{
    add(s, "channels[%td] \"" VIEW_FMT "\"", rule - policy->rules, VIEW_ARG(rule->pattern.text));
    if (rule->line > 0)
        add(s, " (line %d)", rule->line);
}

/* The names of `roles`, joined by `joint`; "no role" when there is none. */
static void add_roles(struct sentence *s, const struct role_set *set, uint64_t roles,
                      const char *joint)
{
    const char *before = "";
    uint32_t i;

    for (i = 0; i < set->count; i++) {
        if ((roles >> i & 1) == 0)
            continue;
        add(s, "%s%s", before, set->roles[i].name);
        before = joint;
    }
    if (before[0] == '\0')
        add(s, "no role");
}

static void add_user(struct sentence *s, const struct identity *who)
{
    struct view user = view_of(who->user, who->user_bytes);

    if (identity_user_ok(user))
        add(s, "user " VIEW_FMT, VIEW_ARG(user));
    else
        add(s, "a user without a valid id");
}

/* The roles that give `needed`, so that the reader sees who could. */
static uint64_t roles_with(const struct role_set *set, enum permission needed)
{
    uint64_t roles = 0;
    uint32_t i;

    for (i = 0; i < set->count; i++) {
        if ((set->roles[i].permissions & (unsigned)needed) != 0)
            roles |= UINT64_C(1) << i;
    }
    return roles;
}

/* The first rule that would match if {user_id} and {tenant} bound anyone: the mistake that a reader
 * is most likely after. */
static const struct access_rule *rule_of_another_user(const struct access_policy *policy,
                                                      struct view channel)
{
    uint32_t i;
    unsigned n;

    for (i = 0; i < policy->rules_count; i++) {
        struct channel_pattern open = policy->rules[i].pattern;

        for (n = 0; n < open.count; n++)
            open.segments[n].is_user = open.segments[n].is_tenant = false;
        if (channel_pattern_match(&open, channel, NULL))
            return &policy->rules[i];
    }
    return NULL;
}

static bool binds_tenant(const struct channel_pattern *p)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->segments[i].is_tenant)
            return true;
    return false;
}

static void add_no_rule(struct sentence *s, const struct access_policy *policy,
                        const struct identity *who, struct view channel)
{
    const struct access_rule *near = rule_of_another_user(policy, channel);

    if (near == NULL) {
        add(s,
            "refused: no rule under channels matches " VIEW_FMT
            "; to allow it, write a rule with such a pattern",
            VIEW_ARG(channel));
        return;
    }
    add(s, "refused: ");
    add_rule(s, policy, near);
    if (!binds_tenant(&near->pattern)) {
        add(s, " binds {user_id} to the caller's own id, and this is ");
        add_user(s, who);
    } else {
        add(s, " binds {tenant} to the caller's own, and this is ");
        add_user(s, who);
        add(s, who->tenant[0] != '\0' ? " of tenant %s" : " of no tenant", who->tenant);
    }
    add(s, "; no other rule matches " VIEW_FMT, VIEW_ARG(channel));
}

static void add_allowed(struct sentence *s, const struct access_policy *policy,
                        const struct identity *who, enum action action,
                        const struct access_rule *rule)
{
    add(s, "allowed by ");
    add_rule(s, policy, rule);
    add(s, ": ");
    add_user(s, who);
    add(s, " may %s, which needs %s, given by ", action_text(action),
        permission_text(rule->needs[action]));
    add_roles(s, &policy->roles, roles_with(&policy->roles, rule->needs[action]) & who->roles,
              " and ");
}

static void add_not_allowed(struct sentence *s, const struct access_policy *policy,
                            const struct identity *who, const struct access_rule *rule)
{
    add(s, "refused by ");
    add_rule(s, policy, rule);
    add(s, ": its allow list names ");
    add_roles(s, &policy->roles, rule->allow, ", ");
    add(s, ", and ");
    add_user(s, who);
    add(s, " has ");
    add_roles(s, &policy->roles, who->roles, ", ");
    add(s, "; to allow it, give the user one of those roles or add one of the user's roles to the "
           "list");
}

static void add_no_permission(struct sentence *s, const struct access_policy *policy,
                              const struct identity *who, enum action action,
                              const struct access_answer *answer)
{
    if (answer->rule == NULL || (unsigned)action >= ACTION_COUNT) {
        add(s, "refused: there is no such action; a rule speaks of subscribe, publish, presence, "
               "history "
               "and moderate alone");
        return;
    }
    add(s, "refused by ");
    add_rule(s, policy, answer->rule);
    add(s, ": to %s needs %s, and ", action_text(action), permission_text(answer->needed));
    add_user(s, who);
    add(s, " has ");
    add_roles(s, &policy->roles, who->roles, ", ");
    add(s, "; roles that give it: ");
    add_roles(s, &policy->roles, roles_with(&policy->roles, answer->needed), ", ");
}

static void add_no_scope(struct sentence *s, const struct access_policy *policy,
                         const struct access_question *asked, const struct access_answer *answer)
{
    const char *before = "";

    add(s, "refused by ");
    add_rule(s, policy, answer->rule);
    add(s, ": to %s asks for scopes that the token of ", action_text(asked->action));
    add_user(s, asked->who);
    add(s, " was not given: ");
    for (uint32_t i = 0; i < policy->scopes.count; i++) {
        if ((answer->scopes >> i & 1) == 0)
            continue;
        add(s, "%s%s", before, policy->scopes.names[i]);
        before = ", ";
    }
}

static void add_too_old(struct sentence *s, const struct access_policy *policy,
                        const struct access_question *asked, const struct access_rule *rule)
{
    add(s, "refused by ");
    add_rule(s, policy, rule);
    add(s, " until ");
    add_user(s, asked->who);
    add(s, " logs in again: its max_auth_age is %us, and ", rule->max_auth_age_s);
    if (asked->who->authenticated_at_s > 0)
        add(s, "the login was %llds ago",
            (long long)(asked->wall_s - asked->who->authenticated_at_s));
    else
        add(s, "when the login was is not known");
}

static void add_denied(struct sentence *s, const struct access_policy *policy,
                       const struct identity *who, const struct access_answer *answer)
{
    add(s, "refused by ");
    add_rule(s, policy, answer->rule);
    add(s, ": its deny list names ");
    add_roles(s, &policy->roles, answer->role, ", ");
    add(s, ", which ");
    add_user(s, who);
    add(s, " has, and deny beats allow; to allow it, take the role off the deny list or away from "
           "the user");
}

void access_question_explain(char *out, size_t out_bytes, const struct access_policy *policy,
                             const struct access_question *asked,
                             const struct access_answer *answer)
{
    const struct identity *who = asked->who;
    struct view channel = asked->channel;
    enum action action = asked->action;
    struct sentence s = {out, out_bytes, 0};
    struct access_answer own;

    if (out_bytes == 0)
        return;
    out[0] = '\0';
    if (answer == NULL) {
        (void)access_decide(policy, asked, &own);
        answer = &own;
    }
    switch (answer->reason) {
    case ACCESS_ALLOWED:
        add_allowed(&s, policy, who, action, answer->rule);
        break;
    case ACCESS_BAD_CHANNEL:
        add(&s,
            "refused: not a channel name; one is 1 to %d segments of A-Z a-z 0-9 _ . - joined by "
            "':', "
            "each of at most %d bytes, %d in all",
            CHANNEL_SEGMENTS_MAX, CHANNEL_SEGMENT_MAX, CHANNEL_NAME_MAX);
        break;
    case ACCESS_NO_IDENTITY:
        add(&s, "refused: nobody is logged in on this connection");
        break;
    case ACCESS_NO_RULE:
        add_no_rule(&s, policy, who, channel);
        break;
    case ACCESS_ROLE_DENIED:
        add_denied(&s, policy, who, answer);
        break;
    case ACCESS_ROLE_NOT_ALLOWED:
        add_not_allowed(&s, policy, who, answer->rule);
        break;
    case ACCESS_NO_PERMISSION:
        add_no_permission(&s, policy, who, action, answer);
        break;
    case ACCESS_NO_SCOPE:
        add_no_scope(&s, policy, asked, answer);
        break;
    case ACCESS_AUTH_TOO_OLD:
        add_too_old(&s, policy, asked, answer->rule);
        break;
    }
}
