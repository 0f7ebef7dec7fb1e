/* SPDX-License-Identifier: Apache-2.0 */
/* gate_client.c: behind a trusted proxy the client's address stands in a header. From then on it is
 * the connection's address, for limits and for the log; what anybody else writes into such a header
 * is never looked at. */
#include "server/gate.h"

#include "server/options.h"

/* Counted by the proxy it would share one limit with all other clients of that proxy. */
static bool count_again(struct peer *p)
{
    struct worker *w = p->worker;
    uint64_t wait_ms = 0;

    peer_leave(p);
    p->has_prefix = true;
    if (peer_enter(p, &wait_ms))
        return true;
    w->refusing++; /* what the end of a connection that is not counted takes back */
    p->deadline_ms = wait_ms;
    gate_turn_away(p);
    return false;
}

bool gate_client(struct peer *p, const struct http1_request *request)
{
    const struct listen_options *o = &p->worker->options->listeners[p->listener];
    struct ip_address client;

    if (!p->by_proxy)
        return true;
    p->by_proxy = false;
    switch (forwarded_client(&client, request, (enum forwarded_header)o->forwarded_header,
                             &o->proxies)) {
    case FORWARDED_CLIENT:
        p->ip = client;
        p->port = 0; /* the proxy's own port says nothing about the client */
        return count_again(p);
    case FORWARDED_NOBODY:
        return count_again(p);
    case FORWARDED_BAD:
        break;
    }
    p->close_reason = "forwarded_malformed";
    gate_refuse(p, REFUSE_MALFORMED, request);
    return false;
}
