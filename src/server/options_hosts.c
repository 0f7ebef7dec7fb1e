/* SPDX-License-Identifier: Apache-2.0 */
/* options_hosts.c: `hosts`, `origins` and `routes` of a configuration: what a request may ask for,
 * and from which pages. Without `hosts` the names are those of the listeners' certificates; a
 * wildcard there is no name, so hosts must be said. */
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/status.h"
#include "crypto/x509.h"
#include "server/gate_login.h"
#include "server/options_limits_load.h"

#define PATH_BYTES_MAX 256

static const char *const kind_names[] = {
    [ROUTE_CHANNELS] = "channels", [ROUTE_ECHO] = "echo", NULL};

static const char *const method_names[] = {[LOGIN_JWT] = "jwt",
                                           [LOGIN_CERTIFICATE] = "certificate",
                                           [LOGIN_TICKET] = "ticket",
                                           [LOGIN_OAUTH2] = "oauth2",
                                           [LOGIN_SESSION] = "session",
                                           [LOGIN_HOOK] = "hook",
                                           NULL};
static const char *const require_names[] = {"one", "all", NULL};

struct route_draft {
    struct own_limits limits; /* first: options_own_limits_rows count from here */
    char *path;
    int kind, require; /* indexes into kind_names, require_names */
    unsigned accepts;  /* 0: not said */
    struct scope_set *known;
    uint64_t scopes;
};

static int read_methods(struct node *value, void *target, struct problems *problems)
{
    struct route_draft *draft = target;
    int which = 0;

    if (!option_is_list(value, 8, problems))
        return E_INVALID;
    if (value->count == 0)
        problems_add(problems, value->line, value->column,
                     "`auth` names no way to log in: leave it out for all that are set up");
    for (struct node *item = value->first; item != NULL; item = item->next)
        if (option_choice(item, method_names, &which, problems))
            draft->accepts |= 1U << which;
    return OK;
}

static int read_route_scopes(struct node *value, void *target, struct problems *problems)
{
    struct route_draft *draft = target;

    draft->scopes = options_scope_list(value, draft->known, problems);
    return OK;
}

const struct option options_route_rows[] = {
    {.name = "path",
     .type = OPTION_TEXT,
     .offset = offsetof(struct route_draft, path),
     .help = "exact path of the request"},
    {.name = "serve",
     .type = OPTION_ENUM,
     .offset = offsetof(struct route_draft, kind),
     .choices = kind_names,
     .fallback = "channels",
     .help = "echo sends everything back, without login: for tests only"},
    {.name = "auth",
     .type = OPTION_CUSTOM,
     .custom = read_methods,
     .help = "[jwt, oauth2, session, hook, certificate, ticket]: ways to log in; absent: all that "
             "`auth` "
             "sets up"},
    {.name = "require",
     .type = OPTION_ENUM,
     .offset = offsetof(struct route_draft, require),
     .choices = require_names,
     .fallback = "one",
     .help = "how many of those ways a connection takes; with all, the token (or the ticket in its "
             "place) says who it is"},
    {.name = "scopes",
     .type = OPTION_CUSTOM,
     .custom = read_route_scopes,
     .help = "scope, or [scopes], all of which a token must have been given to connect"},
    {.name = "limits", .type = OPTION_SECTION, .children = options_own_limits_rows},
    {.name = "guard", .type = OPTION_LATER, .help = "a backend behind gateward"},
    {0},
};

/* IPv6 addresses come with brackets in a Host header but without in certificates; both are taken
 * here. */
static bool parse_host(struct http_host *host, struct view text)
{
    struct ip_address ip;
    char bracketed[IP_TEXT_BYTES + 3];

    if (ip_address_parse(&ip, text) && ip.family == 6 && text.len < IP_TEXT_BYTES) {
        bracketed[0] = '[';
        memcpy(bracketed + 1, text.ptr, text.len);
        bracketed[1 + text.len] = ']';
        return http_host_parse(host, view_of(bracketed, text.len + 2));
    }
    return http_host_parse(host, text);
}

static bool has_host(const struct options *o, const struct http_host *host)
{
    for (uint32_t i = 0; i < o->hosts_count; i++)
        if (strcmp(o->hosts[i].name, host->name) == 0 && o->hosts[i].port == host->port)
            return true;
    return false;
}

