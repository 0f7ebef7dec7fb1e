/* SPDX-License-Identifier: Apache-2.0 */
/* ws_frame.c: the header of one frame and the mask (RFC 6455 sections 5.2 and 5.3). Nothing here
 * knows about messages. */
#include "wire/ws_frame.h"

#include <string.h>

#include "base/assert.h"

#define WS_BITS_RSV23  0x30u
#define WS_BIT_CONTROL 0x08u
#define WS_BITS_LENGTH 0x7Fu
#define WS_LENGTH_16   126u
#define WS_LENGTH_64   127u

typedef uint64_t word_pair __attribute__((vector_size(16)));

static const char *fault_of_first_byte(unsigned first)
{
    unsigned opcode = first & WS_BITS_OPCODE;

    if ((first & WS_BITS_RSV23) != 0)
        return "Reserved bit set";
    if (opcode > WS_PONG || (opcode > WS_BINARY && opcode < WS_CLOSE))
        return "Unknown opcode";
    if ((opcode & WS_BIT_CONTROL) != 0 && (first & WS_BIT_RSV1) != 0)
        return "Reserved bit set";
    if ((opcode & WS_BIT_CONTROL) != 0 && (first & WS_BIT_FINAL) == 0)
        return "Fragmented control frame";
    return NULL;
}

static const char *fault_of_second_byte(unsigned first, unsigned second, bool expect_mask)
{
    if (((second & WS_BIT_MASKED) != 0) != expect_mask)
        return expect_mask ? "Frame not masked" : "Frame masked";
    if ((first & WS_BIT_CONTROL) != 0 && (second & WS_BITS_LENGTH) > WS_CONTROL_PAYLOAD_MAX)
        return "Control frame too long";
    return NULL;
}

static uint64_t big_endian(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static size_t length_bytes(unsigned second)
{
    unsigned length = second & WS_BITS_LENGTH;

    if (length < WS_LENGTH_16)
        return 0;
    return length == WS_LENGTH_16 ? 2 : 8;
}

static const char *fault_of_length(uint64_t length, size_t extra)
{
    if (extra == 2 && length < WS_LENGTH_16)
        return "Length not minimal";
    if (extra == 8 && length <= UINT16_MAX)
        return "Length not minimal";
    if (length >> 63 != 0)
        return "Length has its top bit set";
    return NULL;
}

const char *ws_frame_fault(const uint8_t *bytes, size_t len, bool expect_mask)
{
    const char *fault = NULL;
    size_t extra;

    if (len >= 1)
        fault = fault_of_first_byte(bytes[0]);
    if (fault == NULL && len >= 2)
        fault = fault_of_second_byte(bytes[0], bytes[1], expect_mask);
    if (fault != NULL || len < 2)
        return fault;
    extra = length_bytes(bytes[1]);
    if (extra == 0 || len < 2 + extra)
        return NULL;
    return fault_of_length(big_endian(bytes + 2, extra), extra);
}

enum ws_parse ws_frame_decode(struct ws_frame *frame, const uint8_t *bytes, size_t len,
                              bool expect_mask)
{
    size_t extra, header;

    if (ws_frame_fault(bytes, len, expect_mask) != NULL)
        return WS_PARSE_BAD;
    if (len < 2)
        return WS_PARSE_MORE;
    extra = length_bytes(bytes[1]);
    header = 2 + extra + (expect_mask ? 4 : 0);
    if (len < header)
        return WS_PARSE_MORE;
    frame->payload_bytes = extra == 0 ? bytes[1] & WS_BITS_LENGTH : big_endian(bytes + 2, extra);
    memset(frame->mask, 0, sizeof(frame->mask));
    if (expect_mask)
        memcpy(frame->mask, bytes + header - 4, sizeof(frame->mask));
    frame->opcode = (enum ws_opcode)(bytes[0] & WS_BITS_OPCODE);
    frame->is_final = (bytes[0] & WS_BIT_FINAL) != 0;
    frame->has_rsv1 = (bytes[0] & WS_BIT_RSV1) != 0;
    frame->has_mask = expect_mask;
    frame->header_bytes = (uint8_t)header;
    return WS_PARSE_DONE;
}

size_t ws_frame_encode(uint8_t out[WS_FRAME_HEADER_MAX], enum ws_opcode opcode, bool is_final,
                       bool has_rsv1, uint64_t payload_bytes, const uint8_t *mask)
{
    size_t extra = payload_bytes < WS_LENGTH_16 ? 0 : (payload_bytes <= UINT16_MAX ? 2 : 8);
    unsigned length = (unsigned)payload_bytes;

    ASSERT(payload_bytes >> 63 == 0);
    if (extra != 0)
        length = extra == 2 ? WS_LENGTH_16 : WS_LENGTH_64;
    out[0] =
        (uint8_t)((unsigned)opcode | (is_final ? WS_BIT_FINAL : 0) | (has_rsv1 ? WS_BIT_RSV1 : 0));
    out[1] = (uint8_t)(length | (mask != NULL ? WS_BIT_MASKED : 0));
    for (size_t i = 0; i < extra; i++)
        out[2 + i] = (uint8_t)(payload_bytes >> (8 * (extra - 1 - i)));
    if (mask == NULL)
        return 2 + extra;
    memcpy(out + 2 + extra, mask, 4);
    return 2 + extra + 4;
}

/* The mask as a number whose bytes lie in memory as the mask does, starting at byte `offset & 3`.
 */
static uint32_t mask_half(const uint8_t mask[4], size_t offset)
{
    const bool is_little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    unsigned bits = 8 * (unsigned)(offset & 3);
    uint32_t half;

    memcpy(&half, mask, sizeof(half));
    return is_little ? half >> bits | half << (-bits & 31) : half << bits | half >> (-bits & 31);
}

/* The same twice in a row. */
static uint64_t mask_word(const uint8_t mask[4], size_t offset)
{
    return (uint64_t)mask_half(mask, offset) * 0x100000001;
}

static inline void mask_pair(uint8_t *dst, const uint8_t *src, word_pair key)
{
    word_pair v;

    memcpy(&v, src, sizeof(v));
    v ^= key;
    memcpy(dst, &v, sizeof(v));
}

void ws_mask_copy(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t mask[4],
                  size_t offset)
{
    uint64_t key = mask_word(mask, offset), word;
    uint32_t half;
    word_pair keys = {key, key};
    size_t i = 0;

    for (; len - i >= 64; i += 64) {
        mask_pair(dst + i, src + i, keys);
        mask_pair(dst + i + 16, src + i + 16, keys);
        mask_pair(dst + i + 32, src + i + 32, keys);
        mask_pair(dst + i + 48, src + i + 48, keys);
    }
    for (; len - i >= 16; i += 16)
        mask_pair(dst + i, src + i, keys);
    if (len - i >= 8) {
        memcpy(&word, src + i, sizeof(word));
        word ^= key;
        memcpy(dst + i, &word, sizeof(word));
        i += 8;
    }
    if (len - i >= 4) {
        memcpy(&half, src + i, sizeof(half));
        half ^= (uint32_t)key;
        memcpy(dst + i, &half, sizeof(half));
        i += 4;
    }
    for (size_t rest = 0; i < len; i++, rest++) /* i is a multiple of 4 here */
        dst[i] = (uint8_t)(src[i] ^ mask[(offset + rest) & 3]);
}

void ws_mask_apply(uint8_t *bytes, size_t len, const uint8_t mask[4], size_t offset)
{
    ws_mask_copy(bytes, bytes, len, mask, offset);
}

#define NOT_ASCII 0x8080808080808080u

/* From 4 bytes on the last ones are taken by a window that reaches back over others: what it shows
 * is read before those are changed, and written after. */
static uint64_t mask_few(uint8_t *bytes, size_t len, const uint8_t mask[4])
{
    uint64_t first, last, seen = 0;
    uint32_t half_first, half_last;

    if (len >= 8) {
        memcpy(&first, bytes, sizeof(first));
        memcpy(&last, bytes + len - 8, sizeof(last));
        first ^= mask_word(mask, 0);
        last ^= mask_word(mask, len);
        memcpy(bytes, &first, sizeof(first));
        memcpy(bytes + len - 8, &last, sizeof(last));
        return first | last;
    }
    if (len >= 4) {
        memcpy(&half_first, bytes, sizeof(half_first));
        memcpy(&half_last, bytes + len - 4, sizeof(half_last));
        half_first ^= mask_half(mask, 0);
        half_last ^= mask_half(mask, len);
        memcpy(bytes, &half_first, sizeof(half_first));
        memcpy(bytes + len - 4, &half_last, sizeof(half_last));
        return half_first | half_last;
    }
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= mask[i];
        seen |= bytes[i];
    }
    return seen;
}

