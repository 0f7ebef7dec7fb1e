/* SPDX-License-Identifier: Apache-2.0 */
/* audit_link.c: sockets that wait with poll, the opening handshake, frames. No loop: an audit asks
 * one thing after the other. */
#include "cli/audit_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "client/dial.h"
#include "client/handshake.h"
#include "wire/close_code.h"

#define BODY_MAX 2048 /* of a refusal, to see what it gives away */

static uint64_t deadline(uint64_t ms)
{
    return clock_mono_ms() + ms;
}

/* --- the socket --- */

static bool is_connected(int fd, uint64_t deadline_ms)
{
    socklen_t bytes = sizeof(int);
    int fault = 0;

    if (!tls_probe_wait(fd, true, deadline_ms)) {
        errno = ETIMEDOUT;
        return false;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &bytes) != 0)
        return false;
    errno = fault;
    return fault == 0;
}

static int connect_to(struct audit_link *l, const struct audit_target *target, uint16_t port)
{
    const char *fault = "";
    struct dial dial;
    int fd;

    if (dial_open(&dial, target->url.host.name, port, &fault) != OK) {
        error_set(&l->why, "%s", fault);
        return E_IO;
    }
    error_set(&l->why, "no address to try");
    while (l->fd < 0 && dial_left(&dial) > 0) {
        fd = dial_next(&dial);
        if (fd >= 0 && is_connected(fd, deadline(target->timeout_ms))) {
            l->fd = fd;
        } else {
            error_set(&l->why, "%s", strerror(errno));
            if (fd >= 0)
                (void)close(fd);
        }
    }
    dial_close(&dial);
    return l->fd >= 0 ? OK : E_IO;
}

int link_dial(struct audit_link *l, struct audit_target *target, const struct link_dial *how)
{
    struct tls_probe_options options = {
        .server_name = target->url.host.name, .ca_path = target->ca, .version = how->version};
    int rc;

    memset(l, 0, sizeof(*l));
    l->fd = -1;
    l->timeout_ms = target->timeout_ms;
    buf_init(&l->in, AUDIT_INPUT_MAX);
    buf_init(&l->head, HTTP1_HEAD_MAX + BODY_MAX);
    target->connections++;
    rc = connect_to(l, target, how->port != 0 ? how->port : target->url.host.port);
    if (rc != OK)
        return rc;
    if (how->protocol == LINK_PLAIN || (how->protocol == LINK_AS_URL && !target->url.is_tls))
        return OK;
    options.deadline_ms = deadline(target->timeout_ms);
    return tls_probe_open(&l->tls, l->fd, &options, &l->why);
}

void link_close(struct audit_link *l)
{
    tls_probe_free(l->tls);
    if (l->fd >= 0)
        (void)close(l->fd);
    buf_clear(&l->in);
    buf_clear(&l->head);
    l->tls = NULL;
    l->fd = -1;
}

static int write_plain(struct audit_link *l, const uint8_t *at, size_t len, uint64_t until)
{
    ssize_t put;

    while (len > 0) {
        put = send(l->fd, at, len, MSG_NOSIGNAL);
        if (put > 0) {
            at += put;
            len -= (size_t)put;
        } else if (put < 0 && errno != EAGAIN && errno != EINTR) {
            return E_IO;
        } else if (!tls_probe_wait(l->fd, true, until)) {
            return E_EXPIRED;
        }
    }
    return OK;
}

int link_write(struct audit_link *l, const void *bytes, size_t len)
{
    uint64_t until = deadline(l->timeout_ms);

    if (l->fd < 0)
        return E_IO;
    return l->tls != NULL ? tls_probe_write(l->tls, bytes, len, until)
                          : write_plain(l, bytes, len, until);
}

static long read_plain(struct audit_link *l, void *bytes, size_t max, uint64_t until)
{
    ssize_t got;

    for (;;) {
        got = recv(l->fd, bytes, max, 0);
        if (got >= 0)
            return (long)got;
        if (errno != EAGAIN && errno != EINTR)
            return E_IO;
        if (!tls_probe_wait(l->fd, false, until))
            return E_EXPIRED;
    }
}

