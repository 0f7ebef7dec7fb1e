/* SPDX-License-Identifier: Apache-2.0 */
/* options_oauth2.c: `auth.oauth2` of a configuration: who is asked about opaque tokens, and what
 * its answer must say. As for signed tokens, issuer and audience are said, or switched off by name.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/introspection.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "message/json_pointer.h"
#include "net/fetch.h"
#include "server/options_load.h"

#define SCOPES_BYTES_MAX (SCOPES_MAX * (SCOPE_NAME_MAX + 1))
#define MINUTE_MS        ((uint64_t)60 * 1000)

static struct oauth2_draft *draft_of(void *target)
{
    return &((struct loading *)target)->oauth2;
}

static int read_client_secret(struct node *value, void *target, struct problems *problems)
{
    struct buf *out = &draft_of(target)->client_secret;
    struct secret_draft secret = {0};

    /* How strong it is was the issuer's decision; only that it is one line is ours to ask. */
    if (options_read_secret(&secret, target, value, problems)) {
        if (secret.bytes.len == 0 || memchr(secret.bytes.data, '\0', secret.bytes.len) != NULL ||
            memchr(secret.bytes.data, '\n', secret.bytes.len) != NULL)
            problems_add(problems, value->line, value->column,
                         "`client_secret` must be one line of text");
        buf_init(out, SECRET_BYTES_MAX + 1);
        if (buf_append(out, secret.bytes.data, secret.bytes.len) != OK ||
            buf_append(out, "", 1) != OK)
            problems_add(problems, value->line, value->column, "out of memory");
    }
    options_clear_secret(&secret);
    return OK;
}

static int read_claim(struct node *value, char **field, struct problems *problems)
{
    if (value->type == NODE_NULL)
        return OK;
    return option_text(value, field, problems) ? OK : E_INVALID;
}

static int read_issuer(struct node *value, void *target, struct problems *problems)
{
    return read_claim(value, &draft_of(target)->issuer, problems);
}

static int read_audience(struct node *value, void *target, struct problems *problems)
{
    return read_claim(value, &draft_of(target)->audience, problems);
}

static int append_scope(struct buf *out, const struct node *item)
{
    int rc = out->len == 0 ? OK : buf_append(out, " ", 1);

    return rc == OK ? buf_append(out, item->text.ptr, item->text.len) : rc;
}

static int read_scopes(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;
    struct buf *out = &l->oauth2.scopes;
    unsigned errors_before = problems->errors;
    int rc = OK;

    buf_init(out, SCOPES_BYTES_MAX);
    (void)options_scope_list(value, &l->o.policy.scopes, problems);
    if (problems->errors != errors_before)
        return E_INVALID;
    if (value->type == NODE_SCALAR)
        rc = append_scope(out, value);
    for (const struct node *item = value->first; item != NULL && rc == OK; item = item->next)
        rc = append_scope(out, item);
    if (rc != OK)
        problems_add(problems, value->line, value->column, "out of memory");
    return rc;
}

static const char *const authentication_names[] = {
    [CLIENT_SECRET_BASIC] = "basic", [CLIENT_SECRET_POST] = "post", NULL};

const struct option options_oauth2_rows[] = {
    {.name = "introspection_url",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, oauth2.url),
     .help = "where opaque tokens are asked about (RFC 7662): https://, or http:// to an address "
             "of this machine in digits, such as http://127.0.0.1:9000/introspect"},
    {.name = "ca",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, oauth2.ca),
     .help = "authorities (PEM) to trust there instead of the system's"},
    {.name = "client_id",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, oauth2.client_id),
     .help = "whom gateward asks as"},
    {.name = "client_secret",
     .type = OPTION_CUSTOM,
     .custom = read_client_secret,
     .help = "{file: NAME} or {env: NAME}"},
    {.name = "client_authentication",
     .type = OPTION_ENUM,
     .offset = offsetof(struct loading, oauth2.client_authentication),
     .choices = authentication_names,
     .fallback = "basic",
     .help = "how the secret is shown: basic (a header) or post (in the form)"},
    {.name = "issuer",
     .type = OPTION_CUSTOM,
     .custom = read_issuer,
     .help = "iss of the answer; null: not checked. Must be said"},
    {.name = "audience",
     .type = OPTION_CUSTOM,
     .custom = read_audience,
     .help = "aud of the answer; null: not checked. Must be said"},
    {.name = "user_claim",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, oauth2.user_claim),
     .fallback = "sub",
     .help = "member of the answer that names the user, or a JSON pointer; often sub or username"},
    {.name = "roles_claim",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, oauth2.roles_claim),
     .fallback = "roles",
     .help = "member that lists the roles, or a JSON pointer such as /realm_access/roles"},
    {.name = "tenant_claim",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, oauth2.tenant_claim),
     .help = "member that names the tenant, or a JSON pointer; absent: there are none"},
    {.name = "scopes",
     .type = OPTION_CUSTOM,
     .custom = read_scopes,
     .help = "scope, or [scopes], without all of which no token is taken"},
    {.name = "cache",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, oauth2.cache_ms),
     .max = 5 * MINUTE_MS,
     .fallback = "30s",
     .help = "a token that was good is not asked about again so long: as late as that a new "
             "connection notices that it was revoked; 0s: always asked"},
    {.name = "recheck",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, oauth2.recheck_ms),
     .min = 1000,
     .max = 60 * MINUTE_MS,
     .fallback = "30s",
     .help = "how often the token of an open connection is asked about; one without `exp` ends "
             "four times as long after its last good answer"},
    {.name = "timeout",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, oauth2.timeout_ms),
     .min = 100,
     .max = 10 * 1000,
     .fallback = "1500ms",
     .help = "an answer that takes longer is none: the login is refused with 503 or 1013"},
    {.name = "skew",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, oauth2.skew_ms),
     .max = 5 * MINUTE_MS,
     .fallback = "30s",
     .help = "how far clocks may be apart"},
    {0},
};

