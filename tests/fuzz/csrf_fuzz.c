/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto auth */
/* CSRF tokens: the first byte chooses whether the rest is a token as it stands, or a good token
 * that the rest is laid over. Only the good token itself is ever taken, and only once. */
#include "base/assert.h"
#include "auth/csrf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1800000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[CSRF_KEY_BYTES] = "a key that is of thirty-two byte";
    static const uint8_t session[IDENTITY_SESSION_BYTES] = {1, 2, 3};
    const struct csrf_place place = {session, VIEW("https://example.com")};
    char good[CSRF_TEXT_BYTES], text[CSRF_TEXT_BYTES];
    struct csrf *c = NULL;
    enum csrf_fault fault;
    size_t len;

    if (size == 0 || csrf_new(&c, key) != 0)
        return 0;
    ASSERT(csrf_issue(c, &place, NOW, good) == 0);
    if (data[0] % 2 == 0) {
        fault = csrf_check(c, &place, view_of(data + 1, size - 1), NOW);
        ASSERT(fault == CSRF_MISSING || fault == CSRF_MALFORMED || fault == CSRF_WRONG);
    } else {
        memcpy(text, good, sizeof(text));
        len = size - 1 < strlen(good) ? size - 1 : strlen(good);
        memcpy(text, data + 1, len);
        fault = csrf_check(c, &place, view_of(text, strlen(good)), NOW);
        ASSERT((fault == CSRF_OK) == (memcmp(text, good, strlen(good)) == 0));
        if (fault == CSRF_OK)
            ASSERT(csrf_check(c, &place, view_of_text(good), NOW) == CSRF_USED);
        else
            ASSERT(csrf_check(c, &place, view_of_text(good), NOW) == CSRF_OK);
    }
    csrf_free(c);
    return 0;
}
