/* SPDX-License-Identifier: Apache-2.0 */
/* The life and the time of one connection: accept and the limits at the door, the one timer for
 * whatever is due next, and the end, where everything that was counted in is counted out. */
#include "server/peer.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/random.h"
#include "crypto/secret.h"
#include "server/ask.h"
#include "server/ban.h"
#include "server/gate.h"
#include "server/login.h"
#include "server/memory.h"
#include "server/message_hook.h"
#include "server/observe.h"
#include "server/peer_limits.h"
#include "server/reload.h"

/* How many turned-away connections may be answered at a time; past that they are closed unheard,
 * before any crypto. */
#define REFUSALS_AT_ONCE 64
#define REFUSAL_WAIT_MS  1000
#define CLOCK_SLACK_S    5

static const struct conn_ops peer_ops;

void peer_id_text(const struct peer *p, char out[PEER_ID_TEXT_BYTES])
{
    out[base64url_encode(out, p->id, sizeof(p->id))] = '\0';
}

struct event peer_event(const struct peer *p, enum event_type type, enum event_outcome outcome,
                        const char *code)
{
    return (struct event){
        .type = type, .outcome = outcome, .code = code, .user = peer_user(p), .port = p->port};
}

void peer_log(const struct peer *p, const struct event *event)
{
    char id[PEER_ID_TEXT_BYTES], ip[IP_TEXT_BYTES];
    struct event whole = *event;

    peer_id_text(p, id);
    ip_address_text(&p->ip, ip);
    whole.connection = view_of_text(id);
    whole.ip = view_of_text(ip);
    event_log_put(p->worker->server->events, &whole);
    if (event->type == EVENT_AUTH_FAILED)
        ban_note(p, event);
}

/* --- time --- */

static uint64_t expiry_ms(const struct peer *p)
{
    int64_t left_s;

    if (p->who == NULL)
        return UINT64_MAX;
    left_s = p->who->identity.expires_at_s - loop_wall_s(p->worker->loop);
    if (left_s <= 0)
        return 0;
    if (left_s > 7 * 24 * 3600)
        left_s = 7 * 24 * 3600; /* the timer looks again then */
    return loop_now_ms(p->worker->loop) + (uint64_t)left_s * 1000;
}

static uint64_t recheck_ms(const struct peer *p)
{
    int64_t left_s;

    if (p->who == NULL || p->who->identity.recheck_at_s == 0)
        return UINT64_MAX;
    left_s = p->who->identity.recheck_at_s - loop_wall_s(p->worker->loop);
    /* Confirmed in the future: the clock was set back, and the wait would be as much longer. */
    if (left_s <= 0 ||
        p->who->standing->confirmed_at_s > loop_wall_s(p->worker->loop) + CLOCK_SLACK_S)
        return 0;
    return loop_now_ms(p->worker->loop) + (uint64_t)(left_s > 86400 ? 86400 : left_s) * 1000;
}

