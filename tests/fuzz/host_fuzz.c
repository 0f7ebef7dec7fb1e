/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base wire */
/* Hosts: what is taken has one spelling, which is taken again and stays as it is. */
#include <stdio.h>

#include "base/assert.h"
#include "base/ip.h"
#include "wire/http_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const struct http_host *host)
{
    struct ip_address address;
    size_t i;

    ASSERT(host->name_bytes > 0 && strlen(host->name) == host->name_bytes);
    ASSERT(ip_address_parse(&address, view_of_text(host->name)) == host->is_ip);
    for (i = 0; i < host->name_bytes; i++) {
        char c = host->name[i];

        ASSERT((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               (c == ':' && host->is_ip));
    }
    ASSERT(host->name[host->name_bytes - 1] != '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_host host, again;
    char text[HOST_NAME_MAX_BYTES + 16];
    bool is_ipv6;
    int len;

    if (!http_host_parse(&host, view_of(data, size)))
        return 0;
    check_name(&host);
    is_ipv6 = strchr(host.name, ':') != NULL;
    len = snprintf(text, sizeof(text), is_ipv6 ? "[%s]" : "%s", host.name);
    if (host.port != 0)
        len += snprintf(text + len, sizeof(text) - (size_t)len, ":%u", host.port);
    ASSERT(http_host_parse(&again, view_of(text, (size_t)len)));
    ASSERT(strcmp(again.name, host.name) == 0 && again.port == host.port);
    ASSERT(again.is_ip == host.is_ip && again.name_bytes == host.name_bytes);
    /* Only the case and the spelling of an IPv6 address may differ from what came in. */
    ASSERT(is_ipv6 || view_eq_nocase(view_of(data, size), view_of(text, (size_t)len)));
    return 0;
}
