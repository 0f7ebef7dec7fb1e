/* SPDX-License-Identifier: Apache-2.0 */
/* options_jwt.c: `auth.jwt` of a configuration: who signs tokens, and what of a token counts.
 * Nothing about a token is left to chance: algorithms, issuer and audience are said, or switched
 * off by name. Keys: options_jwt_keys.c. */
#include "server/options_jwt.h"

#include <stdlib.h>
#include <string.h>

#include "auth/jwks_url.h"
#include "auth/key_set.h"
#include "base/status.h"
#include "message/json_pointer.h"

/* The symmetric ones first, then the others in the order of enum signature_algorithm. */
const char *const options_algorithm_names[] = {"HS256", "HS384", "HS512", "RS256", "RS384",
                                               "RS512", "PS256", "PS384", "PS512", "ES256",
                                               "ES384", "ES512", "EdDSA", NULL};

static void read_algorithm(struct issuer_draft *draft, const struct node *item,
                           struct problems *problems)
{
    if (item->type != NODE_SCALAR) {
        problems_add(problems, item->line, item->column,
                     "the name of an algorithm must stand here");
        return;
    }
    for (unsigned i = 0; options_algorithm_names[i] != NULL; i++) {
        if (!view_eq(item->text, view_of_text(options_algorithm_names[i])))
            continue;
        if ((draft->algorithms & (1U << i)) != 0)
            problems_add(problems, item->line, item->column, "`%s` stands here a second time",
                         options_algorithm_names[i]);
        draft->algorithms |= 1U << i;
        return;
    }
    if (view_eq_nocase(item->text, VIEW("none")))
        problems_add(problems, item->line, item->column,
                     "`none` would accept tokens that nobody signed");
    else
        problems_add(problems, item->line, item->column, "there is no algorithm `%s`%s",
                     problem_word(item->text).text,
                     problems_suggestion(item->text, options_algorithm_names).text);
}

static int read_algorithms(struct node *value, void *target, struct problems *problems)
{
    if (!option_is_list(value, 16, problems))
        return E_INVALID;
    if (value->count == 0)
        problems_add(problems, value->line, value->column,
                     "`algorithms` is empty: [HS256] is usual with a `secret`, [RS256] or [ES256] "
                     "with a `jwks_url` or a `jwks_file`");
    for (const struct node *item = value->first; item != NULL; item = item->next)
        read_algorithm(target, item, problems);
    return OK;
}

/* A claim to compare with, or null for: not checked. */
static int read_claim(struct node *value, char **field, struct problems *problems)
{
    if (value->type == NODE_NULL)
        return OK;
    return option_text(value, field, problems) ? OK : E_INVALID;
}

static int read_issuer(struct node *value, void *target, struct problems *problems)
{
    return read_claim(value, &((struct issuer_draft *)target)->issuer, problems);
}

static int read_audience(struct node *value, void *target, struct problems *problems)
{
    return read_claim(value, &((struct issuer_draft *)target)->audience, problems);
}

static bool claim_ok(const char *claim, const struct node *value, struct problems *problems)
{
    if (claim[0] != '/' || json_pointer_ok(view_of_text(claim)))
        return true;
    problems_add(problems, value->line, value->column,
                 "`%s` is no JSON pointer: ~ stands there only as ~0 (a tilde) and ~1 (a slash)",
                 problem_word(view_of_text(claim)).text);
    return false;
}

static int read_required(struct node *value, void *target, struct problems *problems)
{
    struct issuer_draft *draft = target;

    if (!option_is_list(value, JWT_REQUIRED_MAX, problems))
        return E_INVALID;
    for (struct node *item = value->first; item != NULL; item = item->next) {
        char *claim = NULL;

        if (!option_text(item, &claim, problems))
            return E_INVALID;
        (void)claim_ok(claim, item, problems);
        for (unsigned i = 0; i < draft->required_count; i++)
            if (strcmp(claim, draft->required[i]) == 0)
                problems_add(problems, item->line, item->column, "`%s` stands here a second time",
                             problem_word(view_of_text(claim)).text);
        draft->required[draft->required_count++] = claim;
    }
    return OK;
}

