/* SPDX-License-Identifier: Apache-2.0 */
/* ws_deflate.c: messages through zlib (RFC 7692 section 7.2). Raw streams; a message ends in an
 * empty stored block whose last four bytes do not travel. What a message may grow to is enforced on
 * the output while it is made, never guessed from the input. Offers and answers are in
 * ws_deflate_offer.c. */
#include "wire/ws_deflate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/status.h"

#define SCRATCH_FIRST_BYTES   4096
#define SCRATCH_KEEP_BYTES    (64 * 1024) /* more than this is given back before the next message */
#define RATIO_FREE_BYTES      (16 * 1024) /* output below this is never judged by its ratio */
#define TAIL_BYTES            4
#define ZLIB_STOPPED_AT_BLOCK 128 /* in z_stream.data_type, see inflate in zlib.h */

struct scratch {
    uint8_t *data;
    size_t cap;
};

struct ws_inflate {
    z_stream z;
    struct scratch out;
    bool keeps_context;
};

struct ws_deflate {
    z_stream z;
    struct scratch out;
    bool keeps_context;
};

static const uint8_t tail[TAIL_BYTES] = {0x00, 0x00, 0xFF, 0xFF};

static void scratch_clear(struct scratch *s)
{
    free(s->data);
    *s = (struct scratch){NULL, 0};
}

static void scratch_shrink(struct scratch *s)
{
    if (s->cap > SCRATCH_KEEP_BYTES)
        scratch_clear(s);
}

/* Doubles, so that a message of any size is copied a constant number of times; never above `max`.
 */
static int scratch_grow(struct scratch *s, size_t max)
{
    size_t cap = s->cap > max / 2 ? max : s->cap * 2;
    uint8_t *grown;

    if (cap < SCRATCH_FIRST_BYTES)
        cap = max < SCRATCH_FIRST_BYTES ? max : SCRATCH_FIRST_BYTES;
    if (cap <= s->cap)
        return E_LIMIT;
    grown = realloc(s->data, cap);
    if (grown == NULL)
        return E_NOMEM;
    s->data = grown;
    s->cap = cap;
    return OK;
}

int ws_inflate_new(struct ws_inflate **out, uint8_t window_bits, bool keeps_context)
{
    struct ws_inflate *z;

    ASSERT(window_bits >= 9 && window_bits <= 15);
    z = calloc(1, sizeof(*z));
    if (z == NULL)
        return E_NOMEM;
    if (inflateInit2(&z->z, -window_bits) != Z_OK) {
        free(z);
        return E_NOMEM;
    }
    z->keeps_context = keeps_context;
    *out = z;
    return OK;
}

void ws_inflate_free(struct ws_inflate *z)
{
    if (z == NULL)
        return;
    (void)inflateEnd(&z->z);
    scratch_clear(&z->out);
    free(z);
}

/* The output a message may have: the limit and, once past RATIO_FREE_BYTES, the ratio. */
static size_t output_ceiling(size_t in_len, struct ws_inflate_limits limits)
{
    size_t by_ratio = SIZE_MAX,
           ceiling = limits.bytes > SIZE_MAX - 1 ? SIZE_MAX - 1 : (size_t)limits.bytes;

    if (limits.ratio == 0)
        return ceiling;
    if (!size_mul(in_len, limits.ratio, &by_ratio))
        return ceiling;
    if (by_ratio < RATIO_FREE_BYTES)
        by_ratio = RATIO_FREE_BYTES;
    return by_ratio < ceiling ? by_ratio : ceiling;
}

/* Room for at least one more byte of output, but for no more than one byte above the ceiling: the
 * byte that tells "exactly full" from "too big". */
static int offer_room(struct ws_inflate *z, size_t made, size_t ceiling)
{
    size_t room;

    if (made > ceiling)
        return E_LIMIT;
    if (made == z->out.cap) {
        int rc = scratch_grow(&z->out, ceiling + 1);

        if (rc != OK)
            return rc;
    }
    room = (z->out.cap < ceiling + 1 ? z->out.cap : ceiling + 1) - made;
    z->z.next_out = z->out.data + made;
    z->z.avail_out = room > UINT_MAX ? UINT_MAX : (uInt)room;
    return OK;
}

/* One call of zlib's inflate. *made counts the output of the message. */
static int inflate_some(struct ws_inflate *z, int flush, size_t ceiling, size_t *made)
{
    uInt had, room;
    int rc = offer_room(z, *made, ceiling);

    if (rc != OK)
        return rc;
    had = z->z.avail_in;
    room = z->z.avail_out;
    rc = inflate(&z->z, flush);
    *made += room - z->z.avail_out;
    if (rc == Z_STREAM_END) {
        /* RFC 7692 section 7.2.3.4: a block with BFINAL ends zlib's stream, not the message. The
         * window stays, since later blocks may refer to what came before. (inflateReset would
         * forget it, and to take it out and put it back would cost 64 KiB of copying for a block of
         * two bytes.) */
        return inflateResetKeep(&z->z) == Z_OK ? OK : E_INVALID;
    }
    if (rc == Z_MEM_ERROR)
        return E_NOMEM;
    if (rc != Z_OK && rc != Z_BUF_ERROR)
        return E_INVALID;
    if (rc == Z_BUF_ERROR && had > 0 && room > 0 && z->z.avail_in == had && z->z.avail_out == room)
        return E_INVALID; /* no progress although there was room and input: never go round for ever
                           */
    return OK;
}

