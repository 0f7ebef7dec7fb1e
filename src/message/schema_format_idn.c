/* SPDX-License-Identifier: Apache-2.0 */
/* schema_format_idn.c: IDNA 2008 without its tables: punycode (RFC 3492), characters that are
 * disallowed by block, the contextual rules of RFC 5892 appendix A and the direction rule of RFC
 * 5893 by block. What this misses is in docs/json-schema.md. */
#include "message/schema_format_idn.h"

#include "base/code_point.h"

bool format_idn_read(struct format_idn *out, struct view label)
{
    size_t at = 0;

    out->count = 0;
    while (at < label.len) {
        uint32_t c;
        size_t len = code_point_decode((const uint8_t *)label.ptr + at, label.len - at, &c);

        if (len == 0 || out->count == FORMAT_IDN_POINTS_MAX)
            return false;
        out->points[out->count++] = c;
        at += len;
    }
    return out->count > 0;
}

/* One number of variable length at text[*at] (RFC 3492 section 6.2), added to *i. */
static bool delta_read(struct view text, size_t *at, uint64_t bias, uint64_t *i)
{
    uint64_t weight = 1;

    for (uint64_t k = 36;; k += 36) {
        uint64_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
        char c = *at < text.len ? text.ptr[(*at)++] : '-';
        char lower = (char)(c | 0x20);
        uint64_t digit;

        if (c >= '0' && c <= '9')
            digit = (uint64_t)(c - '0') + 26;
        else if (lower >= 'a' && lower <= 'z')
            digit = (uint64_t)(lower - 'a');
        else
            return false;
        if (weight > UINT32_MAX || *i > UINT32_MAX)
            return false;
        *i += digit * weight;
        if (digit < t)
            return true;
        weight *= 36 - t;
    }
}

static uint64_t adapted(uint64_t delta, uint64_t points, bool is_first)
{
    uint64_t k = 0;

    delta = is_first ? delta / 700 : delta / 2;
    delta += delta / points;
    for (; delta > 455; k += 36)
        delta /= 35;
    return k + 36 * delta / (delta + 38);
}

bool format_idn_punycode(struct format_idn *out, struct view text)
{
    uint64_t i = 0, n = 128, bias = 72;
    size_t at = text.len;

    while (at > 0 && text.ptr[at - 1] != '-')
        at--;
    if (at == text.len || at == 1) /* nothing beyond ASCII; a hyphen with nothing before it */
        return false;
    if (at > 0 && !format_idn_read(out, view_of(text.ptr, at - 1)))
        return false;
    out->count = at > 0 ? out->count : 0;
    while (at < text.len) {
        uint64_t old = i;
        uint32_t *points = out->points;

        if (out->count == FORMAT_IDN_POINTS_MAX || !delta_read(text, &at, bias, &i))
            return false;
        out->count++;
        bias = adapted(i - old, out->count, old == 0);
        n += i / out->count;
        i %= out->count;
        if (n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff))
            return false;
        memmove(points + i + 1, points + i, (out->count - 1 - i) * sizeof(*points));
        points[i++] = (uint32_t)n;
    }
    return true;
}

static bool is_between(uint32_t c, uint32_t low, uint32_t high)
{
    return c >= low && c <= high;
}

static bool is_ascii_letter(uint32_t c)
{
    return is_between(c | 0x20, 'a', 'z');
}

/* RFC 5892: symbols, punctuation, private use, compatibility forms. */
static bool is_disallowed(uint32_t c)
{
    if (c < 128)
        return !is_between(c, 'a', 'z') && !is_between(c, '0', '9') && c != '-';
    if (is_between(c, 0x80, 0xbf))
        return c != 0xb7;
    return code_point_is_control(c) || c == 0xd7 || c == 0xf7 || c == 0x0640 || c == 0x07fa ||
           is_between(c, 0x2000, 0x200b) || is_between(c, 0x200e, 0x2c2f) ||
           is_between(c, 0x2e30, 0x3004) || is_between(c, 0x302e, 0x302f) ||
           is_between(c, 0x3031, 0x3035) || c == 0x303b || is_between(c, 0xe000, 0xf8ff) ||
           is_between(c, 0xfe00, 0xfe0f) || is_between(c, 0xfeff, 0xffef) || c >= 0xe0000;
}

static bool is_mark(uint32_t c)
{
    return is_between(c, 0x300, 0x36f) || is_between(c, 0x483, 0x489) ||
           is_between(c, 0x591, 0x5bd) || is_between(c, 0x610, 0x61a) ||
           is_between(c, 0x64b, 0x65f) || c == 0x670 || is_between(c, 0x900, 0x903) ||
           is_between(c, 0x20d0, 0x20ff);
}

