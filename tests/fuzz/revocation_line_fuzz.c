/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: auth net access wire message crypto base */
/* Lines of the file of revocations: what is taken is exactly what would be written, and what is
 * written is taken. */
#include <stdlib.h>

#include "auth/revocation_log.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a line. */
static void read_line(const char *bytes, size_t len)
{
    char value[IDENTITY_TOKEN_ID_MAX + 3], again[REVOCATION_LINE_MAX];
    struct revocation what;

    if (!revocation_line_decode(&what, value, view_of(bytes, len)))
        return;
    ASSERT((unsigned)what.kind < REVOKED_KINDS && what.at_s >= 0);
    ASSERT(what.value.len > 0 && what.value.len <= IDENTITY_TOKEN_ID_MAX);
    ASSERT(view_eq(view_of(again, revocation_line_encode(again, &what)), view_of(bytes, len)));
}

/* The bytes as a value. */
static void write_line(const uint8_t *data, size_t size)
{
    char value[IDENTITY_TOKEN_ID_MAX + 3], line[REVOCATION_LINE_MAX];
    struct revocation what = {(enum revoked_kind)(data[0] & 3), view_of(data + 1, size - 1),
                              (int64_t)data[0] << 24};
    struct revocation back;
    size_t len = revocation_line_encode(line, &what);

    ASSERT((len > 0) == (what.kind < REVOKED_KINDS && what.value.len > 0 &&
                         what.value.len <= IDENTITY_TOKEN_ID_MAX));
    if (len == 0)
        return;
    ASSERT(memchr(line, '\n', len) == NULL);
    ASSERT(revocation_line_decode(&back, value, view_of(line, len)));
    ASSERT(back.kind == what.kind && back.at_s == what.at_s && view_eq(back.value, what.value));
    line[size % len] ^= 1;
    ASSERT(!revocation_line_decode(&back, value, view_of(line, len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);

    ASSERT(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    read_line(copy, size);
    if (size > 0)
        write_line(data, size);
    free(copy);
    return 0;
}