static const char *const profiles[] = {"none", "rfc9068", NULL}; /* as enum jwt_profile */

const struct option options_jwt_rows[] = {
    {.name = "algorithms",
     .type = OPTION_CUSTOM,
     .custom = read_algorithms,
     .help = "what a token may be signed with: of HS256 HS384 HS512 with `secret`; of RS256 RS384 "
             "RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA with `jwks_url` or "
             "`jwks_file`"},
    {.name = "secret",
     .type = OPTION_CUSTOM,
     .custom = options_read_secrets,
     .help =
         "{file: NAME} or {env: NAME}, with kid: ID if wanted; a list of two while they change"},
    {.name = "issuer",
     .type = OPTION_CUSTOM,
     .custom = read_issuer,
     .help = "claim iss; null: not checked. Must be said"},
    {.name = "audience",
     .type = OPTION_CUSTOM,
     .custom = read_audience,
     .help = "claim aud; null: not checked. Must be said"},
    {.name = "kid",
     .type = OPTION_TEXT,
     .offset = offsetof(struct issuer_draft, kid),
     .help = "with `secret`: key id a token must carry; absent: any"},
    {.name = "user_claim",
     .type = OPTION_TEXT,
     .offset = offsetof(struct issuer_draft, user_claim),
     .fallback = "sub",
     .help = "claim that names the user: a name, or a JSON pointer such as /profile/login"},
    {.name = "roles_claim",
     .type = OPTION_TEXT,
     .offset = offsetof(struct issuer_draft, roles_claim),
     .fallback = "roles",
     .help =
         "claim that lists the roles, an array or a text with blanks: a name, or a JSON pointer "
         "such as /realm_access/roles"},
    {.name = "tenant_claim",
     .type = OPTION_TEXT,
     .offset = offsetof(struct issuer_draft, tenant_claim),
     .help =
         "claim that names the user's tenant, which every token must then do: a name, or a JSON "
         "pointer"},
    {.name = "required_claims",
     .type = OPTION_CUSTOM,
     .custom = read_required,
     .help = "further claims that must be there and not null: names, or JSON pointers"},
    {.name = "profile",
     .type = OPTION_ENUM,
     .offset = offsetof(struct issuer_draft, profile),
     .choices = profiles,
     .fallback = "none",
     .help = "none, or rfc9068: OAuth 2.0 access tokens alone (typ at+jwt; iss, aud, sub, "
             "client_id, iat, jti are there); ID tokens are refused"},
    {.name = "skew",
     .type = OPTION_MS,
     .offset = offsetof(struct issuer_draft, skew_ms),
     .max = 5 * 60 * 1000,
     .fallback = "30s",
     .help = "how far clocks may be apart"},
    {.name = "jwks_file",
     .type = OPTION_TEXT,
     .offset = offsetof(struct issuer_draft, jwks_file),
     .help = "public keys of the issuer: a JWK set (RFC 7517), read at the start"},
    {.name = "jwks_url",
     .type = OPTION_TEXT,
     .offset = offsetof(struct issuer_draft, jwks_url),
     .help = "public keys of the issuer, downloaded while the server runs: https:// only"},
    {.name = "jwks_ca",
     .type = OPTION_TEXT,
     .offset = offsetof(struct issuer_draft, jwks_ca),
     .help = "with `jwks_url`: authorities (PEM) to trust instead of the system's"},
    {0},
};

static void issuer_draft_clear(struct issuer_draft *draft)
{
    options_clear(options_jwt_rows, draft);
    options_clear_secrets(draft);
    free(draft->issuer);
    free(draft->audience);
    for (unsigned i = 0; i < draft->required_count; i++)
        free(draft->required[i]);
}

static void check_claims(struct node *entry, const struct issuer_draft *draft,
                         struct problems *problems)
{
    const struct {
        const char *name, *claim;
    } claims[] = {{"user_claim", draft->user_claim},
                  {"roles_claim", draft->roles_claim},
                  {"tenant_claim", draft->tenant_claim}};

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        const struct node *value = node_member(entry, claims[i].name);

