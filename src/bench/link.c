/* SPDX-License-Identifier: Apache-2.0 */
/* link.c: socket, TLS, upgrade, the plan's steps, then messages. Reading goes into the crowd's one
 * large buffer; a link owns memory only for an incomplete head and for what the socket would not
 * take. */
#include "bench/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "bench/crowd.h"
#include "bench/link_socket.h"
#include "client/answer.h"
#include "wire/close_code.h"

#define REFUSAL_SHOWN    160
#define ANSWER_BYTES_MAX 65536

static const struct crowd_door *door_of(const struct crowd *c, const struct bench_link *l)
{
    return &c->doors[l->is_publisher && c->plan->has_publish_url ? 1 : 0];
}

/* --- ends --- */

static void clear(struct crowd *c, struct bench_link *l)
{
    if (l->state == LINK_OPEN)
        c->open--;
    else if (l->state != LINK_FREE && l->state != LINK_LEAVING)
        c->under_way--;
    tls_load_close(l->tls);
    l->tls = NULL;
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = -1;
    buf_clear(&l->in);
    buf_clear(&l->out);
    l->state = LINK_FREE;
}

void bench_link_drop(struct crowd *c, struct bench_link *l)
{
    if (l->state != LINK_FREE)
        clear(c, l);
}

/* The server has ended it, with a Close (its payload) or without. */
static void end(struct crowd *c, struct bench_link *l, struct view close_payload)
{
    bool was_leaving = l->state == LINK_LEAVING, was_open = l->state == LINK_OPEN;
    struct view reason = {"", 0};
    uint16_t code = 0;

    clear(c, l);
    if (!was_leaving)
        c->lost++;
    if (close_payload.ptr != NULL)
        (void)close_payload_decode((const uint8_t *)close_payload.ptr, close_payload.len, &code,
                                   &reason);
    if ((was_leaving || was_open) && c->events.on_gone != NULL)
        c->events.on_gone(c->owner, l);
    else if (code != 0)
        crowd_fail(c, "the server closed connection %u with %u (" VIEW_FMT ")%s%s", l->index + 1,
                   code, VIEW_ARG(reason), c->last_words[0] != '\0' ? "; it had said: " : "",
                   c->last_words);
    else
        crowd_fail(c, "the server ended connection %u%s", l->index + 1,
                   was_open ? "" : " before it was open");
}

/* --- writing --- */

static void watch(struct crowd *c, struct bench_link *l, bool for_write)
{
    struct epoll_event event = {.events = EPOLLIN | (for_write ? (uint32_t)EPOLLOUT : 0U),
                                .data = {.ptr = l}};

    if (l->is_watched_for_write == for_write)
        return;
    l->is_watched_for_write = for_write;
    if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, l->fd, &event) != 0)
        crowd_fail(c, "epoll: %s", strerror(errno));
}

/* Bytes taken; -1: the connection is broken, which the next read will say. */
static ssize_t put(struct bench_link *l, const uint8_t *bytes, size_t len)
{
    size_t taken = 0, once;

    while (taken < len) {
        enum tls_load_step step = TLS_LOAD_DONE;

        if (l->tls != NULL)
            step = tls_load_write(l->tls, bytes + taken, len - taken, &once);
        else
            step = socket_write(l->fd, bytes + taken, len - taken, &once);
        if (step == TLS_LOAD_FAILED)
            return -1;
        if (step != TLS_LOAD_DONE)
            break;
        taken += once;
    }
    return (ssize_t)taken;
}

void bench_link_write(struct crowd *c, struct bench_link *l, const void *bytes, size_t len)
{
    ssize_t taken;

    if (l->fd < 0)
        return;
    taken = l->out.len > 0 ? 0 : put(l, bytes, len);
    if (taken < 0 || (size_t)taken == len)
        return;
    if (buf_append(&l->out, (const uint8_t *)bytes + taken, len - (size_t)taken) != OK)
        crowd_fail(c, "connection %u: the server does not read, %zu bytes wait to be sent",
                   l->index + 1, l->out.len);
    watch(c, l, true);
}

static void write_rest(struct crowd *c, struct bench_link *l)
{
    ssize_t taken = put(l, l->out.data, l->out.len);

    if (taken < 0) {
        buf_clear(&l->out);
        watch(c, l, false);
        return;
    }
    buf_consume(&l->out, (size_t)taken);
    if (l->out.len > 0)
        return;
    watch(c, l, false);
    if (l->state == LINK_OPEN && c->events.on_writable != NULL)
        c->events.on_writable(c->owner, l);
}

