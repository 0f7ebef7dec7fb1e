/* SPDX-License-Identifier: Apache-2.0 */
/* frame_reader.h: what a server sends, taken apart just far enough to be counted: the beginning of
 * each message is kept, the rest passed over. Bytes in, events out; any split gives the same
 * events. Never allocates. Pure. */
#ifndef BENCH_FRAME_READER_H
#define BENCH_FRAME_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"
#include "wire/ws_frame.h"

#define FRAME_BEGIN_BYTES 256 /* of a message */

struct frame_reader {
    uint64_t left;          /* payload of the frame under way that has not come */
    uint64_t message_bytes; /* of the message under way, all its frames */
    uint16_t begin_len;
    uint8_t header_len, control_len;
    uint8_t opcode;         /* of the frame under way */
    uint8_t message_opcode; /* of the message under way; 0: none */
    bool is_in_payload, is_final, is_compressed;
    uint8_t header[WS_FRAME_HEADER_MAX];
    uint8_t control[WS_CONTROL_PAYLOAD_MAX];
    uint8_t begin[FRAME_BEGIN_BYTES];
};

enum frame_event_type {
    FRAME_MORE,    /* all input used */
    FRAME_MESSAGE, /* text or binary, whole */
    FRAME_PING,
    FRAME_PONG,
    FRAME_CLOSE,
    FRAME_BAD /* read no further */
};
struct frame_event {
    enum frame_event_type type;
    enum ws_opcode opcode;
    uint64_t bytes;     /* payload as it came; still compressed where is_compressed */
    struct view begin;  /* its first FRAME_BEGIN_BYTES at most; a control frame's whole payload;
                           valid until the next  call and while the input is */
    bool is_compressed; /* RSV1 */
    const char *fault;  /* FRAME_BAD: a constant text */
};

void frame_reader_init(struct frame_reader *r);
/* Takes from bytes[0..len) up to the end of one event; *used says how much. */
void frame_reader_next(struct frame_reader *r, const uint8_t *bytes, size_t len, size_t *used,
                       struct frame_event *event);

#endif
