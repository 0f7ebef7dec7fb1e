/* SPDX-License-Identifier: Apache-2.0 */
/* Open connections are counted by all workers in one number a listener and one a route; a route's
 * outlives a reload. */
#include "server/peer_limits.h"

#include "base/assert.h"
#include "server/limit_table.h"
#include "server/observe.h"

const struct limit_row *peer_limits_of(const struct peer *p, uint64_t roles)
{
    struct limits_place at = {p->listener, p->route, roles};

    return limit_table_row(p->worker->now->limits, &at);
}

void peer_limits_settle(struct peer *p)
{
    const struct generation *g = p->worker->now;
    bool is_echo = p->is_upgraded && g->options->routes[p->route].kind == ROUTE_ECHO;

    p->limits = peer_limits_of(p, p->who != NULL ? p->who->identity.roles : 0);
    if (is_echo)
        p->decoder.limits = &g->limits_echo;
    else
        p->decoder.limits = p->who != NULL ? &p->limits->open : &p->limits->first;
}

/* most 0: as many as come. */
static bool enter(atomic_uint *open, uint64_t most)
{
    unsigned before = atomic_fetch_add_explicit(open, 1, memory_order_relaxed);

    if (most == 0 || before < most)
        return true;
    (void)atomic_fetch_sub_explicit(open, 1, memory_order_relaxed);
    return false;
}

static void leave(atomic_uint *open)
{
    unsigned before = atomic_fetch_sub_explicit(open, 1, memory_order_relaxed);

    ASSERT(before > 0);
}

static bool lets_in(struct peer *p, enum limit_name name, enum refusal why)
{
    struct event would =
        peer_event(p, EVENT_CONNECTION_REFUSED, OUTCOME_REFUSED, refusal_get(why)->code);

    would.status = refusal_get(why)->status;
    return observe_lets(p, name, &would);
}

bool peer_enter_listener(struct peer *p)
{
    atomic_uint *open = &p->worker->server->listener_open[p->listener];

    if (enter(open, p->worker->options->listeners[p->listener].limits.total))
        return true;
    return lets_in(p, LIMIT_PER_LISTENER, REFUSE_LISTENER_FULL) && enter(open, 0);
}

void peer_leave_listener(struct peer *p)
{
    leave(&p->worker->server->listener_open[p->listener]);
}

bool peer_enter_route(struct peer *p)
{
    const struct generation *g = p->worker->now;
    atomic_uint *open = &g->route_counts[p->route]->open;

    p->is_on_route = enter(open, g->options->routes[p->route].limits.total) ||
                     (lets_in(p, LIMIT_PER_ROUTE, REFUSE_ROUTE_FULL) && enter(open, 0));
    return p->is_on_route;
}

void peer_leave_route(struct peer *p, struct route_count *const *counts)
{
    if (p->is_on_route)
        leave(&counts[p->route]->open);
    p->is_on_route = false;
}
