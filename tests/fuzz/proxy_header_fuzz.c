/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base wire */
/* proxy_header_fuzz.c: an answer does not change when more bytes come, a header never claims bytes
 * that are not there, and one that names a client names one of a family. */
#include "base/assert.h"
#include "wire/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header whole, part;
    enum proxy_step step = proxy_header_decode(&whole, data, size);

    for (size_t n = 0; n < size && n < 300; n++) {
        enum proxy_step slow = proxy_header_decode(&part, data, n);
        if (slow == PROXY_MORE)
            continue;
        ASSERT(slow == step);
        if (slow == PROXY_DONE)
            ASSERT(part.bytes == whole.bytes && part.bytes == n);
        break;
    }
    if (step == PROXY_MORE)
        ASSERT(size < PROXY_HEADER_MAX);
    if (step != PROXY_DONE)
        return 0;
    ASSERT(whole.bytes > 0 && whole.bytes <= size && whole.bytes <= PROXY_HEADER_MAX);
    ASSERT(!whole.has_client || whole.client.family == 4 || whole.client.family == 6);
    return 0;
}
