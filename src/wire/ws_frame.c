/* SPDX-License-Identifier: Apache-2.0 */
/* ws_frame.c: the header of one frame and the mask (RFC 6455 sections 5.2 and 5.3). Nothing here
 * knows about messages. */
#include "wire/ws_frame.h"

#include <string.h>

#include "base/assert.h"

#define WS_BIT_RSV1    0x40u
#define WS_BITS_RSV23  0x30u
#define WS_BITS_OPCODE 0x0Fu
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
    unsigned length = (unsigned)payload_bytes & WS_BITS_LENGTH;

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

/* The mask, turned so that it starts at byte `offset & 3`, twice in a row. */
static uint64_t mask_word(const uint8_t mask[4], size_t offset)
{
    uint8_t turned[4];
    uint32_t half;

    if ((offset & 3) == 0) {
        memcpy(&half, mask, sizeof(half));
    } else {
        for (size_t i = 0; i < 4; i++)
            turned[i] = mask[(offset + i) & 3];
        memcpy(&half, turned, sizeof(half));
    }
    return (uint64_t)half << 32 | half;
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
