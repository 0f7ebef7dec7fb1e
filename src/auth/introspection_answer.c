/* SPDX-License-Identifier: Apache-2.0 */
/* introspection_answer.c: `active` is the JSON literal true, or the token is refused: "true", 1 and
 * an absent member have all been taken for a yes somewhere (SC-41). Beyond it, what an answer says
 * must hold: a claim of the wrong type never counts as one that is not there. */
#include "auth/introspection_answer.h"

#include "auth/asked_claims.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "message/json_pointer.h"

#define TOKEN_ID_DIGITS 32

/* One answer while it is read. */
struct reading {
    const struct introspection_rules *rules;
    const struct json *claims;
    struct view token;
    int64_t wall_s;
    struct identity who;
};

static const struct json *claim(const struct reading *r, const char *name)
{
    return json_member(r->claims, view_of_text(name));
}

static bool is_string(const struct json *value)
{
    return value != NULL && value->type == JSON_STRING;
}

static bool is_one_of(const struct json *value, const char *const *words)
{
    for (; is_string(value) && *words != NULL; words++) {
        if (view_eq_nocase(value->text, view_of_text(*words)))
            return true;
    }
    return false;
}

/* An access token, and one that is good by itself. Refresh and ID tokens are introspected too, and
 * some servers tell which it was in members of their own. */
static const char *check_kind(struct reading *r)
{
    static const char *const types[] = {"Bearer", "access_token", NULL};
    static const char *const uses[] = {"access_token", "access", NULL};
    static const char *const others[] = {"Refresh", "Offline", "ID", "Logout", NULL};
    const struct json *type = claim(r, "token_type"), *use = claim(r, "token_use");

    /* Bound to a key that nobody here has asked for (RFC 7800, RFC 8705 section 3). */
    if (claim(r, "cnf") != NULL)
        return "token_not_bound";
    if ((type != NULL && !is_one_of(type, types)) || (use != NULL && !is_one_of(use, uses)) ||
        is_one_of(claim(r, "typ"), others))
        return "token_type";
    return NULL;
}

static const char *check_issuer(struct reading *r)
{
    const struct json *iss = claim(r, "iss");

    if (iss != NULL && !is_string(iss))
        return "token_issuer";
    if (r->rules->issuer == NULL)
        return NULL;
    return iss != NULL && view_eq(iss->text, view_of_text(r->rules->issuer)) ? NULL
                                                                             : "token_issuer";
}

/* A string, or an array of nothing but strings. */
static const char *check_audience(struct reading *r)
{
    const struct json *aud = claim(r, "aud"), *one = aud;
    struct view ours = view_of_text(r->rules->audience);
    bool is_ours = r->rules->audience == NULL;

    if (aud != NULL && aud->type == JSON_ARRAY)
        one = aud->first;
    else if (aud != NULL && !is_string(aud))
        return "token_audience";
    for (; one != NULL; one = one == aud ? NULL : one->next) {
        if (!is_string(one))
            return "token_audience";
        is_ours = is_ours || view_eq(one->text, ours);
    }
    return is_ours ? NULL : "token_audience";
}

