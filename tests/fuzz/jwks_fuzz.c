/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto message wire access auth */
/* jwks_fuzz.c: the first two bytes choose the algorithms of a row, the rest is a set of keys. A set
 * that is taken has 1 to 100 keys, no two of one id, each for an algorithm of the row; it is the
 * same set each time and accepts no token that nobody signed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwks.h"
#include "auth/jws.h"
#include "base/assert.h"
#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A token that names this key, with a signature of the right length that is none. */
static void try_key(const struct key_set *set, const struct jwk *key, bool is_named)
{
    static const char signature[1024];
    unsigned bits = signature_key_bits(key->key);
    enum signature_algorithm algorithm = jwk_algorithm(key);
    struct jws jws = {.signed_part = VIEW("a.b"), .has_key_id = is_named, .key_id = jwk_id(key)};
    enum jwt_fault fault;

    jws.algorithm = view_of_text(signature_name(algorithm));
    jws.signature = view_of(signature, algorithm <= SIGNATURE_PS512   ? (bits + 7) / 8
                                       : algorithm == SIGNATURE_EDDSA ? 64
                                                                      : (size_t)(bits + 7) / 8 * 2);
    fault = key_set_check(set, &jws);
    ASSERT(fault == JWT_SIGNATURE || (!is_named && fault == JWT_UNKNOWN_KEY));
    jws.algorithm = VIEW("HS256");
    ASSERT(key_set_check(set, &jws) == JWT_ALGORITHM);
}

static void check_set(const struct key_set *set, uint32_t algorithms)
{
    uint32_t count = key_set_count(set);

    ASSERT(count > 0 && count <= KEY_SET_KEYS_MAX);
    ASSERT(key_set_ignored(set) <= KEY_SET_KEYS_MAX - count);
    for (uint32_t i = 0; i < count; i++) {
        const struct jwk *key = key_set_at(set, i);

        ASSERT((algorithms & JWK_ALGORITHM(jwk_algorithm(key))) != 0);
        for (uint32_t k = 0; k < i && key->has_key_id; k++)
            ASSERT(!key_set_at(set, k)->has_key_id ||
                   !view_eq(jwk_id(key_set_at(set, k)), jwk_id(key)));
        if (i < 4) {
            try_key(set, key, key->has_key_id);
            try_key(set, key, false);
        }
    }
}

static bool has_rsa(const struct key_set *set)
{
    for (uint32_t i = 0; i < key_set_count(set); i++) {
        if (jwk_algorithm(key_set_at(set, i)) <= SIGNATURE_PS512)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct key_set *set = NULL, *again = NULL;
    uint32_t algorithms;
    struct error why = {{0}, 0, 0};
    struct view text;
    int rc;

    if (len < 2)
        return 0;
    algorithms = (data[0] | (uint32_t)data[1] << 8) & JWK_ALGORITHMS_ALL;
    text = view_of(data + 2, len - 2);
    rc = jwks_parse(&set, text, algorithms, &why);
    if (rc != OK) {
        ASSERT(set == NULL && why.text[0] != '\0');
        return 0;
    }
    check_set(set, algorithms);
    /* Only an RSA modulus may be judged otherwise the next time: it is tested with random bases. */
    rc = jwks_parse(&again, text, algorithms, NULL);
    ASSERT(rc == OK || (rc == E_INVALID && has_rsa(set)));
    ASSERT(again == NULL || key_set_count(again) == key_set_count(set));
    key_set_drop(again);
    key_set_drop(set);
    return 0;
}
