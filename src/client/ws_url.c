/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses are taken apart strictly and never repaired: what this reader and another one could
 * understand differently (user names, backslashes, blanks, fragments) is refused with a word on
 * what to write instead. */
#include "client/ws_url.h"

#include <stdio.h>

#include "base/status.h"

#define PORT_WS  80
#define PORT_WSS 443

static bool take_prefix(struct view *text, struct view prefix)
{
    if (text->len < prefix.len || !view_eq_nocase(view_of(text->ptr, prefix.len), prefix))
        return false;
    *text = view_of(text->ptr + prefix.len, text->len - prefix.len);
    return true;
}

static const char *take_scheme(struct ws_url *url, struct view *text)
{
    if (take_prefix(text, VIEW("wss://")))
        url->is_tls = true;
    else if (take_prefix(text, VIEW("ws://")))
        url->is_tls = false;
    else if (take_prefix(text, VIEW("https://")) || take_prefix(text, VIEW("http://")))
        return "write wss:// for https:// and ws:// for http://";
    else
        return "it must begin with wss:// or ws://";
    return NULL;
}

/* Everything a request line may hold; what must be encoded is the caller's to encode, because only
 * he knows what he meant. */
static const char *check_bytes(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c == '#')
            return "a fragment (#) has no meaning here; write %23 for the character";
        if (c <= ' ' || c == 0x7f)
            return "blanks and control bytes must be percent-encoded";
        if (c > 0x7f)
            return "only ASCII: write names as xn--... and percent-encode the rest";
        if (c == '\\')
            return "a backslash must be percent-encoded";
    }
    return NULL;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool has_whole_escapes(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '%')
            continue;
        if (text.len - i < 3 || !is_hex(text.ptr[i + 1]) || !is_hex(text.ptr[i + 2]))
            return false;
    }
    return true;
}

static const char *set_authority(struct ws_url *url, struct view text)
{
    uint16_t own = url->is_tls ? PORT_WSS : PORT_WS;
    bool is_ipv6;

    if (text.len == 0)
        return "it has no host";
    if (memchr(text.ptr, '@', text.len) != NULL)
        return "a user name or password does not belong into an address";
    if (!http_host_parse(&url->host, text))
        return "its host or port is not valid";
    if (url->host.port == 0)
        url->host.port = own;
    is_ipv6 = strchr(url->host.name, ':') != NULL;
    (void)snprintf(url->authority, sizeof(url->authority), "%s%s%s", is_ipv6 ? "[" : "",
                   url->host.name, is_ipv6 ? "]" : "");
    if (url->host.port != own) {
        size_t len = strlen(url->authority);
        (void)snprintf(url->authority + len, sizeof(url->authority) - len, ":%u",
                       (unsigned)url->host.port);
    }
    return NULL;
}

static const char *set_target(struct ws_url *url, struct view text)
{
    bool has_path = text.len > 0 && text.ptr[0] == '/';
    size_t slash = has_path ? 0 : 1;

    if (text.len + slash > HTTP1_TARGET_MAX)
        return "its path and query are too long";
    if (!has_whole_escapes(text))
        return "a % must be followed by two hexadecimal digits";
    url->target[0] = '/';
    if (text.len > 0)
        memcpy(url->target + slash, text.ptr, text.len);
    url->target[text.len + slash] = '\0';
    return NULL;
}

int ws_url_parse(struct ws_url *url, struct view text, const char **fault)
{
    struct ws_url made = {.is_tls = false};
    struct view rest = text;
    const char *wrong = check_bytes(text);
    size_t n = 0;

    if (wrong == NULL)
        wrong = take_scheme(&made, &rest);
    if (wrong == NULL) {
        while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
            n++;
        wrong = set_authority(&made, view_of(rest.ptr, n));
    }
    if (wrong == NULL)
        wrong = set_target(&made, view_of(rest.ptr + n, rest.len - n));
    if (wrong != NULL) {
        *fault = wrong;
        return E_INVALID;
    }
    *url = made;
    return OK;
}
