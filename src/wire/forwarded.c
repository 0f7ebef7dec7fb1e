/* SPDX-License-Identifier: Apache-2.0 */
/* forwarded.c: lists of hops, read from the right end to the first hop that is not trusted. Quotes
 * are followed from the right as well: one that a client leaves open cannot swallow what a proxy
 * writes behind it. */
#include "wire/forwarded.h"

#include <string.h>

enum hop_kind {
    HOP_ADDRESS,
    HOP_HIDDEN, /* RFC 7239 section 6.2, 6.3: "unknown", "_name", or a hop that says nothing */
    HOP_BAD
};

static bool port_ok(struct view text)
{
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return true;
}

/* "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]", "[2001:db8::1]:4711", or without brackets. */
static enum hop_kind read_node(struct ip_address *out, struct view text)
{
    struct view address, port;
    bool is_bracketed = text.len > 0 && text.ptr[0] == '[';

    if (view_eq_nocase(text, VIEW("unknown")) || (text.len > 0 && text.ptr[0] == '_'))
        return HOP_HIDDEN;
    if (ip_address_parse(out, text))
        return HOP_ADDRESS;
    if (is_bracketed) {
        if (!view_split(view_of(text.ptr + 1, text.len - 1), ']', &address, &port))
            return HOP_BAD;
        if (port.len > 0 && (port.ptr[0] != ':' || !port_ok(view_of(port.ptr + 1, port.len - 1))))
            return HOP_BAD;
    } else if (!view_split(text, ':', &address, &port) || !port_ok(port)) {
        return HOP_BAD;
    }
    return ip_address_parse(out, address) && out->family == (is_bracketed ? 6 : 4) ? HOP_ADDRESS
                                                                                   : HOP_BAD;
}

/* The pair in front of the first ';' outside of quotes; the rest goes to *tail. False: a quote is
 * open at the end. */
static bool split_pair(struct view v, struct view *pair, struct view *tail)
{
    bool is_quoted = false;
    size_t at = 0;

    for (; at < v.len && (is_quoted || v.ptr[at] != ';'); at++)
        is_quoted ^= v.ptr[at] == '"';
    *pair = view_of(v.ptr, at);
    *tail = at < v.len ? view_of(v.ptr + at + 1, v.len - at - 1) : view_of(v.ptr + v.len, 0);
    return !is_quoted;
}

/* One element of Forwarded: `for=192.0.2.43;proto=https`. */
static enum hop_kind read_element(struct ip_address *out, struct view element)
{
    struct view pair, name, value;
    enum hop_kind found = HOP_HIDDEN;
    bool has_for = false;

    if (memchr(element.ptr, '\\', element.len) != NULL)
        return HOP_BAD; /* no address needs an escape, and they would blur where quotes end */
    while (element.len > 0) {
        if (!split_pair(element, &pair, &element) || !view_split(pair, '=', &name, &value))
            return HOP_BAD;
        if (!view_eq_nocase(view_trim(name), VIEW("for")))
            continue;
        value = view_trim(value);
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            value = view_of(value.ptr + 1, value.len - 2);
        if (has_for)
            return HOP_BAD;
        has_for = true;
        found = read_node(out, value);
    }
    return found;
}

/* Takes the last element off the list. */
static struct view take_last(struct view *list, bool has_quotes)
{
    bool is_quoted = false;
    size_t at = list->len;
    struct view last;

    for (; at > 0 && (is_quoted || list->ptr[at - 1] != ','); at--)
        is_quoted ^= has_quotes && list->ptr[at - 1] == '"';
    last = view_trim(view_of(list->ptr + at, list->len - at));
    list->len = at > 0 ? at - 1 : 0;
    return last;
}

struct walk {
    struct ip_address client;
    enum forwarded_verdict verdict;
    bool is_over;
};

static void walk_list(struct walk *w, struct view list, enum forwarded_header which,
                      const struct ip_nets *trusted)
{
    bool is_rfc = which == FORWARDED_RFC7239;

    while (list.len > 0 && !w->is_over) {
        struct ip_address hop = {{0}, 0};
        struct view last = take_last(&list, is_rfc);
        enum hop_kind kind;

        if (last.len == 0)
            continue; /* RFC 9110 section 5.6.1: empty elements do not count */
        kind = is_rfc ? read_element(&hop, last) : read_node(&hop, last);
        if (kind == HOP_ADDRESS) {
            w->client = hop;
            w->verdict = FORWARDED_CLIENT;
            w->is_over = !ip_nets_have(trusted, &hop);
        } else {
            w->is_over = true;
            if (kind == HOP_BAD)
                w->verdict = FORWARDED_BAD;
        }
    }
}

enum forwarded_verdict forwarded_client(struct ip_address *client,
                                        const struct http1_request *request,
                                        enum forwarded_header which, const struct ip_nets *trusted)
{
    struct view name = which == FORWARDED_RFC7239 ? VIEW("Forwarded") : VIEW("X-Forwarded-For");
    struct walk w = {.verdict = FORWARDED_NOBODY};

    /* Several headers of the name are one list (RFC 9110 section 5.3), the last one its end. */
    for (uint32_t i = request->headers_count; i > 0 && !w.is_over; i--) {
        if (view_eq_nocase(request->headers[i - 1].name, name))
            walk_list(&w, request->headers[i - 1].value, which, trusted);
    }
    if (w.verdict == FORWARDED_CLIENT)
        *client = w.client;
    return w.verdict;
}
