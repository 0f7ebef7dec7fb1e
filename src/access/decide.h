/* SPDX-License-Identifier: Apache-2.0 */
/* decide.h: may this identity do this to that channel? One pure function, default DENY, deny before
 * allow. Several patterns may match one name: then every matching rule must allow it (a narrower
 * rule can only take away). */
#ifndef ACCESS_DECIDE_H
#define ACCESS_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "access/channel_name.h"
#include "access/channel_traits.h"
#include "access/identity.h"
#include "access/role.h"
#include "access/scope.h"

enum action {
    ACTION_SUBSCRIBE,
    ACTION_PUBLISH,
    ACTION_PRESENCE, /* asking who is there */
    ACTION_HISTORY,  /* asking for what was said */
    ACTION_MODERATE, /* kicking, muting, closing */
    ACTION_COUNT
};
bool action_from_text(struct view text, enum action *out);
const char *action_text(enum action a);

struct access_rule {
    struct channel_pattern pattern;
    uint64_t allow, deny; /* role bits; allow 0 = no role restriction (the guide) */
    bool has_allow;       /* an allow list was written, even if it names nobody */
    enum permission
        needs[ACTION_COUNT]; /* default: read, write, read, read, moderate; 0 refuses everyone */
    uint64_t scopes[ACTION_COUNT]; /* 0: none asked; else all these bits of identity.scopes */
    uint32_t max_auth_age_s; /* 0: any; else how long ago the user may have proved who it is */
    struct channel_traits traits;
    int line; /* in the configuration file, for explain */
};
struct access_policy {
    struct role_set roles;
    struct scope_set scopes;   /* those that rules and routes name */
    struct access_rule *rules; /* owned by whoever built the policy */
    uint32_t rules_count;
    bool has_traits; /* of any rule */
    struct access_index
        *index; /* private: access_policy_build makes it; NULL: decide walks the rules one by one */
};
/* Call once when roles and rules stand, and not change either afterwards: then a decision costs the
 * same with a thousand rules as with ten. Calling it again builds anew. E_NOMEM (the policy then
 * still decides, slower). */
int access_policy_build(struct access_policy *policy);
/* Frees what build made; rules stay their owner's. Harmless twice and on a zeroed policy. */
void access_policy_clear(struct access_policy *policy);

enum access_reason {
    ACCESS_ALLOWED,
    ACCESS_BAD_CHANNEL, /* not a channel name */
    ACCESS_NO_IDENTITY,
    ACCESS_NO_RULE,          /* no pattern matches: undefined channel */
    ACCESS_ROLE_DENIED,      /* a role stands in deny */
    ACCESS_ROLE_NOT_ALLOWED, /* allow names roles, none of them ours */
    ACCESS_NO_PERMISSION,    /* no role gives what the action needs */
    ACCESS_NO_SCOPE,         /* the token was not given a scope that the action asks for */
    /* All rules would allow it had the user proved its identity more recently. Never the answer
     * where anything else stands in the way, so who is told has learned nothing it could not do. */
    ACCESS_AUTH_TOO_OLD
};
/* A stable word for logs: "no_rule", "reauth_required", ... */
const char *access_reason_text(enum access_reason reason);

struct access_answer {
    enum access_reason reason;
    /* The deciding rule; NULL where none matched. Of several: the first that denies, else the first
     * that does not allow, else the first. */
    const struct access_rule *rule;
    uint64_t role;          /* ROLE_DENIED: the bit(s) that were denied */
    enum permission needed; /* NO_PERMISSION */
    uint64_t scopes;        /* NO_SCOPE: the bits that are missing */
};

struct access_question {
    const struct identity *who; /* NULL: nobody, answered by NO_IDENTITY */
    struct view channel;
    enum action action;
    int64_t wall_s; /* now; against identity.authenticated_at_s */
};
/* Returns whether reason is ACCESS_ALLOWED; `answer` may be NULL. */
bool access_decide(const struct access_policy *policy, const struct access_question *asked,
                   struct access_answer *answer);

/* One English sentence for `answer` that names the rule and its line: "allowed by channels[2] ...",
 * and after a refusal what would have to change. For operators only. Printable ASCII; always ends
 * in NUL (out_bytes > 0). answer may be NULL: then it is decided here. */
void access_question_explain(char *out, size_t out_bytes, const struct access_policy *policy,
                             const struct access_question *asked,
                             const struct access_answer *answer);

#endif
