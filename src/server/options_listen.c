/* SPDX-License-Identifier: Apache-2.0 */
/* options_listen.c: `listen` of a configuration: addresses, and where plaintext is allowed. What
 * stands under `tls` is read by options_tls.c. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "server/options_limits_load.h"
#include "server/options_proxies.h"

const struct option options_listener_rows[] = {
    {.name = "address",
     .type = OPTION_TEXT,
     .offset = offsetof(struct listener_draft, address),
     .help = "127.0.0.1:8443, [::1]:8443 or unix:/path; port 0: the system chooses"},
    {.name = "tls", .type = OPTION_SECTION, .children = options_tls_rows},
    {.name = "insecure_plaintext",
     .type = OPTION_BOOL,
     .offset = offsetof(struct listener_draft, insecure_plaintext),
     .fallback = "false",
     .help = "allows a listener without tls on an address others can reach"},
    {.name = "trusted_proxies",
     .type = OPTION_CUSTOM,
     .custom = options_read_proxies,
     .help = "[10.0.0.0/8, 192.0.2.1, unix]: peers whose word about the client's address counts; "
             "absent: nobody's"},
    {.name = "forwarded_header",
     .type = OPTION_ENUM,
     .offset = offsetof(struct listener_draft, forwarded_header),
     .choices = options_forwarded_words,
     .fallback = "X-Forwarded-For",
     .help = "the header in which they say it, X-Forwarded-For or Forwarded (RFC 7239); the other "
             "one is not read"},
    {.name = "proxy_protocol",
     .type = OPTION_BOOL,
     .offset = offsetof(struct listener_draft, proxy_protocol),
     .fallback = "false",
     .help = "they say it by a PROXY protocol header (v1 or v2) instead, and nobody else may "
             "connect"},
    {.name = "limits", .type = OPTION_SECTION, .children = options_own_limits_rows},
    {0},
};

/* Nobody gets plaintext beyond this machine without having said so by name (guide-coverage: WSS).
 */
static void check_plaintext(const struct listen_options *listener, const struct node *place,
                            struct problems *problems)
{
    if (listener->insecure_plaintext || listen_address_is_local(&listener->address))
        return;
    problems_add(
        problems, place->line, place->column,
        "%s without `tls` would let everyone on the way read and change messages. Add tls: {cert: "
        "FILE, key: FILE}, "
        "listen on 127.0.0.1, or say insecure_plaintext: true if a proxy in front does TLS",
        problem_word(view_of_text(listener->address_text)).text);
}

static bool is_double(const struct loading *l, const struct listen_options *listener)
{
    for (uint32_t i = 0; i < l->o.listeners_count; i++)
        if (strcmp(l->o.listeners[i].address_text, listener->address_text) == 0 &&
            (listener->address.port != 0 || listener->address.unix_path[0] != '\0'))
            return true;
    return false;
}

static void listener_clear(struct listen_options *listener)
{
    free(listener->address_text);
    free(listener->proxies.list);
    options_clear_tls(&listener->tls);
    memset(listener, 0, sizeof(*listener));
}

static void add_listener(struct loading *l, struct node *entry, struct problems *problems)
{
    struct listen_options *listener = &l->o.listeners[l->o.listeners_count];
    struct node *place = node_member(entry, "address"), *tls = node_member(entry, "tls");
    struct listener_draft draft = {.tls = tls};
    struct error why = {{0}, 0, 0};

    options_read(options_listener_rows, entry, &draft, problems);
    if (place == NULL && entry->type == NODE_MAP)
        problems_add(problems, entry->line, entry->column, "a listener needs an `address`");
    listener->address_text = draft.address;
    listener->line = entry->line;
    listener->insecure_plaintext = draft.insecure_plaintext || l->insecure_plaintext;
    listener->limits = draft.limits;
    options_check_own_limits(node_member(entry, "limits"), &draft.limits, problems);
    options_finish_proxies(listener, &draft, entry, problems);
    if (tls != NULL)
        options_finish_tls(l, listener, &draft, problems);
    if (draft.address != NULL &&
        listen_address_parse(&listener->address, draft.address, &why) != OK)
        problems_add(problems, place->line, place->column, "`address`: %s", why.text);
    else if (draft.address != NULL && tls == NULL)
        check_plaintext(listener, place, problems);
    options_clear(options_tls_rows, &draft);
    if (draft.address == NULL) {
        listener_clear(listener);
        return;
    }
    if (is_double(l, listener))
        problems_add(problems, place->line, place->column, "two listeners have the address %s",
                     problem_word(view_of_text(draft.address)).text);
    l->o.listeners_count++;
}

int options_read_listen(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;

    if (!option_is_list(value, LISTENERS_MAX, problems))
        return E_INVALID;
    if (value->count == 0)
        problems_add(
            problems, value->line, value->column,
            "`listen` names no listener: listen: [{address: 127.0.0.1:8080}] is the smallest");
    l->o.listeners = options_alloc(value->count, sizeof(*l->o.listeners), value, problems);
    if (l->o.listeners == NULL)
        return E_INVALID;
    for (struct node *entry = value->first; entry != NULL; entry = entry->next)
        add_listener(l, entry, problems);
    return OK;
}

void options_clear_listen(struct options *o)
{
    for (uint32_t i = 0; i < o->listeners_count; i++)
        listener_clear(&o->listeners[i]);
    for (uint32_t i = 0; i < o->routes_count; i++)
        free(o->routes[i].path);
    free(o->listeners);
    free(o->routes);
    free(o->hosts);
    free(o->origins);
}
