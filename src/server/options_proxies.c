/* SPDX-License-Identifier: Apache-2.0 */
/* options_proxies.c: of a listener, whose word about a client's address is taken, and how it is
 * said. */
#include "server/options_proxies.h"

#include <stdlib.h>

#include "base/status.h"

const char *const options_forwarded_words[] = {
    [FORWARDED_X_FORWARDED_FOR] = "X-Forwarded-For", [FORWARDED_RFC7239] = "Forwarded", NULL};

static void add_proxy(struct ip_nets *nets, const struct node *item, struct problems *problems)
{
    struct ip_net *net = &nets->list[nets->count];

    if (item->type != NODE_SCALAR || !ip_net_parse(net, item->text))
        problems_add(
            problems, item->line, item->column,
            "`%s` is no network: write 10.0.0.0/8 (zeros behind the prefix), 2001:db8::/32, "
            "one address, or unix",
            problem_word(item->text).text);
    else if (net->start.family != 0 && net->bits == 0)
        problems_add(problems, item->line, item->column,
                     "`%s` would let everyone choose the address they are known by; name the "
                     "proxies",
                     problem_word(item->text).text);
    else
        nets->count++;
}

int options_read_proxies(struct node *value, void *target, struct problems *problems)
{
    struct listener_draft *draft = target;

    if (!option_is_list(value, PROXIES_MAX, problems))
        return E_INVALID;
    draft->proxies.list =
        options_alloc(value->count, sizeof(*draft->proxies.list), value, problems);
    for (const struct node *item = value->first; item != NULL && draft->proxies.list != NULL;
         item = item->next)
        add_proxy(&draft->proxies, item, problems);
    return OK;
}

void options_finish_proxies(struct listen_options *out, struct listener_draft *draft,
                            struct node *entry, struct problems *problems)
{
    const struct node *proxy = node_member(entry, "proxy_protocol");
    const struct node *header = node_member(entry, "forwarded_header");
    bool names_nobody = node_member(entry, "trusted_proxies") == NULL ||
                        node_member(entry, "trusted_proxies")->count == 0;

    if (draft->proxy_protocol && names_nobody)
        problems_add(problems, proxy->line, proxy->column,
                     "`proxy_protocol` needs `trusted_proxies`: whoever may send the header may "
                     "say any address");
    if (header != NULL && names_nobody)
        problems_add(problems, header->line, header->column,
                     "`forwarded_header` needs `trusted_proxies`: nobody else's headers are read");
    if (header != NULL && draft->proxy_protocol)
        problems_add(problems, header->line, header->column,
                     "`forwarded_header` is not read where `proxy_protocol` is true");
    out->proxies = draft->proxies;
    out->proxy_protocol = draft->proxy_protocol;
    out->forwarded_header = draft->forwarded_header;
    draft->proxies = (struct ip_nets){NULL, 0};
}
