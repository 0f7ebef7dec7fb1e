/* SPDX-License-Identifier: Apache-2.0 */
/* reload_config.c: which changes of a configuration can come into force while the server runs. What
 * threads, stores and sockets hang on cannot: then nothing changes at all, and the keys are named.
 * What is asked online is borrowed from the first generation, for as long as its own settings stay
 * as they are. */
#include "server/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/hook.h"
#include "auth/introspection.h"
#include "auth/jwks_url.h"
#include "auth/key_set.h"
#include "base/log.h"
#include "base/status.h"

#define TOLD_MAX 50 /* changed keys that are logged one by one */

/* --- what has changed --- */

static bool is_below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(path, prefix, len) == 0 &&
           (path[len] == '\0' || path[len] == '.' || path[len] == '[');
}

static bool may_change(const char *path)
{
    static const char *const prefixes[] = {
        "hosts",
        "origins",
        "routes",
        "roles",
        "channels",
        "auth.timeout",
        "auth.jwt",
        "auth.client_certificates",
        "limits.connections.per_user",
        "limits.observe",
        "limits.roles",
        "injection_engine",
        "limits.messages",
        "limits.subscribes",
        "limits.bytes",
        "limits.control_frames",
        "limits.fragments",
        "limits.memory",
        "limits.message_size",
        "limits.assembly",
        "limits.queue",
        "messages",
        "messages_by",
        "timeouts",
        "log.level",
    };

    if (is_below(path, "listen"))
        return strstr(path, "].tls.") != NULL || strstr(path, "].trusted_proxies") != NULL ||
               strstr(path, "].limits") != NULL;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (is_below(path, prefixes[i]))
            return true;
    return false;
}

struct comparison {
    unsigned changes, fixed; /* fixed: of those, what needs a restart */
    struct error *why;
};

static bool judge_change(void *context, const struct flat_change *change)
{
    struct comparison *c = context;

    c->changes++;
    if (!may_change(change->path) && c->fixed++ == 0)
        error_set(c->why, "%s cannot change without a restart", change->path);
    return true;
}

static bool tell_change(void *context, const struct flat_change *change)
{
    unsigned *told = context;

    if (++*told > TOLD_MAX) {
        log_line(LOG_INFO, "reload: and more");
        return false;
    }
    log_line(LOG_INFO, "reload: %s: %s -> %s", change->path,
             change->before != NULL ? change->before : "(absent)",
             change->after != NULL ? change->after : "(absent)");
    return true;
}

/* --- what must stay as it was --- */

/* Bits of identities in the stores and of live connections count in this order. */
static bool has_same_roles(const struct role_set *a, const struct role_set *b)
{
    bool is_same = a->count == b->count;

    for (uint32_t i = 0; is_same && i < a->count; i++)
        is_same = strcmp(a->roles[i].name, b->roles[i].name) == 0;
    return is_same;
}

static bool has_same_scopes(const struct scope_set *a, const struct scope_set *b)
{
    bool is_same = a->count == b->count;

    for (uint32_t i = 0; is_same && i < a->count; i++)
        is_same = strcmp(a->names[i], b->names[i]) == 0;
    return is_same;
}

static const struct message_type *next_hooked(const struct message_policy *policy, uint32_t *at)
{
    while (*at < policy->count) {
        const struct message_type *type = &policy->types[(*at)++];

        if (type->hook.url != NULL)
            return type;
    }
    return NULL;
}