static inline word_pair masked_pair(const uint8_t *bytes, uint64_t key)
{
    word_pair v;

    memcpy(&v, bytes, sizeof(v));
    return v ^ (word_pair) { key, key };
}

static inline word_pair mask_and_see(uint8_t *bytes, uint64_t key)
{
    word_pair v = masked_pair(bytes, key);

    memcpy(bytes, &v, sizeof(v));
    return v;
}

/* All whole pairs there are. */
static word_pair mask_pairs(uint8_t *bytes, size_t len, uint64_t key)
{
    const size_t pair = sizeof(word_pair);
    word_pair seen = {0, 0};
    size_t i = 0;

    for (; len - i >= 4 * pair; i += 4 * pair) {
        seen |= mask_and_see(bytes + i, key) | mask_and_see(bytes + i + pair, key) |
                mask_and_see(bytes + i + 2 * pair, key) | mask_and_see(bytes + i + 3 * pair, key);
    }
    for (; len - i >= pair; i += pair)
        seen |= mask_and_see(bytes + i, key);
    return seen;
}

bool ws_mask_apply_is_ascii(uint8_t *bytes, size_t len, const uint8_t mask[4])
{
    const size_t pair = sizeof(word_pair);
    word_pair last, seen;
    uint64_t key;

    if (len < pair)
        return (mask_few(bytes, len, mask) & NOT_ASCII) == 0;
    key = mask_word(mask, 0);
    last = masked_pair(bytes + len - pair, mask_word(mask, len)); /* as in mask_few */
    seen = last | (len <= 2 * pair ? mask_and_see(bytes, key) : mask_pairs(bytes, len, key));
    memcpy(bytes + len - pair, &last, pair);
    return ((seen[0] | seen[1]) & NOT_ASCII) == 0;
}
