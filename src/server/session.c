/* SPDX-License-Identifier: Apache-2.0 */
/* The WebSocket phase: frames in, frames out, heartbeat, and every way a session can end (RFC 6455
 * sections 5 and 7). What the messages mean is protocol.c's business. */
#include "server/peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/hint.h"
#include "base/random.h"
#include "crypto/secret.h"
#include "server/ask.h"
#include "server/login.h"
#include "server/memory.h"
#include "server/observe.h"
#include "server/peer_limits.h"
#include "server/protocol.h"

#define PING_BYTES 8
/* Messages behind our Close that are still taken apart to find the peer's: some were on their way.
 * A flood of small ones that inflate to large ones would cost a worker two seconds. */
#define UNHEARD_MAX 32

/* --- out --- */

static bool is_silent(const struct peer *p)
{
    return p->phase >= PEER_CLOSING || conn_is_closing(&p->conn);
}

/* The first message is being judged elsewhere: what is behind it waits. */
static bool is_waiting(const struct peer *p)
{
    return p->phase == PEER_FIRST && peer_ask(p) != NULL;
}

/* `kind`: the opcode, and RSV1 for what is compressed. */
APART static void write_frame(struct peer *p, unsigned kind, const uint8_t *bytes, size_t len)
{
    uint8_t header[WS_FRAME_HEADER_MAX];
    size_t header_bytes = ws_frame_encode(header, (enum ws_opcode)(kind & WS_BITS_OPCODE), true,
                                          (kind & WS_BIT_RSV1) != 0, len, NULL);

    if (conn_write2(&p->conn, header, header_bytes, bytes, len) != OK)
        conn_abort(&p->conn);
}

static void send_frame(struct peer *p, unsigned kind, const uint8_t *bytes, size_t len)
{
    uint8_t *room = len <= WS_CONTROL_PAYLOAD_MAX && len > 0 ? conn_room(&p->conn, 2 + len) : NULL;

    if (room == NULL) {
        write_frame(p, kind, bytes, len);
        return;
    }
    room[0] = (uint8_t)(WS_BIT_FINAL | kind);
    room[1] = (uint8_t)len;
    memcpy(room + 2, bytes, len);
}

/* A compressor of its own, where the context is kept, costs a quarter of a megabyte: made with the
 * first message worth it, so that nobody has one before the login. NULL: out of memory. */
static struct ws_deflate *deflate_of(struct peer *p)
{
    int level = p->worker->options->deflate.level;
    struct peer_extra *extra;

    if (!p->keeps_context)
        return worker_deflate(p->worker, p->window_bits);
    extra = peer_extra_get(p);
    if (extra == NULL || (extra->own_deflate == NULL &&
                          ws_deflate_new(&extra->own_deflate, p->window_bits,
                                         (uint8_t)(level != 0 ? level : 1), true) != OK))
        return NULL;
    return extra->own_deflate;
}

/* False: to be sent as it is. True: it was sent, or there was no way to. */
APART static bool send_compressed(struct peer *p, enum ws_opcode opcode, const uint8_t *bytes,
                                  size_t len)
{
    struct ws_deflate *deflate = deflate_of(p);
    uint8_t *packed;
    size_t packed_bytes;

    if (deflate != NULL && ws_deflate_message(deflate, bytes, len, &packed, &packed_bytes) == OK) {
        send_frame(p, opcode | WS_BIT_RSV1, packed, packed_bytes);
        return true;
    }
    if (p->extra == NULL || p->extra->own_deflate == NULL)
        return false;
    /* Its window is out of step with the peer's. */
    session_fail(p, CLOSE_INTERNAL, "Compression failed");
    return true;
}

/* One that is not silent. */
static inline void send_message(struct peer *p, bool is_text, const uint8_t *bytes, size_t len)
{
    enum ws_opcode opcode = is_text ? WS_TEXT : WS_BINARY;

    p->messages_out++;
    p->worker->metrics.messages_out++;
    if (p->window_bits != 0 && len >= WS_DEFLATE_FROM_BYTES &&
        send_compressed(p, opcode, bytes, len))
        return;
    send_frame(p, opcode, bytes, len);
}

