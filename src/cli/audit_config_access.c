/* SPDX-License-Identifier: Apache-2.0 */
/* audit_config_access.c: pages, logins, tokens, channels and messages of a configuration. A choice
 * that is allowed because somebody said it out loud is named here all the same. */
#include <inttypes.h>
#include <string.h>

#include "auth/hook.h"
#include "auth/introspection.h"
#include "cli/audit_lint.h"

/* --- point 2 --- */

static void check_origin(const struct lint *lint, const struct origin_rule *rule, int line)
{
    if (rule->is_null)
        LINT_FAIL(lint, AUDIT_ORIGIN, line,
                  "the origin `null` is that of any sandboxed page or local file");
    else if (rule->is_wildcard)
        LINT_FAIL(lint, AUDIT_ORIGIN, line, "the origin %s://*.%s trusts every host of that name",
                  rule->scheme, rule->host);
    else if (strcmp(rule->scheme, "http") == 0)
        LINT_FAIL(lint, AUDIT_ORIGIN, line,
                  "the origin http://%s is a page that anyone on the way can change", rule->host);
    else
        LINT_PASS(lint, AUDIT_ORIGIN, line, "the origin %s://%s, and no other host", rule->scheme,
                  rule->host);
}

static void check_origins(const struct lint *lint)
{
    struct node *list = lint_find(lint->root, "origins");
    const struct options *o = lint->o;
    bool takes_cookies = o->sessions.is_on || o->auth.hook != NULL;
    int line = lint_line(lint_find(lint->root, "auth.csrf"), "");

    for (uint32_t i = 0; i < o->origins_count; i++)
        check_origin(lint, &o->origins[i], lint_line(lint_item(list, i), ""));
    if (o->origins_count == 0)
        LINT_PASS(lint, AUDIT_ORIGIN, 0, "no origins: no page of a browser can connect");
    if (o->csrf == CSRF_ORIGIN_ONLY && takes_cookies)
        LINT_FAIL(lint, AUDIT_ORIGIN, line,
                  "csrf: origin_only: nothing but the Origin stands between a cookie and a page of "
                  "a listed origin that an attacker can write to");
    else if (o->csrf == CSRF_ORIGIN_ONLY)
        LINT_NOTE(lint, AUDIT_ORIGIN, line, "csrf: origin_only, but no login by cookie is set up");
    else if (takes_cookies)
        LINT_PASS(lint, AUDIT_ORIGIN, line, "a cookie takes a one-time CSRF token beside it");
}

/* --- point 3 --- */

static void check_routes(const struct lint *lint)
{
    struct node *list = lint_find(lint->root, "routes");

    for (uint32_t i = 0; i < lint->o->routes_count; i++) {
        const struct route_options *route = &lint->o->routes[i];
        struct node *item = lint_item(list, i);

        if (route->kind == ROUTE_ECHO)
            LINT_FAIL(lint, AUDIT_LOGIN, lint_line(item, "serve"),
                      "the echo route %s serves anyone without login", route->path);
        else if (route->accepts == 0)
            LINT_PASS(lint, AUDIT_LOGIN, lint_line(item, ""),
                      "%s: no way to log in is set up, so nobody gets in", route->path);
        else
            LINT_PASS(lint, AUDIT_LOGIN, lint_line(item, ""),
                      "%s: nothing is answered before a login", route->path);
    }
}

/* --- point 4 --- */

static void check_issuer(const struct lint *lint, const struct jwt_issuer *issuer,
                         struct node *item)
{
    if (issuer->issuer == NULL)
        LINT_FAIL(lint, AUDIT_TOKENS, lint_line(item, "issuer"),
                  "issuer: null: who made a token is not checked");
    if (issuer->audience == NULL)
        LINT_FAIL(lint, AUDIT_TOKENS, lint_line(item, "audience"),
                  "audience: null: a token made for another service is good here");
    if (issuer->skew_s > 300)
        LINT_FAIL(lint, AUDIT_TOKENS, lint_line(item, "skew"),
                  "skew: tokens are good %" PRIu32 " s past their end", issuer->skew_s);
    LINT_PASS(lint, AUDIT_TOKENS, lint_line(item, "algorithms"),
              "signature by the key's own algorithm; exp and the user are required");
}

static void check_oauth2(const struct lint *lint)
{
    struct node *section = lint_find(lint->root, "auth.oauth2"), *member;
    static const char *const names[] = {"issuer", "audience"};

    for (size_t i = 0; i < 2; i++) {
        member = lint_find(section, names[i]);
        if (member != NULL && member->type == NODE_NULL)
            LINT_FAIL(lint, AUDIT_TOKENS, lint_line(section, names[i]),
                      "oauth2.%s: null: that part of the answer is not checked", names[i]);
    }
    LINT_PASS(lint, AUDIT_TOKENS, lint_line(section, ""),
              "opaque tokens are asked about, and asked about again");
}