void bench_link_send(struct crowd *c, struct bench_link *l, enum ws_opcode opcode,
                     struct view payload)
{
    uint8_t small[WS_FRAME_HEADER_MAX + 512], mask[4];
    struct buf large = BUF_INIT(WS_FRAME_HEADER_MAX + PLAN_BYTES_MAX + 65536);
    uint8_t *at = small;
    size_t header;

    if (payload.len > sizeof(small) - WS_FRAME_HEADER_MAX) {
        if (buf_reserve(&large, WS_FRAME_HEADER_MAX + payload.len) != OK) {
            crowd_fail(c, "a message of %zu bytes is too long", payload.len);
            return;
        }
        at = large.data;
    }
    random_bytes(mask, sizeof(mask));
    header = ws_frame_encode(at, opcode, true, false, payload.len, mask);
    ws_mask_copy(at + header, (const uint8_t *)payload.ptr, payload.len, mask, 0);
    bench_link_write(c, l, at, header + payload.len);
    buf_clear(&large);
}

void bench_link_say_goodbye(struct crowd *c, struct bench_link *l)
{
    static const char normal[] = {0x03, (char)0xe8}; /* 1000 */

    if (l->state == LINK_OPEN && !c->plan->is_silent)
        bench_link_send(c, l, WS_CLOSE, view_of(normal, sizeof(normal)));
}

void bench_link_leave(struct crowd *c, struct bench_link *l)
{
    if (l->state != LINK_OPEN)
        return;
    bench_link_say_goodbye(c, l);
    l->state = LINK_LEAVING;
    c->open--;
}

/* --- the steps, once the server has upgraded --- */

static void remember(struct crowd *c, struct view said)
{
    size_t len = said.len < sizeof(c->last_words) - 1 ? said.len : sizeof(c->last_words) - 1;

    for (size_t i = 0; i < len; i++)
        c->last_words[i] = said.ptr[i] >= ' ' && said.ptr[i] < 0x7f ? said.ptr[i] : '.';
    c->last_words[len] = '\0';
}

static void become_open(struct crowd *c, struct bench_link *l)
{
    l->state = LINK_OPEN;
    l->messages = 0;
    c->under_way--;
    c->open++;
    c->opened++;
    c->last_words[0] = '\0';
    if (c->events.on_open != NULL)
        c->events.on_open(c->owner, l);
}

/* Says what is to be said up to the next answer that is awaited. */
static void step_on(struct crowd *c, struct bench_link *l)
{
    const struct plan *plan = c->plan;

    for (; l->step < plan->steps_count; l->step++) {
        const struct plan_step *step = &plan->steps[l->step];

        if (step->is_join && l->is_publisher)
            continue;
        if (step->say != NULL)
            bench_link_send(c, l, WS_TEXT, view_of_text(step->say));
        if (step->expect != NULL)
            return;
    }
    become_open(c, l);
}

/* The text of an answer. One that is compressed can be read where it was kept whole. */
static struct view text_of(struct crowd *c, const struct frame_event *event)
{
    const struct ws_inflate_limits limits = {.bytes = ANSWER_BYTES_MAX};
    uint8_t *text;
    size_t len;

    if (!event->is_compressed)
        return event->begin;
    if (c->inflate == NULL || event->bytes != event->begin.len ||
        ws_inflate_message(c->inflate, event->begin, limits, &text, &len) != OK)
        return view_of("", 0);
    return view_of(text, len);
}

/* Other messages may come before the one that is awaited; a server's greeting is one. */
static void step_heard(struct crowd *c, struct bench_link *l, const struct frame_event *event)
{
    const struct plan_step *step = &c->plan->steps[l->step];
    struct view text = text_of(c, event);

    remember(c, text);
    if (memmem(text.ptr, text.len, step->expect, strlen(step->expect)) != NULL) {
        l->step++;
        step_on(c, l);
    } else if (c->plan->is_native && memmem(text.ptr, text.len, "\"type\":\"error\"", 14) != NULL) {
        crowd_fail(c, "the server did not answer %s but: %s", step->expect, c->last_words);
    }
}

/* --- frames --- */