static uint64_t assembly_ms(const struct peer *p)
{
    const struct options *o = p->worker->options;
    uint64_t allowed = o->limits.assembly_ms;

    if (p->message_ms == 0)
        return UINT64_MAX;
    if (o->routes[p->route].kind == ROUTE_ECHO)
        allowed *= 8; /* its messages are 16 MiB */
    return p->message_ms + allowed;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When a ping is due, or has waited too long for its pong. */
static uint64_t heartbeat_ms(const struct peer *p)
{
    const struct options *o = p->worker->options;

    return p->since_ms + (p->is_pinged ? o->timeouts.pong_ms : p->ping_every_ms);
}

static uint64_t choke_ms(const struct peer *p)
{
    return peer_choked_until_ms(p) != 0 ? peer_choked_until_ms(p) : UINT64_MAX;
}

/* While the kernel takes no more, progress is the sign of life, and its lack is what ends the
 * session: a ping would wait behind the queue, and reading may be paused so that no pong is seen.
 */
static uint64_t due_open(const struct peer *p)
{
    const struct options *o = p->worker->options;
    uint64_t at = sooner(sooner(expiry_ms(p), recheck_ms(p)), assembly_ms(p));

    if (conn_backlog(&p->conn) > 0)
        at = sooner(at, loop_now_ms(p->worker->loop) + o->limits.queue_stall_ms);
    at = sooner(at, choke_ms(p));
    return p->conn.has_backlog || peer_choked_until_ms(p) != 0 ? at : sooner(at, heartbeat_ms(p));
}

static uint64_t due_at(const struct peer *p)
{
    const struct options *o = p->worker->options;

    switch ((enum peer_phase)p->phase) {
    case PEER_TLS:
        return p->opened_ms + o->timeouts.tls_ms;
    case PEER_HEAD:
        return p->since_ms +
               (p->turned_away != REFUSE_NONE ? REFUSAL_WAIT_MS : o->timeouts.header_ms);
    case PEER_FIRST:
        return sooner(sooner(p->deadline_ms, assembly_ms(p)), choke_ms(p));
    case PEER_OPEN:
        return due_open(p);
    case PEER_ASKING:
    case PEER_CLOSING:
    case PEER_LINGER:
        break;
    }
    return p->deadline_ms;
}

void peer_rearm(struct peer *p)
{
    if (!conn_is_closing(&p->conn) || p->phase >= PEER_CLOSING)
        timer_start(p->worker->loop, &p->timer, due_at(p));
}

void peer_due_by(struct peer *p, uint64_t at_ms)
{
    if (!timer_is_running(&p->timer) || p->timer.at_ms > at_ms)
        timer_start(p->worker->loop, &p->timer, at_ms);
}

void peer_linger(struct peer *p)
{
    struct worker *w = p->worker;

    p->phase = PEER_LINGER;
    p->deadline_ms = loop_now_ms(w->loop) + w->options->timeouts.close_ms;
    conn_shutdown(&p->conn);
    peer_rearm(p);
}

static void time_out_assembly(struct peer *p)
{
    struct event event = peer_event(p, EVENT_LIMIT_EXCEEDED, OUTCOME_REFUSED, "message_too_slow");

    peer_log(p, &event);
    session_fail(p, CLOSE_POLICY, "Message took too long");
}

static void time_out_first(struct peer *p, uint64_t now_ms)
{
    if (now_ms < p->deadline_ms) {
        time_out_assembly(p);
        return;
    }
    struct event event = peer_event(p, EVENT_AUTH_TIMEOUT, OUTCOME_REFUSED, NULL);
    event.close_code = CLOSE_POLICY;
    peer_log(p, &event);
    session_close(p, CLOSE_POLICY, "Authentication timeout");
}

static const char *expired_text(enum identity_method method)
{
    switch (method) {
    case IDENTITY_CERTIFICATE:
        return "Certificate expired";
    case IDENTITY_SESSION:
    case IDENTITY_HOOK:
        return "Session expired";
    default:
        return "Token expired";
    }
}

static void time_out_open(struct peer *p, uint64_t now_ms)
{
    const struct options *o = p->worker->options;

    if (expiry_ms(p) <= now_ms) {
        struct event event = peer_event(p, EVENT_TOKEN_EXPIRED, OUTCOME_OK, NULL);
        event.close_code = CLOSE_TOKEN_EXPIRED;
        peer_log(p, &event);
        session_close(p, CLOSE_TOKEN_EXPIRED,
                      expired_text((enum identity_method)p->who->identity.method));
    } else if (assembly_ms(p) <= now_ms) {
        time_out_assembly(p);
    } else if (recheck_ms(p) <= now_ms) {
        login_recheck(p);
    } else if (conn_is_stalled(&p->conn, now_ms, o->limits.queue_stall_ms,
                               o->limits.queue_bytes / 16)) {
        session_slow(p);
    } else if (p->conn.has_backlog || peer_choked_until_ms(p) != 0 || heartbeat_ms(p) > now_ms) {
        return;
    } else if (p->is_pinged) {
        struct event event = peer_event(p, EVENT_PEER_DEAD, OUTCOME_OK, "no_pong");
        peer_log(p, &event);
        p->close_code = CLOSE_ABNORMAL;
        p->close_reason = "No pong";
        conn_abort(&p->conn);
    } else {
        session_ping(p);
    }
}

static void time_out_head(struct peer *p)
{
    if (p->turned_away != REFUSE_NONE)
        gate_turn_away(p);
    else
        gate_refuse(p, REFUSE_TIMEOUT, NULL);
}

static void time_out_asking(struct peer *p)
{
    p->close_reason = "lookup_timeout";
    gate_refuse(p, REFUSE_AUTH_UNAVAILABLE, NULL);
}

static void time_out_tls(struct peer *p)
{
    struct event event = peer_event(p, EVENT_TLS_FAILED, OUTCOME_REFUSED, "tls_timeout");

    p->worker->metrics.tls_failed++;
    peer_log(p, &event);
    conn_abort(&p->conn);
}

static void peer_fire(struct timer *timer)
{
    struct peer *p = LINK_ITEM(timer, struct peer, timer);
    uint64_t now_ms = loop_now_ms(p->worker->loop);

    if (choke_ms(p) <= now_ms)
        session_unchoke(p);
    if (due_at(p) <= now_ms || (p->phase == PEER_OPEN && conn_backlog(&p->conn) > 0)) {
        switch ((enum peer_phase)p->phase) {
        case PEER_TLS:
            time_out_tls(p);
            break;
        case PEER_HEAD:
            time_out_head(p);
            break;
        case PEER_ASKING:
            time_out_asking(p);
            break;
        case PEER_FIRST:
            time_out_first(p, now_ms);
            break;
        case PEER_OPEN:
            time_out_open(p, now_ms);
            break;
        case PEER_CLOSING:
            peer_linger(p);
            return;
        case PEER_LINGER:
            conn_abort(&p->conn);
            return;
        }
    }
    if (p->phase == PEER_OPEN)
        peer_extra_tidy(p);
    memory_note(p);
    if (!conn_is_closing(&p->conn) && !timer_is_running(&p->timer))
        peer_rearm(p);
}

/* --- the connection's callbacks --- */

static void on_ready(struct conn *c)
{
    struct peer *p = peer_of_conn(c);
    enum tls_records records;

    if (!reload_recheck(p))
        return; /* the lists have changed during the handshake */
    p->worker->metrics.tls_ok += p->is_tls;
    if (conn_tls_records(c, &records))
        p->worker->metrics.tls_records[records]++;
    p->phase = PEER_HEAD;
    p->since_ms = loop_now_ms(p->worker->loop);
    peer_rearm(p);
}

static void on_data(struct conn *c, uint8_t *data, size_t len)
{
    struct peer *p = peer_of_conn(c);

    if (p->phase >= PEER_FIRST && p->phase <= PEER_CLOSING)
        session_data(p, data, len);
    else if (p->phase == PEER_HEAD)
        gate_data(p, data, len);
    else if (p->phase == PEER_ASKING)
        gate_hold(p, data, len);
    memory_after_input(p);
}

static void on_eof(struct conn *c)
{
    struct peer *p = peer_of_conn(c);

    if (p->close_code == 0) {
        p->close_code = CLOSE_ABNORMAL;
        p->close_reason = "Connection lost";
    }
    conn_abort(c);
}

static void on_drained(struct conn *c)
{
    struct peer *p = peer_of_conn(c);

    if (p->is_upgraded)
        session_drained(p);
    memory_note(p);
}

static void log_end(struct peer *p, enum conn_end end)
{
    if (p->is_upgraded) {
        struct event event = peer_event(p, EVENT_CONNECTION_CLOSE, OUTCOME_OK, NULL);
        event.close_code = p->close_code != 0 ? p->close_code : (uint16_t)CLOSE_ABNORMAL;
        event.detail = view_of_text(p->close_reason);
        event.has_totals = true;
        event.duration_ms = loop_now_ms(p->worker->loop) - p->opened_ms;
        event.messages_in = p->messages_in;
        event.messages_out = p->messages_out;
        peer_log(p, &event);
    } else if (end == CONN_END_TLS) {
        const char *code =
            conn_spoke_plain(&p->conn) ? "plaintext_on_tls_port" : "tls_handshake_failed";
        struct event event = peer_event(p, EVENT_TLS_FAILED, OUTCOME_REFUSED, code);
        event.detail = view_of_text(conn_end_detail(&p->conn));
        p->worker->metrics.tls_failed++;
        peer_log(p, &event);
    }
}

static void on_closed(struct conn *c, enum conn_end end)
{
    struct peer *p = peer_of_conn(c);
    struct worker *w = p->worker;

    log_end(p, end);
    timer_stop(&p->timer);
    hub_leave(w->hub, &p->subscriber);
    ws_decoder_clear(&p->decoder);
    ask_drop(p);
    login_pending_clear(p);
    message_hooks_drop(p);
    peer_extra_clear(p);
    peer_who_clear(p);
    memory_forget(p);
    peer_leave_route(p, w->now->route_counts);
    if (p->is_counted)
        peer_leave(p);
    else
        w->refusing--;
    link_remove(&p->link);
    w->peers_count--;
    slab_give(&w->peer_slab, p);
    worker_drain_check(w);
}

static const struct conn_ops peer_ops = {
    .on_ready = on_ready,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

/* --- the door --- */

static enum refusal refusal_of(enum conn_verdict verdict)
{
    switch (verdict) {
    case CONN_OK:
        return REFUSE_NONE;
    case CONN_PER_IP:
        return REFUSE_PER_IP;
    case CONN_TOO_FAST:
        return REFUSE_RATE;
    case CONN_FULL:
        break;
    }
    return REFUSE_FULL;
}

static void log_turned_away(struct peer *p)
{
    struct event event = peer_event(p, EVENT_CONNECTION_REFUSED, OUTCOME_REFUSED,
                                    refusal_get((enum refusal)p->turned_away)->code);

    peer_log(p, &event);
}

struct ip_prefix peer_prefix(const struct peer *p)
{
    return p->has_prefix ? ip_prefix_of(&p->ip) : (struct ip_prefix){.family = 0};
}

static bool lets_in(struct peer *p, enum limit_name name, enum refusal why)
{
    struct event would =
        peer_event(p, EVENT_CONNECTION_REFUSED, OUTCOME_REFUSED, refusal_get(why)->code);

    would.status = refusal_get(why)->status;
    return observe_lets(p, name, &would);
}

static enum conn_verdict enter_table(struct peer *p, uint64_t *wait_ms)
{
    struct worker *w = p->worker;
    struct conn_entry entry = {.now_ns = loop_now_ns(w->loop)};
    enum conn_verdict verdict;

    entry.waived = (unsigned)observe_is_on(w, LIMIT_PER_IP) << CONN_PER_IP |
                   (unsigned)observe_is_on(w, LIMIT_HANDSHAKES) << CONN_TOO_FAST;
    verdict = conn_table_enter_waived(w->server->connections, peer_prefix(p), &entry);
    if ((entry.exceeded >> CONN_PER_IP & 1) != 0)
        (void)lets_in(p, LIMIT_PER_IP, REFUSE_PER_IP);
    if ((entry.exceeded >> CONN_TOO_FAST & 1) != 0)
        (void)lets_in(p, LIMIT_HANDSHAKES, REFUSE_RATE);
    *wait_ms = entry.wait_ms;
    return verdict;
}

static void leave_table(struct peer *p)
{
    conn_table_leave(p->worker->server->connections, peer_prefix(p), loop_now_ns(p->worker->loop));
}

void peer_leave(struct peer *p)
{
    peer_leave_listener(p);
    leave_table(p);
}

bool peer_enter(struct peer *p, uint64_t *wait_ms)
{
    p->turned_away = REFUSE_BANNED;
    *wait_ms = ban_left_ms(p);
    if (*wait_ms == 0 || lets_in(p, LIMIT_BANS, REFUSE_BANNED))
        p->turned_away = (uint8_t)refusal_of(enter_table(p, wait_ms));
    if (p->turned_away == REFUSE_NONE && memory_is_tight(p->worker)) {
        leave_table(p);
        p->turned_away = REFUSE_MEMORY;
    }
    if (p->turned_away == REFUSE_NONE && !peer_enter_listener(p)) {
        leave_table(p);
        p->turned_away = REFUSE_LISTENER_FULL;
    }
    p->is_counted = p->turned_away == REFUSE_NONE;
    if (!p->is_counted)
        log_turned_away(p);
    return p->is_counted;
}

/* May one more who is over a limit have a proper answer? A TLS handshake for it costs more than the
 * limit is there to save. */
static bool may_answer(struct worker *w)
{
    struct rate_limit limit = rate_limit_make(100, 1000, 100);

    return w->refusing < REFUSALS_AT_ONCE && rate_take(&w->refusals, &limit, loop_now_ns(w->loop));
}

static void peer_init(struct peer *p, struct worker *w, const struct ip_address *ip, uint16_t port)
{
    p->worker = w;
    p->epoch = w->epoch;
    p->ip = *ip;
    p->port = port;
    p->opened_ms = loop_now_ms(w->loop);
    random_bytes(p->id, sizeof(p->id));
    timer_init(&p->timer, peer_fire);
    hub_subscriber_init(&p->subscriber, &session_subscriber);
    ws_decoder_init(&p->decoder, NULL, NULL);
}

void peer_accept(struct worker_listener *from, int fd, const struct ip_address *ip, uint16_t port)
{
    struct worker *w = from->worker;
    const struct listen_options *o = &w->options->listeners[from->index];
    struct peer *p = slab_take(&w->peer_slab);
    uint64_t wait_ms = 0;

    if (p == NULL) {
        (void)close(fd);
        return;
    }
    peer_init(p, w, ip, port);
    p->is_tls = from->tls != NULL;
    p->listener = (uint8_t)from->index;
    peer_limits_settle(p);
    p->phase = p->is_tls ? PEER_TLS : PEER_HEAD;
    p->by_proxy = ip_nets_have(&o->proxies, ip) && !o->proxy_protocol;
    p->has_prefix = !p->by_proxy; /* only in the total, until it is known for whom */
    if (!peer_enter(p, &wait_ms)) {
        bool is_unheard = p->turned_away == REFUSE_BANNED && p->is_tls;
        if (is_unheard || !may_answer(w)) {
            (void)close(fd);
            slab_give(&w->peer_slab, p);
            return;
        }
        w->refusing++;
        p->deadline_ms = wait_ms; /* carried to the Retry-After of gate_turn_away */
    }
    p->since_ms = p->opened_ms;
    if (conn_open(&p->conn, w->loop, fd, from->tls, &peer_ops) != OK) {
        if (p->is_counted)
            peer_leave(p);
        else
            w->refusing--;
        slab_give(&w->peer_slab, p);
        return;
    }
    w->metrics.connections += p->is_counted;
    link_append(&w->peers, &p->link);
    w->peers_count++;
    peer_rearm(p);
}
