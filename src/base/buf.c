/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c: growing bytes with a ceiling. Capacity doubles, so appending byte by byte stays linear. */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/status.h"

#define BUF_FIRST_BYTES 64

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = BUF_INIT(max_bytes);
}

void buf_clear(struct buf *b)
{
    free(b->data);
    *b = BUF_INIT(b->max);
}

int buf_reserve(struct buf *b, size_t extra)
{
    size_t need, cap;
    uint8_t *grown;

    if (!size_add(b->len, extra, &need) || need > b->max)
        return E_LIMIT;
    if (need <= b->cap)
        return OK;
    cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
    if (cap < BUF_FIRST_BYTES)
        cap = b->max < BUF_FIRST_BYTES ? b->max : BUF_FIRST_BYTES;
    if (cap < need)
        cap = need;
    grown = realloc(b->data, cap);
    if (grown == NULL)
        return E_NOMEM;
    b->data = grown;
    b->cap = cap;
    return OK;
}

int buf_append(struct buf *b, const void *bytes, size_t len)
{
    int rc = buf_reserve(b, len);

    if (rc != OK)
        return rc;
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    return OK;
}

void buf_consume(struct buf *b, size_t count)
{
    ASSERT(count <= b->len);
    if (count == 0)
        return;
    b->len -= count;
    if (b->len > 0)
        memmove(b->data, b->data + count, b->len);
}
