/* SPDX-License-Identifier: Apache-2.0 */
/* wire_bytes.h: what the tests of frames and messages share: bytes from hexadecimal, a growing run
 * of bytes, frames as a peer would send them, and chance that is the same in every run. */
#ifndef TESTS_WIRE_BYTES_H
#define TESTS_WIRE_BYTES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ws_frame.h"

struct bytes {
    uint8_t *data;
    size_t len, cap;
};

static inline void bytes_add(struct bytes *b, const void *data, size_t len)
{
    if (b->cap - b->len < len) {
        b->cap = (b->len + len) * 2;
        b->data = realloc(b->data, b->cap);
        if (b->data == NULL)
            abort();
    }
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

static inline void bytes_clear(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){NULL, 0, 0};
}

/* "48656c6c 6f"; blanks are skipped. */
static inline struct bytes bytes_of_hex(const char *hex)
{
    struct bytes b = {NULL, 0, 0};

    for (; *hex != '\0'; hex++) {
        char pair[3] = {0};
        uint8_t byte;

        if (*hex == ' ')
            continue;
        memcpy(pair, hex++, 2);
        byte = (uint8_t)strtoul(pair, NULL, 16);
        bytes_add(&b, &byte, 1);
    }
    return b;
}

struct frame_kind {
    enum ws_opcode opcode;
    bool is_final, has_rsv1, is_masked;
};

static const uint8_t test_mask[4] = {0x37, 0xfa, 0x21, 0x3d};

static inline void bytes_add_header(struct bytes *b, struct frame_kind kind, uint64_t announced)
{
    uint8_t header[WS_FRAME_HEADER_MAX];
    size_t len = ws_frame_encode(header, kind.opcode, kind.is_final, kind.has_rsv1, announced,
                                 kind.is_masked ? test_mask : NULL);

    bytes_add(b, header, len);
}

static inline void bytes_add_frame(struct bytes *b, struct frame_kind kind, const void *payload,
                                   size_t len)
{
    size_t start;

    bytes_add_header(b, kind, len);
    start = b->len;
    bytes_add(b, payload, len);
    for (size_t i = 0; kind.is_masked && i < len; i++)
        b->data[start + i] = (uint8_t)(b->data[start + i] ^ test_mask[i & 3]);
}

static inline uint32_t test_chance(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

#endif
