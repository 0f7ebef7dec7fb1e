/* SPDX-License-Identifier: Apache-2.0 */
/* rd.h: a bounds-checked reader over bytes from outside. Big-endian. Failure is sticky: read on,
 * test once at the end. */
#ifndef BASE_RD_H
#define BASE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct rd {
    const uint8_t *ptr, *end;
    bool failed;
};

static inline struct rd rd_of(const void *bytes, size_t len)
{
    const uint8_t *start = bytes;
    return (struct rd){start, len > 0 ? start + len : start, false};
}
static inline size_t rd_left(const struct rd *r)
{
    return (size_t)(r->end - r->ptr);
}
/* Each answers 0 (or an empty view) once the reader has failed. */
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u24(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
struct view rd_bytes(struct rd *r, size_t len);

#endif