void session_send(struct peer *p, bool is_text, const uint8_t *bytes, size_t len)
{
    if (!is_silent(p))
        send_message(p, is_text, bytes, len);
}

void session_send_text(struct peer *p, const char *text, size_t len)
{
    session_send(p, true, (const uint8_t *)text, len);
}

static void send_close(struct peer *p, unsigned code, const char *reason)
{
    uint8_t payload[CLOSE_PAYLOAD_MAX];
    size_t len = close_payload_encode(payload, code, view_of_text(reason));

    send_frame(p, WS_CLOSE, payload, len);
    p->close_code = (uint16_t)code;
    p->close_reason = reason;
}

/* Nothing more is delivered to it from now on, whatever it is subscribed to. */
static void leave_hub(struct peer *p)
{
    hub_leave(p->worker->hub, &p->subscriber);
}

/* An answer that comes later finds nobody; what was held is not looked at any more. */
static void stop_waiting(struct peer *p)
{
    if (is_waiting(p))
        conn_read_resume(&p->conn);
    if (peer_choked_until_ms(p) != 0)
        session_unchoke(p); /* to see their Close */
    ask_drop(p);
    if (p->extra != NULL)
        secret_buf_clear(&p->extra->head);
}

void session_close(struct peer *p, unsigned code, const char *reason)
{
    struct worker *w = p->worker;

    if (is_silent(p))
        return;
    leave_hub(p);
    stop_waiting(p);
    send_close(p, code, reason);
    p->phase = PEER_CLOSING;
    p->deadline_ms = loop_now_ms(w->loop) + w->options->timeouts.close_ms;
    peer_rearm(p);
}

void session_fail(struct peer *p, unsigned code, const char *reason)
{
    if (is_silent(p))
        return;
    leave_hub(p);
    stop_waiting(p);
    send_close(p, code, reason);
    peer_linger(p);
}

void session_ping(struct peer *p)
{
    uint8_t payload[PING_BYTES];

    random_bytes(payload, sizeof(payload));
    send_frame(p, WS_PING, payload, sizeof(payload));
    p->since_ms = loop_now_ms(p->worker->loop);
    p->is_pinged = true;
}

void session_slow(struct peer *p)
{
    struct event event = peer_event(p, EVENT_SLOW_READER, OUTCOME_REFUSED, NULL);

    if (conn_is_closing(&p->conn))
        return;
    event.count = conn_backlog(&p->conn);
    peer_log(p, &event);
    p->close_code = CLOSE_ABNORMAL;
    p->close_reason = "Slow reader";
    conn_abort(&p->conn); /* a Close behind what it does not read would never be read either */
}

/* --- in --- */

/* One pong waits at most: the latest (R-F9). While nothing is backed up every ping is answered at
 * once. */
COLD static void answer_ping(struct peer *p, const uint8_t *payload, size_t len)
{
    struct peer_extra *extra;

    if (is_silent(p))
        return;
    if (p->conn.out_bytes > 0)
        conn_flush(&p->conn); /* only what the kernel refused will report that it has drained */
    if (p->conn.out_bytes == 0) {
        send_frame(p, WS_PONG, payload, len);
        return;
    }
    extra = peer_extra_get(p);
    if (extra != NULL && extra->pong == NULL)
        extra->pong = malloc(1 + WS_CONTROL_PAYLOAD_MAX);
    if (extra == NULL || extra->pong == NULL) {
        conn_abort(&p->conn);
        return;
    }
    extra->pong[0] = (uint8_t)len;
    memcpy(extra->pong + 1, payload, len);
}