static bool is_digit(uint32_t c)
{
    return is_between(c, '0', '9') || is_between(c, 0x660, 0x669) || is_between(c, 0x6f0, 0x6f9);
}

static bool is_right_to_left(uint32_t c)
{
    if (is_mark(c) || is_digit(c))
        return false;
    return is_between(c, 0x590, 0x8ff) || is_between(c, 0xfb1d, 0xfdff) ||
           is_between(c, 0xfe70, 0xfefe) || is_between(c, 0x10800, 0x10fff) ||
           is_between(c, 0x1e800, 0x1efff);
}

static bool is_joiner(uint32_t c)
{
    return c == 0x200c || c == 0x200d;
}

/* The rules for characters that depend on their neighbours. */
static bool context_ok(uint32_t before, uint32_t c, uint32_t after)
{
    if (c == 0xb7) /* middle dot: between two l */
        return before == 'l' && after == 'l';
    if (c == 0x375) /* Greek keraia: before Greek */
        return is_between(after, 0x370, 0x3ff);
    if (c == 0x5f3 || c == 0x5f4) /* Hebrew geresh: behind Hebrew */
        return is_between(before, 0x590, 0x5ff);
    if (c == 0x200c && is_between(before, 0x620, 0x6d3) && is_between(after, 0x620, 0x6d3))
        return true;  /* between letters that join */
    if (is_joiner(c)) /* else behind a virama */
        return is_between(before, 0x900, 0xdff) && (before & 0x7f) == 0x4d;
    return true;
}

static bool is_kana_or_han(uint32_t c)
{
    return is_between(c, 0x3040, 0x30fa) || is_between(c, 0x30fc, 0x30ff) || c == 0x3005 ||
           c == 0x3007 || is_between(c, 0x3400, 0x9fff) || is_between(c, 0x20000, 0x3ffff);
}

/* RFC 5893 section 2, for a label with letters that run from right to left. */
static bool direction_ok(const struct format_idn *l)
{
    bool has_european = false, has_arabic = false;
    uint32_t last = l->count - 1;

    for (uint32_t i = 0; i < l->count; i++) {
        uint32_t c = l->points[i];
        bool is_wide_left =
            c >= 128 && !is_right_to_left(c) && !is_mark(c) && !is_digit(c) && !is_joiner(c);

        if (is_ascii_letter(c) || is_wide_left)
            return false;
        has_european = has_european || is_between(c, '0', '9') || is_between(c, 0x6f0, 0x6f9);
        has_arabic = has_arabic || is_between(c, 0x660, 0x669);
    }
    while (last > 0 && is_mark(l->points[last]))
        last--;
    return is_right_to_left(l->points[0]) && !(has_european && has_arabic) &&
           (is_right_to_left(l->points[last]) || is_digit(l->points[last]));
}

struct seen {
    bool arabic, extended, dot, kana, right_to_left, wide;
};

static void look(struct seen *s, uint32_t c)
{
    s->arabic = s->arabic || is_between(c, 0x660, 0x669);
    s->extended = s->extended || is_between(c, 0x6f0, 0x6f9);
    s->dot = s->dot || c == 0x30fb;
    s->kana = s->kana || is_kana_or_han(c);
    s->right_to_left = s->right_to_left || is_right_to_left(c);
    s->wide = s->wide || c >= 128;
}

static void note(struct format_idn_domain *domain, const struct format_idn *l, bool is_rtl)
{
    if (domain == NULL)
        return;
    domain->has_right_to_left = domain->has_right_to_left || is_rtl;
    domain->has_digit_first = domain->has_digit_first || is_digit(l->points[0]);
    domain->points += l->count + 1;
}

bool format_idn_ok(const struct format_idn *l, struct format_idn_domain *domain)
{
    struct seen seen = {.arabic = false};
    uint32_t last = l->count - 1;

    if (l->count == 0 || is_mark(l->points[0]) || l->points[0] == '-' || l->points[last] == '-')
        return false;
    for (uint32_t i = 0; i < l->count; i++)
        look(&seen, l->points[i]);
    for (uint32_t i = 0; i < l->count; i++) {
        uint32_t c = l->points[i];

        if (seen.wide ? is_disallowed(c) : is_disallowed(c | 0x20) && c != '-')
            return false;
        if (!context_ok(i > 0 ? l->points[i - 1] : 0, c, i < last ? l->points[i + 1] : 0))
            return false;
    }
    if (seen.wide && l->count >= 4 && l->points[2] == '-' && l->points[3] == '-')
        return false;
    note(domain, l, seen.right_to_left);
    return !(seen.wide && l->count > FORMAT_IDN_POINTS_MAX - 4) &&
           !(seen.arabic && seen.extended) && (!seen.dot || seen.kana) &&
           (!seen.right_to_left || direction_ok(l));
}
