/* SPDX-License-Identifier: Apache-2.0 */
/* ws_message.c: frames become messages. Two ways lead through here. The fast one: a whole frame
 * that needs no joining lies in the input and is unmasked, inflated and checked where it lies. The
 * slow one: whatever is cut by the end of the input, and every fragment, is gathered in a
 * ws_partial. The verdict depends on the bytes alone and never on how they were cut into pieces, so
 * every check is made as soon as its last byte is there. */
#include "wire/ws_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hint.h"
#include "base/status.h"
#include "wire/close_code.h"
#include "wire/utf8.h"
#include "wire/ws_deflate.h"

/* The first byte of a message in one frame; what its second byte can announce, and then says in two
 * more. */
#define WS_WHOLE_TEXT        (WS_BIT_FINAL | WS_TEXT)
#define WS_WHOLE_BINARY      (WS_BIT_FINAL | WS_BINARY)
#define WS_SHORT_PAYLOAD_MAX 125
#define WS_LENGTH_IN_TWO     126
/* The first allocation for a payload, so that one-byte reads do not begin with a chain of tiny
 * ones. */
#define FIRST_BYTES 1024

struct ws_partial {
    struct buf message; /* payload so far, unmasked; still compressed if the message is */
    struct ws_frame frame;
    uint64_t frame_bytes; /* of frame's payload, already taken */
    enum ws_opcode type;  /* of the open message; WS_CONTINUATION: none is open */
    uint32_t frames;      /* of the open message */
    uint32_t utf8;
    bool is_compressed;
    bool has_frame; /* `frame` is decoded and its payload not complete */
    uint8_t header_bytes;
    uint8_t header[WS_FRAME_HEADER_MAX];
    uint8_t control[WS_CONTROL_PAYLOAD_MAX];
};

struct fault {
    uint16_t code;
    const char *reason;
};
static const struct fault out_of_memory = {CLOSE_INTERNAL, "Out of memory"};
static const struct fault bad_text = {CLOSE_BAD_DATA, "Invalid UTF-8"};
static const struct fault bad_deflate = {CLOSE_BAD_DATA, "Invalid compressed data"};
static const struct fault too_large = {CLOSE_TOO_BIG, "Message too large"};

void ws_decoder_init(struct ws_decoder *d, const struct ws_limits *limits,
                     struct ws_inflate *inflate)
{
    *d = (struct ws_decoder){.limits = limits, .inflate = inflate};
}

void ws_decoder_clear(struct ws_decoder *d)
{
    if (d->partial != NULL) {
        buf_clear(&d->partial->message);
        free(d->partial);
    }
    d->partial = NULL;
    d->is_mid_message = false;
}

size_t ws_decoder_bytes(const struct ws_decoder *d)
{
    return d->partial == NULL ? 0 : sizeof(*d->partial) + d->partial->message.cap;
}

static bool is_control(enum ws_opcode opcode)
{
    return opcode >= WS_CLOSE;
}

static bool has_open_message(const struct ws_decoder *d)
{
    return d->partial != NULL && d->partial->type != WS_CONTINUATION;
}

static bool is_mid_message(const struct ws_partial *p)
{
    return p != NULL && (p->type != WS_CONTINUATION || p->has_frame || p->header_bytes > 0);
}

COLD static void fail(struct ws_decoder *d, struct ws_event *event, const struct fault *fault)
{
    ws_decoder_clear(d);
    d->fail_code = fault->code;
    *event = (struct ws_event){
        .type = WS_EVENT_FAIL, .fail_code = fault->code, .fail_reason = fault->reason};
}

static void give(struct ws_event *event, enum ws_opcode opcode, uint8_t *payload, size_t len)
{
    static const enum ws_event_type types[] = {[WS_TEXT] = WS_EVENT_TEXT,
                                               [WS_BINARY] = WS_EVENT_BINARY,
                                               [WS_CLOSE] = WS_EVENT_CLOSE,
                                               [WS_PING] = WS_EVENT_PING,
                                               [WS_PONG] = WS_EVENT_PONG};

    ASSERT(opcode != WS_CONTINUATION);
    *event = (struct ws_event){.type = types[opcode], .payload = payload, .payload_bytes = len};
}

static struct ws_partial *partial_get(struct ws_decoder *d)
{
    if (d->partial == NULL)
        d->partial = calloc(1, sizeof(*d->partial));
    return d->partial;
}

/* What a message may gather. Compressed it may be a little larger than what it holds: stored blocks
 * and the marks between flushed pieces cost a few bytes each. */
