/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto wire net */
/* A URL that we take is read by libcurl as we read it: the same scheme, the same host, no user, no
 * fragment. The first byte says whether http to loopback is allowed. */
#include <curl/curl.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/ip.h"
#include "net/fetch.h"
#include "wire/http_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *part(CURLU *parsed, CURLUPart what)
{
    char *text = NULL;

    return curl_url_get(parsed, what, &text, 0) == CURLUE_OK ? text : NULL;
}

static void check_host(const char *theirs, struct view url)
{
    struct view rest = view_of(url.ptr + 7, url.len - 7), ours;
    struct http_host host, again;
    struct ip_address address;
    size_t len = 0;

    if (rest.ptr[0] == '/')
        rest = view_of(rest.ptr + 1, rest.len - 1);
    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
        len++;
    ours = view_of(rest.ptr, len);
    ASSERT(http_host_parse(&host, ours) && http_host_parse(&again, view_of_text(theirs)));
    ASSERT(view_eq(view_of_text(host.name), view_of_text(again.name)));
    if (view_starts_with(url, VIEW("http://")))
        ASSERT(host.is_ip && ip_address_parse(&address, view_of_text(host.name)) &&
               ip_address_is_loopback(&address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_loopback_allowed = size > 0 && (data[0] & 1) != 0;
    struct view url = size > 0 ? view_of(data + 1, size - 1) : VIEW("");
    char *text, *host, *scheme;
    CURLU *parsed;

    if (fetch_url_check(url, is_loopback_allowed ? FETCH_HTTP_LOOPBACK : FETCH_HTTP_NOWHERE,
                        NULL) != 0)
        return 0;
    text = view_dup(url);
    parsed = curl_url();
    ASSERT(text != NULL && parsed != NULL && strlen(text) == url.len);
    ASSERT(curl_url_set(parsed, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK);
    host = part(parsed, CURLUPART_HOST);
    scheme = part(parsed, CURLUPART_SCHEME);
    ASSERT(host != NULL && scheme != NULL);
    ASSERT(part(parsed, CURLUPART_USER) == NULL && part(parsed, CURLUPART_FRAGMENT) == NULL);
    ASSERT(view_starts_with(url, VIEW("https")) == (strcmp(scheme, "https") == 0));
    check_host(host, url);
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(parsed);
    free(text);
    return 0;
}