static void check_sessions(const struct lint *lint)
{
    static const char weak[] = "auth.sessions.redis.weak_secret_accepted";
    struct node *section = lint_find(lint->root, "auth.sessions");

    if (lint->o->sessions.insecure_cookie_name)
        LINT_FAIL(lint, AUDIT_TOKENS, lint_line(section, "insecure_cookie_name"),
                  "insecure_cookie_name: a neighbouring host can plant the cookie %s",
                  lint->o->sessions.cookie);
    else
        LINT_PASS(lint, AUDIT_TOKENS, lint_line(section, ""),
                  "the cookie %s comes from this very host over https only",
                  lint->o->sessions.cookie);
    if (lint_is_true(lint->root, weak))
        LINT_FAIL(lint, AUDIT_TOKENS, lint_root_line(lint, weak),
                  "weak_secret_accepted: who guesses the secret needs only a session's id");
}

static void check_tokens(const struct lint *lint)
{
    struct node *rows = lint_find(lint->root, "auth.jwt");
    const struct options *o = lint->o;

    for (uint32_t i = 0; i < o->auth.issuers_count; i++)
        check_issuer(lint, &o->auth.issuers[i], lint_item(rows, i));
    if (lint_find(lint->root, "auth.oauth2") != NULL)
        check_oauth2(lint);
    if (o->sessions.is_on)
        check_sessions(lint);
    if (o->auth.issuers_count == 0 && !o->sessions.is_on &&
        lint_find(lint->root, "auth.oauth2") == NULL)
        LINT_PASS(lint, AUDIT_TOKENS, 0, "no tokens and no sessions are taken");
    if (!o->internal.is_on)
        LINT_NOTE(lint, AUDIT_TOKENS, 0,
                  "without `internal` no token can be revoked before it expires");
}

/* --- point 5 --- */

/* A pattern whose first segment is a variable fits names that a client makes up. */
static void check_rule(const struct lint *lint, const struct access_rule *rule)
{
    const struct channel_segment *first = &rule->pattern.segments[0];
    struct view text = rule->pattern.text;
    bool is_open = !rule->has_allow;

    if (is_open && first->variable.len > 0 && !first->is_user && first->before.len == 0)
        LINT_FAIL(lint, AUDIT_CHANNELS, rule->line,
                  "channel " VIEW_FMT ": every role may use any name a client makes up (no allow)",
                  VIEW_ARG(text));
    else if (is_open && rule->needs[ACTION_PUBLISH] == PERMISSION_READ)
        LINT_FAIL(lint, AUDIT_CHANNELS, rule->line,
                  "channel " VIEW_FMT ": whoever may read may publish (needs.publish: read)",
                  VIEW_ARG(text));
    else
        LINT_PASS(lint, AUDIT_CHANNELS, rule->line, "channel " VIEW_FMT ": %s", VIEW_ARG(text),
                  is_open ? "what a role may do decides" : "named roles only");
}

static void check_channels(const struct lint *lint)
{
    const struct access_policy *policy = &lint->o->policy;
    struct node *roles = lint_find(lint->root, "roles");

    for (uint32_t i = 0; i < policy->rules_count; i++)
        check_rule(lint, &policy->rules[i]);
    if (policy->rules_count == 0)
        LINT_PASS(lint, AUDIT_CHANNELS, 0, "no channels: nobody can subscribe or publish");
    for (uint32_t i = 0; i < policy->roles.count; i++) {
        const struct role *role = &policy->roles.roles[i];

        if (strcmp(role->name, "guest") == 0 && (role->permissions & ~(unsigned)PERMISSION_READ))
            LINT_FAIL(lint, AUDIT_CHANNELS, lint_line(roles, role->name),
                      "the role guest may do more than read");
    }
}

/* --- point 6 --- */

static void check_type(const struct lint *lint, struct node *type)
{
    const struct node *mode = lint_find(type, "mode");
    struct problem_word name = problem_word(type->key);

    if (mode != NULL && view_eq(mode->text, VIEW("observe")))
        LINT_FAIL(lint, AUDIT_MESSAGES, lint_line(type, "mode"),
                  "messages.%s: mode: observe lets through what its policy would refuse",
                  name.text);
    else if (lint_find(type, "schema") == NULL && lint_find(type, "schema_file") == NULL)
        LINT_FAIL(lint, AUDIT_MESSAGES, lint_line(type, ""),
                  "messages.%s has no schema: anything may stand in it", name.text);
    else
        LINT_PASS(lint, AUDIT_MESSAGES, lint_line(type, ""), "messages.%s has a schema", name.text);
}

static void check_messages(const struct lint *lint)
{
    const struct node *types = lint_find(lint->root, "messages");

    LINT_PASS(lint, AUDIT_MESSAGES, 0, "each message is strict JSON of a known type, or refused");
    for (struct node *type = types != NULL ? types->first : NULL; type != NULL; type = type->next)
        check_type(lint, type);
    if (types == NULL || types->count == 0)
        LINT_UNKNOWN(lint, AUDIT_MESSAGES, 0,
                     "no message type has a schema here (messages): whether readers check what is "
                     "published, no configuration says");
}

void lint_access(const struct lint *lint)
{
    check_origins(lint);
    check_routes(lint);
    check_tokens(lint);
    check_channels(lint);
    check_messages(lint);
}