        if (value != NULL && claims[i].claim != NULL)
            (void)claim_ok(claims[i].claim, value, problems);
    }
    if (draft->profile == JWT_PROFILE_RFC9068 && (draft->issuer == NULL || draft->audience == NULL))
        problems_add(problems, entry->line, entry->column,
                     "`profile: rfc9068` checks who made an access token and for whom: `issuer` "
                     "and `audience` must be names (RFC 9068 section 4)");
}

static void check_required(struct node *entry, const struct issuer_draft *draft,
                           struct problems *problems)
{
    if (entry->type != NODE_MAP)
        return;
    if (node_member(entry, "algorithms") == NULL)
        problems_add(
            problems, entry->line, entry->column,
            "`algorithms` is missing: [HS256] is usual with a `secret`, [RS256] or [ES256] "
            "with a `jwks_url` or a `jwks_file`");
    options_check_keys(entry, draft, problems);
    if (node_member(entry, "issuer") == NULL)
        problems_add(problems, entry->line, entry->column,
                     "`issuer` is missing: a name, or null if it is not to be checked");
    if (node_member(entry, "audience") == NULL)
        problems_add(problems, entry->line, entry->column,
                     "`audience` is missing: a name, or null if it is not to be checked");
    check_claims(entry, draft, problems);
    if (draft->skew_ms % 1000 != 0)
        problems_add(problems, entry->line, entry->column, "`skew` must be whole seconds");
}

static void hand_over(struct jwt_issuer *issuer, struct issuer_draft *draft)
{
    issuer->issuer = draft->issuer;
    issuer->audience = draft->audience;
    issuer->user_claim = draft->user_claim;
    issuer->roles_claim = draft->roles_claim;
    issuer->tenant_claim = draft->tenant_claim;
    for (unsigned i = 0; i < draft->required_count; i++)
        issuer->required_claims[i] = draft->required[i];
    issuer->required_count = draft->required_count;
    issuer->profile = (enum jwt_profile)draft->profile;
    issuer->skew_s = (uint32_t)(draft->skew_ms / 1000);
    draft->issuer = draft->audience = NULL;
    draft->user_claim = draft->roles_claim = draft->tenant_claim = NULL;
    draft->required_count = 0;
}

static void add_issuer(struct loading *l, struct node *entry, struct problems *problems)
{
    struct jwt_issuer *issuer = &l->o.auth.issuers[l->o.auth.issuers_count];
    struct issuer_draft draft = {.l = l};
    unsigned errors_before = problems->errors;

    options_read(options_jwt_rows, entry, &draft, problems);
    check_required(entry, &draft, problems);
    if (problems->errors == errors_before)
        options_add_keys(issuer, &draft, entry, problems);
    hand_over(issuer, &draft);
    l->o.auth.issuers_count++;
    issuer_draft_clear(&draft);
}

int options_read_jwt(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;

    if (!option_is_list(value, ISSUERS_MAX, problems))
        return E_INVALID;
    l->o.auth.issuers = options_alloc(value->count, sizeof(*l->o.auth.issuers), value, problems);
    for (struct node *entry = value->first; entry != NULL && l->o.auth.issuers != NULL;
         entry = entry->next)
        add_issuer(l, entry, problems);
    return OK;
}

/* What hand_over took is const for all but its end. */
static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

void options_clear_jwt(struct options *o)
{
    for (uint32_t i = 0; i < o->auth.issuers_count; i++) {
        struct jwt_issuer *issuer = &o->auth.issuers[i];

        for (uint32_t k = 0; k < issuer->keys_count; k++)
            hmac_key_free(issuer->keys[k].hmac);
        jwks_url_free(issuer->jwks_url);
        key_source_free(issuer->public_keys);
        free_text(issuer->issuer);
        free_text(issuer->audience);
        free_text(issuer->user_claim);
        free_text(issuer->roles_claim);
        free_text(issuer->tenant_claim);
        for (uint32_t c = 0; c < issuer->required_count; c++)
            free_text(issuer->required_claims[c]);
    }
    free(o->auth.issuers);
}
