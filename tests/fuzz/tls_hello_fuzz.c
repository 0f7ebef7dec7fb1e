/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto wire net */
/* tls_hello_fuzz.c: however the bytes are cut, the answer is the same and comes at the same byte.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "net/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Feeds in steps of `step` bytes; *at: bytes there when the answer came, rounded up to a step. */
static enum tls_hello_step feed(const uint8_t *data, size_t size, size_t step, size_t *at)
{
    struct tls_hello h = {0};
    enum tls_hello_step answer = TLS_HELLO_MORE;

    for (*at = 0; *at < size && answer == TLS_HELLO_MORE;) {
        *at = size - *at < step ? size : *at + step;
        answer = tls_hello_look(&h, data, *at);
        ASSERT(h.seen <= *at);
    }
    return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t single_at, at;
    enum tls_hello_step single;

    if (size < 1 || size > TLS_HELLO_WIRE_MAX)
        return 0;
    single = feed(data, size, 1, &single_at);
    for (size_t step = 2; step <= size; step = step * 3 - 1) {
        ASSERT(feed(data, size, step, &at) == single);
        ASSERT(at >= single_at && at < single_at + step);
    }
    ASSERT(size < TLS_HELLO_WIRE_MAX || single != TLS_HELLO_MORE);
    (void)tls_hello_is_http(data, size);
    return 0;
}
