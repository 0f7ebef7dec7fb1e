/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base wire */
/* forwarded_fuzz.c: whatever a client writes in front, the hop that the trusted proxy adds at the
 * right end decides, in both headers. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "wire/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct view value, enum forwarded_header which, const char *hop)
{
    struct ip_net list[1];
    struct ip_nets trusted = {list, 1};
    struct ip_address client = {{0}, 0}, wanted;
    struct http1_request request = {.headers_count = 1};
    size_t hop_bytes = strlen(hop);
    char *joined = malloc(value.len + hop_bytes);

    ASSERT(joined != NULL && ip_net_parse(list, VIEW("10.0.0.0/8")));
    ASSERT(ip_address_parse(&wanted, VIEW("192.0.2.7")));
    if (value.len > 0)
        memcpy(joined, value.ptr, value.len);
    memcpy(joined + value.len, hop, hop_bytes);
    request.headers[0].name =
        which == FORWARDED_RFC7239 ? VIEW("Forwarded") : VIEW("X-Forwarded-For");
    request.headers[0].value = value;
    (void)forwarded_client(&client, &request, which, &trusted);
    request.headers[0].value = view_of(joined, value.len + hop_bytes);
    ASSERT(forwarded_client(&client, &request, which, &trusted) == FORWARDED_CLIENT);
    ASSERT(memcmp(&client, &wanted, sizeof(client)) == 0);
    free(joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(view_of(data, size), FORWARDED_X_FORWARDED_FOR, ", 192.0.2.7");
    check(view_of(data, size), FORWARDED_RFC7239, ", for=192.0.2.7;proto=https");
    return 0;
}
