/* SPDX-License-Identifier: Apache-2.0 */
/* cookie.c: pairs end at ";", whatever stands before it: a quote opens nothing that could swallow
 * the next pair (C-E10). Cookies of other programs on the same host may hold what browsers let them
 * hold, such as blanks, quotes and UTF-8 inside a value; the one that is asked for must be made of
 * cookie-octets. A pair without a name is refused, because others read a name out of its value.
 * Where the parts of a Cookie header do not stand exactly as a browser writes them, two readers may
 * find different pairs, and then there is no cookie at all. */
#include "wire/cookie.h"

/* cookie-octet of RFC 6265bis section 4.1.1: visible ASCII but DQUOTE, comma, ";" and backslash. */
static bool is_cookie_octets(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    return true;
}

/* What browsers send of a name: no control byte, no blank, and nothing that ends or quotes it. */
static bool is_foreign_name(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.ptr[i];

        if (c <= ' ' || c == 0x7f || c == '"' || c == ',')
            return false;
    }
    return v.len > 0;
}

/* No control byte, and blanks only inside, for browsers cut them off both ends. */
static bool is_foreign_value(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.ptr[i];

        if (c < ' ' || c == 0x7f)
            return false;
    }
    return v.len == 0 || (v.ptr[0] != ' ' && v.ptr[v.len - 1] != ' ');
}

bool cookie_name_ok(struct view name)
{
    return http1_is_token(name);
}

struct search {
    struct view name, *value;
    size_t pairs, bytes;
    enum cookie_verdict verdict;
};

static void look_at_pair(struct search *s, struct view pair)
{
    struct view name, value;

    if (s->pairs++ >= COOKIE_PAIRS_MAX || !view_split(pair, '=', &name, &value) ||
        !is_foreign_name(name) || !is_foreign_value(value)) {
        s->verdict = COOKIE_BAD;
        return;
    }
    if (!view_eq(name, s->name))
        return;
    if (!is_cookie_octets(value)) {
        s->verdict = COOKIE_BAD;
    } else if (s->verdict == COOKIE_ABSENT) {
        s->verdict = COOKIE_FOUND;
        *s->value = value;
    } else {
        s->verdict = COOKIE_REPEATED;
    }
}

/* cookie-string = cookie-pair *( ";" SP cookie-pair ), section 4.2.1. */
static void look_at_header(struct search *s, struct view rest)
{
    struct view pair, tail;
    bool has_more = true;

    s->bytes += rest.len;
    if (s->bytes > COOKIE_BYTES_MAX)
        s->verdict = COOKIE_BAD;
    while (has_more && s->verdict != COOKIE_BAD) {
        has_more = view_split(rest, ';', &pair, &tail);
        look_at_pair(s, pair);
        if (!has_more)
            return;
        if (tail.len == 0 || tail.ptr[0] != ' ')
            s->verdict = COOKIE_BAD;
        else
            rest = view_of(tail.ptr + 1, tail.len - 1);
    }
}

enum cookie_verdict cookie_find(const struct http1_request *request, struct view name,
                                struct view *value)
{
    struct view found = {NULL, 0};
    struct search s = {.name = name, .value = &found, .verdict = COOKIE_ABSENT};

    for (uint32_t i = 0; i < request->headers_count && s.verdict != COOKIE_BAD; i++) {
        if (view_eq_nocase(request->headers[i].name, VIEW("cookie")))
            look_at_header(&s, request->headers[i].value);
    }
    if (s.verdict == COOKIE_FOUND)
        *value = found;
    return s.verdict;
}
