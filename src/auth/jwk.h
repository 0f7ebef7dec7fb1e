/* SPDX-License-Identifier: Apache-2.0 */
/* jwk.h: one public key in JSON (RFC 7517 section 4). Inside auth/ only. Pure. */
#ifndef AUTH_JWK_H
#define AUTH_JWK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"
#include "crypto/signature.h"

#define JWK_ID_BYTES_MAX 256

struct json;

/* A bit set of enum signature_algorithm: what the keys of a row may serve. */
#define JWK_ALGORITHM(algorithm) (UINT32_C(1) << (algorithm))
#define JWK_ALGORITHMS_ALL       (JWK_ALGORITHM(SIGNATURE_ALGORITHMS) - 1)

struct jwk {
    struct signature_key *key; /* owned; knows its one algorithm */
    bool has_key_id;
    uint16_t key_id_bytes;
    char key_id[JWK_ID_BYTES_MAX]; /* any bytes: only ever compared */
};

/* Makes the one key that `object` describes. Otherwise *why says what about the key is so:
 * E_UNSUPPORTED: nothing of ours, to be passed over (unknown kty, curve or algorithm; an algorithm
 * that is not among `algorithms`; a key that is not for verifying). E_DENIED: a private or a
 * symmetric key. E_INVALID, E_NOMEM, E_CRYPTO. A key without `alg` gets the one of `algorithms`
 * that it can serve; it is E_INVALID when there are several. */
int jwk_read(struct jwk *out, const struct json *object, uint32_t algorithms, struct error *why);
void jwk_clear(struct jwk *key);

static inline enum signature_algorithm jwk_algorithm(const struct jwk *key)
{
    return signature_key_algorithm(key->key);
}
static inline struct view jwk_id(const struct jwk *key)
{
    return view_of(key->key_id, key->key_id_bytes);
}

#endif
