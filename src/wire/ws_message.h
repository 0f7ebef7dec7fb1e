/* SPDX-License-Identifier: Apache-2.0 */
/* ws_message.h: the incremental decoder from bytes to messages (RFC 6455 sections 5.4-5.6, RFC 7692
 * section 6). Pure but for memory: once WS_EVENT_MORE was given and nothing is incomplete the
 * decoder owns no heap at all; incomplete payload costs what has arrived, never what was announced.
 * Any split of the input gives the same events. Not thread-safe. */
#ifndef WIRE_WS_MESSAGE_H
#define WIRE_WS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/view.h"
#include "wire/ws_frame.h"

struct ws_inflate; /* wire/ws_deflate.h */
struct ws_partial; /* private: what an incomplete frame or message needs */

/* Immutable, shared by all connections of a route. */
struct ws_limits {
    uint64_t message_bytes; /* reassembled and decompressed */
    uint32_t fragments;     /* frames in one message, empty ones count (C-A10, C-A11) */
    uint32_t inflate_ratio; /* output to input, past the first 16 KiB of output; 0 = no such limit
                               (R-D8) */
    bool expect_mask;       /* true on a server */
    bool accepts_text,
        accepts_binary; /* a type not accepted fails with 1003 at the frame header (R-F13) */
};

struct ws_decoder {
    const struct ws_limits *limits;
    struct ws_partial
        *partial; /* an incomplete frame or message, or the payload of the event just given */
    struct ws_inflate *inflate; /* NULL: extension not negotiated; borrowed, see ws_decoder_init */
    uint16_t fail_code;         /* after WS_EVENT_FAIL */
    bool is_mid_message;        /* ask ws_decoder_is_mid_message */
};

enum ws_event_type {
    WS_EVENT_MORE, /* all input used, nothing complete */
    WS_EVENT_TEXT, /* a whole message, valid UTF-8 */
    WS_EVENT_BINARY,
    WS_EVENT_PING,
    WS_EVENT_PONG,
    WS_EVENT_CLOSE, /* payload is still encoded: close_payload_decode */
    WS_EVENT_FAIL   /* close with fail_code, read no further */
};
struct ws_event {
    enum ws_event_type type;
    uint8_t
        *payload; /* in the input (unmasked in place), in the decoder, or in the inflater's output:
                     valid and writable until the next call on this decoder or inflater */
    size_t payload_bytes;
    uint16_t fail_code; /* WS_EVENT_FAIL: 1002, 1003, 1007, 1008 (too many fragments), 1009, 1011 */
    const char *fail_reason; /* a short constant text, fit for a close reason and an event log */
};

/* `limits` and `inflate` must outlive the decoder. inflate NULL: RSV1 is an error. */
void ws_decoder_init(struct ws_decoder *d, const struct ws_limits *limits,
                     struct ws_inflate *inflate);
void ws_decoder_clear(struct ws_decoder *d);
/* Consumes from data[0..len), which it may overwrite, up to the end of one event. Sets *used. Call
 * again with the rest (even when nothing is left) until WS_EVENT_MORE: only that call gives back
 * the memory behind the last event. After WS_EVENT_FAIL or WS_EVENT_CLOSE feed nothing more. */
void ws_decode(struct ws_decoder *d, uint8_t *data, size_t len, size_t *used,
               struct ws_event *event);
/* Is a frame or a message begun and not finished? (For the assembly deadline, W-51.) */
static inline bool ws_decoder_is_mid_message(const struct ws_decoder *d)
{
    return d->is_mid_message;
}
/* Would ws_decoder_clear give anything back? */
static inline bool ws_decoder_has_memory(const struct ws_decoder *d)
{
    return d->partial != NULL;
}
/* Heap bytes held now. */
size_t ws_decoder_bytes(const struct ws_decoder *d);

#endif
