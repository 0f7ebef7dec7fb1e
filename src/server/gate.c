/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP phase: one request head, then either the 101 or one refusal. The order of the questions
 * is the order in which they get more expensive; nothing of the request is ever reflected. */
#include "server/gate.h"

#include "auth/introspection.h"
#include "auth/origin.h"
#include "base/random.h"
#include "crypto/secret.h"
#include "server/ask.h"
#include "server/gate_login.h"
#include "server/login.h"
#include "server/memory.h"
#include "server/options.h"
#include "server/peer_limits.h"
#include "wire/http1.h"
#include "wire/http_answer.h"
#include "wire/http_host.h"

#define HEAD_BYTES_MAX 4096 /* of our own answers */
#define SUBPROTOCOL    VIEW("gateward.v1")
/* A head, and what one turn may still bring behind it. */
#define HELD_BYTES_MAX (HTTP1_HEAD_MAX + 1 + 256 * 1024)

static void log_refusal(struct peer *p, enum refusal why, const struct http1_request *request)
{
    enum event_type type = why == REFUSE_ORIGIN           ? EVENT_ORIGIN_REFUSED
                           : why == REFUSE_ORIGIN_MISSING ? EVENT_ORIGIN_MISSING
                           : why == REFUSE_CSRF           ? EVENT_CSRF_REFUSED
                           : why == REFUSE_CREDENTIALS    ? EVENT_AUTH_FAILED
                           : why == REFUSE_TICKET         ? EVENT_AUTH_FAILED
                           : why == REFUSE_SESSION        ? EVENT_AUTH_FAILED
                           : why == REFUSE_SCOPE          ? EVENT_AUTH_FAILED
                           : why == REFUSE_NO_CREDENTIALS ? EVENT_AUTH_FAILED
                                                          : EVENT_HANDSHAKE_REFUSED;
    struct event event = peer_event(p, type, OUTCOME_REFUSED, refusal_get(why)->code);
    const struct http1_header *header;

    event.status = refusal_get(why)->status;
    if (request != NULL) {
        event.path = request->path;
        if (http1_find(request, VIEW("Origin"), &header) > 0)
            event.origin = header->value;
        if (http1_find(request, VIEW("Host"), &header) > 0)
            event.host = header->value;
    }
    if ((why == REFUSE_TICKET || why == REFUSE_SESSION || why == REFUSE_CSRF) &&
        p->close_reason != NULL)
        event.code = p->close_reason; /* which of them the client is not told */
    else
        event.detail = view_of_text(p->close_reason);
    peer_log(p, &event);
}

static void answer_and_end(struct peer *p, const struct wr *w)
{
    if (w->failed || conn_write(&p->conn, w->start, wr_len(w)) != OK) {
        conn_abort(&p->conn);
        return;
    }
    peer_linger(p);
}

/* Whoever has shown a good token is told which scopes are enough: those of the route, and those
 * without which no token that is asked about is taken. */
static void answer_scope(struct wr *w, const struct peer *p)
{
    const struct options *o = p->worker->options;
    const struct route_options *route = &o->routes[p->route];
    bool asks = o->auth.introspection != NULL && (route->accepts >> LOGIN_OAUTH2 & 1) != 0;
    uint64_t bits = route->scopes | (asks ? introspection_scopes(o->auth.introspection) : 0);
    char text[REFUSAL_SCOPES_MAX + 1];
    struct wr scopes = wr_of(text, sizeof(text));

    scope_set_write(&scopes, &o->policy.scopes, bits);
    refusal_answer_scopes(w, view_of(text, scopes.failed ? 0 : wr_len(&scopes)), p->is_tls);
}