int options_read_hosts(struct node *value, void *target, struct problems *problems)
{
    struct options *o = &((struct loading *)target)->o;
    struct http_host host;

    if (!option_is_list(value, HOSTS_MAX, problems))
        return E_INVALID;
    o->hosts = options_alloc(value->count, sizeof(*o->hosts), value, problems);
    for (const struct node *item = value->first; item != NULL && o->hosts != NULL;
         item = item->next) {
        memset(&host, 0, sizeof(host));
        if (item->type != NODE_SCALAR || !parse_host(&host, item->text))
            problems_add(
                problems, item->line, item->column, "`%s` is no host name or address%s",
                problem_word(item->text).text,
                memchr(item->text.ptr != NULL ? item->text.ptr : "", '*', item->text.len) != NULL
                    ? ": a wildcard cannot stand here, list the names"
                    : "");
        else if (has_host(o, &host))
            problems_add(problems, item->line, item->column, "`%s` stands here a second time",
                         problem_word(item->text).text);
        else
            o->hosts[o->hosts_count++] = host;
    }
    return OK;
}

static bool is_same_origin(const struct origin_rule *a, const struct origin_rule *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 &&
           a->port == b->port && a->is_wildcard == b->is_wildcard && a->is_null == b->is_null &&
           a->is_opaque == b->is_opaque;
}

static void add_origin(struct options *o, const struct node *item, struct problems *problems)
{
    struct origin_rule rule;
    struct error why = {{0}, 0, 0};

    memset(&rule, 0, sizeof(rule));
    if (item->type == NODE_NULL) {
        problems_add(problems, item->line, item->column,
                     "an empty origin; the origin that browsers call null is written \"null\", and "
                     "lets any page in");
        return;
    }
    if (item->type != NODE_SCALAR || origin_rule_parse(&rule, item->text, &why) != OK) {
        problems_add(problems, item->line, item->column, "`%s` is no origin%s%s",
                     problem_word(item->text).text, why.text[0] != '\0' ? ": " : "", why.text);
        return;
    }
    for (uint32_t i = 0; i < o->origins_count; i++) {
        if (!is_same_origin(&o->origins[i], &rule))
            continue;
        problems_add(problems, item->line, item->column, "`%s` stands here a second time",
                     problem_word(item->text).text);
        return;
    }
    o->origins[o->origins_count++] = rule;
}

int options_read_origins(struct node *value, void *target, struct problems *problems)
{
    struct options *o = &((struct loading *)target)->o;

    if (!option_is_list(value, ORIGINS_MAX, problems))
        return E_INVALID;
    o->origins = options_alloc(value->count, sizeof(*o->origins), value, problems);
    for (const struct node *item = value->first; item != NULL && o->origins != NULL;
         item = item->next)
        add_origin(o, item, problems);
    return OK;
}

/* Only what no client and no proxy rewrites on the way: no escapes, no empty or dot segments, no
 * query. */
static bool path_ok(const char *path)
{
    size_t len = strlen(path);

    if (path[0] != '/' || len > PATH_BYTES_MAX || strstr(path, "//") != NULL ||
        strstr(path, "/.") != NULL)
        return false;
    return strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/") ==
           len;
}

static void add_route(struct options *o, struct node *entry, struct problems *problems)
{
    struct node *place = node_member(entry, "path");
    struct route_draft draft = {.known = &o->policy.scopes};

    options_read(options_route_rows, entry, &draft, problems);
    if (place == NULL && entry->type == NODE_MAP)
        problems_add(problems, entry->line, entry->column, "a route needs a `path`");
    if (draft.path == NULL)
        return;
    if (!path_ok(draft.path))
        problems_add(problems, place->line, place->column,
                     "`%s` is no path: it begins with / and holds A-Z a-z 0-9 - . _ ~ /",
                     problem_word(view_of_text(draft.path)).text);
    for (uint32_t i = 0; i < o->routes_count; i++)
        if (strcmp(o->routes[i].path, draft.path) == 0)
            problems_add(problems, place->line, place->column, "two routes have the path %s",
                         problem_word(view_of_text(draft.path)).text);
    if (draft.kind == ROUTE_ECHO && (draft.accepts != 0 || draft.require != 0 || draft.scopes != 0))
        problems_add(problems, entry->line, entry->column, "an echo route has no login");
    if (draft.kind == ROUTE_ECHO && own_limits_are_said(&draft.limits))
        problems_add(problems, entry->line, entry->column,
                     "an echo route has fixed limits; only connections.total can be said");
    options_check_own_limits(node_member(entry, "limits"), &draft.limits, problems);
    o->routes[o->routes_count++] = (struct route_options){
        .path = draft.path,
        .kind = (enum route_kind)draft.kind,
        .accepts = draft.accepts,
        .requires_all = strcmp(require_names[draft.require], "all") == 0,
        .scopes = draft.scopes,
        .limits = draft.limits,
    };
}

