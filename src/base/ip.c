/* SPDX-License-Identifier: Apache-2.0 */
/* ip.c: addresses as text. Reading is strict, because an allow list that reads "010.0.0.1"
 * differently from the kernel is a hole; writing follows RFC 5952, so that one address has one
 * text. */
#include "base/ip.h"

#include <string.h>

#include "base/num.h"
#include "base/wr.h"

static bool is_v4_mapped(const uint8_t *bytes)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(bytes, prefix, sizeof(prefix)) == 0;
}

static void put_v4(struct wr *w, const uint8_t *bytes)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            wr_u8(w, '.');
        wr_dec(w, bytes[i]);
    }
}

static unsigned group_at(const uint8_t *bytes, int i)
{
    return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

static void put_group(struct wr *w, unsigned value)
{
    static const char hex[] = "0123456789abcdef";

    for (int shift = 12; shift >= 0; shift -= 4) {
        if (value >> shift != 0 || shift == 0)
            wr_u8(w, (uint8_t)hex[value >> shift & 15]);
    }
}

/* RFC 5952 section 4.2: the first of the longest runs of zero groups, if it is at least two groups
 * long. */
static int longest_zeros(const uint8_t *bytes, int *run)
{
    int best = -1;

    *run = 1;
    for (int i = 0; i < 8; i++) {
        int len = 0;

        while (i + len < 8 && group_at(bytes, i + len) == 0)
            len++;
        if (len > *run) {
            best = i;
            *run = len;
        }
        i += len;
    }
    return best;
}

static void put_v6(struct wr *w, const uint8_t *bytes)
{
    int run;
    int zeros = longest_zeros(bytes, &run);

    if (is_v4_mapped(bytes)) {
        wr_text(w, "::ffff:");
        put_v4(w, bytes + 12);
        return;
    }
    for (int i = 0; i < 8; i++) {
        if (i == zeros) {
            wr_text(w, "::");
            i += run - 1;
            continue;
        }
        if (i > 0 && i != zeros + run)
            wr_u8(w, ':');
        put_group(w, group_at(bytes, i));
    }
}

void ip_address_text(const struct ip_address *address, char *out)
{
    struct wr w = wr_of(out, IP_TEXT_BYTES);

    if (address->family == 4)
        put_v4(&w, address->bytes);
    else if (address->family == 6)
        put_v6(&w, address->bytes);
    else
        wr_text(&w, "unix");
    wr_u8(&w, 0);
}

static bool parse_v4(uint8_t *out, struct view text)
{
    uint8_t bytes[4];

    for (int i = 0; i < 4; i++) {
        struct view part;
        uint64_t value;

        /* A dot behind each of the first three numbers, none behind the last. */
        if (view_split(text, '.', &part, &text) != (i < 3))
            return false;
        if (!num_parse_u64(part, 255, &value))
            return false;
        bytes[i] = (uint8_t)value;
    }
    memcpy(out, bytes, sizeof(bytes));
    return true;
}

static bool parse_group(struct view text, unsigned *value)
{
    unsigned sum = 0;

    if (text.len == 0 || text.len > 4)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c >= '0' && c <= '9')
            sum = sum << 4 | (unsigned)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            sum = sum << 4 | (unsigned)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *value = sum;
    return true;
}

/* Groups between colons into `out` (16 bytes of room); the last one may be a dotted quad if it ends
 * the address. Returns how many bytes they make, or -1. An empty text makes none. */
static int parse_groups(uint8_t *out, struct view text, bool may_end_in_v4)
{
    int at = 0;
    bool has_more = text.len > 0;

    while (has_more) {
        struct view part;
        unsigned value;

        has_more = view_split(text, ':', &part, &text);
        if (!has_more && may_end_in_v4 && at <= 12 && parse_v4(out + at, part))
            return at + 4;
        if (at > 14 || !parse_group(part, &value))
            return -1;
        out[at++] = (uint8_t)(value >> 8);
        out[at++] = (uint8_t)value;
    }
    return at;
}

static bool parse_v6(uint8_t *out, struct view text)
{
    const char *gap = text.len >= 2 ? memmem(text.ptr, text.len, "::", 2) : NULL;
    uint8_t head[16] = {0}, tail[16] = {0};
    struct view before, behind;
    int head_bytes, tail_bytes;

    if (gap == NULL)
        return parse_groups(out, text, true) == 16;
    before = view_of(text.ptr, (size_t)(gap - text.ptr));
    behind = view_of(gap + 2, text.len - before.len - 2);
    head_bytes = parse_groups(head, before, false);
    tail_bytes = parse_groups(tail, behind, true);
    /* RFC 4291 section 2.2: "::" stands for one group of zeros or more. */
    if (head_bytes < 0 || tail_bytes < 0 || head_bytes + tail_bytes > 14)
        return false;
    memset(out, 0, 16);
    memcpy(out, head, (size_t)head_bytes);
    memcpy(out + 16 - tail_bytes, tail, (size_t)tail_bytes);
    return true;
}

bool ip_address_parse(struct ip_address *out, struct view text)
{
    struct ip_address made = {{0}, 0};

    if (text.len >= IP_TEXT_BYTES)
        return false;
    if (parse_v4(made.bytes, text))
        made.family = 4;
    else if (parse_v6(made.bytes, text))
        made.family = 6;
    else
        return false;
    *out = made;
    return true;
}

bool ip_address_is_loopback(const struct ip_address *address)
{
    static const uint8_t one[16] = {[15] = 1};

    if (address->family == 4)
        return address->bytes[0] == 127;
    if (address->family != 6)
        return address->family == 0;
    if (is_v4_mapped(address->bytes))
        return address->bytes[12] == 127;
    return memcmp(address->bytes, one, sizeof(one)) == 0;
}
