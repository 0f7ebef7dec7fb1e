/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a client: what the connection and the deadline say, frames once it is open, and the
 * one ending. Getting there is in client_open.c, sending in client_send.c. A callback of the owner
 * may close or abort: the state is looked at again after each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "client/client_private.h"
#include "crypto/secret.h"
#include "wire/close_code.h"

#define STALL_CHECK_MS 5000
/* More than this waits for the server already: it reads nothing, so it does not read pongs. */
#define PONG_BACKLOG_MAX ((size_t)256 * 1024)

void client_trace(struct client *c, const struct client_trace *trace)
{
    if (c->ops->on_trace != NULL)
        c->ops->on_trace(c->context, trace);
}

void client_set_ending(struct client *c, enum client_end end, unsigned code, struct view text)
{
    size_t len = text.len < sizeof(c->text) ? text.len : sizeof(c->text);

    if (c->has_ending)
        return;
    if (len > 0)
        memcpy(c->text, text.ptr, len);
    c->has_ending = true;
    c->ending.end = end;
    c->ending.code = code;
    c->ending.text = view_of(c->text, len);
}

void client_finish(struct client *c)
{
    timer_stop(&c->deadline);
    link_remove(&c->dial_task.link);
    if (c->ending.end == CLIENT_REFUSED)
        c->ending.body = buf_view(&c->in);
    c->ops->on_ended(c->context, &c->ending);
    dial_close(&c->dial);
    ws_decoder_clear(&c->decoder);
    ws_inflate_free(c->inflate);
    ws_deflate_free(c->deflate);
    buf_clear(&c->in);
    secret_buf_clear(&c->out);
    free(c->protocol);
    free(c);
}

/* The server's Close: answered with its own code if we have not said it first (RFC 6455 section
 * 5.5.1), then the connection runs out. */
static void on_close_frame(struct client *c, const struct ws_event *event)
{
    struct view reason = {"", 0};
    uint16_t code;

    if (!close_payload_decode(event->payload, event->payload_bytes, &code, &reason)) {
        client_fail(c, code, "the server's Close is malformed");
        return;
    }
    client_set_ending(c, CLIENT_CLOSED, code, reason);
    /* Of the payload only the code goes back; an empty Close is answered by an empty one. */
    if (c->state == CLIENT_OPEN)
        (void)client_send_frame(c, WS_CLOSE,
                                view_of(event->payload, event->payload_bytes < 2 ? 0 : 2));
    c->state = CLIENT_DONE;
    timer_start(c->loop, &c->deadline, loop_now_ms(c->loop) + CLIENT_CLOSE_MS);
    conn_shutdown(&c->conn);
}

static void trace_event(struct client *c, enum ws_opcode opcode, const struct ws_event *event)
{
    struct client_trace trace = {.opcode = opcode,
                                 .bytes = view_of(event->payload, event->payload_bytes)};

    client_trace(c, &trace);
}

static void on_event(struct client *c, const struct ws_event *event)
{
    struct view payload = view_of(event->payload, event->payload_bytes);

    switch (event->type) {
    case WS_EVENT_TEXT:
    case WS_EVENT_BINARY:
        trace_event(c, event->type == WS_EVENT_TEXT ? WS_TEXT : WS_BINARY, event);
        c->ops->on_message(c->context, event->type == WS_EVENT_BINARY, payload);
        return;
    case WS_EVENT_PING:
        trace_event(c, WS_PING, event);
        if (c->state == CLIENT_OPEN && conn_backlog(&c->conn) <= PONG_BACKLOG_MAX &&
            client_send_frame(c, WS_PONG, payload) != OK)
            client_abort(c, "a pong could not be sent");
        return;
    case WS_EVENT_PONG:
        trace_event(c, WS_PONG, event);
        return;
    case WS_EVENT_CLOSE:
        trace_event(c, WS_CLOSE, event);
        on_close_frame(c, event);
        return;
    case WS_EVENT_FAIL:
        client_fail(c, event->fail_code, event->fail_reason);
        return;
    case WS_EVENT_MORE:
        return;
    }
}

void client_on_frames(struct client *c, uint8_t *data, size_t len)
{
    struct ws_event event;
    size_t at = 0, used;

    do {
        ws_decode(&c->decoder, data + at, len - at, &used, &event);
        at += used;
        on_event(c, &event);
    } while (event.type != WS_EVENT_MORE &&
             (c->state == CLIENT_OPEN || c->state == CLIENT_CLOSING));
}

void client_become_open(struct client *c, uint8_t *early, size_t early_len)
{
    c->state = CLIENT_OPEN;
    timer_start(c->loop, &c->deadline, loop_now_ms(c->loop) + STALL_CHECK_MS);
    c->ops->on_open(c->context);
    if (early_len > 0 && c->state != CLIENT_DONE)
        client_on_frames(c, early, early_len);
}

static void on_ready(struct conn *conn)
{
    client_send_request((struct client *)conn);
}

