/* SPDX-License-Identifier: Apache-2.0 */
/* options_access.c: `roles` and `channels` of a configuration. A role that a channel names must
 * exist, a pattern stands once: a slip of the pen here would open or close a channel. What the
 * rules mean is access/'s business. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "server/options_load.h"

static const char *const permission_names[] = {"read", "write", "moderate", "admin", NULL};
static const enum permission permission_values[] = {PERMISSION_READ, PERMISSION_WRITE,
                                                    PERMISSION_MODERATE, PERMISSION_ADMIN};

#define MAX_AUTH_AGE_MS (UINT64_C(3650) * 24 * 3600 * 1000)
#define HISTORY_TTL_MS  (UINT64_C(7) * 24 * 3600 * 1000)

/* One channel while it is read. */
struct channel_draft {
    const struct role_set *roles;
    struct scope_set *known; /* scopes */
    char *pattern;
    uint64_t allow, deny;
    bool has_allow;
    int needs[ACTION_COUNT]; /* indexes into permission_values */
    uint64_t scopes[ACTION_COUNT];
    uint64_t history_messages, history_ttl_ms;
    int presence; /* enum channel_presence */
    uint64_t max_auth_age_ms;
};

static unsigned read_permissions(struct node *list, struct problems *problems)
{
    unsigned permissions = 0;
    int which = 0;

    if (!option_is_list(list, 16, problems))
        return 0;
    for (struct node *item = list->first; item != NULL; item = item->next) {
        if (!option_choice(item, permission_names, &which, problems))
            continue;
        if ((permissions & permission_values[which]) != 0)
            problems_add(problems, item->line, item->column, "`%s` stands here a second time",
                         permission_names[which]);
        permissions |= permission_values[which];
    }
    return permissions;
}

static void add_role(struct role_set *set, struct node *member, struct problems *problems)
{
    int rc = role_set_add(set, member->key, read_permissions(member, problems));

    member->is_used = true;
    if (rc == E_LIMIT)
        problems_add(problems, member->key_line, member->key_column, "too many roles: at most %d",
                     IDENTITY_ROLES_MAX);
    else if (rc != OK)
        problems_add(problems, member->key_line, member->key_column,
                     "`%s` is no name for a role: 1 to 64 of the letters A-Z a-z 0-9 _ -",
                     problem_word(member->key).text);
}

int options_read_roles(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;

    l->o.policy.roles.count = 0;
    if (value->type != NODE_MAP || value->count == 0) {
        problems_add(
            problems, value->line, value->column,
            "`roles` must name roles and what they may do: {guest: [read], user: [read, write]}");
        return E_INVALID;
    }
    for (struct node *member = value->first; member != NULL; member = member->next)
        add_role(&l->o.policy.roles, member, problems);
    return OK;
}

static void report_unknown_role(const struct role_set *set, const struct node *item,
                                struct problems *problems)
{
    const char *names[IDENTITY_ROLES_MAX + 1] = {NULL};

    for (uint32_t i = 0; i < set->count; i++)
        names[i] = set->roles[i].name;
    problems_add(problems, item->line, item->column, "there is no role `%s`%s",
                 problem_word(item->text).text, problems_suggestion(item->text, names).text);
}

uint64_t options_role_list(struct node *list, const struct role_set *set, struct problems *problems)
{
    uint64_t roles = 0, bit;

    if (!option_is_list(list, IDENTITY_ROLES_MAX, problems))
        return 0;
    for (const struct node *item = list->first; item != NULL; item = item->next) {
        if (item->type != NODE_SCALAR) {
            problems_add(problems, item->line, item->column, "the name of a role must stand here");
            continue;
        }
        bit = role_set_bit(set, item->text);
        if (bit == 0)
            report_unknown_role(set, item, problems);
        else if ((roles & bit) != 0)
            problems_add(problems, item->line, item->column, "`%s` stands here a second time",
                         problem_word(item->text).text);
        roles |= bit;
    }
    return roles;
}

static void add_scope(struct scope_set *set, const struct node *item, uint64_t *scopes,
                      struct problems *problems)
{
    uint64_t bit = 0;
    int rc = item->type == NODE_SCALAR ? scope_set_add(set, item->text, &bit) : E_INVALID;