static void take_event(struct crowd *c, struct bench_link *l, const struct frame_event *event)
{
    switch (event->type) {
    case FRAME_MESSAGE:
        c->last_ns = c->now_ns; /* a ping alone is no sign of progress */
        if (l->state == LINK_STEPPING) {
            step_heard(c, l, event);
        } else if (l->state == LINK_OPEN) {
            l->messages++;
            if (c->events.on_message != NULL)
                c->events.on_message(c->owner, l, event);
        }
        return;
    case FRAME_PING:
        bench_link_send(c, l, WS_PONG, event->begin);
        return;
    case FRAME_CLOSE:
        /* The echo of it is politeness; a server that has crashed must not be waited for. */
        if (l->state != LINK_LEAVING)
            bench_link_send(c, l, WS_CLOSE, event->begin);
        end(c, l, event->begin);
        return;
    case FRAME_BAD:
        crowd_fail(c, "connection %u: what the server sends is not WebSocket: %s", l->index + 1,
                   event->fault);
        return;
    case FRAME_PONG:
    case FRAME_MORE:
        return;
    }
}

static void take_frames(struct crowd *c, struct bench_link *l, const uint8_t *bytes, size_t len)
{
    struct frame_event event;
    size_t used;

    c->bytes_in += len;
    if (l->state == LINK_OPEN && c->events.on_bytes != NULL)
        c->events.on_bytes(c->owner, l, view_of(bytes, len));
    while (len > 0 && l->fd >= 0 && !c->has_failed) {
        frame_reader_next(&l->reader, bytes, len, &used, &event);
        bytes += used;
        len -= used;
        take_event(c, l, &event);
    }
    if (l->state == LINK_OPEN && c->events.on_read_end != NULL)
        c->events.on_read_end(c->owner, l);
}

/* --- the opening handshake --- */

static void send_request(struct crowd *c, struct bench_link *l)
{
    const struct buf *head = &door_of(c, l)->head;

    l->state = LINK_UPGRADING;
    l->scanned = 0;
    frame_reader_init(&l->reader);
    bench_link_write(c, l, head->data, head->len);
}

static void refuse(struct crowd *c, const struct bench_link *l, const struct client_answer *answer,
                   struct view body)
{
    struct view shown = view_of(body.ptr, body.len < REFUSAL_SHOWN ? body.len : REFUSAL_SHOWN);

    remember(c, shown);
    crowd_fail(c, "the server refused connection %u with %u " VIEW_FMT "%s%s%s", l->index + 1,
               answer->status, VIEW_ARG(answer->phrase), shown.len > 0 ? ": " : "", c->last_words,
               answer->status == 401 ? " (--token-file FILE)"
               : answer->status == 429 || answer->status == 503
                   ? " (the server has limits for connections: raise them, or lower --connections "
                     "or --batch)"
                   : "");
}

static void take_answer(struct crowd *c, struct bench_link *l, const struct client_answer *answer,
                        size_t head_bytes)
{
    struct ws_deflate_params deflate = {.is_on = false};
    struct view rest = view_of(l->in.data + head_bytes, l->in.len - head_bytes);
    struct buf in = l->in;
    const char *fault = "";

    if (answer->status != 101) {
        refuse(c, l, answer, rest);
        return;
    }
    if (client_answer_check(&deflate, answer, &door_of(c, l)->request, &fault) != OK) {
        crowd_fail(c, "the server's upgrade is not valid: %s", fault);
        return;
    }
    if (c->plan->offers_deflate && !deflate.is_on) {
        crowd_fail(c, "the server does not accept permessage-deflate (--compress)");
        return;
    }
    buf_init(&l->in, HTTP1_HEAD_MAX);
    l->state = LINK_STEPPING;
    l->step = 0;
    step_on(c, l);
    if (rest.len > 0 && l->fd >= 0)
        take_frames(c, l, (const uint8_t *)rest.ptr, rest.len);
    buf_clear(&in);
}

static void take_head(struct crowd *c, struct bench_link *l, const uint8_t *bytes, size_t len)
{
    struct client_answer answer;
    size_t head_bytes = 0;

    c->last_ns = c->now_ns;
    if (buf_append(&l->in, bytes, len) != OK) {
        crowd_fail(c, "the head of the server's answer is too long");
        return;
    }
    switch (client_answer_parse(&answer, (const char *)l->in.data, l->in.len, &l->scanned,
                                &head_bytes)) {
    case HTTP1_MORE:
        return;
    case HTTP1_DONE:
        take_answer(c, l, &answer, head_bytes);
        return;
    default:
        crowd_fail(c, "what answers there is no HTTP/1.1 (wss:// for ws://, or the other way "
                      "round?)");
    }
}

