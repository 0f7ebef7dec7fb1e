/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto */
/* client_certificate_fuzz.c: whatever is taken for a certificate has names within their limits, no
 * name of any certificate holds a NUL byte, and reading it again gives the same. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "crypto/client_certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct client_certificate *c)
{
    unsigned common = 0;

    ASSERT(c->names_count <= CERTIFICATE_NAMES_MAX);
    for (uint32_t i = 0; i < c->names_count; i++) {
        size_t len = strnlen(c->names[i].text, sizeof(c->names[i].text));
        ASSERT(len > 0 && len <= CERTIFICATE_NAME_BYTES_MAX);
        ASSERT((unsigned)c->names[i].kind < CERTIFICATE_NAME_KINDS);
        common += c->names[i].kind == CERTIFICATE_COMMON_NAME;
    }
    ASSERT(common <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client_certificate *one = calloc(2, sizeof(*one)), *two;
    int rc;

    ASSERT(one != NULL);
    two = one + 1;
    rc = client_certificate_read(one, view_of(data, size));
    ASSERT(rc == OK || rc == E_INVALID || rc == E_LIMIT);
    if (rc == OK) {
        check(one);
        ASSERT(client_certificate_read(two, view_of(data, size)) == OK);
        ASSERT(memcmp(one, two, sizeof(*one)) == 0);
        ASSERT(client_certificate_read(two, view_of(data, size - 1)) != OK);
    }
    free(one);
    return 0;
}
