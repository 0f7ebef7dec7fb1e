/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h: growing bytes with a ceiling. Not thread-safe. Embed it; the bytes are on the heap. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct buf {
    uint8_t *data; /* NULL while empty and never grown */
    size_t len, cap, max;
};

#define BUF_INIT(max_bytes) ((struct buf){NULL, 0, 0, (max_bytes)})

void buf_init(struct buf *b, size_t max_bytes);
/* Frees the bytes; the ceiling stays and the buf is empty again. */
void buf_clear(struct buf *b);
/* Makes room for `extra` more bytes behind len (capacity at least doubles, never above max).
 * E_LIMIT past the ceiling, E_NOMEM. On failure nothing changes. */
int buf_reserve(struct buf *b, size_t extra);
int buf_append(struct buf *b, const void *bytes, size_t len);
/* Drops the first `count` bytes (count <= len), moving the rest down. */
void buf_consume(struct buf *b, size_t count);
static inline struct view buf_view(const struct buf *b)
{
    return view_of(b->data, b->len);
}

#endif
