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

/* 0..63, or -1 for a character outside the alphabet whose last two characters are c62 and c63. */
static int sextet(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == c62 ? 62 : c == c63 ? 63 : -1;
}

/* Text without padding. *spare gets the bits behind the last whole byte. */
static long decode(uint8_t *out, struct view text, const char *alphabet, uint32_t *spare)
{
    const uint8_t *start = out;
    uint32_t group = 0;
    unsigned bits = 0;

    if (text.len % 4 == 1)
        return E_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        int value = sextet(text.ptr[i], alphabet[62], alphabet[63]);

        if (value < 0)
            return E_INVALID;
        group = (group << 6 | (uint32_t)value) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *out++ = (uint8_t)(group >> bits);
        }
    }
    *spare = group & ((1U << bits) - 1);
    return (long)(out - start);
}

long base64url_decode(void *out, struct view text)
{
    uint32_t spare = 0;
    long len = decode(out, text, alphabet_url, &spare);

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
    return decode(out, text, alphabet_standard, &spare);
}
