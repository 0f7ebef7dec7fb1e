/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c: RFC 4648 sections 4 and 5. One decoder core serves both alphabets; what differs is
 * checked around it. */
#include "base/base64.h"

#include "base/status.h"

static const char alphabet_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode(char *out, const uint8_t *bytes, size_t len, const char *alphabet)
{
    char *start = out;

    for (; len >= 3; len -= 3, bytes += 3) {
        uint32_t group = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];

        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = alphabet[group >> 6 & 63];
        *out++ = alphabet[group & 63];
    }
    if (len > 0) {
        uint32_t group = (uint32_t)bytes[0] << 16 | (len == 2 ? (uint32_t)bytes[1] << 8 : 0);

        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        if (len == 2)
            *out++ = alphabet[group >> 6 & 63];
    }
    return (size_t)(out - start);
}

size_t base64_encode(char *out, const void *bytes, size_t len)
{
    size_t written = encode(out, bytes, len, alphabet_standard);

    while (written % 4 != 0)
        out[written++] = '=';
    return written;
}

size_t base64url_encode(char *out, const void *bytes, size_t len)
{
    return encode(out, bytes, len, alphabet_url);
}

#define IS_STANDARD 0x80U
#define IS_URL      0x40U

/* The six bits of a character, and in which alphabets it stands. A table, because characters of a
 * token cannot be foretold: each comparison would be guessed wrong half of the time. */
static const uint8_t sextets[256] = {
    [0x28] = 0,    0,    0,    0xbe, 0,    0x7e, 0,    0xbf,
    [0x30] = 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb,
    [0x38] = 0xfc, 0xfd, 0,    0,    0,    0,    0,    0,
    [0x40] = 0,    0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6,
    [0x48] = 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce,
    [0x50] = 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6,
    [0x58] = 0xd7, 0xd8, 0xd9, 0,    0,    0,    0,    0x7f,
    [0x60] = 0,    0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0,
    [0x68] = 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8,
    [0x70] = 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf0,
    [0x78] = 0xf1, 0xf2, 0xf3, 0,    0,    0,    0,    0,
};

/* Text without padding. *spare gets the bits behind the last whole byte. */
static long decode(uint8_t *out, struct view text, unsigned alphabet, uint32_t *spare)
{
    const uint8_t *start = out;
    uint32_t group = 0;
    unsigned bits = 0, common = alphabet;

    if (text.len % 4 == 1)
        return E_INVALID;
    for (; text.len >= 4; text = view_of(text.ptr + 4, text.len - 4)) {
        const uint8_t *in = (const uint8_t *)text.ptr;
        unsigned a = sextets[in[0]], b = sextets[in[1]], c = sextets[in[2]], d = sextets[in[3]];

        common &= a & b & c & d;
        group = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
        *out++ = (uint8_t)(group >> 16);
        *out++ = (uint8_t)(group >> 8);
        *out++ = (uint8_t)group;
    }
    group = 0;
    for (size_t i = 0; i < text.len; i++, bits += 6) {
        unsigned value = sextets[(uint8_t)text.ptr[i]];

        common &= value;
        group = group << 6 | (value & 63);
    }
    if (common != alphabet)
        return E_INVALID;
    for (; bits >= 8; bits -= 8)
        *out++ = (uint8_t)(group >> (bits - 8));
    *spare = group & ((1U << bits) - 1);
    return (long)(out - start);
}

long base64url_decode(void *out, struct view text)
{
    uint32_t spare = 0;
    long len = decode(out, text, IS_URL, &spare);

    /* One byte string, one text: otherwise a changed token could pass as the same one. */
    if (len >= 0 && spare != 0)
        return E_INVALID;
    return len;
}

long base64_decode(void *out, struct view text)
{
    uint32_t spare = 0;

    if (text.len % 4 != 0)
        return E_INVALID;
    for (int i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++)
        text.len--;
    return decode(out, text, IS_STANDARD, &spare);
}