static bool is_same_text(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static bool is_same_hook(const struct message_type *a, const struct message_type *b)
{
    const struct message_hook *x = &a->hook, *y = &b->hook;

    return strcmp(a->name, b->name) == 0 && is_same_text(x->url, y->url) &&
           is_same_text(x->ca_pem, y->ca_pem) && x->timeout_ms == y->timeout_ms &&
           x->on_unavailable == y->on_unavailable;
}

/* What is known of an application (does it answer?) is kept by the place of its hook among all, and
 * questions that are under way count there too. */
static bool has_same_hooks(const struct message_policy *a, const struct message_policy *b)
{
    const struct message_type *x, *y;
    uint32_t at_a = 0, at_b = 0;

    do {
        x = next_hooked(a, &at_a);
        y = next_hooked(b, &at_b);
        if ((x == NULL) != (y == NULL) || (x != NULL && !is_same_hook(x, y)))
            return false;
    } while (x != NULL);
    return true;
}

/* --- what is borrowed --- */

static bool is_same_value(const struct flat *a, const char *path_a, const struct flat *b,
                          const char *path_b)
{
    const char *x = flat_get(a, path_a), *y = flat_get(b, path_b);

    return (x == NULL) == (y == NULL) && (x == NULL || strcmp(x, y) == 0);
}

/* Algorithms and authorities of a row went into what downloads its keys. */
static bool is_same_source(const struct options *a, uint32_t row_a, const struct options *b,
                           uint32_t row_b)
{
    char path_a[64], path_b[64];

    if (strcmp(jwks_url_text(a->auth.issuers[row_a].jwks_url),
               jwks_url_text(b->auth.issuers[row_b].jwks_url)) != 0)
        return false;
    (void)snprintf(path_a, sizeof(path_a), "auth.jwt[%u].jwks_ca", row_a);
    (void)snprintf(path_b, sizeof(path_b), "auth.jwt[%u].jwks_ca", row_b);
    if (!is_same_value(a->flat, path_a, b->flat, path_b))
        return false;
    for (unsigned i = 0; i < 16; i++) {
        (void)snprintf(path_a, sizeof(path_a), "auth.jwt[%u].algorithms[%u]", row_a, i);
        (void)snprintf(path_b, sizeof(path_b), "auth.jwt[%u].algorithms[%u]", row_b, i);
        if (!is_same_value(a->flat, path_a, b->flat, path_b))
            return false;
    }
    return true;
}

static bool borrow_source(struct options *o, uint32_t row, const struct options *first)
{
    struct jwt_issuer *issuer = &o->auth.issuers[row];

    for (uint32_t i = 0; i < first->auth.issuers_count; i++) {
        const struct jwt_issuer *from = &first->auth.issuers[i];

        if (from->jwks_url == NULL || !is_same_source(o, row, first, i))
            continue;
        jwks_url_free(issuer->jwks_url);
        key_source_free(issuer->public_keys);
        issuer->jwks_url = from->jwks_url;
        issuer->public_keys = from->public_keys;
        return true;
    }
    return false;
}

/* False: a source that the server has not begun with. What was borrowed before it is given back by
 * generation_drop, which finds the others not started: so they are freed here. */
static bool borrow(struct options *o, const struct options *first, struct error *why)
{
    bool is_whole = true;

    for (uint32_t i = 0; i < o->auth.issuers_count; i++) {
        struct jwt_issuer *issuer = &o->auth.issuers[i];

        if (issuer->jwks_url == NULL || borrow_source(o, i, first))
            continue;
        error_set(why, "auth.jwt[%u]: another jwks_url cannot be added without a restart", i);
        jwks_url_free(issuer->jwks_url);
        key_source_free(issuer->public_keys);
        issuer->jwks_url = NULL;
        issuer->public_keys = NULL;
        is_whole = false;
    }
    introspection_free(o->auth.introspection);
    hook_free(o->auth.hook);
    o->auth.introspection = first->auth.introspection;
    o->auth.hook = first->auth.hook;
    o->auth.sessions = first->auth.sessions;
    o->auth.session_cookie = first->auth.session_cookie;
    o->auth.csrf = first->auth.csrf;
    o->auth.tickets = first->auth.tickets;
    o->auth.revocations = first->auth.revocations;
    o->auth.verifier = first->auth.verifier;
    return is_whole;
}

/* --- reading --- */

static int load(struct options **out, const char *path, struct error *why)
{
    struct problems problems;
    int rc;

    problems_init(&problems, path);
    rc = options_load(out, path, &problems);
    for (unsigned i = 0; i < problems.count; i++)
        log_line(LOG_ERROR, "%s:%d:%d: %s", path, problems.items[i].line, problems.items[i].column,
                 problems.items[i].text);
    if (rc != OK && problems.count > 0) {
        error_set(why, "line %d: %s", problems.items[0].line, problems.items[0].text);
        why->line = problems.items[0].line;
    }
    problems_clear(&problems);
    if (rc == OK) /* those of the start stay in force; these must not lie in memory */
        api_keys_forget_secrets(&(*out)->internal.keys);
    return rc;
}

static bool may_replace(const struct options *o, struct server *s, struct comparison *c)
{
    const struct options *first = s->options;

    flat_compare(s->latest->options->flat, o->flat, judge_change, c);
    if (c->fixed > 0)
        return false;
    if (!has_same_hooks(&o->messages, &s->latest->options->messages)) {
        error_set(c->why, "which messages have a `hook`, in which order, and what stands there, "
                          "cannot change without a restart");
        return false;
    }
    if (has_same_roles(&o->policy.roles, &first->policy.roles) &&
        has_same_scopes(&o->policy.scopes, &first->policy.scopes))
        return true;
    error_set(c->why, "the names of roles and scopes, and their order, cannot change without a "
                      "restart");
    return false;
}

int reload_read(struct server *s, struct generation **out, unsigned *changes, struct error *why)
{
    struct comparison c = {.why = why};
    struct options *o = NULL;
    unsigned told = 0;
    int rc;

    *out = NULL;
    *changes = 0;
    if (s->options->path == NULL)
        return OK;
    rc = load(&o, s->options->path, why);
    if (rc != OK)
        return rc;
    if (!may_replace(o, s, &c)) {
        options_free(o);
        return E_INVALID;
    }
    rc = generation_new(out, o, s->latest);
    if (rc != OK) {
        options_free(o);
        return rc;
    }
    if (!borrow(o, s->options, why)) {
        generation_drop(*out);
        *out = NULL;
        return E_INVALID;
    }
    flat_compare(s->latest->options->flat, o->flat, tell_change, &told);
    *changes = c.changes;
    return OK;
}