    if (rc == E_LIMIT)
        problems_add(problems, item->line, item->column, "too many scopes: at most %d in a file",
                     SCOPES_MAX);
    else if (rc != OK)
        problems_add(problems, item->line, item->column,
                     "the name of a scope must stand here: 1 to %d printable ASCII characters "
                     "other than \" \\ and the blank",
                     SCOPE_NAME_MAX);
    else if ((*scopes & bit) != 0)
        problems_add(problems, item->line, item->column, "`%s` stands here a second time",
                     problem_word(item->text).text);
    *scopes |= bit;
}

uint64_t options_scope_list(struct node *value, struct scope_set *set, struct problems *problems)
{
    uint64_t scopes = 0;

    if (value->type == NODE_SCALAR) {
        add_scope(set, value, &scopes, problems);
        return scopes;
    }
    if (!option_is_list(value, SCOPES_MAX, problems))
        return 0;
    if (value->count == 0)
        problems_add(problems, value->line, value->column,
                     "an empty list of scopes: leave it out where none is asked for");
    for (const struct node *item = value->first; item != NULL; item = item->next)
        add_scope(set, item, &scopes, problems);
    return scopes;
}

/* The key of the row is the name of the action. */
static int read_action_scopes(struct node *value, void *target, struct problems *problems)
{
    struct channel_draft *draft = target;
    enum action action;

    if (!action_from_text(value->key, &action))
        return E_INVALID;
    draft->scopes[action] = options_scope_list(value, draft->known, problems);
    return OK;
}

static const char *const presence_words[] = {[CHANNEL_PRESENCE_OFF] = "false",
                                             [CHANNEL_PRESENCE_ON] = "true",
                                             [CHANNEL_PRESENCE_JOIN_LEAVE] = "join_leave",
                                             NULL};

static int read_allow(struct node *value, void *target, struct problems *problems)
{
    struct channel_draft *draft = target;

    draft->has_allow = true;
    draft->allow = options_role_list(value, draft->roles, problems);
    return OK;
}

static int read_deny(struct node *value, void *target, struct problems *problems)
{
    struct channel_draft *draft = target;

    draft->deny = options_role_list(value, draft->roles, problems);
    return OK;
}

#define NEED(key, action, usual, text)                                                             \
    {                                                                                              \
        .name = key, .type = OPTION_ENUM,                                                          \
        .offset = offsetof(struct channel_draft, needs) + (action) * sizeof(int),                  \
        .fallback = (usual), .choices = permission_names, .help = (text)                           \
    }
#define SCOPES(key, text)                                                                          \
    {                                                                                              \
        .name = key, .type = OPTION_CUSTOM, .custom = read_action_scopes, .help = (text)           \
    }

static const struct option needs_rows[] = {
    NEED("subscribe", ACTION_SUBSCRIBE, "read", "permission that subscribing takes"),
    NEED("publish", ACTION_PUBLISH, "write", "permission that publishing takes"),
    NEED("presence", ACTION_PRESENCE, "read", "permission that asking who is there takes"),
    NEED("history", ACTION_HISTORY, "read", "permission that asking for old messages takes"),
    NEED("moderate", ACTION_MODERATE, "moderate",
         "permission that kicking, muting and closing the channel take"),
    {0},
};
static const struct option scopes_rows[] = {
    SCOPES("subscribe",
           "scope, or [scopes], all of which a token must have been given to subscribe"),
    SCOPES("publish",
           "the same to publish. Logins without delegation (certificate, ticket) have every "
           "scope"),
    SCOPES("presence", "the same to ask who is there"),
    SCOPES("history", "the same to ask for old messages, also by `since`"),
    SCOPES("moderate", "the same to kick, mute and close"),
    {0},
};
static const struct option history_rows[] = {
    {.name = "messages",
     .type = OPTION_COUNT,
     .offset = offsetof(struct channel_draft, history_messages),
     .min = 1,
     .max = 10000,
     .help = "how many messages are kept for those who come later or come back; absent: none"},
    {.name = "ttl",
     .type = OPTION_MS,
     .offset = offsetof(struct channel_draft, history_ttl_ms),
     .min = 1000,
     .max = HISTORY_TTL_MS,
     .fallback = "5m",
     .help = "how long each of them is kept"},
    {0},
};
const struct option options_channel_rows[] = {
    {.name = "pattern",
     .type = OPTION_TEXT,
     .offset = offsetof(struct channel_draft, pattern),
     .help = "the channels of this rule: \"room-{room_id}\" binds any id, {user_id} and {tenant} "
             "only the caller's own"},
    {.name = "allow",
     .type = OPTION_CUSTOM,
     .custom = read_allow,
     .help = "[roles]; absent or empty: every role"},
    {.name = "deny", .type = OPTION_CUSTOM, .custom = read_deny, .help = "[roles]; beats allow"},
    {.name = "needs", .type = OPTION_SECTION, .children = needs_rows},
    {.name = "scopes", .type = OPTION_SECTION, .children = scopes_rows},
    {.name = "history", .type = OPTION_SECTION, .children = history_rows},
    {.name = "presence",
     .type = OPTION_ENUM,
     .offset = offsetof(struct channel_draft, presence),
     .fallback = "false",
     .choices = presence_words,
     .help = "true: subscribers can be asked for; join_leave: and they are told who comes and "
             "goes"},
    {.name = "max_auth_age",
     .type = OPTION_MS,
     .offset = offsetof(struct channel_draft, max_auth_age_ms),
     .min = 1000,
     .max = MAX_AUTH_AGE_MS,
     .help = "how long ago the user may have proved who it is; later the answer is "
             "reauth_required until it logs in again. Absent: any time"},
    {0},
};

