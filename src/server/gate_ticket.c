/* SPDX-License-Identifier: Apache-2.0 */
/* gate_ticket.c: the one-time ticket of a handshake: ?ticket= in the query, the only part of a
 * query that anyone here reads. Nothing in it is decoded: a ticket needs no escapes. */
#include "auth/auth.h"
#include "server/login.h"
#include "server/peer.h"
#include "wire/http1.h"

/* How many parameters are called `ticket`; *value gets the first. */
static unsigned find(struct view query, struct view *value)
{
    unsigned count = 0;

    while (query.len > 0) {
        struct view parameter, name, text;

        (void)view_split(query, '&', &parameter, &query);
        (void)view_split(parameter, '=', &name, &text);
        if (!view_eq(name, VIEW("ticket")))
            continue;
        if (count++ == 0)
            *value = text;
    }
    return count;
}

bool gate_shows_ticket(const struct peer *p, const struct http1_request *request)
{
    struct view value;

    return p->worker->server->options->routes[p->route].kind == ROUTE_CHANNELS &&
           find(request->query, &value) > 0;
}

enum refusal gate_ticket(struct peer *p, const struct http1_request *request,
                         struct identity *identity, bool *has_identity)
{
    struct worker *w = p->worker;
    struct credential credential = {.kind = CREDENTIAL_TICKET, .now_ms = loop_now_ms(w->loop)};
    const struct http1_header *origin = NULL;
    const char *fault = NULL;
    enum auth_verdict verdict;

    *has_identity = false;
    if (find(request->query, &credential.token) > 1)
        return REFUSE_CREDENTIALS_REPEATED;
    if (http1_find(request, VIEW("Origin"), &origin) > 0)
        credential.origin = origin->value;
    if (!login_accepts(p, LOGIN_TICKET)) {
        p->close_reason = "ticket_not_taken";
        return REFUSE_TICKET;
    }
    arena_reset(&w->arena);
    verdict = auth_check(&w->server->options->auth, &credential, loop_wall_s(w->loop), &w->arena,
                         identity, &fault);
    if (verdict == AUTH_UNAVAILABLE)
        return REFUSE_FULL;
    if (verdict != AUTH_OK) {
        p->close_reason = fault;
        return REFUSE_TICKET;
    }
    login_bind(p, identity);
    *has_identity = true;
    return REFUSE_NONE;
}