void session_drained(struct peer *p)
{
    struct peer_extra *extra = p->extra;

    if (p->is_pinged) /* the answer may lie behind what has only now been read */
        p->since_ms = loop_now_ms(p->worker->loop);
    if (extra != NULL && extra->pong != NULL) {
        if (!is_silent(p))
            send_frame(p, WS_PONG, extra->pong + 1, extra->pong[0]);
        free(extra->pong);
        extra->pong = NULL;
    }
    if (p->conn.is_paused && !is_waiting(p) && peer_choked_until_ms(p) == 0)
        conn_read_resume(&p->conn);
    peer_rearm(p); /* what was put off while the queue was full may be due */
}

/* False: not to be answered, because it is over the rate or the session is being closed. */
COLD static bool take_control(struct peer *p)
{
    struct event event;

    if (is_silent(p))
        return false;
    if (rate_take(&p->control, &p->limits->control_frames, loop_now_ns(p->worker->loop))) {
        observe_run_ends(p, LIMIT_CONTROL_FRAMES);
        return true;
    }
    event = peer_event(p, EVENT_LIMIT_EXCEEDED, OUTCOME_REFUSED, "too_many_control_frames");
    event.close_code = CLOSE_POLICY;
    if (observe_lets(p, LIMIT_CONTROL_FRAMES, &event))
        return true;
    peer_log(p, &event);
    session_fail(p, CLOSE_POLICY, "Too many control frames");
    return false;
}

COLD static void on_fail(struct peer *p, const struct ws_event *ws)
{
    struct event event = peer_event(p, EVENT_PROTOCOL_ERROR, OUTCOME_REFUSED, NULL);

    if (p->phase == PEER_CLOSING) { /* told already why it ends; no answer can come any more */
        peer_linger(p);
        return;
    }
    if (ws->fail_code == CLOSE_TOO_BIG || ws->fail_code == CLOSE_POLICY) {
        event.type = EVENT_LIMIT_EXCEEDED;
        event.code = ws->fail_code == CLOSE_TOO_BIG ? "message_too_large" : "too_many_fragments";
    }
    event.close_code = ws->fail_code;
    event.detail = view_of_text(ws->fail_reason);
    peer_log(p, &event);
    session_fail(p, ws->fail_code, ws->fail_reason);
}

COLD static void on_close(struct peer *p, const struct ws_event *ws)
{
    uint16_t code;
    struct view reason;

    if (p->phase == PEER_CLOSING) { /* the answer to ours */
        peer_linger(p);
        return;
    }
    if (!close_payload_decode(ws->payload, ws->payload_bytes, &code, &reason)) {
        struct event event = peer_event(p, EVENT_PROTOCOL_ERROR, OUTCOME_REFUSED, "bad_close");
        event.close_code = code;
        peer_log(p, &event);
        session_fail(p, code,
                     code == CLOSE_BAD_DATA ? "Close reason is not UTF-8" : "Bad close frame");
        return;
    }
    leave_hub(p);
    /* The code comes back as it is, also one we would never choose (1010); an empty Close is
     * answered by an empty one. */
    send_frame(p, WS_CLOSE, ws->payload, ws->payload_bytes < 2 ? 0 : 2);
    p->close_code = code;
    p->close_reason = "";
    peer_linger(p);
}

/* To one that is logged in, or on a route that asks for nothing. */
static inline void on_message(struct peer *p, const struct ws_event *ws)
{
    p->messages_in++;
    p->worker->metrics.messages_in++;
    p->message_ms = 0; /* a ping between fragments must not move the deadline (W-51) */
    if (p->worker->options->routes[p->route].kind == ROUTE_ECHO)
        send_message(p, ws->type == WS_EVENT_TEXT, ws->payload, ws->payload_bytes);
    else
        protocol_message(p, view_of(ws->payload, ws->payload_bytes));
}

/* Before the login, or behind our Close. */
APART static void on_early_or_late(struct peer *p, const struct ws_event *ws)
{
    p->message_ms = 0;
    if (is_silent(p)) {
        if (++p->unheard == UNHEARD_MAX)
            peer_linger(p);
        return;
    }
    p->messages_in++;
    p->worker->metrics.messages_in++;
    protocol_first(p, view_of(ws->payload, ws->payload_bytes));
}