static bool is_double(const struct access_policy *policy, struct view pattern, struct node *entry,
                      struct problems *problems)
{
    for (uint32_t i = 0; i < policy->rules_count; i++) {
        if (!view_eq(policy->rules[i].pattern.text, pattern))
            continue;
        problems_add(problems, entry->line, entry->column,
                     "the pattern `%s` stands here a second time (first in line %d)",
                     problem_word(pattern).text, policy->rules[i].line);
        return true;
    }
    return false;
}

static void add_channel(struct access_policy *policy, struct node *entry, struct problems *problems)
{
    struct channel_draft draft = {.roles = &policy->roles, .known = &policy->scopes};
    struct access_rule *rule = &policy->rules[policy->rules_count];
    struct node *place = node_member(entry, "pattern");
    struct error why = {{0}, 0, 0};
    bool is_good = false;

    options_read(options_channel_rows, entry, &draft, problems);
    if (draft.pattern == NULL && place == NULL && entry->type == NODE_MAP)
        problems_add(problems, entry->line, entry->column, "a channel needs a `pattern`");
    if (draft.pattern != NULL) {
        is_good = channel_pattern_parse(&rule->pattern, view_of_text(draft.pattern), &why) == OK;
        if (!is_good)
            problems_add(problems, place->line, place->column, "`%s` is no channel pattern: %s",
                         problem_word(view_of_text(draft.pattern)).text, why.text);
        else
            is_good = !is_double(policy, view_of_text(draft.pattern), place, problems);
    }
    if (!is_good) {
        free(draft.pattern);
        return;
    }
    rule->allow = draft.allow;
    rule->deny = draft.deny;
    rule->has_allow = draft.has_allow;
    for (unsigned i = 0; i < ACTION_COUNT; i++)
        rule->needs[i] = permission_values[draft.needs[i]];
    rule->traits.history_messages = (uint32_t)draft.history_messages;
    rule->traits.history_ttl_ms = draft.history_ttl_ms;
    rule->traits.presence = (enum channel_presence)draft.presence;
    if (draft.history_messages > 0 || rule->traits.presence != CHANNEL_PRESENCE_OFF)
        policy->has_traits = true;
    memcpy(rule->scopes, draft.scopes, sizeof(rule->scopes));
    rule->max_auth_age_s = (uint32_t)(draft.max_auth_age_ms / 1000);
    rule->line = entry->line;
    policy->rules_count++; /* the pattern's text is the rule's now */
}

int options_read_channels(struct node *value, void *target, struct problems *problems)
{
    struct access_policy *policy = &((struct loading *)target)->o.policy;

    if (!option_is_list(value, CHANNELS_MAX, problems))
        return E_INVALID;
    policy->rules = options_alloc(value->count, sizeof(*policy->rules), value, problems);
    if (policy->rules == NULL)
        return E_INVALID;
    for (struct node *entry = value->first; entry != NULL; entry = entry->next)
        add_channel(policy, entry, problems);
    return OK;
}

void options_clear_access(struct options *o)
{
    access_policy_clear(&o->policy);
    for (uint32_t i = 0; i < o->policy.rules_count; i++)
        free((void *)(uintptr_t)o->policy.rules[i].pattern.text.ptr);
    free(o->policy.rules);
}
