/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base wire */
/* UTF-8: whole, in two pieces and byte by byte the verdict is that of plain arithmetic, and a
 * failure comes at the first byte that no ending could mend. */
#include "base/assert.h"
#include "wire/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The code point at b, or -1; *used is its length. */
static int64_t code_point(const uint8_t *b, size_t len, size_t *used)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    size_t more = b[0] < 0x80 ? 0 : (b[0] >> 5 == 6 ? 1 : (b[0] >> 4 == 14 ? 2 : 3));
    uint32_t value = more == 0 ? b[0] : b[0] & (0x3Fu >> more);

    *used = more + 1;
    if ((more == 3 && b[0] >> 3 != 30) || len <= more)
        return -1;
    for (size_t k = 1; k <= more; k++) {
        if (b[k] >> 6 != 2)
            return -1;
        value = value << 6 | (b[k] & 0x3F);
    }
    if (value < smallest[more] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return -1;
    return value;
}

/* How many bytes at the start are whole code points. */
static size_t valid_bytes(const uint8_t *b, size_t len)
{
    size_t at = 0, used;

    while (at < len && code_point(b + at, len - at, &used) >= 0)
        at += used;
    return at;
}

static void check_cut(const uint8_t *data, size_t size)
{
    for (size_t max = 0; max <= size && max < 70; max++) {
        size_t cut = utf8_cut(data, size, max);

        ASSERT(cut <= max && max - cut < 4 && valid_bytes(data, cut) == cut);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t good = valid_bytes(data, size), split = size == 0 ? 0 : data[0] % (size + 1), at = 0;
    bool expected = good == size;
    uint32_t state = UTF8_ACCEPT;
    bool fed;

    ASSERT(utf8_ok(data, size) == expected);
    fed = utf8_feed(&state, data, split) && utf8_feed(&state, data + split, size - split);
    ASSERT((fed && state == UTF8_ACCEPT) == expected);
    state = UTF8_ACCEPT;
    while (at < size && utf8_feed(&state, data + at, 1)) {
        ASSERT(at > 64 || (state == UTF8_ACCEPT) == (valid_bytes(data, at + 1) == at + 1));
        at++;
    }
    ASSERT(at >= good && at < good + 4); /* never before the first bad sequence, never behind it */
    if (expected)
        check_cut(data, size);
    return 0;
}
