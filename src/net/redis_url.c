/* SPDX-License-Identifier: Apache-2.0 */
/* redis_url.c: the address of a Redis server, piece by piece. What is wrong is said without
 * repeating the text: a password may stand in it after all. */
#include "net/redis_url.h"

#include <string.h>

#include "base/num.h"
#include "base/status.h"

#define DEFAULT_PORT 6379

static int refuse(struct error *why, const char *text)
{
    error_set(why, "%s", text);
    return E_INVALID;
}

static bool copy(char *to, size_t cap, struct view text)
{
    if (text.len == 0 || text.len >= cap)
        return false;
    memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
    return true;
}

static bool is_printable(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    return true;
}

static bool host_ok(struct view host, bool is_address)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool is_digit = (c >= '0' && c <= '9') || c == '.';
        bool is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';

        if (is_address ? !is_digit && c != ':' && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F')
                       : !is_digit && !is_name)
            return false;
    }
    return host.len > 0 && host.ptr[0] != '-';
}

static bool parse_database(struct redis_url *u, struct view text)
{
    uint64_t number;

    if (!num_parse_u64(text, REDIS_DATABASE_MAX, &number))
        return false;
    u->database = (uint32_t)number;
    return true;
}

static int parse_unix(struct redis_url *u, struct view rest, struct error *why)
{
    struct view path, query;

    u->is_unix = true;
    if (view_split(rest, '?', &path, &query) &&
        (!view_starts_with(query, VIEW("db=")) ||
         !parse_database(u, view_of(query.ptr + 3, query.len - 3))))
        return refuse(why, "after the path of a Unix socket only ?db=NUMBER may follow");
    if (path.len > REDIS_PATH_MAX || path.len == 0 || path.ptr[0] != '/' ||
        !copy(u->host, sizeof(u->host), path))
        return refuse(why, "a Unix socket is written unix:/path, the path at most 107 bytes long");
    return OK;
}

static int parse_host(struct redis_url *u, struct view text, struct error *why)
{
    struct view host, port = {NULL, 0};
    bool is_address = text.len > 0 && text.ptr[0] == '[', has_port;
    uint64_t number = DEFAULT_PORT;

    if (is_address) {
        if (!view_split(view_of(text.ptr + 1, text.len - 1), ']', &host, &port) ||
            (port.len > 0 && port.ptr[0] != ':'))
            return refuse(why, "an IPv6 address is written [::1] or [::1]:6379");
        has_port = port.len > 0;
        if (has_port)
            port = view_of(port.ptr + 1, port.len - 1);
    } else {
        has_port = view_split(text, ':', &host, &port);
    }
    if (!host_ok(host, is_address) || !copy(u->host, sizeof(u->host), host))
        return refuse(why, "the name of the host is missing or malformed");
    if (has_port && (!num_parse_u64(port, 65535, &number) || number == 0))
        return refuse(why, "the port is a number between 1 and 65535");
    u->port = (uint16_t)number;
    return OK;
}

static int parse_network(struct redis_url *u, struct view rest, struct error *why)
{
    struct view authority, database, user, host;

    if (view_split(rest, '/', &authority, &database) && database.len > 0 &&
        !parse_database(u, database))
        return refuse(why, "after the host only /NUMBER may follow: the database");
    if (view_split(authority, '@', &user, &host)) {
        if (memchr(user.ptr, ':', user.len) != NULL)
            return refuse(why, "a password does not stand in the URL: use `password`");
        if (user.len == 0 || memchr(user.ptr, '%', user.len) != NULL ||
            !copy(u->user, sizeof(u->user), user))
            return refuse(why, "the name before the @ is empty or malformed: use `username`");
        authority = host;
    }
    return parse_host(u, authority, why);
}

int redis_url_parse(struct redis_url *out, struct view text, struct error *why)
{
    static const struct {
        struct view prefix;
        bool is_unix, has_tls;
    } schemes[] = {{{"rediss://", 9}, false, true},
                   {{"redis://", 8}, false, false},
                   {{"unix:", 5}, true, false}};
    struct redis_url u = {.port = DEFAULT_PORT};

    if (text.len > REDIS_URL_MAX || !is_printable(text))
        return refuse(why, "too long, or with blanks or other bytes that no URL has");
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct view rest;
        int rc;

        if (!view_starts_with(text, schemes[i].prefix))
            continue;
        rest = view_of(text.ptr + schemes[i].prefix.len, text.len - schemes[i].prefix.len);
        u.has_tls = schemes[i].has_tls;
        rc = schemes[i].is_unix ? parse_unix(&u, rest, why) : parse_network(&u, rest, why);
        if (rc == OK)
            *out = u;
        return rc;
    }
    return refuse(why, "must begin with rediss://, redis:// or unix:");
}

bool redis_url_is_local(const struct redis_url *url)
{
    struct view host = view_of_text(url->host);

    /* A name such as 127.example.com only looks like an address. */
    return url->is_unix || view_eq_nocase(host, VIEW("localhost")) || view_eq(host, VIEW("::1")) ||
           (view_starts_with(host, VIEW("127.")) && strspn(url->host, "0123456789.") == host.len);
}
