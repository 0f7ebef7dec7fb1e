/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize_link.c: where a link may lead, and how large a text the HTML parser is given. Both are
 * plain scans that need no parser. */
#include "message/sanitize_html.h"

#include <string.h>

#include "base/code_point.h"
#include "message/sanitize.h"

#define URL_BYTES_MAX 2048
#define SCAN_MAX      ((size_t)8 * SANITIZE_BYTES_MAX) /* bytes looked at within all tags */

bool sanitize_is_odd(uint32_t value)
{
    if (value < ' ')
        return value != '\t' && value != '\n' && value != '\f' && value != '\r';
    return (value >= 0x7f && value <= 0x9f) || (value >= 0xfdd0 && value <= 0xfdef) ||
           (value & 0xfffe) == 0xfffe;
}

/* What no written URL needs (RFC 3986 leaves it out), and what parsers of URLs drop, trim or turn
 * into something else: `java\nscript:`, ` https:`, `http:\\host`. */
static bool has_only_url_bytes(struct view url)
{
    const uint8_t *at = (const uint8_t *)url.ptr;
    size_t left = url.len;

    while (left > 0) {
        uint32_t value;
        size_t len = code_point_decode(at, left, &value);

        if (len == 0 || value <= ' ' || value == 0xa0 || sanitize_is_odd(value) ||
            code_point_is_control(value) ||
            (value < 0x80 && strchr("\"'<>\\`{}|^", (int)value) != NULL))
            return false;
        at += len;
        left -= len;
    }
    return true;
}

static size_t count_of(struct view v, const char *bytes)
{
    size_t len = 0;

    while (len < v.len && v.ptr[len] != '\0' && strchr(bytes, v.ptr[len]) != NULL)
        len++;
    return len;
}

/* The bytes of the host at the start of v: a name, or an IPv6 address in brackets; 0: neither. */
static size_t host_length(struct view v)
{
    size_t len = 0;

    if (v.len > 0 && v.ptr[0] == '[') {
        len = 1 + count_of(view_of(v.ptr + 1, v.len - 1), "0123456789abcdefABCDEF:.");
        return len > 1 && len < v.len && v.ptr[len] == ']' ? len + 1 : 0;
    }
    while (len < v.len && strchr("/?#:@[]!$&()*+,;=%", v.ptr[len]) == NULL)
        len++;
    return len;
}

/* Two slashes, a host, perhaps a port. No user: `https://bank.example@evil.example/` reads as one
 * host and leads to another. */
static bool has_plain_host(struct view rest)
{
    struct view v;
    size_t len;

    if (!view_starts_with(rest, VIEW("//")))
        return false;
    v = view_of(rest.ptr + 2, rest.len - 2);
    len = host_length(v);
    if (len == 0)
        return false;
    v = view_of(v.ptr + len, v.len - len);
    if (v.len > 0 && v.ptr[0] == ':') {
        len = 1 + count_of(view_of(v.ptr + 1, v.len - 1), "0123456789");
        if (len < 2 || len > 6)
            return false;
        v = view_of(v.ptr + len, v.len - len);
    }
    return v.len == 0 || strchr("/?#", v.ptr[0]) != NULL;
}

bool sanitize_link(struct view url, struct view *scheme, struct view *rest)
{
    static const char *const schemes[] = {"https:", "http:", "mailto:"};

    if (url.len > URL_BYTES_MAX || !has_only_url_bytes(url))
        return false;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct view name = view_of_text(schemes[i]);

        if (url.len <= name.len || !view_eq_nocase(view_of(url.ptr, name.len), name))
            continue;
        *scheme = name;
        *rest = view_of(url.ptr + name.len, url.len - name.len);
        return schemes[i][0] == 'm' || has_plain_host(*rest);
    }
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static const char *skip_value(const char *at, const char *end)
{
    const char *close;

    while (at < end && is_blank(*at))
        at++;
    if (at < end && (*at == '"' || *at == '\'')) {
        close = memchr(at + 1, *at, (size_t)(end - at - 1));
        return close == NULL ? end : close + 1;
    }
    while (at < end && !is_blank(*at) && *at != '>')
        at++;
    return at;
}

/* One attribute, whose first byte is at `at`. */
static const char *skip_attribute(const char *at, const char *end)
{
    const char *name_end;

    at++; /* even a `=` is a name's first byte */
    while (at < end && !is_blank(*at) && *at != '/' && *at != '>' && *at != '=')
        at++;
    name_end = at;
    while (at < end && is_blank(*at))
        at++;
    return at < end && *at == '=' ? skip_value(at + 1, end) : name_end;
}

/* Walks over the tag that could begin at `at`, just behind a `<`. Returns where it ends, or NULL if
 * it has too many attributes; *left is for those of all tags together. */
static const char *skip_tag(const char *at, const char *end, unsigned *left)
{
    unsigned attributes = 0;

    if (at < end && *at == '/')
        at++;
    if (at == end || !(((unsigned char)*at | 0x20) >= 'a' && ((unsigned char)*at | 0x20) <= 'z'))
        return at;
    while (at < end && !is_blank(*at) && *at != '/' && *at != '>')
        at++;
    for (;;) {
        while (at < end && (is_blank(*at) || *at == '/'))
            at++;
        if (at == end || *at == '>')
            return at;
        if (++attributes > SANITIZE_ATTRIBUTES_MAX || (*left)-- == 0)
            return NULL;
        at = skip_attribute(at, end);
    }
}

bool sanitize_is_modest(struct view text)
{
    const char *end = text.ptr + text.len;
    const char *at = text.ptr;
    size_t scanned = 0;
    unsigned tags = 0;
    unsigned attributes_left = SANITIZE_ALL_ATTRIBUTES_MAX;

    if (text.len > SANITIZE_BYTES_MAX)
        return false;
    /* The parser compares each attribute with those before it in the tag, and each format's with
     * those of all formats that are open, so their number must be small. Every
     * `<` is taken as a possible tag, whatever the parser would say: no trick with quotes or
     * comments hides one. */
    while ((at = memchr(at, '<', (size_t)(end - at))) != NULL) {
        const char *tag_end = skip_tag(++at, end, &attributes_left);

        if (tag_end == NULL || ++tags > SANITIZE_TAGS_MAX)
            return false;
        scanned += (size_t)(tag_end - at);
        if (scanned > SCAN_MAX)
            return false;
    }
    return true;
}
