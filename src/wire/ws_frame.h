/* SPDX-License-Identifier: Apache-2.0 */
/* ws_frame.h: one frame of RFC 6455 section 5.2, header and mask. Pure. */
#ifndef WIRE_WS_FRAME_H
#define WIRE_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_FRAME_HEADER_MAX    14
#define WS_CONTROL_PAYLOAD_MAX 125
#define WS_BIT_FINAL           0x80u /* in the first byte */
#define WS_BIT_RSV1            0x40u
#define WS_BITS_OPCODE         0x0Fu
#define WS_BIT_MASKED          0x80u /* in the second */

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10
};
enum ws_parse { WS_PARSE_DONE, WS_PARSE_MORE, WS_PARSE_BAD };

struct ws_frame {
    uint64_t payload_bytes;
    uint8_t mask[4]; /* zero when has_mask is false */
    enum ws_opcode opcode;
    bool is_final, has_rsv1, has_mask;
    uint8_t header_bytes;
};

/* Decodes a header at the start of bytes[0..len). Checks everything that one header can violate:
 * RSV2/3, unknown opcode, control frames fragmented or over 125, non-minimal length, 64-bit length
 * with the top bit set, presence of the mask (must equal expect_mask), and RSV1 on control frames.
 * RSV1 on data frames is reported, not judged. */
enum ws_parse ws_frame_decode(struct ws_frame *frame, const uint8_t *bytes, size_t len,
                              bool expect_mask);

/* What is wrong with the header that begins with bytes[0..len): a short constant text, or NULL
 * while nothing is. */
const char *ws_frame_fault(const uint8_t *bytes, size_t len, bool expect_mask);

/* Writes a header; mask NULL = unmasked. Returns its length. */
size_t ws_frame_encode(uint8_t out[WS_FRAME_HEADER_MAX], enum ws_opcode opcode, bool is_final,
                       bool has_rsv1, uint64_t payload_bytes, const uint8_t *mask);

/* XORs in place with the mask starting at mask byte `offset & 3`. Any alignment. */
void ws_mask_apply(uint8_t *bytes, size_t len, const uint8_t mask[4], size_t offset);
/* The same from src to dst; they may be the same but not otherwise overlap. */
void ws_mask_copy(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t mask[4],
                  size_t offset);
/* In place from mask byte 0 on. True when all of it is ASCII then: for nearly every text that is
 * the whole UTF-8 check, in the same pass. */
bool ws_mask_apply_is_ascii(uint8_t *bytes, size_t len, const uint8_t mask[4]);

#endif