int options_read_routes(struct node *value, void *target, struct problems *problems)
{
    struct options *o = &((struct loading *)target)->o;

    if (!option_is_list(value, ROUTES_MAX, problems))
        return E_INVALID;
    if (value->count == 0)
        problems_add(problems, value->line, value->column,
                     "`routes` names no route: leave it out for one channels route at /ws");
    o->routes = options_alloc(value->count, sizeof(*o->routes), value, problems);
    for (struct node *entry = value->first; entry != NULL && o->routes != NULL; entry = entry->next)
        add_route(o, entry, problems);
    return OK;
}

static bool asks_certificates(const struct options *o)
{
    for (uint32_t i = 0; i < o->listeners_count; i++)
        for (uint32_t k = 0; k < o->listeners[i].tls.sites_count; k++)
            if (o->listeners[i].tls.sites[k].client != TLS_CLIENT_OFF)
                return true;
    return false;
}

static bool makes_tickets(const struct loading *l)
{
    return (api_keys_scopes(&l->o.internal.keys) & API_SCOPE_TICKETS) != 0 || l->o.sessions.is_on ||
           l->hook.is_on;
}

/* The ways to log in that are set up, one bit each. */
static unsigned methods_there(const struct loading *l)
{
    const struct options *o = &l->o;

    return (o->auth.issuers_count > 0 ? 1U << LOGIN_JWT : 0) |
           (o->auth.certificates_count > 0 ? 1U << LOGIN_CERTIFICATE : 0) |
           (l->oauth2.is_on ? 1U << LOGIN_OAUTH2 : 0) |
           (o->sessions.is_on ? 1U << LOGIN_SESSION : 0) | (l->hook.is_on ? 1U << LOGIN_HOOK : 0) |
           (makes_tickets(l) ? 1U << LOGIN_TICKET : 0);
}

/* Which ways to log in a route has, among those that are set up. */
static void finish_methods(const struct loading *l, struct route_options *route,
                           struct problems *problems)
{
    static const char *const missing[] = {
        [LOGIN_JWT] = "`auth.jwt` is missing",
        [LOGIN_CERTIFICATE] = "`auth.client_certificates` is missing",
        [LOGIN_TICKET] = "no key under `internal.keys` has the scope `tickets`",
        [LOGIN_OAUTH2] = "`auth.oauth2` is missing",
        [LOGIN_SESSION] = "`auth.sessions` is missing",
        [LOGIN_HOOK] = "`auth.hook` is missing"};
    const unsigned there = methods_there(l), certificate = 1U << LOGIN_CERTIFICATE;

    if ((l->o.sessions.is_on || l->hook.is_on) &&
        view_eq(GATE_TICKET_PATH, view_of_text(route->path)))
        problems_add(problems, 0, 0,
                     "no route can be %s: with `auth.sessions` or `auth.hook`, pages get their "
                     "tickets there",
                     route->path);
    if (route->kind == ROUTE_ECHO)
        return;
    if (route->accepts == 0)
        route->accepts = there;
    for (unsigned i = 0; method_names[i] != NULL; i++)
        if ((route->accepts & ~there & 1U << i) != 0)
            problems_add(problems, 0, 0, "the route %s takes %s, but %s", route->path,
                         method_names[i], missing[i]);
    if (route->requires_all &&
        ((route->accepts & certificate) == 0 || (route->accepts & ~certificate) == 0))
        problems_add(problems, 0, 0,
                     "the route %s requires all of one way to log in: auth: [jwt, certificate] is "
                     "what it means",
                     route->path);
}

