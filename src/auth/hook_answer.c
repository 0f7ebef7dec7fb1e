/* SPDX-License-Identifier: Apache-2.0 */
/* hook_answer.c: see hook_answer.h. When the user last proved who it is, the application does not
 * say: authenticated_at_s stays 0, and a rule with a max_auth_age refuses. */
#include "auth/hook_answer.h"

#include "access/scope.h"
#include "auth/asked_claims.h"
#include "auth/session_store.h"
#include "base/status.h"
#include "message/json_pointer.h"

static const struct json *at(const struct json *root, const char *pointer)
{
    return pointer == NULL ? NULL : json_pointer_get(root, view_of_text(pointer));
}

/* The session's id as the application calls it. */
static bool read_session(struct identity *who, const struct json *value)
{
    if (value == NULL || value->type == JSON_NULL)
        return true;
    if (value->type != JSON_STRING || value->text.len == 0 || value->text.len > SESSION_ID_MAX)
        return false;
    who->has_session = session_digest(who->session, value->text);
    return who->has_session;
}

static bool read_end(struct identity *who, const struct hook_rules *rules, const struct json *value,
                     int64_t wall_s)
{
    int64_t seconds = rules->expires_s;

    if (value != NULL && value->type != JSON_NULL && !asked_seconds(value, &seconds))
        return false;
    if (seconds > HOOK_EXPIRES_S_MAX)
        seconds = HOOK_EXPIRES_S_MAX;
    who->expires_at_s = wall_s + seconds;
    who->recheck_at_s = rules->recheck_s > 0 ? wall_s + rules->recheck_s : 0;
    return true;
}

static const char *read_answer(struct identity *who, const struct hook_rules *rules,
                               const struct json *root, int64_t wall_s)
{
    if (!asked_user(who, at(root, rules->user)))
        return "hook_user";
    if (!asked_roles(who, rules->roles, at(root, rules->roles_pointer)))
        return "hook_roles";
    if (!asked_tenant(who, at(root, rules->tenant)))
        return "hook_tenant";
    if (!read_session(who, at(root, rules->session)))
        return "hook_session";
    if (!read_end(who, rules, at(root, rules->expires_in), wall_s))
        return "hook_expires_in";
    return NULL;
}

bool hook_answer_read(struct auth_answer *out, const struct hook_rules *rules, struct view body,
                      int64_t wall_s)
{
    static const struct json_limits limits = {.depth = 16, .nodes = HOOK_NODES_MAX};
    struct identity who = {.method = IDENTITY_HOOK, .scopes = SCOPES_ALL};
    struct arena arena;
    struct json *root = NULL;
    bool is_answer;

    arena_init(&arena, 16 * 1024, 2 * 1024 * 1024);
    is_answer = json_parse(&root, body, &limits, &arena, NULL) == OK && root->type == JSON_OBJECT;
    if (is_answer) {
        *out = (struct auth_answer){.verdict = AUTH_FAILED,
                                    .fault = read_answer(&who, rules, root, wall_s)};
        if (out->fault == NULL && who.expires_at_s <= wall_s) {
            out->verdict = AUTH_EXPIRED;
            out->fault = "hook_expired";
        } else if (out->fault == NULL) {
            out->verdict = AUTH_OK;
            out->who = who;
        }
    }
    arena_clear(&arena);
    return is_answer;
}