/* Reads more into `to`. A reset is an end like any other here. */
static int read_more(struct audit_link *l, struct buf *to, uint64_t until)
{
    uint8_t bytes[16384];
    long got;

    if (l->is_ended || l->fd < 0)
        return E_CLOSED;
    got = l->tls != NULL ? tls_probe_read(l->tls, bytes, sizeof(bytes), until)
                         : read_plain(l, bytes, sizeof(bytes), until);
    if (got == E_EXPIRED)
        return E_EXPIRED;
    if (got <= 0) {
        l->is_ended = true;
        return E_CLOSED;
    }
    return buf_append(to, bytes, (size_t)got);
}

/* --- the opening handshake --- */

static int send_request(struct audit_link *l, const struct audit_target *target,
                        struct client_request *request, const struct link_door *door)
{
    char head[CLIENT_REQUEST_MAX];
    struct wr w = wr_of(head, sizeof(head));
    struct ws_url url = target->url;
    size_t len = strlen(url.target);
    uint8_t random[16];

    if (door->query != NULL && (size_t)snprintf(url.target + len, sizeof(url.target) - len, "%c%s",
                                                strchr(url.target, '?') != NULL ? '&' : '?',
                                                door->query) >= sizeof(url.target) - len)
        return E_LIMIT;
    random_bytes(random, sizeof(random));
    (void)base64_encode(request->key, random, sizeof(random));
    request->url = &url;
    client_request_encode(&w, request);
    request->url = &target->url;
    return w.failed ? E_LIMIT : link_write(l, head, wr_len(&w));
}

/* What came behind the head belongs to the frames, or to the body of a refusal. */
static int read_answer(struct audit_link *l, const struct client_request *request)
{
    struct ws_deflate_params deflate = {.is_on = false};
    struct client_answer answer;
    const char *fault = "";
    size_t scanned = 0, head_bytes = 0;
    enum http1_verdict verdict = HTTP1_MORE;
    uint64_t until = deadline(l->timeout_ms);
    int rc = OK;

    while (rc == OK && verdict == HTTP1_MORE) {
        rc = read_more(l, &l->head, until);
        if (rc == OK)
            verdict = client_answer_parse(&answer, (const char *)l->head.data, l->head.len,
                                          &scanned, &head_bytes);
    }
    if (rc != OK || verdict != HTTP1_DONE) {
        error_set(&l->why, "no answer of HTTP/1.1");
        return rc == OK ? E_INVALID : rc;
    }
    l->status = answer.status;
    if (answer.status != 101) {
        (void)read_more(l, &l->head, deadline(200));
        return E_DENIED;
    }
    if (client_answer_check(&deflate, &answer, request, &fault) != OK) {
        error_set(&l->why, "%s", fault);
        return E_INVALID;
    }
    l->has_deflate = deflate.is_on;
    rc = buf_append(&l->in, l->head.data + head_bytes, l->head.len - head_bytes);
    l->head.len = head_bytes;
    return rc;
}

int link_upgrade(struct audit_link *l, const struct audit_target *target,
                 const struct link_door *door)
{
    struct client_request request = {
        .origin = door->origin, .headers = door->headers, .offers_deflate = door->offers_deflate};
    int rc = send_request(l, target, &request, door);

    if (rc == OK || rc == E_IO) /* a refusal may lie there although the request met a closed door */
        rc = read_answer(l, &request);
    return rc;
}

int link_open(struct audit_link *l, struct audit_target *target, const struct link_door *door)
{
    struct link_dial how = {LINK_AS_URL, TLS_PROBE_ANY, 0};
    int rc = link_dial(l, target, &how);

    return rc == OK ? link_upgrade(l, target, door) : rc;
}

