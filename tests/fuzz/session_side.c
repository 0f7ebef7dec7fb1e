/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of each connection: takes the bytes apart with a client's decoder and asserts what
 * a client may rely on. */
#include "session_side.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/status.h"
#include "message/json.h"

struct side sides[SLOTS];

static const struct ws_limits client_limits = {
    .message_bytes = 64u << 20, .fragments = 1, .accepts_text = true, .accepts_binary = true};

static struct side *side_of(const struct conn *c)
{
    ASSERT(c->fd >= FD_FIRST && c->fd < FD_FIRST + SLOTS);
    return &sides[c->fd - FD_FIRST];
}

static void check_push(const struct side *s, struct view channel)
{
    ASSERT(s->was_welcomed);
    if (view_eq(channel, VIEW("chat:mod-only")) || view_eq(channel, VIEW("user:mod:messages")))
        ASSERT((s->users & 1u << 2) != 0);
    if (view_eq(channel, VIEW("user:alice:messages")))
        ASSERT((s->users & (1u << 0 | 1u << 3 | 1u << 4)) != 0);
    if (view_eq(channel, VIEW("user:bob:messages")))
        ASSERT((s->users & 1u << 1) != 0);
}

static void check_text(struct side *s, struct view text)
{
    struct view type, channel;
    struct arena arena;
    struct json *root;
    size_t error_at;

    if (s->is_echo)
        return;
    arena_init(&arena, 4096, 1u << 20);
    ASSERT(json_parse(&root, text, NULL, &arena, &error_at) == OK && root->type == JSON_OBJECT);
    ASSERT(json_member_string(root, VIEW("type"), &type));
    if (view_eq(type, VIEW("welcome"))) {
        ASSERT(s->users != 0);
        s->was_welcomed = true;
    }
    ASSERT(s->was_welcomed); /* before that, nothing but a Close is said */
    if (view_eq(type, VIEW("message"))) {
        ASSERT(json_member_string(root, VIEW("channel"), &channel));
        check_push(s, channel);
    }
    arena_clear(&arena);
}

static void check_frames(struct side *s, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len), *at = copy;
    struct ws_event event = {.type = WS_EVENT_TEXT};
    struct view reason;
    uint16_t code;
    size_t used;

    ASSERT(copy != NULL);
    memcpy(copy, bytes, len);
    while (event.type != WS_EVENT_MORE) {
        ASSERT(len == 0 || !s->was_closed);
        ws_decode(&s->decoder, at, len, &used, &event);
        at += used;
        len -= used;
        ASSERT(event.type != WS_EVENT_FAIL && (event.type != WS_EVENT_BINARY || s->is_echo));
        if (event.type == WS_EVENT_TEXT)
            check_text(s, view_of(event.payload, event.payload_bytes));
        if (event.type == WS_EVENT_CLOSE) {
            ASSERT(close_payload_decode(event.payload, event.payload_bytes, &code, &reason));
            s->was_closed = true;
        }
    }
    free(copy);
}

static bool head_has(const struct side *s, const char *text)
{
    return memmem(s->head.data, s->head.len, text, strlen(text)) != NULL;
}

static void check_head(struct side *s, const struct peer *p)
{
    const char *at;

    s->has_head = true;
    ASSERT(s->head.len > 12 && memcmp(s->head.data, "HTTP/1.1 ", 9) == 0);
    s->is_upgraded = memcmp(s->head.data + 9, "101", 3) == 0;
    if (s->is_upgraded) {
        s->is_echo = p->worker->options->routes[p->route].kind == ROUTE_ECHO;
        if (head_has(s, "permessage-deflate"))
            ASSERT(ws_inflate_new(&s->inflate, 15, !head_has(s, "server_no_context_takeover")) ==
                   OK);
        ws_decoder_init(&s->decoder, &client_limits, s->inflate);
        return;
    }
    at = memmem(s->head.data, s->head.len, "Content-Length: ", 16);
    ASSERT(at != NULL && head_has(s, "Connection: close"));
    s->body_due = (size_t)atoi(at + 16);
}

void mock_sent(struct conn *c, const uint8_t *bytes, size_t len)
{
    struct side *s = side_of(c);

    while (len > 0 && !s->has_head) {
        ASSERT(buf_append(&s->head, bytes, 1) == OK);
        bytes++;
        len--;
        if (s->head.len >= 4 && memcmp(s->head.data + s->head.len - 4, "\r\n\r\n", 4) == 0)
            check_head(s, peer_of_conn(c));
    }
    if (len == 0)
        return;
    if (s->is_upgraded) {
        check_frames(s, bytes, len);
        return;
    }
    ASSERT(len <= s->body_due); /* one answer and no more */
    s->body_due -= len;
}

void side_clear(struct side *s)
{
    ws_decoder_clear(&s->decoder);
    ws_inflate_free(s->inflate);
    buf_clear(&s->head);
    free(s->inbox);
    memset(s, 0, sizeof(*s));
}

void mock_ended(struct conn *c)
{
    side_clear(side_of(c));
}