static uint64_t gather_ceiling(const struct ws_limits *limits, bool is_compressed)
{
    uint64_t ceiling = limits->message_bytes, slack = limits->message_bytes / 64 + 1024;

    if (is_compressed)
        ceiling = ceiling > UINT64_MAX - slack ? UINT64_MAX : ceiling + slack;
    return ceiling > SIZE_MAX ? SIZE_MAX : ceiling;
}

/* What a header violates that ws_frame_decode cannot know: the extension, the frames before it, and
 * limits. All of it is judged before a byte of the payload is looked at or any memory taken for it.
 */
static const struct fault *judge(const struct ws_decoder *d, const struct ws_frame *frame)
{
    static const struct fault stray = {CLOSE_PROTOCOL, "Nothing to continue"};
    static const struct fault interrupted = {CLOSE_PROTOCOL, "Message not finished"};
    static const struct fault reserved = {CLOSE_PROTOCOL, "Reserved bit set"};
    static const struct fault not_accepted = {CLOSE_UNSUPPORTED, "Message type not accepted"};
    static const struct fault too_many = {CLOSE_POLICY, "Too many fragments"};
    const struct ws_limits *limits = d->limits;
    bool is_open = has_open_message(d), is_compressed = frame->has_rsv1;
    uint64_t gathered = 0;

    if (is_control(frame->opcode))
        return NULL;
    if (frame->opcode == WS_CONTINUATION && !is_open)
        return &stray;
    if (frame->opcode != WS_CONTINUATION && is_open)
        return &interrupted;
    if (frame->has_rsv1 &&
        (is_open || d->inflate == NULL)) /* RFC 7692 section 6.1: first frame only */
        return &reserved;
    if ((frame->opcode == WS_TEXT && !limits->accepts_text) ||
        (frame->opcode == WS_BINARY && !limits->accepts_binary))
        return &not_accepted;
    if ((is_open ? d->partial->frames : 0) >= limits->fragments)
        return &too_many;
    if (is_open) {
        is_compressed = d->partial->is_compressed;
        gathered = d->partial->message.len;
    }
    if (frame->payload_bytes > gather_ceiling(limits, is_compressed) - gathered)
        return &too_large;
    return NULL;
}

/* A whole compressed message; the event's payload lies in the inflater. */
static void give_inflated(struct ws_decoder *d, enum ws_opcode type, const uint8_t *in, size_t len,
                          struct ws_event *event)
{
    struct ws_inflate_limits limits = {d->limits->message_bytes, d->limits->inflate_ratio};
    const struct fault *fault = NULL;
    uint8_t *out = NULL;
    size_t out_len = 0;
    int rc;

    rc = ws_inflate_message(d->inflate, view_of(in, len), limits, &out, &out_len);
    if (rc == E_LIMIT)
        fault = &too_large;
    else if (rc == E_NOMEM)
        fault = &out_of_memory;
    else if (rc != OK)
        fault = &bad_deflate;
    else if (type == WS_TEXT && !utf8_ok(out, out_len))
        fault = &bad_text;
    if (fault != NULL) {
        fail(d, event, fault);
        return;
    }
    ws_decoder_clear(d);
    give(event, type, out, out_len);
}

/* The fast path: `frame` is a control frame or a message of its own and its payload is all there.
 */
static void give_whole(struct ws_decoder *d, const struct ws_frame *frame, uint8_t *payload,
                       struct ws_event *event)
{
    size_t len = (size_t)frame->payload_bytes;
    bool is_ascii = frame->has_mask && ws_mask_apply_is_ascii(payload, len, frame->mask);

    if (frame->has_rsv1) {
        give_inflated(d, frame->opcode, payload, len, event);
        return;
    }
    if (frame->opcode == WS_TEXT && !is_ascii && !utf8_ok(payload, len)) {
        fail(d, event, &bad_text);
        return;
    }
    if (!has_open_message(d))
        ws_decoder_clear(d); /* its header may have come in pieces */
    give(event, frame->opcode, payload, len);
}

/* Nearly all that ever comes: a text or binary message in one frame of up to 64 KiB that is all
 * there. A shortcut and no more: whatever is not plainly in order is left, untouched, to the
 * general way and its verdict. */
static bool give_plain(struct ws_decoder *d, uint8_t *data, size_t len, size_t *used,
                       struct ws_event *event)
{
    const struct ws_limits *limits = d->limits;
    size_t mask_bytes = limits->expect_mask ? 4 : 0, header = 2 + mask_bytes, payload_bytes;
    bool is_text, is_ascii;

