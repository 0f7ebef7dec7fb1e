/* SPDX-License-Identifier: Apache-2.0 */
/* options_hook.c: `auth.hook` of a configuration: which application is asked who sent a request,
 * what of the request it is shown, and where its answer says what. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "message/json_pointer.h"
#include "net/fetch.h"
#include "server/options_load.h"

#define MINUTE_MS ((uint64_t)60 * 1000)

static void add_header(struct hook_draft *draft, struct node *item, struct problems *problems)
{
    char **header = &draft->headers[draft->headers_count];

    if (!option_text(item, header, problems))
        return;
    if (!hook_header_ok(view_of_text(*header)))
        problems_add(problems, item->line, item->column,
                     "`%s` is not forwarded: no header of the connection itself (Host, Sec-..., "
                     "Content-...) and none that only a proxy may say (X-Forwarded-...)",
                     problem_word(item->text).text);
    for (unsigned i = 0; i < draft->headers_count; i++) {
        if (view_eq_nocase(view_of_text(draft->headers[i]), item->text))
            problems_add(problems, item->line, item->column, "`%s` stands here a second time",
                         problem_word(item->text).text);
    }
    draft->headers_count++;
}

static int read_headers(struct node *value, void *target, struct problems *problems)
{
    struct hook_draft *draft = &((struct loading *)target)->hook;

    if (!option_is_list(value, HOOK_HEADERS_MAX, problems))
        return E_INVALID;
    if (value->count == 0)
        problems_add(problems, value->line, value->column,
                     "an empty list: nobody could be told apart; [Cookie] is usual");
    for (struct node *item = value->first; item != NULL; item = item->next)
        add_header(draft, item, problems);
    return OK;
}

const struct option options_hook_rows[] = {
    {.name = "url",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, hook.url),
     .help = "of the application, which answers a GET with 200 and JSON, or with 401 or 403: "
             "https://, or http:// to an address of this machine in digits"},
    {.name = "ca",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, hook.ca),
     .help = "authorities (PEM) to trust there instead of the system's"},
    {.name = "headers",
     .type = OPTION_CUSTOM,
     .custom = read_headers,
     .fallback = "[Cookie]",
     .help = "which headers of the request are forwarded; nothing else of it is"},
    {.name = "user",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, hook.user),
     .fallback = "/user",
     .help = "JSON pointer into the answer: the user"},
    {.name = "roles",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, hook.roles),
     .fallback = "/roles",
     .help = "JSON pointer: the roles, as a list or as one string with blanks"},
    {.name = "tenant",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, hook.tenant),
     .help = "JSON pointer: the tenant; absent: there are none"},
    {.name = "expires_in",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, hook.expires_in),
     .fallback = "/expires_in",
     .help = "JSON pointer: the seconds that the login lasts"},
    {.name = "session",
     .type = OPTION_TEXT,
     .offset = offsetof(struct loading, hook.session),
     .fallback = "/session",
     .help = "JSON pointer: an id of the session, by which it can be ended"},
    {.name = "cache",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, hook.cache_ms),
     .max = 5 * MINUTE_MS,
     .fallback = "5s",
     .help = "a yes is not asked for again so long: as late as that a new connection notices a "
             "logout; 0s: always asked"},
    {.name = "recheck",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, hook.recheck_ms),
     .min = 1000,
     .max = 60 * MINUTE_MS,
     .fallback = "30s",
     .help = "how often the application is asked about an open connection"},
    {.name = "expires",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, hook.expires_ms),
     .min = 1000,
     .max = 24 * 60 * MINUTE_MS,
     .fallback = "1h",
     .help = "how long a login lasts where the answer does not say"},
    {.name = "timeout",
     .type = OPTION_MS,
     .offset = offsetof(struct loading, hook.timeout_ms),
     .min = 100,
     .max = 10 * 1000,
     .fallback = "1500ms",
     .help = "an answer that takes longer is none: the login is refused with 503 or 1013"},
    {0},
};

static void check_pointers(const struct hook_draft *draft, struct node *section,
                           struct problems *problems)
{
    const struct {
        const char *key, *pointer;
    } rows[] = {{"user", draft->user},
                {"roles", draft->roles},
                {"tenant", draft->tenant},
                {"expires_in", draft->expires_in},
                {"session", draft->session}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct node *place = node_member(section, rows[i].key);

        if (place != NULL && rows[i].pointer != NULL &&
            !json_pointer_ok(view_of_text(rows[i].pointer)))
            problems_add(problems, place->line, place->column,
                         "`%s` is no JSON pointer (RFC 6901), such as /%s", rows[i].key,
                         rows[i].key);
    }
}

static void check_times(const struct hook_draft *draft, struct node *section,
                        struct problems *problems)
{
    const char *key = draft->cache_ms % 1000 != 0     ? "cache"
                      : draft->recheck_ms % 1000 != 0 ? "recheck"
                      : draft->expires_ms % 1000 != 0 ? "expires"
                                                      : NULL;
    const struct node *place = key != NULL ? node_member(section, key) : NULL;

    if (place != NULL)
        problems_add(problems, place->line, place->column, "`%s` must be whole seconds", key);
}

void options_finish_hook(struct loading *l, struct node *root, struct problems *problems)
{
    struct node *section = node_member(node_member(root, "auth"), "hook");
    struct hook_draft *draft = &l->hook;
    struct error why = {{0}, 0, 0};
    const struct node *place;

    if (section == NULL || section->type != NODE_MAP)
        return;
    draft->is_on = true;
    place = node_member(section, "url");
    if (place == NULL)
        problems_add(problems, section->line, section->column, "`url` is missing");
    else if (draft->url != NULL && fetch_url_check(view_of_text(draft->url), true, &why) != OK)
        problems_add(problems, place->line, place->column, "`url` %s", why.text);
    check_pointers(draft, section, problems);
    check_times(draft, section, problems);
    if (draft->ca != NULL)
        options_read_authorities(&draft->ca_pem, l, draft->ca, node_member(section, "ca"),
                                 problems);
}

int options_make_hook(struct options *o, const struct loading *l)
{
    const struct hook_draft *draft = &l->hook;
    struct hook_options options = {.url = draft->url,
                                   .ca_pem = buf_view(&draft->ca_pem),
                                   .user = draft->user,
                                   .roles_pointer = draft->roles,
                                   .tenant = draft->tenant,
                                   .expires_in = draft->expires_in,
                                   .session = draft->session,
                                   .roles = &o->policy.roles,
                                   .cache_s = (uint32_t)(draft->cache_ms / 1000),
                                   .recheck_s = (uint32_t)(draft->recheck_ms / 1000),
                                   .expires_s = (uint32_t)(draft->expires_ms / 1000),
                                   .deadline_ms = (uint32_t)draft->timeout_ms,
                                   .allows_loopback_http = true};

    for (unsigned i = 0; i < draft->headers_count; i++)
        options.headers[i] = draft->headers[i];
    return draft->is_on ? hook_new(&o->auth.hook, &options) : OK;
}

void options_clear_hook(struct loading *l)
{
    options_clear(options_hook_rows, l);
    for (unsigned i = 0; i < HOOK_HEADERS_MAX; i++)
        free(l->hook.headers[i]);
    buf_clear(&l->hook.ca_pem);
}
