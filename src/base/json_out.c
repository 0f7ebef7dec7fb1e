/* SPDX-License-Identifier: Apache-2.0 */
/* json_out.c: JSON text that is safe to log, to send and to put into HTML, whatever bytes it is
 * made of. Runs of plain ASCII are found with one table look-up a byte and copied whole; everything
 * else goes one code point at a time. Both are linear in the input. */
#include "base/json_out.h"

#include "base/code_point.h"

/* The printable ASCII bytes that stand for themselves: all but `"`, `\`, `<`, `>` and `&`. */
static const bool is_plain[256] = {
    [' '] = true, ['!'] = true,         ['#' ... '%'] = true, ['\'' ... ';'] = true,
    ['='] = true, ['?' ... '['] = true, [']' ... '~'] = true,
};

static void escape(struct wr *w, uint32_t value)
{
    static const char hex[] = "0123456789abcdef";
    char out[6] = {
        '\\',           'u', hex[value >> 12 & 15], hex[value >> 8 & 15], hex[value >> 4 & 15],
        hex[value & 15]};

    wr_bytes(w, out, sizeof(out));
}

/* Writes the code point at `at`, which is_plain has refused, and returns how many bytes of input it
 * took. A byte that belongs to no code point is replaced alone, so the reader finds the next good
 * one again. */
static size_t put_special(struct wr *w, const uint8_t *at, size_t len, uint32_t value)
{
    if (len == 0) {
        wr_bytes(w, "\xef\xbf\xbd", 3);
        return 1;
    }
    if (value == '"' || value == '\\') {
        wr_u8(w, '\\');
        wr_u8(w, (uint8_t)value);
    } else if (value == '<' || value == '>' || value == '&' || code_point_is_control(value)) {
        escape(w, value);
    } else {
        wr_bytes(w, at, len);
    }
    return len;
}

void json_out_string(struct wr *w, struct view v, size_t max_bytes)
{
    const uint8_t *bytes = (const uint8_t *)v.ptr;
    size_t stop = max_bytes == 0 || v.len <= max_bytes ? v.len : max_bytes;
    size_t i = 0;

    wr_u8(w, '"');
    while (i < stop && !w->failed) {
        size_t from = i, len;
        uint32_t value = 0;

        while (i < stop && is_plain[bytes[i]])
            i++;
        wr_bytes(w, bytes + from, i - from);
        if (i == stop)
            break;
        /* Decoded with all of v in sight, so that the cut falls between code points, not inside
         * one. */
        len = code_point_decode(bytes + i, v.len - i, &value);
        if (len > stop - i)
            break;
        i += put_special(w, bytes + i, len, value);
    }
    if (stop < v.len)
        wr_bytes(w, "...", 3);
    wr_u8(w, '"');
}

void json_out_key(struct wr *w, const char *key)
{
    /* No value ends in `{`, so a `{` just before means that this is the first member. */
    if (wr_len(w) > 0 && w->ptr[-1] != '{')
        wr_u8(w, ',');
    wr_u8(w, '"');
    wr_text(w, key);
    wr_bytes(w, "\":", 2);
}

void json_out_member(struct wr *w, const char *key, struct view value)
{
    json_out_key(w, key);
    json_out_string(w, value, 0);
}

void json_out_member_u64(struct wr *w, const char *key, uint64_t value)
{
    json_out_key(w, key);
    wr_dec(w, value);
}

void json_out_open(struct wr *w)
{
    wr_u8(w, '{');
}

void json_out_close(struct wr *w)
{
    wr_u8(w, '}');
}
