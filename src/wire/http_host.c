/* SPDX-License-Identifier: Apache-2.0 */
/* Host and authority, stricter than RFC 3986: only what a browser sends and what we could listen
 * on. One spelling of a host gives one name, so that lists are compared byte by byte.
 * Percent-encoding, userinfo and Unicode have no way in. */
#include "wire/http_host.h"

#include "base/ip.h"
#include "base/num.h"

#define LABEL_MAX 63

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

/* Letters, digits, hyphen; no hyphen at either end (RFC 1123 section 2.1, RFC 5890 section 2.3.1).
 */
static bool is_label(struct view label)
{
    size_t i;

    if (label.len == 0 || label.len > LABEL_MAX)
        return false;
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (i = 0; i < label.len; i++) {
        char c = lower(label.ptr[i]);

        if (!is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-')
            return false;
    }
    return true;
}

/* A last label that reads as a decimal, octal or hexadecimal number makes resolvers and browsers
 * take the whole for an IPv4 address: 2130706433, 127.1 and 0x7f.1 all reach 127.0.0.1. */
static bool is_number(struct view label)
{
    bool has_prefix = label.len >= 2 && label.ptr[0] == '0' && lower(label.ptr[1]) == 'x';
    size_t i;

    for (i = has_prefix ? 2 : 0; i < label.len; i++) {
        if (has_prefix ? !is_hex(label.ptr[i]) : !is_digit(label.ptr[i]))
            return false;
    }
    return true;
}

static void set_name(struct http_host *host, struct view name)
{
    size_t i;

    for (i = 0; i < name.len; i++)
        host->name[i] = lower(name.ptr[i]);
    host->name[name.len] = '\0';
    host->name_bytes = (uint8_t)name.len;
}

static bool parse_name(struct http_host *host, struct view text)
{
    struct view rest = text, label;
    struct ip_address address;
    bool is_more;

    if (text.len == 0 || text.len > HOST_NAME_MAX_BYTES)
        return false;
    do {
        is_more = view_split(rest, '.', &label, &rest);
        if (!is_label(label))
            return false;
    } while (is_more);
    host->is_ip = is_number(label);
    if (host->is_ip && !ip_address_parse(&address, text))
        return false;
    set_name(host, text);
    return true;
}

static bool parse_ipv6(struct http_host *host, struct view text)
{
    struct ip_address address;
    char canonical[IP_TEXT_BYTES];

    if (memchr(text.ptr, ':', text.len) == NULL || !ip_address_parse(&address, text))
        return false;
    ip_address_text(&address, canonical);
    host->is_ip = true;
    set_name(host, view_of_text(canonical));
    return true;
}

static bool parse_port(struct http_host *host, struct view text)
{
    uint64_t port;

    if (!num_parse_u64(text, UINT16_MAX, &port) || port == 0)
        return false;
    host->port = (uint16_t)port;
    return true;
}

bool http_host_parse(struct http_host *host, struct view text)
{
    struct http_host made = {.port = 0};
    struct view name, rest;
    bool is_bracketed = text.len > 0 && text.ptr[0] == '[';

    if (is_bracketed) {
        if (!view_split(view_of(text.ptr + 1, text.len - 1), ']', &name, &rest))
            return false;
        if (rest.len > 0 && rest.ptr[0] != ':')
            return false;
        if (rest.len > 0 && !parse_port(&made, view_of(rest.ptr + 1, rest.len - 1)))
            return false;
    } else if (view_split(text, ':', &name, &rest) && !parse_port(&made, rest)) {
        return false;
    }
    if (!(is_bracketed ? parse_ipv6(&made, name) : parse_name(&made, name)))
        return false;
    *host = made;
    return true;
}