    if (len < header || (data[0] != WS_WHOLE_TEXT && data[0] != WS_WHOLE_BINARY))
        return false;
    is_text = data[0] == WS_WHOLE_TEXT;
    /* Huge if the mask's bit is missing. */
    payload_bytes = data[1] - (limits->expect_mask ? WS_BIT_MASKED : 0u);
    if (payload_bytes == WS_LENGTH_IN_TWO && len >= header + 2) {
        payload_bytes = (size_t)data[2] << 8 | data[3];
        header += 2;
        if (payload_bytes <= WS_SHORT_PAYLOAD_MAX)
            return false;
    } else if (payload_bytes > WS_SHORT_PAYLOAD_MAX) {
        return false;
    }
    if (payload_bytes > len - header || payload_bytes > limits->message_bytes ||
        limits->fragments == 0 || !(is_text ? limits->accepts_text : limits->accepts_binary))
        return false;
    *used = header + payload_bytes;
    data += header;
    is_ascii = mask_bytes != 0 && ws_mask_apply_is_ascii(data, payload_bytes, data - 4);
    *event =
        (struct ws_event){is_text ? WS_EVENT_TEXT : WS_EVENT_BINARY, data, payload_bytes, 0, NULL};
    if (is_text && !is_ascii && !utf8_ok(data, payload_bytes))
        fail(d, event, &bad_text);
    return true;
}

/* Decodes a header that begins in what an earlier input left over, or else at data. DONE sets *used
 * to the bytes of data that belong to it; MORE uses them all. */
static enum ws_parse take_header(struct ws_decoder *d, const uint8_t *data, size_t len,
                                 size_t *used, struct ws_frame *frame)
{
    struct ws_partial *p = d->partial;
    size_t had = p == NULL ? 0 : p->header_bytes, fill = WS_FRAME_HEADER_MAX - had;
    enum ws_parse verdict;

    if (had == 0) {
        verdict = ws_frame_decode(frame, data, len, d->limits->expect_mask);
    } else {
        fill = len < fill ? len : fill;
        memcpy(p->header + had, data, fill);
        verdict = ws_frame_decode(frame, p->header, had + fill, d->limits->expect_mask);
    }
    if (verdict != WS_PARSE_DONE)
        return verdict;
    *used = frame->header_bytes - had;
    if (had > 0)
        p->header_bytes = 0;
    return WS_PARSE_DONE;
}

/* The input ends inside a header: keeps what is there of it. */
static void keep_header(struct ws_decoder *d, const uint8_t *data, size_t len,
                        struct ws_event *event)
{
    struct ws_partial *p = partial_get(d);

    if (p == NULL) {
        fail(d, event, &out_of_memory);
        return;
    }
    ASSERT(len < (size_t)(WS_FRAME_HEADER_MAX - p->header_bytes));
    memcpy(p->header + p->header_bytes, data, len);
    p->header_bytes = (uint8_t)(p->header_bytes + len);
    event->type = WS_EVENT_MORE;
}

static void fail_header(struct ws_decoder *d, const uint8_t *data, size_t len,
                        struct ws_event *event)
{
    struct fault fault = {CLOSE_PROTOCOL, NULL};
    bool expect_mask = d->limits->expect_mask;

    if (d->partial != NULL && d->partial->header_bytes > 0) /* take_header has joined the pieces */
        fault.reason = ws_frame_fault(d->partial->header, WS_FRAME_HEADER_MAX, expect_mask);
    else
        fault.reason = ws_frame_fault(data, len, expect_mask);
    fail(d, event, &fault);
}

/* Starts gathering the payload of a frame that judge has let through. */
static const struct fault *begin_frame(struct ws_decoder *d, const struct ws_frame *frame)
{
    struct ws_partial *p = partial_get(d);

    if (p == NULL)
        return &out_of_memory;
    p->frame = *frame;
    p->frame_bytes = 0;
    p->has_frame = true;
    if (is_control(frame->opcode))
        return NULL;
    if (frame->opcode != WS_CONTINUATION) {
        p->type = frame->opcode;
        p->is_compressed = frame->has_rsv1;
        p->frames = 0;
        p->utf8 = UTF8_ACCEPT;
    }
    p->frames++;
    /* With the last frame the size of the whole is known: doubling need not go beyond it. */
    p->message.max = (size_t)gather_ceiling(d->limits, p->is_compressed);
    if (frame->is_final)
        p->message.max = p->message.len + (size_t)frame->payload_bytes;
    return NULL;
}

/* Memory grows with what has arrived, by doubling, and never with what a header announced (C-A8).
 */
