/* SPDX-License-Identifier: Apache-2.0 */
/* schema_format_uri.c: RFC 3986 (URI), RFC 3987 (IRI) and RFC 6570 (templates), by their grammars.
 */
#include "base/code_point.h"
#include "message/schema_format.h"

static bool is_alpha(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool has(const char *set, char c)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* RFC 3987: ucschar, and iprivate where `has_private`. */
static bool is_wide(uint32_t c, bool has_private)
{
    if ((c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000)
        return has_private && (c & 0xfffe) != 0xfffe;
    return c >= 0xa0 && !(c >= 0xfdd0 && c <= 0xfdef) && (c & 0xfffe) != 0xfffe &&
           !(c >= 0xfff0 && c <= 0xffff) && !(c >= 0xe0000 && c <= 0xe0fff);
}

/* The bytes of one allowed character at text[at]: unreserved, sub-delims, escapes and `more`. */
static size_t allowed(struct view text, size_t at, const char *more, bool is_iri)
{
    char c = text.ptr[at];
    uint32_t point;
    size_t len;

    if (is_alpha(c) || is_digit(c) || has("-._~!$&'()*+,;=", c) || has(more, c))
        return 1;
    if (c == '%')
        return text.len - at >= 3 && is_hex(text.ptr[at + 1]) && is_hex(text.ptr[at + 2]) ? 3 : 0;
    if ((uint8_t)c < 128 || !is_iri)
        return 0;
    len = code_point_decode((const uint8_t *)text.ptr + at, text.len - at, &point);
    return len > 0 && is_wide(point, has(more, '?')) ? len : 0;
}

static bool all_allowed(struct view text, const char *more, bool is_iri)
{
    size_t at = 0;

    while (at < text.len) {
        size_t len = allowed(text, at, more, is_iri);

        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

static bool ip_literal(struct view inside)
{
    size_t at = 1;

    if (inside.len == 0 || (inside.ptr[0] | 0x20) != 'v')
        return schema_format_ipv6(inside);
    while (at < inside.len && is_hex(inside.ptr[at]))
        at++;
    return at > 1 && at + 1 < inside.len && inside.ptr[at] == '.' &&
           all_allowed(view_of(inside.ptr + at + 1, inside.len - at - 1), ":", false) &&
           memchr(inside.ptr, '%', inside.len) == NULL;
}

static bool host_and_port(struct view text, bool is_iri)
{
    struct view host, port;
    const char *close;

    if (text.len > 0 && text.ptr[0] == '[') {
        close = memchr(text.ptr, ']', text.len);
        if (close == NULL || !ip_literal(view_of(text.ptr + 1, (size_t)(close - text.ptr) - 1)))
            return false;
        port = view_of(close + 1, text.len - (size_t)(close - text.ptr) - 1);
        if (port.len > 0 && port.ptr[0] != ':')
            return false;
        port = port.len > 0 ? view_of(port.ptr + 1, port.len - 1) : port;
    } else {
        (void)view_split(text, ':', &host, &port);
        if (!all_allowed(host, "", is_iri))
            return false;
    }
    for (size_t i = 0; i < port.len; i++) {
        if (!is_digit(port.ptr[i]))
            return false;
    }
    return true;
}

static bool authority(struct view text, bool is_iri)
{
    struct view user, host;

    if (!view_split(text, '@', &user, &host))
        return host_and_port(text, is_iri);
    return all_allowed(user, ":", is_iri) && host_and_port(host, is_iri);
}

/* Bytes of "scheme:" at the front, or 0. */
static size_t scheme(struct view text)
{
    size_t at = 0;

    if (text.len == 0 || !is_alpha(text.ptr[0]))
        return 0;
    while (at < text.len &&
           (is_alpha(text.ptr[at]) || is_digit(text.ptr[at]) || has("+-.", text.ptr[at])))
        at++;
    return at < text.len && text.ptr[at] == ':' ? at + 1 : 0;
}

static bool path_ok(struct view path, bool has_scheme, bool has_authority, bool is_iri)
{
    struct view first, rest;

    if (has_authority && path.len > 0 && path.ptr[0] != '/')
        return false;
    (void)view_split(path, '/', &first, &rest);
    if (!has_scheme && !has_authority && memchr(first.ptr, ':', first.len) != NULL)
        return false;
    return all_allowed(path, ":@/", is_iri);
}

static bool reference(struct view text, bool is_iri, bool needs_scheme)
{
    struct view query, fragment;
    size_t len = scheme(text);
    bool has_authority;

    if (len == 0 && needs_scheme)
        return false;
    if (text.len == 0)
        return true;
    (void)view_split(view_of(text.ptr + len, text.len - len), '#', &text, &fragment);
    (void)view_split(text, '?', &text, &query);
    if (!all_allowed(fragment, ":@/?", is_iri && fragment.len > 0) ||
        !all_allowed(query, ":@/?", is_iri))
        return false;
    has_authority = text.len >= 2 && text.ptr[0] == '/' && text.ptr[1] == '/';
    if (has_authority) {
        struct view after = view_of(text.ptr + 2, text.len - 2);
        const char *slash = after.len > 0 ? memchr(after.ptr, '/', after.len) : NULL;
        size_t end = slash == NULL ? after.len : (size_t)(slash - after.ptr);

        if (!authority(view_of(after.ptr, end), is_iri))
            return false;
        text = view_of(after.ptr + end, after.len - end);
    }
    if (text.len == 0)
        return true;
    return path_ok(text, len > 0, has_authority, is_iri);
}

bool schema_format_uri(struct view text)
{
    return reference(text, false, true);
}

bool schema_format_uri_reference(struct view text)
{
    return reference(text, false, false);
}

bool schema_format_iri(struct view text)
{
    return reference(text, true, true);
}

bool schema_format_iri_reference(struct view text)
{
    return reference(text, true, false);
}

/* One name with its modifier: letters, digits, _ and escapes, dots between; then * or :1..9999. */
static bool variable(struct view text)
{
    struct view name, prefix;
    bool has_prefix = view_split(text, ':', &name, &prefix);
    size_t at = 0;
    bool is_dot_ok = false;

    if (has_prefix && (prefix.len == 0 || prefix.len > 4 || prefix.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < prefix.len; i++) {
        if (!is_digit(prefix.ptr[i]))
            return false;
    }
    if (!has_prefix && name.len > 0 && name.ptr[name.len - 1] == '*')
        name.len--;
    while (at < name.len) {
        char c = name.ptr[at];

        if (c == '.' && (!is_dot_ok || at + 1 == name.len))
            return false;
        if (c == '%' &&
            (name.len - at < 3 || !is_hex(name.ptr[at + 1]) || !is_hex(name.ptr[at + 2])))
            return false;
        if (c != '.' && c != '%' && c != '_' && !is_alpha(c) && !is_digit(c))
            return false;
        is_dot_ok = c != '.';
        at += c == '%' ? 3 : 1;
    }
    return name.len > 0;
}

static bool expression(struct view text)
{
    struct view one, rest = text;
    bool has_more = true;

    /* The operators for extension (= , ! @ |) are reserved: RFC 6570 section 2.2. */
    if (text.len > 0 && has("+#./;?&", text.ptr[0]))
        rest = view_of(text.ptr + 1, text.len - 1);
    while (has_more) {
        has_more = view_split(rest, ',', &one, &rest);
        if (!variable(one))
            return false;
    }
    return true;
}

/* The bytes of one literal character (RFC 6570 section 2.1). */
static size_t template_literal(struct view text, size_t at)
{
    char c = text.ptr[at];
    uint32_t point;
    size_t len;

    if (c == '%')
        return text.len - at >= 3 && is_hex(text.ptr[at + 1]) && is_hex(text.ptr[at + 2]) ? 3 : 0;
    if ((uint8_t)c < 128)
        return c > ' ' && c != 127 && !has("\"<>\\^`{|}", c) ? 1 : 0;
    len = code_point_decode((const uint8_t *)text.ptr + at, text.len - at, &point);
    return len > 0 && is_wide(point, true) ? len : 0;
}

bool schema_format_uri_template(struct view text)
{
    size_t at = 0;

    while (at < text.len) {
        const char *close;
        size_t len;

        if (text.ptr[at] != '{') {
            len = template_literal(text, at);
            if (len == 0)
                return false;
            at += len;
            continue;
        }
        close = memchr(text.ptr + at, '}', text.len - at);
        if (close == NULL)
            return false;
        len = (size_t)(close - text.ptr) - at;
        if (!expression(view_of(text.ptr + at + 1, len - 1)))
            return false;
        at += len + 1;
    }
    return true;
}
