/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto wire message net client bench */
/* What a server sends to the load generator: whole and in pieces it gives the same events, and
 * nothing is read behind the end of either. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "bench/frame_reader.h"

#define EVENTS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct summary {
    size_t count;
    uint64_t sum; /* over types, lengths and beginnings */
    bool is_bad;
};

static void note(struct summary *s, const struct frame_event *event)
{
    ASSERT(event->begin.len <= FRAME_BEGIN_BYTES && event->begin.len <= event->bytes);
    s->count++;
    s->sum = s->sum * 31 + (uint64_t)event->type * 7 + (uint64_t)event->opcode;
    s->sum = s->sum * 31 + event->bytes * 2 + event->is_compressed;
    for (size_t i = 0; i < event->begin.len; i++)
        s->sum = s->sum * 31 + (uint8_t)event->begin.ptr[i];
}

/* Memory of its own for each piece, so that reading on is seen. */
static void feed(struct summary *s, struct frame_reader *r, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    struct frame_event event;
    size_t used, at = 0;

    ASSERT(copy != NULL);
    memcpy(copy, bytes, len);
    do {
        frame_reader_next(r, copy + at, len - at, &used, &event);
        ASSERT(used <= len - at);
        ASSERT(event.type != FRAME_MORE || used == len - at);
        at += used;
        if (event.type == FRAME_BAD) {
            ASSERT(event.fault != NULL);
            s->is_bad = true;
        } else if (event.type != FRAME_MORE) {
            note(s, &event);
        }
    } while (event.type != FRAME_MORE && !s->is_bad && s->count < EVENTS_MAX);
    free(copy);
}

static struct summary in_pieces(const uint8_t *data, size_t size, size_t piece)
{
    struct summary s = {0, 0, false};
    struct frame_reader r;

    frame_reader_init(&r);
    for (size_t at = 0; at < size && !s.is_bad && s.count < EVENTS_MAX; at += piece)
        feed(&s, &r, data + at, size - at < piece ? size - at : piece);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct summary whole, parts;
    size_t piece;

    if (size < 2)
        return 0;
    piece = (size_t)data[0] % 17 + 1;
    whole = in_pieces(data + 1, size - 1, size);
    parts = in_pieces(data + 1, size - 1, piece);
    if (whole.count >= EVENTS_MAX || parts.count >= EVENTS_MAX)
        return 0;
    ASSERT(whole.is_bad == parts.is_bad && whole.count == parts.count && whole.sum == parts.sum);
    return 0;
}
