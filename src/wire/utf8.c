/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c: the UTF-8 check. What may follow a byte stands in one table made from RFC 3629 section 4:
 * how many bytes are due and, for the next of them, the range that keeps out overlong forms,
 * surrogates and code points above U+10FFFF. The state between two calls is such a table entry.
 * Runs of ASCII are skipped 16 to 64 bytes at a time. */
#include "wire/utf8.h"

#include <string.h>

typedef uint64_t word_pair __attribute__((vector_size(16)));

#define DUE(count, low, high) ((uint32_t)(count) << 16 | (uint32_t)(low) << 8 | (uint32_t)(high))
#define DUE_COUNT(state)      ((state) >> 16)
#define DUE_LOW(state)        ((state) >> 8 & 0xFF)
#define DUE_HIGH(state)       ((state)&0xFF)

/* 0: the byte cannot lead a sequence of several bytes. */
static const uint32_t after_lead[256] = {
    [0xC2 ... 0xDF] = DUE(1, 0x80, 0xBF), [0xE0] = DUE(2, 0xA0, 0xBF),
    [0xE1 ... 0xEC] = DUE(2, 0x80, 0xBF), [0xED] = DUE(2, 0x80, 0x9F),
    [0xEE ... 0xEF] = DUE(2, 0x80, 0xBF), [0xF0] = DUE(3, 0x90, 0xBF),
    [0xF1 ... 0xF3] = DUE(3, 0x80, 0xBF), [0xF4] = DUE(3, 0x80, 0x8F),
};

static inline bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

static inline bool pair_is_ascii(word_pair v)
{
    return ((v[0] | v[1]) & 0x8080808080808080u) == 0;
}

static inline word_pair pair_at(const uint8_t *bytes)
{
    word_pair v;

    memcpy(&v, bytes, sizeof(v));
    return v;
}

/* How many bytes, from the start, are surely ASCII; not always the longest such run. */
static size_t ascii_run(const uint8_t *bytes, size_t len)
{
    size_t i = 0;
    uint64_t word;

    for (; len - i >= 64; i += 64) {
        word_pair all = pair_at(bytes + i) | pair_at(bytes + i + 16) | pair_at(bytes + i + 32) |
                        pair_at(bytes + i + 48);

        if (!pair_is_ascii(all))
            break;
    }
    for (; len - i >= 16; i += 16) {
        if (!pair_is_ascii(pair_at(bytes + i)))
            break;
    }
    /* The last bytes are looked at through a window that reaches back over bytes already seen. */
    if (len - i < 16 && len >= 16 && pair_is_ascii(pair_at(bytes + len - 16)))
        return len;
    if (len - i >= 8) {
        memcpy(&word, bytes + i, sizeof(word));
        if ((word & 0x8080808080808080u) == 0)
            i += 8;
    }
    while (i < len && bytes[i] < 0x80)
        i++;
    return i;
}

/* The length of the code point at p, of which 4 bytes are readable; 0 when it is none. One branch
 * for each length, so that the processor guesses where the next one begins and need not wait for
 * this one. */
static inline size_t code_point_bytes(const uint8_t *p)
{
    uint32_t due = after_lead[p[0]];
    bool is_bad = p[1] < DUE_LOW(due) || p[1] > DUE_HIGH(due) || due == 0;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xE0)
        return is_bad ? 0 : 2;
    is_bad |= !is_continuation(p[2]);
    if (p[0] < 0xF0)
        return is_bad ? 0 : 3;
    is_bad |= !is_continuation(p[3]);
    return is_bad ? 0 : 4;
}

/* From a boundary: over whole code points, while 16 bytes are left. False at a bad one. */
static bool skip_code_points(const uint8_t *bytes, size_t len, size_t *at)
{
    size_t i = *at;

    while (len - i >= sizeof(word_pair)) {
        size_t stop = i + sizeof(word_pair) - 3; /* below it 4 bytes can be read */

        if (pair_is_ascii(pair_at(bytes + i))) {
            i += ascii_run(bytes + i, len - i);
            continue;
        }
        while (i < stop) {
            size_t step = code_point_bytes(bytes + i);

            if (step == 0)
                return false;
            i += step;
        }
    }
    *at = i;
    return true;
}

bool utf8_feed(uint32_t *state, const uint8_t *bytes, size_t len)
{
    uint32_t due = *state;
    size_t i = 0;

    while (i < len) {
        if (due != UTF8_ACCEPT) {
            if (bytes[i] < DUE_LOW(due) || bytes[i] > DUE_HIGH(due))
                return false;
            due = DUE_COUNT(due) > 1 ? DUE(DUE_COUNT(due) - 1, 0x80, 0xBF) : UTF8_ACCEPT;
            i++;
            continue;
        }
        if (len - i >= sizeof(word_pair) && !skip_code_points(bytes, len, &i))
            return false;
        if (i == len)
            break;
        if (bytes[i] < 0x80) {
            i += ascii_run(bytes + i, len - i);
            continue;
        }
        due = after_lead[bytes[i++]];
        if (due == 0)
            return false;
    }
    *state = due;
    return true;
}

bool utf8_ok(const uint8_t *bytes, size_t len)
{
    uint32_t state = UTF8_ACCEPT;
    size_t ascii = ascii_run(bytes, len);

    if (ascii == len)
        return true;
    return utf8_feed(&state, bytes + ascii, len - ascii) && state == UTF8_ACCEPT;
}

size_t utf8_cut(const uint8_t *bytes, size_t len, size_t max)
{
    size_t cut = max;

    if (len <= max)
        return len;
    while (cut > 0 && is_continuation(bytes[cut]))
        cut--;
    return cut;
}