void gate_refuse(struct peer *p, enum refusal why, const struct http1_request *request)
{
    uint8_t bytes[HEAD_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));
    unsigned retry_after_s = 1 + random_jitter(&p->worker->jitter, 5);

    ask_drop(p);
    p->worker->metrics.refused[why]++;
    log_refusal(p, why, request);
    if (why == REFUSE_SCOPE)
        answer_scope(&w, p);
    else
        refusal_answer(&w, why, retry_after_s, p->is_tls);
    answer_and_end(p, &w);
}

void gate_turn_away(struct peer *p)
{
    uint8_t bytes[HEAD_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));
    unsigned wait_s = p->deadline_ms > 3600000 ? 3600 : (unsigned)(p->deadline_ms / 1000);

    p->worker->metrics.refused[p->turned_away]++;
    refusal_answer(&w, (enum refusal)p->turned_away,
                   wait_s + 1 + random_jitter(&p->worker->jitter, 5), p->is_tls);
    answer_and_end(p, &w);
}

/* --- the questions --- */

static enum refusal ask_host(const struct peer *p, const struct http1_request *request)
{
    const struct options *o = p->worker->options;
    const struct http1_header *header;
    struct http_host host, target;

    if (http1_find(request, VIEW("Host"), &header) != 1 || !http_host_parse(&host, header->value))
        return REFUSE_HOST_MISSING;
    if (request->authority.ptr != NULL &&
        (!http_host_parse(&target, request->authority) || target.name_bytes != host.name_bytes ||
         memcmp(target.name, host.name, host.name_bytes) != 0))
        return REFUSE_HOST_MISSING; /* two hosts in one request: whoever reads the other one is
                                       deceived */
    for (uint32_t i = 0; i < o->hosts_count; i++) {
        const struct http_host *known = &o->hosts[i];
        if (known->name_bytes == host.name_bytes &&
            memcmp(known->name, host.name, host.name_bytes) == 0 &&
            (known->port == 0 || known->port == host.port))
            return conn_serves_host(&p->conn, view_of(host.name, host.name_bytes))
                       ? REFUSE_NONE
                       : REFUSE_HOST_OTHER;
    }
    return REFUSE_HOST_UNKNOWN;
}

/* A browser says so by a cookie or by Sec-Fetch-*; then an absent Origin is no excuse (W-02). The
 * one header it never sends alone is `Sec-Fetch-Mode: websocket` (Fetch Metadata: Sec-Fetch-Site
 * comes with it); by itself it is the mark of the WebSocket built into Node, which has no origin to
 * name. */
static bool is_browser_header(const struct http1_header *header)
{
    const struct view prefix = VIEW("Sec-Fetch-");
    struct view start = header->name;

    if (view_eq_nocase(header->name, VIEW("Cookie")))
        return true;
    if (view_eq_nocase(header->name, VIEW("Sec-Fetch-Mode")))
        return !view_eq(header->value, VIEW("websocket"));
    start.len = start.len < prefix.len ? start.len : prefix.len;
    return view_eq_nocase(start, prefix);
}

static bool looks_like_browser(const struct http1_request *request)
{
    for (uint32_t i = 0; i < request->headers_count; i++) {
        if (is_browser_header(&request->headers[i]))
            return true;
    }
    return false;
}

enum refusal gate_ask_origin(const struct peer *p, const struct http1_request *request)
{
    const struct options *o = p->worker->options;
    const struct http1_header *origin = NULL;
    unsigned count = http1_find(request, VIEW("Origin"), &origin);

    if (count > 1)
        return REFUSE_MALFORMED;
    if (count == 0)
        return looks_like_browser(request) ? REFUSE_ORIGIN_MISSING : REFUSE_NONE;
    if (origin->has_odd_space || !origin_allowed(o->origins, o->origins_count, origin->value))
        return REFUSE_ORIGIN;
    return REFUSE_NONE;
}

