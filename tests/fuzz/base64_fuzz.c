/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base */
/* base64_fuzz.c: what either decoder accepts comes back from the encoder: byte for byte in the URL
 * form, in which one byte string has one text; up to spare bits in the standard form. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_url(struct view text, uint8_t *bytes, char *back)
{
    long len = base64url_decode(bytes, text);

    ASSERT(len >= 0 || len == E_INVALID);
    if (len < 0)
        return;
    ASSERT((size_t)len == text.len * 3 / 4);
    ASSERT(base64url_encode(back, bytes, (size_t)len) == text.len);
    ASSERT(text.len == 0 || memcmp(back, text.ptr, text.len) == 0);
}

static void check_standard(struct view text, uint8_t *bytes, char *back)
{
    long len = base64_decode(bytes, text), again;
    uint8_t *copy;

    ASSERT(len >= 0 || len == E_INVALID);
    if (len < 0)
        return;
    ASSERT(base64_encode(back, bytes, (size_t)len) == text.len);
    copy = malloc(3 * (text.len / 4) + 3);
    ASSERT(copy != NULL);
    again = base64_decode(copy, view_of(back, text.len));
    ASSERT(again == len && memcmp(copy, bytes, (size_t)len) == 0);
    free(copy);
}

static void check_bytes(const uint8_t *data, size_t size, uint8_t *bytes, char *back)
{
    size_t len = base64url_encode(back, data, size);

    ASSERT(base64url_decode(bytes, view_of(back, len)) == (long)size);
    ASSERT(size == 0 || memcmp(bytes, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Exactly what the headers ask for, so that the sanitizer sees a byte too many. */
    uint8_t *bytes = malloc(3 * (size / 4) + 3), *whole = malloc(size + 3);
    char *back = malloc(BASE64_BYTES(size) + 1);

    ASSERT(bytes != NULL && whole != NULL && back != NULL);
    check_url(view_of(data, size), bytes, back);
    check_standard(view_of(data, size), bytes, back);
    check_bytes(data, size, whole, back);
    free(bytes);
    free(whole);
    free(back);
    return 0;
}