/* --- events --- */

static enum tls_load_step get(struct crowd *c, struct bench_link *l, size_t *got)
{
    return l->tls != NULL ? tls_load_read(l->tls, c->bytes, CROWD_READ_BYTES, got)
                          : socket_read(l->fd, c->bytes, CROWD_READ_BYTES, got);
}

static void read_all(struct crowd *c, struct bench_link *l)
{
    size_t got;

    do {
        if (get(c, l, &got) != TLS_LOAD_DONE)
            return;
        if (got == 0) {
            end(c, l, view_of(NULL, 0));
            return;
        }
        c->now_ns = clock_mono_ns();
        if (c->plan->is_silent)
            continue; /* perhaps a reason in TLS or HTTP: an end follows */
        if (l->state == LINK_UPGRADING)
            take_head(c, l, c->bytes, got);
        else
            take_frames(c, l, c->bytes, got);
    } while (l->fd >= 0 && !c->has_failed && l->tls != NULL && tls_load_has_pending(l->tls));
}

static void shake(struct crowd *c, struct bench_link *l)
{
    switch (tls_load_handshake(l->tls)) {
    case TLS_LOAD_DONE:
        c->last_ns = clock_mono_ns();
        c->resumed += tls_load_was_resumed(l->tls) ? 1 : 0;
        watch(c, l, false);
        send_request(c, l);
        return;
    case TLS_LOAD_WANTS_READ:
        watch(c, l, false);
        return;
    case TLS_LOAD_WANTS_WRITE:
        watch(c, l, true);
        return;
    case TLS_LOAD_FAILED:
        crowd_fail(c, "TLS with %s: %s%s", c->plan->url.authority, tls_load_fault(l->tls),
                   c->plan->ca == NULL && !c->plan->is_insecure
                       ? " (--ca FILE trusts an authority of your own)"
                       : "");
    }
}

static void connected(struct crowd *c, struct bench_link *l)
{
    int fault = socket_fault(l->fd);

    if (fault != 0) {
        crowd_fail(c, "connection %u to %s: %s", l->index + 1, c->plan->url.authority,
                   strerror(fault));
        return;
    }
    if (c->plan->is_silent) {
        watch(c, l, false);
        become_open(c, l);
        return;
    }
    if (door_of(c, l)->tls == NULL) {
        watch(c, l, false);
        send_request(c, l);
        return;
    }
    l->state = LINK_SHAKING;
    l->tls = tls_load_open(door_of(c, l)->tls, l->fd);
    if (l->tls == NULL)
        crowd_fail(c, "out of memory for TLS");
    else
        shake(c, l);
}

void bench_link_start(struct crowd *c, struct bench_link *l)
{
    const struct crowd_door *door = door_of(c, l);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data = {.ptr = l}};

    l->fd = socket_connect((const struct sockaddr *)&door->address, door->address_bytes,
                           c->plan->sources, c->plan->first_source + l->index);
    if (l->fd < 0) {
        crowd_fail(c, "connection %u: %s%s", l->index + 1, strerror(errno), socket_advice(errno));
        return;
    }
    l->state = LINK_CONNECTING;
    l->is_watched_for_write = true;
    l->began_ns = clock_mono_ns();
    buf_init(&l->in, HTTP1_HEAD_MAX);
    buf_init(&l->out, LINK_OUT_MAX);
    c->under_way++;
    if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, l->fd, &event) != 0)
        crowd_fail(c, "epoll: %s", strerror(errno));
}

void bench_link_on_ready(struct crowd *c, struct bench_link *l, uint32_t epoll_events)
{
    if (l->state == LINK_CONNECTING) {
        if ((epoll_events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
            connected(c, l);
        return;
    }
    if (l->state == LINK_SHAKING) {
        shake(c, l);
        return;
    }
    if ((epoll_events & EPOLLOUT) != 0 && l->out.len > 0)
        write_rest(c, l);
    if (l->fd >= 0 && (epoll_events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
        read_all(c, l);
}
