/* SPDX-License-Identifier: Apache-2.0 */
/* The common case first: a frame of its own that lies whole in the input is answered as a view into
 * it, without a copy. Everything else goes through the state in the reader. */
#include "bench/frame_reader.h"

#include <string.h>

void frame_reader_init(struct frame_reader *r)
{
    memset(r, 0, sizeof(*r));
}

static bool is_control(unsigned opcode)
{
    return opcode >= WS_CLOSE;
}

static size_t least(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static void fail(struct frame_event *event, const char *fault)
{
    event->type = FRAME_BAD;
    event->fault = fault != NULL ? fault : "no WebSocket frame";
}

static enum frame_event_type type_of(unsigned opcode)
{
    switch (opcode) {
    case WS_PING:
        return FRAME_PING;
    case WS_PONG:
        return FRAME_PONG;
    case WS_CLOSE:
        return FRAME_CLOSE;
    default:
        return FRAME_MESSAGE;
    }
}

/* RFC 6455 section 5.4: a continuation belongs to something, and nothing else may come between. */
static bool begin_frame(struct frame_reader *r, const struct ws_frame *frame,
                        struct frame_event *event)
{
    r->left = frame->payload_bytes;
    r->opcode = (uint8_t)frame->opcode;
    r->is_final = frame->is_final;
    r->is_in_payload = true;
    r->header_len = 0;
    if (is_control(r->opcode)) {
        r->control_len = 0;
        return true;
    }
    if ((r->message_opcode == 0) != (frame->opcode != WS_CONTINUATION)) {
        fail(event, "a fragment that belongs to no message, or a message inside another");
        return false;
    }
    if (frame->opcode == WS_CONTINUATION)
        return true;
    r->message_opcode = (uint8_t)frame->opcode;
    r->is_compressed = frame->has_rsv1;
    r->message_bytes = 0;
    r->begin_len = 0;
    return true;
}

/* A header that the input cuts in two is put together in r->header. *used counts what was taken. */
static bool take_header(struct frame_reader *r, const uint8_t *bytes, size_t len, size_t *used,
                        struct frame_event *event)
{
    struct ws_frame frame;
    enum ws_parse verdict = WS_PARSE_MORE;

    while (verdict == WS_PARSE_MORE) {
        if (*used == len)
            return false; /* FRAME_MORE */
        r->header[r->header_len++] = bytes[(*used)++];
        verdict = ws_frame_decode(&frame, r->header, r->header_len, false);
    }
    if (verdict == WS_PARSE_BAD) {
        fail(event, ws_frame_fault(r->header, r->header_len, false));
        return false;
    }
    return begin_frame(r, &frame, event);
}

static void keep(struct frame_reader *r, const uint8_t *bytes, size_t len)
{
    size_t room;

    if (is_control(r->opcode)) {
        memcpy(r->control + r->control_len, bytes, len); /* 125 at most: the header was checked */
        r->control_len = (uint8_t)(r->control_len + len);
        return;
    }
    room = least(len, sizeof(r->begin) - r->begin_len);
    memcpy(r->begin + r->begin_len, bytes, room);
    r->begin_len = (uint16_t)(r->begin_len + room);
    r->message_bytes += len;
}

/* The frame under way is complete: is that an event? */
static bool end_frame(struct frame_reader *r, struct frame_event *event)
{
    r->is_in_payload = false;
    if (is_control(r->opcode)) {
        *event = (struct frame_event){.type = type_of(r->opcode),
                                      .opcode = (enum ws_opcode)r->opcode,
                                      .bytes = r->control_len,
                                      .begin = view_of(r->control, r->control_len)};
        return true;
    }
    if (!r->is_final)
        return false;
    *event = (struct frame_event){.type = FRAME_MESSAGE,
                                  .opcode = (enum ws_opcode)r->message_opcode,
                                  .bytes = r->message_bytes,
                                  .begin = view_of(r->begin, r->begin_len),
                                  .is_compressed = r->is_compressed};
    r->message_opcode = 0;
    return true;
}

/* A whole frame that is a whole message, and nothing is under way. */
static bool take_at_once(const struct frame_reader *r, const uint8_t *bytes, size_t len,
                         size_t *used, struct frame_event *event)
{
    struct ws_frame frame;

    if (r->is_in_payload || r->header_len > 0 || r->message_opcode != 0 ||
        ws_frame_decode(&frame, bytes, len, false) != WS_PARSE_DONE || !frame.is_final ||
        frame.opcode == WS_CONTINUATION || frame.payload_bytes > len - frame.header_bytes)
        return false;
    *used = frame.header_bytes + (size_t)frame.payload_bytes;
    event->type = type_of(frame.opcode);
    event->opcode = frame.opcode;
    event->bytes = frame.payload_bytes;
    event->begin =
        view_of(bytes + frame.header_bytes, least(frame.payload_bytes, FRAME_BEGIN_BYTES));
    event->is_compressed = frame.has_rsv1;
    return true;
}

void frame_reader_next(struct frame_reader *r, const uint8_t *bytes, size_t len, size_t *used,
                       struct frame_event *event)
{
    *used = 0;
    event->type = FRAME_MORE;
    if (take_at_once(r, bytes, len, used, event))
        return;
    for (;;) {
        size_t now;

        if (!r->is_in_payload && !take_header(r, bytes, len, used, event))
            return;
        now = least(r->left, len - *used);
        keep(r, bytes + *used, now);
        *used += now;
        r->left -= now;
        if (r->left > 0 || end_frame(r, event))
            return;
    }
}