static const struct fault *append_data(struct ws_partial *p, const uint8_t *data, size_t len)
{
    uint64_t due = p->frame.payload_bytes - p->frame_bytes;
    size_t room = len < FIRST_BYTES ? FIRST_BYTES : len;
    uint8_t *end;

    if (len == 0)
        return NULL;
    if (p->message.cap - p->message.len < len &&
        buf_reserve(&p->message, room < due ? room : (size_t)due) != OK)
        return &out_of_memory;
    end = p->message.data + p->message.len;
    ws_mask_copy(end, data, len, p->frame.mask, (size_t)(p->frame_bytes & 3));
    p->message.len += len;
    if (p->type == WS_TEXT && !p->is_compressed && !utf8_feed(&p->utf8, end, len))
        return &bad_text; /* at the first bad byte, not at the end of the message */
    return NULL;
}

/* Takes what is there of the current frame's payload; returns how much that was. */
static size_t take_payload(struct ws_decoder *d, const uint8_t *data, size_t len,
                           const struct fault **fault)
{
    struct ws_partial *p = d->partial;
    uint64_t due = p->frame.payload_bytes - p->frame_bytes;
    size_t take = due < len ? (size_t)due : len;

    *fault = NULL;
    if (is_control(p->frame.opcode)) {
        ASSERT(p->frame_bytes + take <= sizeof(p->control));
        ws_mask_copy(p->control + p->frame_bytes, data, take, p->frame.mask,
                     (size_t)(p->frame_bytes & 3));
    } else {
        *fault = append_data(p, data, take);
    }
    p->frame_bytes += take;
    p->has_frame = p->frame_bytes < p->frame.payload_bytes;
    return take;
}

/* The current frame is complete. True when that gave an event. */
static bool end_frame(struct ws_decoder *d, struct ws_event *event)
{
    struct ws_partial *p = d->partial;

    if (is_control(p->frame.opcode)) {
        give(event, p->frame.opcode, p->control, (size_t)p->frame_bytes);
        return true;
    }
    if (!p->frame.is_final)
        return false;
    if (p->is_compressed) {
        give_inflated(d, p->type, p->message.data, p->message.len, event);
        return true;
    }
    if (p->utf8 != UTF8_ACCEPT) {
        fail(d, event, &bad_text);
        return true;
    }
    /* The payload stays here until the next call, which finds no message open and frees it. */
    give(event, p->type, p->message.len > 0 ? p->message.data : p->control, p->message.len);
    p->type = WS_CONTINUATION;
    return true;
}

/* One frame, or the piece of it that is there. True when that gave an event. */
static bool step(struct ws_decoder *d, uint8_t *data, size_t len, size_t *used,
                 struct ws_event *event)
{
    const struct fault *fault;
    struct ws_frame frame;
    size_t at = 0;

    *used = len;
    if (d->partial == NULL || !d->partial->has_frame) {
        switch (take_header(d, data, len, &at, &frame)) {
        case WS_PARSE_DONE:
            break;
        case WS_PARSE_MORE:
            keep_header(d, data, len, event);
            return true;
        default:
            fail_header(d, data, len, event);
            return true;
        }
        fault = judge(d, &frame);
        if (fault == NULL && frame.payload_bytes <= len - at &&
            (is_control(frame.opcode) || (frame.is_final && frame.opcode != WS_CONTINUATION))) {
            *used = at + (size_t)frame.payload_bytes;
            give_whole(d, &frame, data + at, event);
            return true;
        }
        if (fault == NULL)
            fault = begin_frame(d, &frame);
        if (fault != NULL) {
            fail(d, event, fault);
            return true;
        }
    }
    at += take_payload(d, data + at, len - at, &fault);
    *used = at;
    if (fault != NULL) {
        fail(d, event, fault);
        return true;
    }
    return !d->partial->has_frame && end_frame(d, event);
}

/* The general way. */
APART static void decode(struct ws_decoder *d, uint8_t *data, size_t len, size_t *used,
                         struct ws_event *event)
{
    size_t at = 0, step_used;

    if (d->partial != NULL && !d->is_mid_message)
        ws_decoder_clear(d);
    *event = (struct ws_event){.type = WS_EVENT_MORE};
    if (d->fail_code != 0) { /* the connection has failed: nothing is read any more */
        *used = len;
        fail(d, event, &(struct fault){d->fail_code, "Connection failed"});
        return;
    }
    while (at < len) {
        bool is_event = step(d, data + at, len - at, &step_used, event);

        at += step_used;
        if (is_event)
            break;
    }
    d->is_mid_message = is_mid_message(d->partial);
    *used = at;
}

void ws_decode(struct ws_decoder *d, uint8_t *data, size_t len, size_t *used,
               struct ws_event *event)
{
    if (d->partial != NULL || d->fail_code != 0 || !give_plain(d, data, len, used, event))
        decode(d, data, len, used, event);
}
