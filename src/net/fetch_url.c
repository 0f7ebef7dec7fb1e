/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_url.c: which URLs are fetched at all. Stricter than libcurl, so that it cannot read one
 * otherwise than we do: no user name, no backslash, no percent sign in the host, no number dressed
 * up as a name. */
#include "base/ip.h"
#include "base/status.h"
#include "net/fetch.h"
#include "wire/http_host.h"

static bool is_url_byte(char c)
{
    return c > 0x20 && c < 0x7f && strchr("\"<>\\^`{|}#", c) == NULL;
}

static struct view authority_of(struct view rest)
{
    size_t len = 0;

    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
        len++;
    return view_of(rest.ptr, len);
}

static bool is_loopback(const struct http_host *host)
{
    struct ip_address address;

    return host->is_ip && ip_address_parse(&address, view_of_text(host->name)) &&
           ip_address_is_loopback(&address);
}

static const char *find_fault(struct view url, enum fetch_http http)
{
    bool is_https = view_starts_with(url, VIEW("https://"));
    size_t scheme = is_https ? 8 : 7;
    struct http_host host;

    if (url.len > FETCH_URL_BYTES_MAX)
        return "is too long";
    if (!is_https && !view_starts_with(url, VIEW("http://")))
        return "must begin with https://";
    for (size_t i = 0; i < url.len; i++) {
        if (!is_url_byte(url.ptr[i]))
            return "may hold visible ASCII only, and no fragment";
    }
    if (!http_host_parse(&host, authority_of(view_of(url.ptr + scheme, url.len - scheme))))
        return "names no host: https://HOST/PATH, without user name";
    if (!is_https && http == FETCH_HTTP_NOWHERE)
        return "must begin with https://: over http anyone on the way could change the answer";
    if (!is_https && http == FETCH_HTTP_LOOPBACK && !is_loopback(&host))
        return "must begin with https://; http:// is for loopback addresses such as 127.0.0.1";
    return NULL;
}

int fetch_url_check(struct view url, enum fetch_http http, struct error *why)
{
    const char *fault = find_fault(url, http);

    if (fault == NULL)
        return OK;
    error_set(why, "%s", fault);
    return E_INVALID;
}
