/* SPDX-License-Identifier: Apache-2.0 */
/* ban.c: which failed logins count, and whose. This machine's own addresses and trusted proxies are
 * never banned: behind them are many, and one of those could lock out all others. */
#include "server/ban.h"

#include "base/status.h"
#include "limit/ban_table.h"
#include "server/observe.h"

#define NS_PER_MS ((uint64_t)1000000)

int ban_open(struct server *s)
{
    const struct limit_options *l = &s->options->limits;
    struct ban_limits limits = {.failures = (uint32_t)l->ban_failures,
                                .within_ns = l->ban_within_ms * NS_PER_MS,
                                .first_ns = l->ban_first_ms * NS_PER_MS,
                                .longest_ns = l->ban_longest_ms * NS_PER_MS};

    return limits.failures == 0 ? OK : ban_table_new(&s->bans, &limits);
}

/* What was good once, was never shown, or could not be asked about, is no guess. */
static bool is_guess(struct view word)
{
    static const char *const innocent[] = {
        "asked_party_down",    "auth_unavailable",    "certificate_expired", "certificate_required",
        "credentials_missing", "insufficient_scope",  "lookup_timeout",      "out_of_capacity",
        "scope_missing",       "session_expired",     "session_store_down",  "ticket_expired",
        "token_expired",       "token_not_yet_valid", "too_many_lookups",    "unconfirmed"};

    for (size_t i = 0; i < sizeof(innocent) / sizeof(innocent[0]); i++) {
        if (view_eq(word, view_of_text(innocent[i])))
            return false;
    }
    return true;
}

static bool may_ban(const struct peer *p)
{
    const struct listen_options *o = &p->worker->options->listeners[p->listener];

    return p->worker->server->bans != NULL && !ip_address_is_loopback(&p->ip) &&
           !ip_nets_have(&o->proxies, &p->ip);
}

void ban_note(const struct peer *p, const struct event *event)
{
    struct event told = peer_event(p, EVENT_BANNED, OUTCOME_REFUSED, "failed_logins");
    struct ban ban;

    if (!may_ban(p) || !is_guess(view_of_text(event->code)) || !is_guess(event->detail) ||
        !ban_table_fail(p->worker->server->bans, &p->ip, loop_now_ns(p->worker->loop), &ban))
        return;
    told.count = ban.left_ns / NS_PER_MS / 1000;
    if (observe_is_on(p->worker, LIMIT_BANS))
        observe_tell(p, LIMIT_BANS, &told);
    else
        peer_log(p, &told);
}

uint64_t ban_left_ms(const struct peer *p)
{
    uint64_t left_ns;

    if (peer_prefix(p).family == 0 || !may_ban(p))
        return 0;
    left_ns = ban_table_left_ns(p->worker->server->bans, &p->ip, loop_now_ns(p->worker->loop));
    return left_ns > 0 ? left_ns / NS_PER_MS + 1 : 0;
}
