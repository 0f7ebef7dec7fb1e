/* SPDX-License-Identifier: Apache-2.0 */
/* json_string.c: strings of JSON. Plain ASCII is skipped eight bytes at a time and never copied;
 * only a string with escapes is written anew. All such strings of one text share one piece of the
 * arena, as long as the text behind the first of them: an escape never decodes to more bytes than
 * it has, so that piece suffices and memory stays linear. */
#include "message/json_scan.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/code_point.h"
#include "base/status.h"

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* High bits at bytes that need a look: quote, backslash, control, not ASCII. Borrows can raise
 * false marks only above a true one, and we take the lowest. */
static inline uint64_t marks_of(uint64_t word)
{
    uint64_t quote = word ^ (ONES * '"');
    uint64_t backslash = word ^ (ONES * '\\');
    uint64_t found = (quote - ONES) & ~quote;

    found |= (backslash - ONES) & ~backslash;
    found |= (word - ONES * 0x20) & ~word;
    return (found | word) & HIGHS;
}

/* The first byte at or behind `p` that needs a look, or `end`. */
static inline const char *skip_plain(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t word;
        uint64_t marks;

        memcpy(&word, p, sizeof(word));
        marks = marks_of(le64toh(word));
        if (marks != 0)
            return p + __builtin_ctzll(marks) / 8;
        p += 8;
    }
    while (p < end && (uint8_t)*p >= 0x20 && (uint8_t)*p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* Over all bytes that stand for themselves, checking UTF-8: then at a quote, a backslash, a fault
 * or the end. */
static const char *skip_run(const char *p, const char *end)
{
    for (;;) {
        uint32_t value;
        size_t len;

        p = skip_plain(p, end);
        if (p == end || (uint8_t)*p < 0x80)
            return p;
        len = code_point_decode((const uint8_t *)p, (size_t)(end - p), &value);
        if (len == 0)
            return p;
        p += len;
    }
}

static bool hex4(const char *p, const char *end, uint32_t *unit)
{
    uint32_t sum = 0;

    if (end - p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = p[i];

        if (c >= '0' && c <= '9')
            sum = sum << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            sum = sum << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *unit = sum;
    return true;
}

static char *put_utf8(char *out, uint32_t value)
{
    if (value < 0x80) {
        *out++ = (char)value;
        return out;
    }
    if (value < 0x800) {
        *out++ = (char)(0xc0 | value >> 6);
    } else {
        if (value < 0x10000) {
            *out++ = (char)(0xe0 | value >> 12);
        } else {
            *out++ = (char)(0xf0 | value >> 18);
            *out++ = (char)(0x80 | (value >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (value >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (value & 0x3f));
    return out;
}

/* Behind "\u". A surrogate is taken only as the first half of a pair whose second half follows at
 * once (RFC 7493 2.1). */
static bool unescape_unit(const char **at, const char *end, char **out)
{
    const char *p = *at;
    uint32_t value;
    uint32_t low;

    if (!hex4(p, end, &value))
        return false;
    p += 4;
    if (value >= 0xd800 && value <= 0xdfff) {
        if (value >= 0xdc00 || end - p < 6 || p[0] != '\\' || p[1] != 'u' ||
            !hex4(p + 2, end, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return false;
        value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }
    *out = put_utf8(*out, value);
    *at = p;
    return true;
}

/* Behind a backslash. */
static bool unescape(const char **at, const char *end, char **out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (*at == end)
        return false;
    if (**at == 'u') {
        (*at)++;
        return unescape_unit(at, end, out);
    }
    found = memchr(letters, **at, sizeof(letters) - 1);
    if (found == NULL)
        return false;
    *(*out)++ = bytes[found - letters];
    (*at)++;
    return true;
}

/* `begin` is the first byte of the string, s->ptr its first backslash. */
static int string_with_escapes(struct json_scan *s, const char *begin, struct view *out)
{
    const char *run = begin;
    const char *p = s->ptr;
    char *write;

    if (s->decoded == NULL)
        s->decoded = arena_alloc(s->arena, (size_t)(s->end - begin));
    if (s->decoded == NULL)
        return E_NOMEM;
    write = s->decoded;
    for (;;) {
        memcpy(write, run, (size_t)(p - run));
        write += p - run;
        s->ptr = p;
        if (p == s->end)
            return E_INVALID;
        if (*p == '"')
            break;
        if (*p++ != '\\' || !unescape(&p, s->end, &write))
            return E_INVALID;
        run = p;
        p = skip_run(p, s->end);
    }
    s->ptr = p + 1;
    *out = view_of(s->decoded, (size_t)(write - s->decoded));
    s->decoded = write;
    return OK;
}

int json_scan_string(struct json_scan *s, struct view *out)
{
    const char *begin = s->ptr;

    s->ptr = skip_run(begin, s->end);
    if (s->ptr < s->end && *s->ptr == '"') {
        *out = view_of(begin, (size_t)(s->ptr - begin));
        s->ptr++;
        return OK;
    }
    if (s->ptr < s->end && *s->ptr == '\\')
        return string_with_escapes(s, begin, out);
    return E_INVALID;
}