static void on_data(struct conn *conn, uint8_t *data, size_t len)
{
    struct client *c = (struct client *)conn;

    if (c->state == CLIENT_ASKING || c->state == CLIENT_BODY)
        client_on_answer(c, data, len);
    else if (c->state == CLIENT_OPEN || c->state == CLIENT_CLOSING)
        client_on_frames(c, data, len);
}

static void on_drained(struct conn *conn)
{
    struct client *c = (struct client *)conn;

    if (c->state == CLIENT_OPEN && c->ops->on_drained != NULL)
        c->ops->on_drained(c->context);
}

/* What an end means that nobody has explained yet. */
static void explain(struct client *c, enum conn_end end)
{
    const char *detail = conn_end_detail(&c->conn);
    char text[CLIENT_TEXT_MAX];

    switch (c->state) {
    case CLIENT_DIALING:
        if (end == CONN_END_TLS)
            (void)snprintf(text, sizeof(text), "TLS: %s", detail);
        else
            (void)snprintf(text, sizeof(text), "the server ended the connection while TLS began");
        client_set_ending(c, CLIENT_UNREACHED, 0, view_of_text(text));
        return;
    case CLIENT_ASKING:
        (void)snprintf(text, sizeof(text), "the server ended the connection without an answer");
        break;
    default:
        (void)snprintf(text, sizeof(text), "the connection ended without a Close%s%s",
                       detail[0] != '\0' ? ": " : "", detail);
        break;
    }
    client_set_ending(c, CLIENT_LOST, CLOSE_ABNORMAL, view_of_text(text));
}

static void on_closed(struct conn *conn, enum conn_end end)
{
    struct client *c = (struct client *)conn;
    const char *detail = conn_end_detail(conn);

    c->is_connected = false;
    /* This address was not it: the next one, in the same turn. */
    if (c->state == CLIENT_DIALING && (end == CONN_END_ERROR || end == CONN_END_ABORTED)) {
        (void)snprintf(c->text, sizeof(c->text), "%s", detail[0] != '\0' ? detail : "Timed out");
        loop_at_turn_end(c->loop, &c->dial_task);
        return;
    }
    explain(c, end);
    client_finish(c);
}

static const struct conn_ops conn_ops = {
    .on_ready = on_ready, .on_data = on_data, .on_drained = on_drained, .on_closed = on_closed};

/* Tries addresses until one is on its way. Each gets its share of the time that is left. */
static void dial(struct loop_task *task)
{
    struct client *c = LINK_ITEM(task, struct client, dial_task);
    uint64_t now_ms = loop_now_ms(c->loop);
    unsigned left;

    while (!c->has_ending && (left = dial_left(&c->dial)) > 0 && now_ms < c->connect_until_ms) {
        int fd = dial_next(&c->dial);

        if (fd >= 0 && conn_open_client(&c->conn, c->loop, fd, c->url.is_tls ? c->tls : NULL,
                                        c->url.host.name, &conn_ops) == OK) {
            c->is_connected = true;
            timer_start(c->loop, &c->deadline, now_ms + (c->connect_until_ms - now_ms) / left);
            return;
        }
        (void)snprintf(c->text, sizeof(c->text), "%s",
                       fd < 0 ? strerror(errno) : "cannot watch a socket");
    }
    if (!c->has_ending) {
        char text[CLIENT_TEXT_MAX];
        (void)snprintf(text, sizeof(text), "%s", c->text);
        client_set_ending(c, CLIENT_UNREACHED, 0, view_of_text(text));
    }
    client_finish(c);
}

static void on_deadline(struct timer *timer)
{
    struct client *c = LINK_ITEM(timer, struct client, deadline);
    uint64_t now_ms = loop_now_ms(c->loop);

    switch (c->state) {
    case CLIENT_DIALING: /* on_closed goes on with the next address */
    case CLIENT_DONE:
        conn_abort(&c->conn);
        return;
    case CLIENT_ASKING:
        client_abort(c, "no answer to the handshake in time");
        return;
    case CLIENT_BODY: /* the status says enough */
        c->state = CLIENT_DONE;
        conn_abort(&c->conn);
        return;
    case CLIENT_CLOSING:
        client_abort(c, "the server did not answer our Close in time");
        return;
    case CLIENT_OPEN:
        break;
    }
    if (conn_is_stalled(&c->conn, now_ms, CLIENT_STALL_MS, 1))
        client_abort(c, "the server takes nothing any more");
    else
        timer_start(c->loop, timer, now_ms + STALL_CHECK_MS);
}

void client_watch(struct client *c, const struct client_ops *ops, void *context)
{
    c->ops = ops;
    c->context = context;
    timer_init(&c->deadline, on_deadline);
    loop_task_init(&c->dial_task, dial);
    c->connect_until_ms = loop_now_ms(c->loop) + CLIENT_CONNECT_MS;
    loop_at_turn_end(c->loop, &c->dial_task);
}