/* Only while something is asked: p->extra is there. */
COLD static void hold(struct peer *p, const uint8_t *data, size_t len)
{
    conn_read_pause(&p->conn);
    if (buf_append(&p->extra->head, data, len) != OK)
        session_fail(p, CLOSE_POLICY, "Too much before the login");
}

void session_resume(struct peer *p)
{
    struct buf held = BUF_INIT(0);

    if (p->extra != NULL) {
        held = p->extra->head;
        p->extra->head = BUF_INIT(held.max);
    }
    conn_read_resume(&p->conn);
    if (held.len > 0 && p->phase <= PEER_CLOSING && !conn_is_closing(&p->conn))
        session_data(p, held.data, held.len);
    secret_buf_clear(&held);
    memory_note(p);
}

static bool is_open(const struct peer *p)
{
    return p->phase == PEER_OPEN && !conn_is_closing(&p->conn);
}

/* False: nothing more of this connection is to be looked at. */
APART static bool on_other_event(struct peer *p, const struct ws_event *ws)
{
    switch (ws->type) {
    case WS_EVENT_MORE:
        return false;
    case WS_EVENT_FAIL:
        on_fail(p, ws);
        return false;
    case WS_EVENT_CLOSE:
        on_close(p, ws);
        return false;
    case WS_EVENT_PING:
        if (take_control(p))
            answer_ping(p, ws->payload, ws->payload_bytes);
        break;
    case WS_EVENT_PONG:
        (void)take_control(p);
        break;
    case WS_EVENT_TEXT:
    case WS_EVENT_BINARY:
        on_early_or_late(p, ws);
        break;
    }
    return p->phase <= PEER_CLOSING && !conn_is_closing(&p->conn) && !is_waiting(p);
}

/* The same. */
static inline bool on_event(struct peer *p, const struct ws_event *ws)
{
    if ((ws->type == WS_EVENT_TEXT || ws->type == WS_EVENT_BINARY) && is_open(p)) {
        on_message(p, ws);
        return p->phase <= PEER_CLOSING && !conn_is_closing(&p->conn);
    }
    return on_other_event(p, ws);
}

void session_unchoke(struct peer *p)
{
    if (p->extra != NULL)
        p->extra->choked_until_ms = 0;
    p->since_ms = loop_now_ms(p->worker->loop); /* its silence was ours */
    p->is_pinged = false;
    if (!is_waiting(p) && conn_backlog(&p->conn) <= p->worker->options->limits.queue_bytes / 2)
        conn_read_resume(&p->conn);
}

/* What is too much is taken, and then nothing until it has been made up for: TCP holds the sender
 * back, and nothing is lost. */
APART static void meter(struct peer *p, size_t bytes)
{
    struct worker *w = p->worker;
    uint64_t wait_ms = flow_charge(&p->flow, &p->limits->bytes_in, bytes, loop_now_ns(w->loop));
    struct peer_extra *extra;
    struct event event;

    if (wait_ms == 0)
        return;
    event = peer_event(p, EVENT_RATE_LIMITED, OUTCOME_OK, "bytes");
    if (observe_lets(p, LIMIT_BYTES, &event)) {
        flow_forgive(&p->flow, &p->limits->bytes_in, loop_now_ns(w->loop));
        return;
    }
    if (!p->has_told_bytes) {
        p->has_told_bytes = true;
        peer_log(p, &event);
    }
    extra = peer_extra_get(p);
    if (extra == NULL) {
        conn_abort(&p->conn);
        return;
    }
    extra->choked_until_ms = loop_now_ms(w->loop) + wait_ms;
    conn_read_pause(&p->conn);
    peer_due_by(p, extra->choked_until_ms);
}

