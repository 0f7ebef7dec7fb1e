/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base */
/* log_escape_fuzz.c: whatever bytes go in, json_out makes one valid JSON line of them: no raw
 * control, no `<`, `>` or `&`, well-formed UTF-8, balanced quotes; and never a byte past the end.
 * The checker below knows nothing of the escaper. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/json_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes of the UTF-8 sequence at `p` by the table of RFC 3629 section 4; 0 if there is none. */
static size_t utf8_len(const uint8_t *p, size_t left)
{
    static const uint8_t rows[][4] = {
        /* first byte from, to; second byte from, to */
        {0xc2, 0xdf, 0x80, 0xbf}, {0xe0, 0xe0, 0xa0, 0xbf}, {0xe1, 0xec, 0x80, 0xbf},
        {0xed, 0xed, 0x80, 0x9f}, {0xee, 0xef, 0x80, 0xbf}, {0xf0, 0xf0, 0x90, 0xbf},
        {0xf1, 0xf3, 0x80, 0xbf}, {0xf4, 0xf4, 0x80, 0x8f},
    };

    if (p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

        if (p[0] < rows[i][0] || p[0] > rows[i][1])
            continue;
        if (left < len || p[1] < rows[i][2] || p[1] > rows[i][3])
            return 0;
        for (size_t k = 2; k < len; k++) {
            if (p[k] >> 6 != 2)
                return 0;
        }
        return len;
    }
    return 0;
}

static size_t check_escape(const uint8_t *p, size_t left)
{
    ASSERT(left >= 2);
    if (p[1] == '"' || p[1] == '\\')
        return 2;
    ASSERT(p[1] == 'u' && left >= 6);
    for (int i = 2; i < 6; i++)
        ASSERT(strchr("0123456789abcdef", p[i]) != NULL && p[i] != 0);
    return 6;
}

/* Checks the string that starts at `p` and returns its length, both quotes included. */
static size_t check_string(const uint8_t *p, size_t left)
{
    size_t i = 1;

    ASSERT(left >= 2 && p[0] == '"');
    while (i < left && p[i] != '"') {
        size_t len = utf8_len(p + i, left - i);

        ASSERT(len > 0);
        ASSERT(p[i] >= 0x20 && p[i] != 0x7f && p[i] != '<' && p[i] != '>' && p[i] != '&');
        ASSERT(!(p[i] == 0xc2 && p[i + 1] < 0xa0));
        ASSERT(!(p[i] == 0xe2 && p[i + 1] == 0x80 && (p[i + 2] == 0xa8 || p[i + 2] == 0xa9)));
        ASSERT(!(p[i] == 0xe2 && p[i + 1] == 0x80 && p[i + 2] >= 0xaa && p[i + 2] <= 0xae));
        ASSERT(!(p[i] == 0xe2 && p[i + 1] == 0x81 && p[i + 2] >= 0xa6 && p[i + 2] <= 0xa9));
        i += p[i] == '\\' ? check_escape(p + i, left - i) : len;
    }
    ASSERT(i < left);
    return i + 1;
}

static size_t write_line(uint8_t *room, size_t cap, struct view text, size_t max_bytes)
{
    struct wr w = wr_of(room, cap);

    json_out_open(&w);
    json_out_member(&w, "a", text);
    json_out_key(&w, "b");
    json_out_string(&w, text, max_bytes);
    json_out_member_u64(&w, "n", max_bytes);
    json_out_close(&w);
    return w.failed ? 0 : wr_len(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cap = 12 * size + 64, max_bytes, len, at;
    uint8_t *room, *tight;
    struct view text;

    if (size < 2)
        return 0;
    max_bytes = data[0];
    text = view_of(data + 1, size - 1);
    room = malloc(cap);
    ASSERT(room != NULL);
    len = write_line(room, cap, text, max_bytes);
    ASSERT(len > 0 && memcmp(room, "{\"a\":", 5) == 0);
    at = 5 + check_string(room + 5, len - 5);
    ASSERT(len - at > 5 && memcmp(room + at, ",\"b\":", 5) == 0);
    at += 5;
    at += check_string(room + at, len - at);
    ASSERT(len - at > 6 && memcmp(room + at, ",\"n\":", 5) == 0);
    for (at += 5; room[at] != '}'; at++)
        ASSERT(room[at] >= '0' && room[at] <= '9');
    ASSERT(at + 1 == len);

    /* Exactly enough room gives the same; one byte less fails. */
    tight = malloc(len);
    ASSERT(tight != NULL);
    ASSERT(write_line(tight, len, text, max_bytes) == len && memcmp(tight, room, len) == 0);
    ASSERT(write_line(tight, len - 1, text, max_bytes) == 0);
    free(tight);
    free(room);
    return 0;
}
