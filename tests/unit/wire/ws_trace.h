/* SPDX-License-Identifier: Apache-2.0 */
/* ws_trace.h: what a decoder says about a stream of bytes, written down, so that runs over
 * differently cut input can be compared byte for byte. Each piece is a memory block of its own,
 * exactly as long. */
#ifndef TESTS_WS_TRACE_H
#define TESTS_WS_TRACE_H

#include <stdlib.h>
#include <string.h>

#include "three_ways.h"
#include "wire/ws_message.h"
#include "wire_bytes.h"

struct ws_trace {
    struct bytes text; /* per event: type, fail code, payload length (8 bytes), payload */
    unsigned events, counts[WS_EVENT_FAIL + 1];
    uint16_t fail_code;
    const char *fail_reason;
    size_t failed_at;   /* bytes fed up to and with the piece that failed */
    size_t peak_bytes;  /* the most the decoder held */
    unsigned regrowths; /* how often what it held changed */
    struct bytes last;  /* payload of the last data message */
};

static inline void ws_trace_clear(struct ws_trace *t)
{
    bytes_clear(&t->text);
    bytes_clear(&t->last);
}

static inline void ws_trace_note(struct ws_trace *t, const struct ws_event *e)
{
    uint64_t len = e->payload_bytes;
    uint8_t type = (uint8_t)e->type;

    t->events++;
    t->counts[e->type]++;
    bytes_add(&t->text, &type, 1);
    bytes_add(&t->text, &e->fail_code, 2);
    bytes_add(&t->text, &len, 8);
    bytes_add(&t->text, e->payload, e->payload_bytes);
    if (e->type == WS_EVENT_FAIL) {
        t->fail_code = e->fail_code;
        t->fail_reason = e->fail_reason;
    }
    if (e->type == WS_EVENT_TEXT || e->type == WS_EVENT_BINARY) {
        t->last.len = 0;
        bytes_add(&t->last, e->payload, e->payload_bytes);
    }
}

static inline void ws_trace_size(struct ws_trace *t, const struct ws_decoder *d, size_t *held)
{
    size_t now = ws_decoder_bytes(d);

    if (now > t->peak_bytes)
        t->peak_bytes = now;
    if (now != *held)
        t->regrowths++;
    *held = now;
}

/* Feeds one piece until MORE, FAIL or CLOSE; false for the last two. */
static inline bool ws_trace_piece(struct ws_trace *t, struct ws_decoder *d, uint8_t *data,
                                  size_t len)
{
    size_t at = 0, used, held = ws_decoder_bytes(d);
    struct ws_event e;

    for (;;) {
        ws_decode(d, data + at, len - at, &used, &e);
        if (used > len - at)
            abort();
        at += used;
        ws_trace_size(t, d, &held);
        if (e.type == WS_EVENT_MORE) {
            if (at != len || ws_decoder_is_mid_message(d) != (ws_decoder_bytes(d) > 0))
                abort();
            return true;
        }
        ws_trace_note(t, &e);
        if (e.type == WS_EVENT_FAIL || e.type == WS_EVENT_CLOSE)
            return false;
    }
}

/* step: bytes a piece; 0 = all at once behind a guard page; chance not NULL: pieces of 1..step
 * bytes. */
static inline struct ws_trace ws_trace_run(const struct ws_limits *limits,
                                           struct ws_inflate *inflate, const struct bytes *in,
                                           size_t step, uint32_t *chance)
{
    struct ws_trace t = {.fail_code = 0};
    struct ws_decoder d;
    bool goes_on = true;
    size_t at = 0;

    ws_decoder_init(&d, limits, inflate);
    while (at < in->len && goes_on) {
        size_t len = chance != NULL ? 1 + test_chance(chance, (uint32_t)step) : step;
        struct guarded g = {0};
        uint8_t *piece;

        if (step == 0 || len > in->len - at)
            len = in->len - at;
        if (step == 0)
            g = guarded_copy(in->data + at, len);
        piece = step == 0 ? g.data : memcpy(malloc(len), in->data + at, len);
        goes_on = ws_trace_piece(&t, &d, piece, len);
        at += len;
        if (step == 0)
            guarded_free(&g);
        else
            free(piece);
    }
    t.failed_at = at;
    ws_decoder_clear(&d);
    return t;
}

#endif
