/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_hmac.c: symmetric keys (RFC 7518 section 3.2): making one, and verifying with one. */
#include "auth/jwt.h"

#include <string.h>

#include "base/status.h"

static const struct {
    const char *name;
    enum hmac_hash hash;
} algorithms[] = {
    {"HS256", HMAC_SHA256},
    {"HS384", HMAC_SHA384},
    {"HS512", HMAC_SHA512},
};

/* -1 for a name that is none of ours. */
static int find_algorithm(const char *name)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, algorithms[i].name) == 0)
            return i;
    }
    return -1;
}

static int verify(const struct jwt_key *key, struct view signed_part, const uint8_t *signature,
                  size_t signature_bytes)
{
    return hmac_verify(key->hmac, signed_part.ptr, signed_part.len, signature, signature_bytes);
}

int jwt_key_init_hmac(struct jwt_key *key, const char *algorithm, const char *key_id,
                      const void *secret, size_t secret_bytes)
{
    struct jwt_key made = {.verify = verify};
    int i = find_algorithm(algorithm);
    int rc;

    if (i < 0)
        return E_UNSUPPORTED;
    if (strlen(key_id) >= sizeof(made.key_id))
        return E_INVALID;
    made.algorithm = algorithm;
    memcpy(made.key_id, key_id, strlen(key_id));
    rc = hmac_key_new(&made.hmac, algorithms[i].hash, secret, secret_bytes);
    if (rc == OK)
        *key = made;
    return rc;
}
