/* SPDX-License-Identifier: Apache-2.0 */
/* gate_issue.c: POST /ticket: a page trades the session of its cookie, and the CSRF token that the
 * application gave it, for a one-time ticket. The only answer here that a page of another origin
 * may read, and then only one of the list (Fetch standard, CORS protocol). */
#include "server/gate_login.h"

#include "auth/session_store.h"
#include "auth/ticket.h"
#include "base/json_out.h"
#include "server/gate.h"
#include "server/login.h"
#include "wire/http_answer.h"

#define ANSWER_BYTES 2048

bool gate_is_ticket_path(const struct peer *p, const struct http1_request *request)
{
    const struct auth *auth = &p->worker->options->auth;

    return auth->tickets != NULL && (auth->sessions != NULL || auth->hook != NULL) &&
           view_eq(request->path, GATE_TICKET_PATH);
}

static void answer(struct peer *p, const struct http1_request *request, struct http_answer *a)
{
    uint8_t bytes[ANSWER_BYTES];
    char headers[1024];
    struct wr w = wr_of(bytes, sizeof(bytes));
    struct wr extra = wr_of(headers, sizeof(headers));

    wr_text(&extra, "Cache-Control: no-store\r\nVary: Origin\r\nAccess-Control-Allow-Origin: ");
    wr_view(&extra, gate_origin(request)); /* on the list, so of its grammar */
    wr_text(&extra, "\r\nAccess-Control-Allow-Credentials: true\r\n");
    if (a->status == 204)
        wr_text(&extra, "Access-Control-Allow-Methods: POST\r\nAccess-Control-Allow-Headers: "
                        "X-CSRF-Token\r\nAccess-Control-Max-Age: 600\r\n");
    wr_u8(&extra, '\0');
    a->extra_headers = headers;
    a->is_tls = p->is_tls;
    http_answer_encode(&w, a);
    if (extra.failed || w.failed || conn_write(&p->conn, bytes, wr_len(&w)) != OK) {
        conn_abort(&p->conn);
        return;
    }
    peer_linger(p);
}

/* A body has nothing to say here, and what cannot be framed must not be skipped. */
static bool has_body(const struct http1_request *request)
{
    const struct http1_header *length;
    unsigned count = http1_find(request, VIEW("Content-Length"), &length);

    return http1_find(request, VIEW("Transfer-Encoding"), NULL) > 0 || count > 1 ||
           (count == 1 && !view_eq(length->value, VIEW("0")));
}

static enum refusal check_csrf(struct peer *p, const struct http1_request *request,
                               const struct gate_login *g)
{
    const struct http1_header *header = NULL;
    enum csrf_fault fault;

    if (p->worker->options->auth.csrf == NULL || !g->by_cookie)
        return REFUSE_NONE;
    if (http1_find(request, VIEW("X-CSRF-Token"), &header) > 1)
        return REFUSE_CREDENTIALS_REPEATED;
    fault = header == NULL ? CSRF_MISSING
                           : login_csrf_check(p, &g->who, gate_origin(request), header->value);
    if (fault == CSRF_OK)
        return REFUSE_NONE;
    p->close_reason = csrf_fault_text(fault); /* to the event log only */
    return REFUSE_CSRF;
}

static void issue(struct peer *p, const struct http1_request *request, const struct identity *who)
{
    struct worker *w = p->worker;
    struct ticket_offer offer = {
        .who = *who, .origin = gate_origin(request), .ttl_s = TICKET_TTL_S_MAX};
    const struct standing *standing = &peer_pending(p)->standing;
    char text[TICKET_TEXT_BYTES];
    uint8_t body[256];
    struct wr out = wr_of(body, sizeof(body));
    struct http_answer a = {.status = 200, .phrase = "OK", .content_type = "application/json"};
    struct event event = peer_event(p, EVENT_TICKET_ISSUED, OUTCOME_OK, NULL);

    offer.who.method = IDENTITY_TICKET;
    /* What has been revoked was asked just now; the ticket is no older than this moment, however
     * long the session is, or where nobody knows. */
    offer.who.issued_at_s = loop_wall_s(w->loop);
    if (standing->kind == CREDENTIAL_SESSION)
        offer.session = view_of(standing->token, standing->token_bytes);
    offer.who.recheck_at_s = 0;
    if (tickets_issue(w->options->auth.tickets, &offer, loop_now_ms(w->loop), text) != OK) {
        gate_refuse(p, REFUSE_FULL, request);
        return;
    }
    event.user = view_of(who->user, who->user_bytes);
    event.origin = offer.origin;
    peer_log(p, &event);
    json_out_open(&out);
    json_out_member(&out, "ticket", view_of_text(text));
    json_out_member_u64(&out, "expires_in", TICKET_TTL_S_MAX);
    json_out_member(&out, "url_parameter", VIEW("ticket"));
    json_out_close(&out);
    wr_u8(&out, '\n');
    a.body = view_of(body, wr_len(&out));
    answer(p, request, &a);
}

/* The path belongs to no route: which ways to log in it takes is what all routes take together. */
static enum refusal ask(struct peer *p, const struct http1_request *request, struct gate_login *g)
{
    enum refusal why = REFUSE_NONE;

    if (http1_find(request, VIEW("Origin"), NULL) == 0)
        why = REFUSE_ORIGIN_MISSING;
    if (why == REFUSE_NONE)
        why = gate_ask_origin(p, request);
    if (why == REFUSE_NONE && !gate_fetch_mode_ok(request, VIEW("cors"), VIEW("same-origin")))
        why = REFUSE_ORIGIN;
    if (why != REFUSE_NONE || view_eq(request->method, VIEW("OPTIONS")))
        return why;
    if (!view_eq(request->method, VIEW("POST")))
        return REFUSE_METHOD_POST;
    if (has_body(request))
        return REFUSE_BODY;
    if (p->worker->is_draining)
        return REFUSE_DRAINING;
    why = gate_login_cookie(p, request, g);
    if (why != REFUSE_NONE || g->is_waiting)
        return why;
    return g->has_identity ? check_csrf(p, request, g) : REFUSE_SESSION;
}

/* The first route that lets cookies in and takes the ticket for them. */
static bool choose_route(struct peer *p)
{
    const struct options *o = p->worker->options;

    for (uint32_t i = 0; i < o->routes_count; i++) {
        p->route = (uint8_t)i;
        if (login_accepts(p, LOGIN_TICKET) &&
            (login_accepts(p, LOGIN_SESSION) || login_accepts(p, LOGIN_HOOK)))
            return true;
    }
    return false;
}

bool gate_issue_ticket(struct peer *p, const struct http1_request *request,
                       const struct lookup *lookup)
{
    struct gate_login g = {.answer = lookup};
    struct http_answer none = {.status = 204, .phrase = "No Content"};
    enum refusal why = choose_route(p) ? ask(p, request, &g) : REFUSE_NOT_FOUND;

    if (why != REFUSE_NONE)
        gate_refuse(p, why, request);
    else if (view_eq(request->method, VIEW("OPTIONS")))
        answer(p, request, &none);
    else if (!g.is_waiting)
        issue(p, request, &g.who);
    login_pending_clear(p);
    return !g.is_waiting;
}
