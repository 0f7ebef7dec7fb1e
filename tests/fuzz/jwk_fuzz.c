/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto message wire access auth */
/* jwk_fuzz.c: the first two bytes choose the algorithms of a row, the rest is one key in JSON. A
 * key that is taken serves one algorithm of the row, has a size within bounds, is the same one each
 * time, verifies nothing that nobody signed, and held no secret; what is refused leaves no trace.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwk.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/status.h"
#include "message/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_key(const struct jwk *key, const struct json *object, uint32_t algorithms)
{
    static const uint8_t zeros[1024];
    enum signature_algorithm algorithm = jwk_algorithm(key);
    unsigned bits = signature_key_bits(key->key);

    ASSERT((algorithms & JWK_ALGORITHM(algorithm)) != 0);
    ASSERT(json_member(object, VIEW("d")) == NULL && json_member(object, VIEW("k")) == NULL);
    ASSERT(key->key_id_bytes <= JWK_ID_BYTES_MAX);
    if (algorithm <= SIGNATURE_PS512)
        ASSERT(bits >= SIGNATURE_RSA_BITS_MIN && bits <= SIGNATURE_RSA_BITS_MAX);
    else
        ASSERT(bits == 256 || bits == 384 || bits == 521);
    for (size_t size = 64; size <= sizeof(zeros); size *= 2)
        ASSERT(signature_verify(key->key, "abc", 3, zeros, size) == E_DENIED);
    ASSERT(signature_verify(key->key, "abc", 3, zeros, 96) == E_DENIED);
    ASSERT(signature_verify(key->key, "abc", 3, zeros, 132) == E_DENIED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint32_t algorithms;
    struct arena arena;
    struct json *object;
    struct jwk key, again;
    struct error why;
    int rc;

    if (len < 2 || len > 16384)
        return 0;
    algorithms = (data[0] | (uint32_t)data[1] << 8) & JWK_ALGORITHMS_ALL;
    arena_init(&arena, 16384, 1024 * 1024);
    if (json_parse(&object, view_of(data + 2, len - 2), NULL, &arena, NULL) == OK) {
        memset(&key, 0x55, sizeof(key));
        again = key;
        why.text[0] = '\0';
        rc = jwk_read(&key, object, algorithms, &why);
        if (rc == OK) {
            check_key(&key, object, algorithms);
            rc = jwk_read(&again, object, algorithms, NULL);
            /* Whether a modulus is composite is tested with random bases, which now and then hit
             * upon a factor of a number that nobody made as a key. */
            ASSERT(rc == OK || (rc == E_INVALID && jwk_algorithm(&key) <= SIGNATURE_PS512));
            if (rc == OK) {
                ASSERT(jwk_algorithm(&again) == jwk_algorithm(&key));
                ASSERT(view_eq(jwk_id(&again), jwk_id(&key)));
                jwk_clear(&again);
            }
            jwk_clear(&key);
        } else {
            ASSERT(rc == E_UNSUPPORTED || rc == E_DENIED || rc == E_INVALID);
            ASSERT(why.text[0] != '\0');
            ASSERT(memcmp(&key, &again, sizeof(key)) == 0);
        }
    }
    arena_clear(&arena);
    return 0;
}
