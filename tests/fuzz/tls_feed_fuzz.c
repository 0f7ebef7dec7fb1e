/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto wire net */
/* tls_feed_fuzz.c: however the bytes are cut, OpenSSL is offered none behind the record that it is
 * reading, and all there are of that one; and lines of secrets are read within their bounds. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "net/tls_handshake.h"

#define SIZE_MAX_HERE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where the record that holds byte `at` ends, if all bytes up to its header's end are there. */
static size_t end_of(const uint8_t *data, size_t size, size_t at)
{
    size_t begin = 0;

    for (;;) {
        size_t end;

        if (size - begin < TLS_RECORD_HEADER_BYTES)
            return size;
        end = begin + TLS_RECORD_HEADER_BYTES + ((size_t)data[begin + 3] << 8 | data[begin + 4]);
        if (at < end || end >= size)
            return end < size ? end : size;
        begin = end;
    }
}

static void feed(const uint8_t *data, size_t size, size_t step)
{
    struct tls_feed f = {.have = 0};
    size_t at = 0;

    while (at < size) {
        size_t here = size - at < step ? size - at : step;
        size_t window = tls_feed_window(&f, data + at, here);

        ASSERT(window > 0 && window <= here);
        ASSERT(at + window <= end_of(data, size, at));
        ASSERT(window == here || at + window == end_of(data, size, at));
        tls_feed_advance(&f, data + at, window);
        at += window;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_secrets secrets = {.is_bad = false};
    char line[SIZE_MAX_HERE + 1];

    if (size < 1 || size > SIZE_MAX_HERE)
        return 0;
    for (size_t step = 1; step <= size; step = step * 2 + 1)
        feed(data, size, step);
    memcpy(line, data, size);
    line[size] = '\0';
    tls_secrets_note(&secrets, line);
    ASSERT(secrets.client_bytes <= TLS_SECRET_MAX && secrets.server_bytes <= TLS_SECRET_MAX);
    ASSERT(secrets.client_bytes == 0 || secrets.server_bytes == 0);
    return 0;
}