static bool find_route(const struct options *o, struct view path, uint8_t *index)
{
    for (uint32_t i = 0; i < o->routes_count; i++) {
        if (view_eq(path, view_of_text(o->routes[i].path))) {
            *index = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static const struct page *find_page(const struct options *o, const struct http1_request *request)
{
    if (!view_eq(request->method, VIEW("GET")))
        return NULL;
    for (uint32_t i = 0; i < o->pages_count; i++) {
        if (view_eq(request->path, view_of_text(o->pages[i].path)))
            return &o->pages[i];
    }
    return NULL;
}

static void serve_page(struct peer *p, const struct page *page)
{
    uint8_t bytes[HEAD_BYTES_MAX];
    char headers[1024];
    struct wr w = wr_of(bytes, sizeof(bytes));
    struct wr extra = wr_of(headers, sizeof(headers));
    struct http_answer answer = {.status = 200,
                                 .phrase = "OK",
                                 .content_type = page->content_type,
                                 .extra_headers = headers,
                                 .body = view_of(page->bytes, page->len),
                                 .is_tls = p->is_tls};

    wr_text(&extra, "Content-Security-Policy: ");
    wr_text(&extra, page->content_security_policy);
    wr_text(
        &extra,
        "\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
        "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n"
        "Cache-Control: no-store\r\n");
    wr_u8(&extra, '\0');
    http_answer_head(&w, &answer);
    if (extra.failed || w.failed ||
        conn_write2(&p->conn, bytes, wr_len(&w), page->bytes, page->len) != OK) {
        conn_abort(&p->conn);
        return;
    }
    peer_linger(p);
}

/* --- the decision --- */

static void accept_upgrade(struct peer *p, const struct http1_request *request,
                           const struct handshake *upgrade, const struct identity *identity)
{
    uint8_t bytes[HEAD_BYTES_MAX];
    struct wr w = wr_of(bytes, sizeof(bytes));
    struct event event = peer_event(p, EVENT_CONNECTION_OPEN, OUTCOME_OK, NULL);
    struct view protocol = {"", 0};
    enum tls_records records;
    bool lacks_certificate = login_lacks_certificate(p);

    if (handshake_offers_protocol(request, SUBPROTOCOL))
        protocol = SUBPROTOCOL;
    if (handshake_answer(&w, upgrade, protocol) != OK || w.failed ||
        conn_write(&p->conn, bytes, wr_len(&w)) != OK) {
        conn_abort(&p->conn);
        return;
    }
    event.path = request->path;
    event.origin = gate_origin(request);
    if (conn_tls_records(&p->conn, &records))
        event.tls_records = records == TLS_RECORDS_OWN ? "own" : "openssl";
    p->worker->metrics.upgrades++;
    peer_log(p, &event);
    session_start(p, upgrade, lacks_certificate ? NULL : identity);
    if (lacks_certificate)
        login_refuse_certificate(p);
}

/* Whom a cookie names has to prove that the page meant it, now by ?csrf= or in the first message.
 * With a certificate missing there is no login to protect. */
static enum refusal ask_csrf(struct peer *p, const struct http1_request *request,
                             struct gate_login *g)
{
    struct view token = {"", 0};
    enum csrf_fault fault;
    unsigned count = gate_query(request, VIEW("csrf"), &token);

    if (!g->has_identity || !g->by_cookie || p->worker->options->auth.csrf == NULL)
        return REFUSE_NONE;
    if (count > 1)
        return REFUSE_CREDENTIALS_REPEATED;
    if (count == 1) {
        fault = login_csrf_check(p, &g->who, gate_origin(request), token);
        if (fault == CSRF_OK)
            return REFUSE_NONE;
        p->close_reason = csrf_fault_text(fault); /* to the event log only */
        return REFUSE_CSRF;
    }
    if (!standing_watch(&peer_pending(p)->standing, p->worker->server->options->auth.sessions))
        return REFUSE_FULL;
    peer_pending(p)->who = g->who;
    peer_pending(p)->awaits_csrf = true;
    g->has_identity = false;
    return REFUSE_NONE;
}

/* Is there anything left that could log it in? Certificates have close codes of their own. */
static bool may_login_later(const struct peer *p)
{
    return p->worker->options->routes[p->route].kind == ROUTE_ECHO || login_accepts(p, LOGIN_JWT) ||
           login_accepts(p, LOGIN_OAUTH2) || login_accepts(p, LOGIN_CERTIFICATE);
}

static enum refusal ask_all(struct peer *p, const struct http1_request *request,
                            struct handshake *upgrade, struct gate_login *g)
{
    const struct options *o = p->worker->options;
    struct ws_deflate_options deflate = o->deflate;
    enum refusal why;

    if (!find_route(o, request->path, &p->route))
        return REFUSE_NOT_FOUND;
    if (o->routes[p->route].kind == ROUTE_ECHO)
        deflate =
            (struct ws_deflate_options){true, true, 15, deflate.level != 0 ? deflate.level : 1};
    why = handshake_check(upgrade, request, &deflate);
    if (why == REFUSE_NONE)
        why = gate_ask_origin(p, request);
    if (why == REFUSE_NONE && !gate_fetch_mode_ok(request, VIEW("websocket"), VIEW("websocket")))
        why = REFUSE_ORIGIN;
    if (why == REFUSE_NONE && p->worker->is_draining)
        why = REFUSE_DRAINING;
    if (why == REFUSE_NONE)
        why = gate_login(p, request, g);
    if (why == REFUSE_NONE && !g->is_waiting)
        why = ask_csrf(p, request, g);
    if (why == REFUSE_NONE && !g->is_waiting && !g->has_identity && !login_awaits_csrf(p) &&
        !may_login_later(p))
        why = REFUSE_NO_CREDENTIALS;
    return why;
}

/* False: the request waits for an answer, and will be judged again with it. */
static bool gate_request(struct peer *p, const struct http1_request *request,
                         const struct lookup *answer)
{
    struct handshake upgrade;
    struct gate_login g = {.answer = answer};
    const struct page *page;
    enum refusal why;

    if (p->turned_away != REFUSE_NONE) {
        gate_turn_away(p);
        return true;
    }
    if (!gate_client(p, request))
        return true;
    why = ask_host(p, request);
    if (why == REFUSE_NONE && gate_is_ticket_path(p, request))
        return gate_issue_ticket(p, request, answer);
    if (why == REFUSE_NONE) {
        page = find_page(p->worker->options, request);
        if (page != NULL && http1_find(request, VIEW("Upgrade"), NULL) == 0) {
            serve_page(p, page);
            return true;
        }
        why = ask_all(p, request, &upgrade, &g);
    }
    if (why == REFUSE_NONE && !g.is_waiting && !peer_enter_route(p))
        why = REFUSE_ROUTE_FULL;
    if (why != REFUSE_NONE)
        gate_refuse(p, why, request);
    else if (!g.is_waiting)
        accept_upgrade(p, request, &upgrade, g.has_identity ? &g.who : NULL);
    return !g.is_waiting;
}

static enum refusal refusal_of_head(enum http1_verdict verdict)
{
    switch (verdict) {
    case HTTP1_TARGET_TOO_LONG:
        return REFUSE_TARGET_TOO_LONG;
    case HTTP1_TOO_LARGE:
        return REFUSE_HEADERS_TOO_LARGE;
    case HTTP1_VERSION:
        return REFUSE_HTTP_VERSION;
    case HTTP1_BAD:
    case HTTP1_MORE:
    case HTTP1_DONE:
        break;
    }
    return REFUSE_MALFORMED;
}

/* Keeps what has come of an incomplete head; a head past its ceiling is refused by the parser
 * before the buf is full. */
static void keep_head(struct peer *p, const uint8_t *data, size_t len, size_t scanned)
{
    struct peer_extra *extra = peer_extra_get(p);

    if (extra == NULL || buf_append(&extra->head, data, len) != OK)
        gate_refuse(p, REFUSE_HEADERS_TOO_LARGE, NULL);
    else
        extra->head_scanned = scanned;
}

/* Bytes behind the head are the first frames (R-H16): under the same limits as all others, and
 * never after a refusal. */
static void after_head(struct peer *p, uint8_t *data, size_t len)
{
    if (p->is_upgraded && !conn_is_closing(&p->conn) && len > 0)
        session_data(p, data, len);
}

/* Everything that has come is kept until the answer is there; nothing more is read. Who asked the
 * question has made p->extra. */
static void wait_for_answer(struct peer *p, const uint8_t *data, size_t len)
{
    p->phase = PEER_ASKING;
    p->deadline_ms = loop_now_ms(p->worker->loop) + ASK_MS;
    p->extra->head.max = HELD_BYTES_MAX;
    conn_read_pause(&p->conn);
    gate_hold(p, data, len);
    if (p->phase == PEER_ASKING)
        peer_rearm(p);
}

void gate_hold(struct peer *p, const uint8_t *data, size_t len)
{
    if (buf_append(&p->extra->head, data, len) == OK)
        return;
    ask_drop(p);
    gate_refuse(p, REFUSE_FULL, NULL);
}

void gate_answered(struct peer *p, const struct lookup *answer)
{
    struct http1_request request;
    size_t head_bytes = 0, scanned = 0;
    struct buf whole;

    if (p->phase != PEER_ASKING)
        return;
    whole = p->extra->head;
    p->extra->head = BUF_INIT(HELD_BYTES_MAX);
    p->phase = PEER_HEAD;
    conn_read_resume(&p->conn);
    /* The same bytes as before. */
    if (http1_parse(&request, (const char *)whole.data, whole.len, &scanned, &head_bytes) !=
        HTTP1_DONE) {
        gate_refuse(p, REFUSE_MALFORMED, NULL);
    } else if (!gate_request(p, &request, answer)) {
        p->extra->head = whole; /* asked again */
        wait_for_answer(p, whole.data, 0);
        return;
    }
    after_head(p, whole.data + head_bytes, whole.len - head_bytes);
    secret_buf_clear(&whole);
    memory_note(p);
}

void gate_data(struct peer *p, const uint8_t *data, size_t len)
{
    struct http1_request request;
    enum http1_verdict verdict;
    size_t head_bytes = 0, scanned = 0, had = p->extra != NULL ? p->extra->head.len : 0;
    struct buf whole = BUF_INIT(0); /* the request's views point into it, or into data */

    if (had > 0) {
        struct peer_extra *extra = p->extra;
        size_t room = extra->head.max - had;
        size_t taken = len < room ? len : room;
        if (buf_append(&extra->head, data, taken) != OK) {
            gate_refuse(p, REFUSE_HEADERS_TOO_LARGE, NULL);
            return;
        }
        verdict = http1_parse(&request, (const char *)extra->head.data, extra->head.len,
                              &extra->head_scanned, &head_bytes);
    } else {
        verdict = http1_parse(&request, (const char *)data, len, &scanned, &head_bytes);
        if (verdict == HTTP1_MORE)
            keep_head(p, data, len, scanned);
    }
    if (verdict == HTTP1_MORE)
        return;
    if (verdict != HTTP1_DONE) {
        if (p->turned_away != REFUSE_NONE)
            gate_turn_away(p);
        else
            gate_refuse(p, refusal_of_head(verdict), NULL);
        return;
    }
    if (had > 0) {
        whole = p->extra->head;
        p->extra->head = BUF_INIT(whole.max);
    }
    if (gate_request(p, &request, NULL)) {
        after_head(p, (uint8_t *)(uintptr_t)data + (head_bytes - had), len - (head_bytes - had));
    } else {
        whole.len = had;
        p->extra->head = whole;
        wait_for_answer(p, data, len);
        whole = BUF_INIT(0);
    }
    secret_buf_clear(&whole); /* it may hold a token */
}