struct view link_header(const struct audit_link *l, struct view name)
{
    const struct http1_header *header;
    struct client_answer answer;
    size_t scanned = 0, head_bytes;

    if (client_answer_parse(&answer, (const char *)l->head.data, l->head.len, &scanned,
                            &head_bytes) != HTTP1_DONE ||
        http1_find(&answer.fields, name, &header) == 0)
        return view_of("", 0);
    return header->value;
}

/* --- frames --- */

int link_send(struct audit_link *l, enum ws_opcode opcode, struct view payload)
{
    uint8_t bytes[WS_FRAME_HEADER_MAX + 16384], mask[4];
    size_t header;

    if (payload.len > 16384)
        return E_LIMIT;
    random_bytes(mask, sizeof(mask));
    header = ws_frame_encode(bytes, opcode, true, false, payload.len, mask);
    ws_mask_copy(bytes + header, (const uint8_t *)payload.ptr, payload.len, mask, 0);
    return link_write(l, bytes, header + payload.len);
}

int link_send_text(struct audit_link *l, const char *text)
{
    return link_send(l, WS_TEXT, view_of_text(text));
}

static int take_close(struct audit_link *l, struct view payload)
{
    struct view reason = {"", 0};
    uint16_t code = CLOSE_NO_STATUS;

    (void)close_payload_decode((const uint8_t *)payload.ptr, payload.len, &code, &reason);
    l->close_code = code;
    (void)snprintf(l->reason, sizeof(l->reason), VIEW_FMT, VIEW_ARG(reason));
    return E_CLOSED;
}

/* One whole frame out of `in`. E_MISSING: not there yet. */
static int take_frame(struct audit_link *l, struct ws_frame *frame, struct view *payload)
{
    enum ws_parse verdict;

    buf_consume(&l->in, l->taken);
    l->taken = 0;
    verdict = ws_frame_decode(frame, l->in.data, l->in.len, false);
    if (verdict == WS_PARSE_BAD)
        return E_INVALID;
    if (verdict == WS_PARSE_MORE || l->in.len - frame->header_bytes < frame->payload_bytes)
        return E_MISSING;
    *payload = view_of(l->in.data + frame->header_bytes, (size_t)frame->payload_bytes);
    l->taken = frame->header_bytes + (size_t)frame->payload_bytes;
    return OK;
}

int link_next(struct audit_link *l, uint64_t ms, struct ws_frame *frame, struct view *payload)
{
    uint64_t until = deadline(ms);
    int rc;

    for (;;) {
        rc = l->close_code != 0 ? E_CLOSED : take_frame(l, frame, payload);
        if (rc == E_MISSING) {
            rc = read_more(l, &l->in, until);
            if (rc == OK)
                continue;
            return rc == E_EXPIRED ? rc : E_CLOSED;
        }
        if (rc != OK)
            return E_CLOSED;
        if (frame->opcode == WS_CLOSE)
            return take_close(l, *payload);
        if (frame->opcode != WS_PING)
            return OK;
        l->pings++;
        (void)link_send(l, WS_PONG, *payload);
    }
}

bool link_ends_within(struct audit_link *l, uint64_t ms)
{
    uint64_t until = deadline(ms), now;
    struct ws_frame frame;
    struct view payload;

    while ((now = clock_mono_ms()) < until || l->in.len > l->taken) {
        int rc = link_next(l, now < until ? until - now : 0, &frame, &payload);

        if (rc != OK)
            return rc == E_CLOSED;
    }
    return false;
}

struct link_words link_ending(const struct audit_link *l)
{
    struct link_words words;

    if (l->close_code == 0)
        (void)snprintf(words.text, sizeof(words.text), "the end of the connection");
    else if (l->reason[0] == '\0')
        (void)snprintf(words.text, sizeof(words.text), "Close %u", l->close_code);
    else
        (void)snprintf(words.text, sizeof(words.text), "Close %u (%s)", l->close_code, l->reason);
    return words;
}
