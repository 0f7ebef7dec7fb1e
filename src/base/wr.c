/* SPDX-License-Identifier: Apache-2.0 */
/* wr.c: the bounds-checked writer. A piece that does not fit is not written at all, and nothing
 * after it is either. */
#include "base/wr.h"

#include <string.h>

void wr_bytes(struct wr *w, const void *bytes, size_t len)
{
    if (w->failed || len > (size_t)(w->end - w->ptr)) {
        w->failed = true;
        return;
    }
    if (len > 0) {
        memcpy(w->ptr, bytes, len);
        w->ptr += len;
    }
}

void wr_u8(struct wr *w, uint8_t value)
{
    if (w->failed || w->ptr == w->end) {
        w->failed = true;
        return;
    }
    *w->ptr++ = value;
}

void wr_u16(struct wr *w, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    wr_bytes(w, bytes, sizeof(bytes));
}

void wr_u64(struct wr *w, uint64_t value)
{
    uint8_t bytes[8];

    for (int i = 7; i >= 0; i--) {
        bytes[i] = (uint8_t)value;
        value >>= 8;
    }
    wr_bytes(w, bytes, sizeof(bytes));
}

void wr_view(struct wr *w, struct view v)
{
    wr_bytes(w, v.ptr, v.len);
}

void wr_text(struct wr *w, const char *text)
{
    wr_bytes(w, text, strlen(text));
}

void wr_dec(struct wr *w, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    wr_bytes(w, digits + at, sizeof(digits) - at);
}
