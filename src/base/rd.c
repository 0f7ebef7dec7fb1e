/* SPDX-License-Identifier: Apache-2.0 */
/* rd.c: the bounds-checked reader. All numbers go through rd_bytes, so there is one place where
 * bounds are checked. */
#include "base/rd.h"

struct view rd_bytes(struct rd *r, size_t len)
{
    struct view v = {NULL, 0};

    if (r->failed || len > rd_left(r)) {
        r->failed = true;
        return v;
    }
    v = view_of(r->ptr, len);
    if (len > 0)
        r->ptr += len;
    return v;
}

/* At most 8 bytes, big-endian. After a failure the view is empty and so the number is 0. */
static uint64_t rd_number(struct rd *r, size_t len)
{
    struct view v = rd_bytes(r, len);
    uint64_t value = 0;

    for (size_t i = 0; i < v.len; i++)
        value = value << 8 | (uint8_t)v.ptr[i];
    return value;
}

uint8_t rd_u8(struct rd *r)
{
    return (uint8_t)rd_number(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
    return (uint16_t)rd_number(r, 2);
}

uint32_t rd_u24(struct rd *r)
{
    return (uint32_t)rd_number(r, 3);
}

uint32_t rd_u32(struct rd *r)
{
    return (uint32_t)rd_number(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
    return rd_number(r, 8);
}