static void check_required(struct node *section, struct problems *problems)
{
    static const char *const required[] = {"introspection_url", "client_id", "client_secret", NULL};
    static const char *const said[] = {"issuer", "audience", NULL};

    for (unsigned i = 0; required[i] != NULL; i++) {
        if (node_member(section, required[i]) == NULL)
            problems_add(problems, section->line, section->column, "`%s` is missing", required[i]);
    }
    for (unsigned i = 0; said[i] != NULL; i++) {
        if (node_member(section, said[i]) == NULL)
            problems_add(problems, section->line, section->column,
                         "`%s` is missing: a name, or null if it is not to be checked", said[i]);
    }
}

static void check_claim(struct node *section, const char *key, const char *claim,
                        struct problems *problems)
{
    const struct node *place = node_member(section, key);

    if (claim != NULL && claim[0] == '/' && !json_pointer_ok(view_of_text(claim)))
        problems_add(problems, place->line, place->column, "`%s` is no JSON pointer (RFC 6901)",
                     key);
}

static void check_times(const struct oauth2_draft *draft, struct node *section,
                        struct problems *problems)
{
    const char *key = draft->cache_ms % 1000 != 0     ? "cache"
                      : draft->recheck_ms % 1000 != 0 ? "recheck"
                      : draft->skew_ms % 1000 != 0    ? "skew"
                                                      : NULL;
    const struct node *place = key != NULL ? node_member(section, key) : NULL;

    if (place != NULL)
        problems_add(problems, place->line, place->column, "`%s` must be whole seconds", key);
}

void options_finish_oauth2(struct loading *l, struct node *root, struct problems *problems)
{
    struct node *section = node_member(node_member(root, "auth"), "oauth2");
    struct oauth2_draft *draft = &l->oauth2;
    struct error why = {{0}, 0, 0};
    const struct node *place;

    if (section == NULL || section->type != NODE_MAP)
        return;
    draft->is_on = true;
    check_required(section, problems);
    check_claim(section, "user_claim", draft->user_claim, problems);
    check_claim(section, "roles_claim", draft->roles_claim, problems);
    check_claim(section, "tenant_claim", draft->tenant_claim, problems);
    check_times(draft, section, problems);
    place = node_member(section, "introspection_url");
    if (draft->url != NULL && fetch_url_check(view_of_text(draft->url), true, &why) != OK)
        problems_add(problems, place->line, place->column, "`introspection_url` %s", why.text);
    if (draft->ca != NULL)
        options_read_authorities(&draft->ca_pem, l, draft->ca, node_member(section, "ca"),
                                 problems);
}

int options_make_oauth2(struct options *o, const struct loading *l)
{
    const struct oauth2_draft *draft = &l->oauth2;
    const struct introspection_options options = {
        .url = draft->url,
        .ca_pem = buf_view(&draft->ca_pem),
        .client_id = draft->client_id,
        .client_secret = (const char *)draft->client_secret.data,
        .client_authentication = (enum client_authentication)draft->client_authentication,
        .issuer = draft->issuer,
        .audience = draft->audience,
        .user_claim = draft->user_claim,
        .roles_claim = draft->roles_claim,
        .tenant_claim = draft->tenant_claim,
        .required_scopes = buf_view(&draft->scopes),
        .roles = &o->policy.roles,
        .scopes = &o->policy.scopes,
        .cache_s = (uint32_t)(draft->cache_ms / 1000),
        .recheck_s = (uint32_t)(draft->recheck_ms / 1000),
        .skew_s = (uint32_t)(draft->skew_ms / 1000),
        .deadline_ms = (uint32_t)draft->timeout_ms,
        .allows_loopback_http = true};

    return draft->is_on ? introspection_new(&o->auth.introspection, &options) : OK;
}

void options_clear_oauth2(struct loading *l)
{
    options_clear(options_oauth2_rows, l);
    free(l->oauth2.issuer);
    free(l->oauth2.audience);
    buf_clear(&l->oauth2.ca_pem);
    buf_clear(&l->oauth2.scopes);
    secret_buf_clear(&l->oauth2.client_secret);
}
