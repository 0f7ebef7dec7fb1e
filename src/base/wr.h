/* SPDX-License-Identifier: Apache-2.0 */
/* wr.h: a bounds-checked writer into the caller's memory. Failure (no room) is sticky; test
 * wr.failed once at the end. */
#ifndef BASE_WR_H
#define BASE_WR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct wr {
    uint8_t *start, *ptr, *end;
    bool failed;
};

static inline struct wr wr_of(void *bytes, size_t cap)
{
    uint8_t *start = bytes;
    return (struct wr){start, start, start + cap, false};
}
static inline size_t wr_len(const struct wr *w)
{
    return (size_t)(w->ptr - w->start);
}
void wr_u8(struct wr *w, uint8_t value);
void wr_u16(struct wr *w, uint16_t value); /* big-endian */
void wr_u64(struct wr *w, uint64_t value); /* big-endian */
void wr_bytes(struct wr *w, const void *bytes, size_t len);
void wr_view(struct wr *w, struct view v);
void wr_text(struct wr *w, const char *text);
void wr_dec(struct wr *w, uint64_t value); /* decimal digits */

#endif