static const char *read_names(struct reading *r)
{
    static const char digits[] = "0123456789abcdef";
    const struct json *jti = claim(r, "jti");
    uint8_t hash[32];

    if (!asked_user(&r->who, json_claim(r->claims, view_of_text(r->rules->user_claim))))
        return "token_subject";
    if (jti != NULL) {
        /* It is kept as a C string, where a NUL would make two ids look the same. */
        if (!is_string(jti) || jti->text.len == 0 || jti->text.len > IDENTITY_TOKEN_ID_MAX ||
            memchr(jti->text.ptr, '\0', jti->text.len) != NULL)
            return "token_claims";
        memcpy(r->who.token_id, jti->text.ptr, jti->text.len);
        return NULL;
    }
    if (digest_sha256(hash, r->token.ptr, r->token.len) != OK)
        return "token_claims";
    for (size_t i = 0; i < TOKEN_ID_DIGITS; i++)
        r->who.token_id[i] = digits[(hash[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 0xf];
    return NULL;
}

static const char *read_rights(struct reading *r)
{
    const struct introspection_rules *rules = r->rules;
    const struct json *scope = claim(r, "scope");

    if (!asked_roles(&r->who, rules->roles,
                     json_claim(r->claims, view_of_text(rules->roles_claim))) ||
        !asked_tenant(&r->who, rules->tenant_claim == NULL
                                   ? NULL
                                   : json_claim(r->claims, view_of_text(rules->tenant_claim))))
        return "token_claims";
    if (scope != NULL && !is_string(scope))
        return "token_claims";
    if (scope != NULL && rules->scopes != NULL)
        r->who.scopes = scope_set_bits(rules->scopes, scope->text);
    return NULL;
}

static const char *read_begin(struct reading *r)
{
    static const char *const names[] = {"nbf", "iat", "auth_time"};
    int64_t at_s[3] = {0};

    for (unsigned i = 0; i < 3; i++) {
        const struct json *value = claim(r, names[i]);

        if (value != NULL && !asked_seconds(value, &at_s[i]))
            return "token_claims";
        if (at_s[i] > r->wall_s + r->rules->skew_s)
            return "token_not_yet_valid";
    }
    r->who.issued_at_s = at_s[1];
    r->who.authenticated_at_s = at_s[2] > 0 ? at_s[2] : at_s[1];
    return NULL;
}

/* `exp` may be absent (RFC 7662 section 2.2). Then the login lasts as long as its rechecks do. */
static const char *read_end(struct reading *r)
{
    const struct json *exp = claim(r, "exp");
    int64_t at_s;

    r->who.expires_at_s = r->wall_s + (int64_t)r->rules->recheck_s * INTROSPECTION_RECHECKS;
    if (exp == NULL)
        return NULL;
    if (!asked_seconds(exp, &at_s))
        return "token_claims";
    r->who.expires_at_s = at_s + r->rules->skew_s;
    return r->wall_s >= r->who.expires_at_s ? "token_expired" : NULL;
}

/* The word for what is wrong; NULL: nothing. */
static const char *read_claims(struct reading *r)
{
    static const char *(*const steps[])(struct reading * r) = {
        check_kind, check_issuer, check_audience, read_names, read_rights, read_begin};
    const struct json *active = claim(r, "active");
    const char *fault = NULL;

    if (active == NULL || active->type != JSON_TRUE)
        return active != NULL && active->type == JSON_FALSE ? "token_inactive"
                                                            : "introspection_active";
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && fault == NULL; i++)
        fault = steps[i](r);
    return fault;
}

static void judge(struct auth_answer *out, struct reading *r)
{
    const char *fault = read_claims(r);

    *out = (struct auth_answer){.verdict = AUTH_FAILED, .fault = fault};
    if (fault != NULL)
        return;
    out->fault = read_end(r);
    if (out->fault != NULL) {
        out->verdict =
            view_eq(view_of_text(out->fault), VIEW("token_expired")) ? AUTH_EXPIRED : AUTH_FAILED;
        return;
    }
    r->who.recheck_at_s = r->wall_s + r->rules->recheck_s;
    out->verdict = AUTH_OK;
    out->who = r->who;
}

bool introspection_answer_read(struct auth_answer *out, const struct introspection_rules *rules,
                               struct view body, struct view token, int64_t wall_s)
{
    static const struct json_limits limits = {.depth = 16, .nodes = INTROSPECTION_NODES_MAX};
    struct reading r = {
        .rules = rules, .token = token, .wall_s = wall_s, .who = {.method = IDENTITY_OAUTH2}};
    struct arena arena;
    struct json *root = NULL;
    bool is_answer;

    arena_init(&arena, 16 * 1024, 2 * 1024 * 1024);
    is_answer = json_parse(&root, body, &limits, &arena, NULL) == OK && root->type == JSON_OBJECT;
    if (is_answer) {
        r.claims = root;
        judge(out, &r);
    }
    arena_clear(&arena);
    return is_answer;
}
