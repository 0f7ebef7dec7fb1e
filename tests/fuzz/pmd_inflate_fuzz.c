/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base wire */
/* Inflating what a stranger sent: the limit holds, a failure leaves a stateless inflater usable,
 * and what came out goes through our deflater and back. The first byte chooses window, limit, ratio
 * and context. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/status.h"
#include "wire/ws_deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ws_inflate_limits at_most(uint64_t bytes, uint32_t ratio)
{
    return (struct ws_inflate_limits){bytes, ratio};
}

static void check_usable(struct ws_inflate *z)
{
    static const uint8_t hello[] = {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00};
    uint8_t *out;
    size_t len;

    ASSERT(ws_inflate_message(z, view_of(hello, sizeof(hello)), at_most(5, 100), &out, &len) == OK);
    ASSERT(len == 5 && memcmp(out, "Hello", 5) == 0);
}

static void check_round_trip(struct ws_inflate *z, uint8_t bits, const uint8_t *text, size_t len)
{
    struct ws_deflate *d = NULL;
    uint8_t *packed, *out;
    size_t packed_len, out_len;

    ASSERT(ws_deflate_new(&d, bits, 1, false) == OK);
    ASSERT(ws_deflate_message(d, text, len, &packed, &packed_len) == OK);
    ASSERT(ws_inflate_message(z, view_of(packed, packed_len), at_most(len, 0), &out, &out_len) ==
           OK);
    ASSERT(out_len == len && memcmp(out, text, len) == 0);
    ws_deflate_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ws_inflate *z = NULL;
    uint8_t bits, *out = NULL, *in, *copy;
    bool keeps_context;
    size_t max, len = 0;
    int rc;

    if (size < 2)
        return 0;
    bits = (uint8_t)(9 + (data[0] & 7) % 7);
    keeps_context = (data[0] & 8) != 0;
    max = (data[0] & 16) != 0 ? 100 : 70000;
    in = malloc(size - 1); /* exactly as long, so that a byte written behind it is noticed */
    ASSERT(in != NULL && ws_inflate_new(&z, bits, keeps_context) == OK);
    memcpy(in, data + 1, size - 1);
    rc = ws_inflate_message(z, view_of(in, size - 1), at_most(max, (data[0] & 32) != 0 ? 4 : 0),
                            &out, &len);
    ASSERT(rc == OK || rc == E_INVALID || rc == E_LIMIT);
    ASSERT(rc != OK || len <= max);
    ASSERT(memcmp(in, data + 1, size - 1) == 0);
    if (rc == OK && !keeps_context && len > 0) {
        copy = malloc(len);
        ASSERT(copy != NULL);
        memcpy(copy, out, len);
        check_round_trip(z, bits, copy, len);
        free(copy);
    }
    if (rc == OK && keeps_context) /* what follows may refer to it */
        ASSERT(ws_inflate_message(z, view_of(in, size - 1), at_most(max, 0), &out, &len) !=
               E_NOMEM);
    if (!keeps_context)
        check_usable(z);
    ws_inflate_free(z);
    free(in);
    return 0;
}