/* More waits for the peer than half of what may. A pause ends when the connection reports that it
 * has drained, and it reports only what the kernel refused at first: ask the kernel before pausing.
 */
COLD static void pause_unless_taken(struct peer *p)
{
    conn_flush(&p->conn);
    if (conn_backlog(&p->conn) > p->worker->options->limits.queue_bytes / 2)
        conn_read_pause(&p->conn); /* it may go on talking when it has listened */
}

/* What the input leaves behind: a message begun, or answers that the peer does not take. */
static void after_input(struct peer *p)
{
    const struct limit_options *limits = &p->worker->options->limits;
    uint64_t now_ms = p->since_ms; /* of what has just been heard */

    if (!ws_decoder_is_mid_message(&p->decoder)) {
        p->message_ms = 0;
        if (ws_decoder_has_memory(&p->decoder)) /* an idle connection keeps no message */
            ws_decoder_clear(&p->decoder);
    } else if (p->message_ms == 0) {
        p->message_ms = now_ms;
        peer_due_by(p, now_ms + limits->assembly_ms);
    }
    if (conn_backlog(&p->conn) > limits->queue_bytes / 2)
        pause_unless_taken(p);
    if (p->conn.out_bytes > 0)
        peer_due_by(p, now_ms + limits->queue_stall_ms);
}

void session_data(struct peer *p, uint8_t *data, size_t len)
{
    struct ws_event ws;
    size_t used, all = len;
    bool goes_on = true;

    p->since_ms = loop_now_ms(p->worker->loop);
    p->is_pinged = false;
    if (is_waiting(p)) {
        hold(p, data, len);
        return;
    }
    while (goes_on && len > 0) {
        ws_decode(&p->decoder, data, len, &used, &ws);
        data += used;
        len -= used;
        goes_on = on_event(p, &ws);
    }
    if (p->phase > PEER_OPEN)
        return;
    if (is_waiting(p))
        hold(p, data, len);
    else
        after_input(p);
    if (p->phase <= PEER_OPEN && p->limits->bytes_in.per_second != 0)
        meter(p, all);
}

/* --- start --- */

static bool start_deflate(struct peer *p, const struct ws_deflate_params *agreed)
{
    struct worker *w = p->worker;
    struct ws_inflate *inflate = w->inflate;
    struct peer_extra *extra;

    if (!agreed->is_on)
        return true;
    p->window_bits = agreed->server_max_window_bits;
    if (!agreed->client_no_context_takeover) {
        extra = peer_extra_get(p);
        if (extra == NULL ||
            ws_inflate_new(&extra->own_inflate, agreed->client_max_window_bits, true) != OK)
            return false;
        inflate = extra->own_inflate;
    }
    p->keeps_context = !agreed->server_no_context_takeover;
    ws_decoder_init(&p->decoder, p->decoder.limits, inflate);
    return true;
}

static uint64_t jittered(struct worker *w, uint64_t ms)
{
    return ms - ms / 20 + random_jitter(&w->jitter, (uint32_t)(ms / 10 + 1)); /* +-5 % */
}

void session_start(struct peer *p, const struct handshake *upgrade, const struct identity *identity)
{
    struct worker *w = p->worker;
    const struct options *o = w->options;

    p->is_upgraded = true;
    p->since_ms = loop_now_ms(w->loop);
    p->ping_every_ms = (uint32_t)jittered(w, o->timeouts.ping_ms);
    p->deadline_ms = p->since_ms + o->auth_timeout_ms;
    p->close_reason = NULL;
    peer_limits_settle(p);
    if (!start_deflate(p, &upgrade->deflate)) {
        conn_abort(&p->conn);
        return;
    }
    p->phase = PEER_FIRST;
    if (o->routes[p->route].kind == ROUTE_ECHO)
        p->phase = PEER_OPEN;
    else if (identity != NULL)
        (void)login_welcome(p, identity, NULL, false);
    if (p->phase <= PEER_OPEN)
        peer_rearm(p);
}