static int inflate_body(struct ws_inflate *z, struct view in, size_t ceiling, size_t *made)
{
    size_t left = in.len;
    int rc = OK;

    while (left > 0 && rc == OK) {
        uInt chunk = left > UINT_MAX ? UINT_MAX : (uInt)left;

        z->z.next_in =
            (Bytef *)(uintptr_t)(in.ptr + (in.len - left)); /* zlib does not write there */
        z->z.avail_in = chunk;
        do {
            rc = inflate_some(z, Z_SYNC_FLUSH, ceiling, made);
        } while (rc == OK && (z->z.avail_in > 0 || z->z.avail_out == 0));
        left -= chunk;
    }
    return rc;
}

/* The four bytes that did not travel, from memory of our own (CVE-2026-29035 wrote them behind the
 * input). They must complete the empty stored block that ends a message; anything else was cut off.
 */
static int inflate_tail(struct ws_inflate *z, size_t ceiling, size_t *made)
{
    size_t before = *made;
    int rc;

    z->z.next_in = (Bytef *)(uintptr_t)tail;
    z->z.avail_in = TAIL_BYTES;
    rc = inflate_some(z, Z_BLOCK, ceiling, made);
    if (rc != OK)
        return rc;
    if (z->z.avail_in > 0 || *made != before || (z->z.data_type & ZLIB_STOPPED_AT_BLOCK) == 0)
        return E_INVALID;
    return OK;
}

int ws_inflate_message(struct ws_inflate *z, struct view in, struct ws_inflate_limits limits,
                       uint8_t **out, size_t *out_len)
{
    size_t ceiling = output_ceiling(in.len, limits), made = 0;
    int rc;

    scratch_shrink(&z->out);
    if (!z->keeps_context && inflateReset(&z->z) != Z_OK)
        return E_INVALID;
    rc = inflate_body(z, in, ceiling, &made);
    if (rc == OK)
        rc = inflate_tail(z, ceiling, &made);
    if (rc == OK && made > ceiling)
        rc = E_LIMIT;
    if (rc != OK)
        return rc;
    *out = z->out.data;
    *out_len = made;
    return OK;
}

int ws_deflate_new(struct ws_deflate **out, uint8_t window_bits, uint8_t level, bool keeps_context)
{
    /* zlib's hash tables take 1 << (memory + 9) bytes: no point in more than the window has. */
    int memory = window_bits - 7;
    struct ws_deflate *z;

    ASSERT(window_bits >= 9 && window_bits <= 15 && level >= 1 && level <= 9);
    z = calloc(1, sizeof(*z));
    if (z == NULL)
        return E_NOMEM;
    if (deflateInit2(&z->z, level, Z_DEFLATED, -window_bits, memory, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(z);
        return E_NOMEM;
    }
    z->keeps_context = keeps_context;
    *out = z;
    return OK;
}

void ws_deflate_free(struct ws_deflate *z)
{
    if (z == NULL)
        return;
    (void)deflateEnd(&z->z);
    scratch_clear(&z->out);
    free(z);
}

/* Runs zlib until it wants no more room; *made counts the output. */
static int deflate_some(struct ws_deflate *z, int flush, size_t *made)
{
    do {
        size_t room;
        uInt offered;

        if (*made == z->out.cap && scratch_grow(&z->out, SIZE_MAX) != OK)
            return E_NOMEM;
        room = z->out.cap - *made;
        offered = room > UINT_MAX ? UINT_MAX : (uInt)room;
        z->z.next_out = z->out.data + *made;
        z->z.avail_out = offered;
        (void)deflate(&z->z, flush); /* Z_BUF_ERROR only says that nothing was left to do */
        *made += offered - z->z.avail_out;
    } while (z->z.avail_out == 0);
    return OK;
}

int ws_deflate_message(struct ws_deflate *z, const uint8_t *in, size_t in_len, uint8_t **out,
                       size_t *out_len)
{
    size_t left = in_len, made = 0;

    scratch_shrink(&z->out);
    if (z->out.cap == 0 && scratch_grow(&z->out, SIZE_MAX) != OK)
        return E_NOMEM;
    if (in_len == 0) {
        /* Section 7.2.3.6. zlib itself would emit nothing for a second flush in a row. */
        z->out.data[0] = 0x00;
        *out = z->out.data;
        *out_len = 1;
        return OK;
    }
    if (!z->keeps_context && deflateReset(&z->z) != Z_OK)
        return E_INVALID;
    while (left > 0) {
        uInt chunk = left > UINT_MAX ? UINT_MAX : (uInt)left;

        z->z.next_in = (Bytef *)(uintptr_t)(in + (in_len - left)); /* zlib does not write there */
        z->z.avail_in = chunk;
        left -= chunk;
        if (deflate_some(z, left > 0 ? Z_NO_FLUSH : Z_SYNC_FLUSH, &made) != OK)
            return E_NOMEM;
    }
    ASSERT(made > TAIL_BYTES && memcmp(z->out.data + made - TAIL_BYTES, tail, TAIL_BYTES) == 0);
    *out = z->out.data;
    *out_len = made - TAIL_BYTES;
    return OK;
}
