/* SPDX-License-Identifier: Apache-2.0 */
/* The Origin allow list. Both sides are parsed into (scheme, host, port) and the tuples compared;
 * text is never searched, so "trusted.com.evil.com" has nothing to slip through. The host grammar
 * is that of wire/http_host.h, which knows no path, userinfo, escape, Unicode, trailing dot or
 * disguised address: whatever is not exactly what a browser sends is refused. */
#include "auth/origin.h"

#include "base/status.h"
#include "wire/http_host.h"

struct origin_parts {
    struct view scheme, rest;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* RFC 3986 section 3.1, short enough for origin_rule.scheme. */
static bool is_scheme(struct view text)
{
    size_t i;

    if (text.len == 0 || text.len >= sizeof(((struct origin_rule *)0)->scheme))
        return false;
    if (!is_alnum(text.ptr[0]) || (text.ptr[0] >= '0' && text.ptr[0] <= '9'))
        return false;
    for (i = 1; i < text.len; i++) {
        if (!is_alnum(text.ptr[i]) && !is_one_of(text.ptr[i], "+-."))
            return false;
    }
    return true;
}

static bool split_origin(struct origin_parts *parts, struct view text)
{
    if (!view_split(text, ':', &parts->scheme, &parts->rest) || !is_scheme(parts->scheme))
        return false;
    if (!view_starts_with(parts->rest, VIEW("//")) || parts->rest.len == 2)
        return false;
    parts->rest = view_of(parts->rest.ptr + 2, parts->rest.len - 2);
    return true;
}

/* 0 for a scheme that is not of the web. */
static uint16_t default_port(struct view scheme)
{
    if (view_eq_nocase(scheme, VIEW("https")))
        return 443;
    return view_eq_nocase(scheme, VIEW("http")) ? 80 : 0;
}

/* What stands behind the scheme of an application's own origin: an id, or a host the engine made
 * up. */
static bool is_opaque_rest(struct view text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (!is_alnum(text.ptr[i]) && !is_one_of(text.ptr[i], "-._~:"))
            return false;
    }
    return text.len > 0 && text.len < sizeof(((struct origin_rule *)0)->host);
}

static int parse_web_rule(struct origin_rule *rule, struct view rest, struct error *why)
{
    struct http_host host;

    rule->is_wildcard = view_starts_with(rest, VIEW("*."));
    if (rule->is_wildcard)
        rest = view_of(rest.ptr + 2, rest.len - 2);
    if (!http_host_parse(&host, rest)) {
        error_set(why,
                  "an origin is scheme://host or scheme://host:port and nothing more: no path, "
                  "no trailing slash, no `*` but as the whole first label; an international "
                  "name is listed in its punycode form (xn--...)");
        return E_INVALID;
    }
    if (rule->is_wildcard && (host.is_ip || strchr(host.name, '.') == NULL)) {
        error_set(why, "a wildcard needs a name of at least two labels behind it, "
                       "as in https://*.example.com");
        return E_INVALID;
    }
    memcpy(rule->host, host.name, sizeof(rule->host));
    if (host.port != 0)
        rule->port = host.port;
    return OK;
}

static int parse_opaque_rule(struct origin_rule *rule, struct view rest, struct error *why)
{
    if (view_eq(view_of_text(rule->scheme), VIEW("ws")) ||
        view_eq(view_of_text(rule->scheme), VIEW("wss"))) {
        error_set(why, "the origin of a page is never ws: or wss:; write https://host");
        return E_INVALID;
    }
    if (!is_opaque_rest(rest)) {
        error_set(why,
                  "what follows %s:// must be the whole id: letters, digits and - . _ ~ : only",
                  rule->scheme);
        return E_INVALID;
    }
    rule->is_opaque = true;
    memcpy(rule->host, rest.ptr, rest.len);
    return OK;
}

int origin_rule_parse(struct origin_rule *rule, struct view text, struct error *why)
{
    struct origin_rule made = {.port = 0};
    struct origin_parts parts;
    size_t i;
    int rc;

    if (view_eq(text, VIEW("null"))) {
        made.is_null = true;
        *rule = made;
        return OK;
    }
    if (view_eq(text, VIEW("*"))) {
        error_set(why, "`*` would let every page on the web in; list the origins of your pages");
        return E_INVALID;
    }
    if (text.len > ORIGIN_BYTES_MAX || !split_origin(&parts, text)) {
        error_set(why, "an origin is scheme://host, as in https://app.example.com");
        return E_INVALID;
    }
    for (i = 0; i < parts.scheme.len; i++)
        made.scheme[i] = lower(parts.scheme.ptr[i]);
    made.port = default_port(parts.scheme);
    if (made.port != 0)
        rc = parse_web_rule(&made, parts.rest, why);
    else
        rc = parse_opaque_rule(&made, parts.rest, why);
    if (rc == OK)
        *rule = made;
    return rc;
}

/* One label stands in place of the `*`; the host grammar has checked what a label is made of. */
static bool wildcard_covers(const struct origin_rule *rule, const struct http_host *host)
{
    const char *dot = strchr(host->name, '.');

    return !host->is_ip && dot != NULL && strcmp(dot + 1, rule->host) == 0;
}

static bool web_allowed(const struct origin_rule *rules, unsigned count,
                        const struct origin_parts *parts)
{
    struct http_host host;
    uint16_t port;
    unsigned i;

    if (!http_host_parse(&host, parts->rest))
        return false;
    port = host.port != 0 ? host.port : default_port(parts->scheme);
    for (i = 0; i < count; i++) {
        const struct origin_rule *rule = &rules[i];

        if (rule->port != port) /* 0, which no origin has, in rules of the other kinds */
            continue;
        if (!view_eq_nocase(parts->scheme, view_of_text(rule->scheme)))
            continue;
        if (rule->is_wildcard ? wildcard_covers(rule, &host) : strcmp(host.name, rule->host) == 0)
            return true;
    }
    return false;
}

static bool opaque_allowed(const struct origin_rule *rules, unsigned count,
                           const struct origin_parts *parts)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        const struct origin_rule *rule = &rules[i];

        if (rule->is_opaque && view_eq_nocase(parts->scheme, view_of_text(rule->scheme)) &&
            view_eq(parts->rest, view_of_text(rule->host)))
            return true;
    }
    return false;
}

static bool null_allowed(const struct origin_rule *rules, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        if (rules[i].is_null)
            return true;
    }
    return false;
}

bool origin_allowed(const struct origin_rule *rules, unsigned count, struct view origin)
{
    struct origin_parts parts;

    if (view_eq(origin, VIEW("null")))
        return null_allowed(rules, count);
    if (origin.len > ORIGIN_BYTES_MAX || !split_origin(&parts, origin))
        return false;
    if (default_port(parts.scheme) != 0)
        return web_allowed(rules, count, &parts);
    return opaque_allowed(rules, count, &parts);
}