void options_finish_routes(struct loading *l, struct problems *problems)
{
    struct options *o = &l->o;
    bool serves_channels = false;

    if (o->routes == NULL) {
        o->routes = calloc(1, sizeof(*o->routes));
        if (o->routes == NULL || (o->routes[0].path = strdup("/ws")) == NULL) {
            problems_add(problems, 0, 0, "out of memory");
            return;
        }
        o->routes_count = 1;
    }
    for (uint32_t i = 0; i < o->routes_count; i++)
        serves_channels = serves_channels || o->routes[i].kind == ROUTE_CHANNELS;
    if (problems->errors != l->errors_before)
        return;
    for (uint32_t i = 0; i < o->routes_count; i++)
        finish_methods(l, &o->routes[i], problems);
    if (o->auth.certificates_count > 0 && !asks_certificates(o))
        problems_add(problems, 0, 0,
                     "`auth.client_certificates` is never asked for: set "
                     "listen[].tls.client_certificates to optional or required");
    if (serves_channels && methods_there(l) == 0)
        problems_add(problems, 0, 0,
                     "nobody could log in: `auth.jwt` is missing. For example\n"
                     "  auth: {jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, issuer: "
                     "null, audience: null}]}");
}

/* Names found for one listener. */
struct names {
    struct options *o;
    struct problems *problems;
    bool has_any, has_wildcard, is_full;
};

static void add_name(void *context, const char *name)
{
    struct names *names = context;
    struct http_host host;

    memset(&host, 0, sizeof(host));
    if (strchr(name, '*') != NULL) {
        names->has_wildcard = true;
        return;
    }
    if (!parse_host(&host, view_of_text(name)))
        return; /* a common name may be anything */
    names->has_any = true;
    if (has_host(names->o, &host))
        return;
    if (names->o->hosts_count >= HOSTS_MAX) {
        names->is_full = true;
        return;
    }
    names->o->hosts[names->o->hosts_count++] = host;
}

static void certificate_names(struct names *names, const struct listen_options *listener,
                              const struct tls_site_options *site)
{
    struct error why = {{0}, 0, 0};

    names->has_any = names->has_wildcard = false;
    for (uint32_t i = 0; i < site->names_count; i++)
        add_name(names, site->names[i]);
    if (site->names_count == 0 && x509_file_names(site->cert_path, add_name, names, &why) != OK)
        problems_add(names->problems, listener->line, 1, "%s: %s", site->cert_path, why.text);
    else if (names->has_wildcard)
        problems_add(names->problems, listener->line, 1,
                     "%s stands for many names (*.): list under `hosts` those that clients use",
                     site->cert_path);
    else if (!names->has_any)
        problems_add(names->problems, listener->line, 1,
                     "%s holds no host name: list under `hosts` those that clients use",
                     site->cert_path);
}

static void local_names(struct names *names, const struct listen_options *listener)
{
    char text[IP_TEXT_BYTES];

    add_name(names, "localhost");
    add_name(names, "127.0.0.1");
    add_name(names, "::1");
    if (listener->address.ip.family != 0) {
        ip_address_text(&listener->address.ip, text);
        add_name(names, text);
    }
}

void options_finish_hosts(struct loading *l, struct problems *problems)
{
    struct options *o = &l->o;

    if (problems->errors != l->errors_before || o->hosts_count > 0)
        return; /* listeners that are wrong have no names worth telling of */
    free(o->hosts);
    o->hosts = calloc(HOSTS_MAX, sizeof(*o->hosts));
    for (uint32_t i = 0; i < o->listeners_count && o->hosts != NULL; i++) {
        const struct listen_options *listener = &o->listeners[i];
        struct names names = {.o = o, .problems = problems};

        for (uint32_t k = 0; k < listener->tls.sites_count; k++)
            certificate_names(&names, listener, &listener->tls.sites[k]);
        if (listener->tls.sites_count == 0 && listen_address_is_local(&listener->address))
            local_names(&names, listener);
        else if (listener->tls.sites_count == 0)
            problems_add(problems, listener->line, 1,
                         "%s has no certificate to take names from: list under `hosts` the names "
                         "that clients use",
                         listener->address_text);
        if (names.is_full)
            problems_add(problems, listener->line, 1,
                         "more than %d names in certificates: list `hosts`", HOSTS_MAX);
    }
    if (o->hosts == NULL)
        problems_add(problems, 0, 0, "out of memory");
}
