/* SPDX-License-Identifier: Apache-2.0 */
/* hmac.c: HMAC under prepared keys. Preparing fetches the algorithm and hashes the padded key once;
 * every sign and verify then works on a duplicate of that state, so that a key is never written to
 * after hmac_key_new and needs no lock. */
#include "crypto/hmac.h"

#include <stdlib.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/status.h"

struct hmac_key {
    EVP_MAC_CTX *prepared; /* holds the key; OpenSSL wipes it when freed */
    enum hmac_hash hash;
};

static const struct {
    const char *name;
    size_t bytes;
} hashes[] = {
    [HMAC_SHA256] = {"SHA256", 32},
    [HMAC_SHA384] = {"SHA384", 48},
    [HMAC_SHA512] = {"SHA512", 64},
};

size_t hmac_bytes(enum hmac_hash hash)
{
    return hashes[hash].bytes;
}

/* Fills key->prepared. */
static int prepare(struct hmac_key *key, const void *secret, size_t secret_bytes)
{
    OSSL_PARAM params[2];
    EVP_MAC *mac;

    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (mac == NULL)
        return E_CRYPTO;
    key->prepared = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac); /* the context keeps its own reference */
    if (key->prepared == NULL)
        return E_NOMEM;
    /* The parameter is read only; its type in the library merely lacks the const. */
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 (char *)(uintptr_t)hashes[key->hash].name, 0);
    params[1] = OSSL_PARAM_construct_end();
    if (EVP_MAC_init(key->prepared, secret, secret_bytes, params) != 1)
        return E_CRYPTO;
    return OK;
}

int hmac_key_new(struct hmac_key **out, enum hmac_hash hash, const void *secret,
                 size_t secret_bytes)
{
    struct hmac_key *key;
    int rc;

    if ((unsigned)hash > HMAC_SHA512 || secret_bytes < hmac_bytes(hash))
        return E_INVALID;
    key = calloc(1, sizeof(*key));
    if (key == NULL)
        return E_NOMEM;
    key->hash = hash;
    rc = prepare(key, secret, secret_bytes);
    if (rc != OK) {
        hmac_key_free(key);
        return rc;
    }
    *out = key;
    return OK;
}

void hmac_key_free(struct hmac_key *key)
{
    if (key == NULL)
        return;
    EVP_MAC_CTX_free(key->prepared);
    OPENSSL_cleanse(key, sizeof(*key));
    free(key);
}

size_t hmac_key_bytes(const struct hmac_key *key)
{
    return hmac_bytes(key->hash);
}

int hmac_sign(uint8_t *mac, const struct hmac_key *key, const void *bytes, size_t len)
{
    EVP_MAC_CTX *context;
    size_t written = 0;
    int rc = E_CRYPTO;

    context = EVP_MAC_CTX_dup(key->prepared);
    if (context == NULL)
        return E_NOMEM;
    if (len > 0 && EVP_MAC_update(context, bytes, len) != 1)
        goto done;
    if (EVP_MAC_final(context, mac, &written, hmac_bytes(key->hash)) != 1 ||
        written != hmac_bytes(key->hash))
        goto done;
    rc = OK;
done:
    EVP_MAC_CTX_free(context);
    return rc;
}

int hmac_verify(const struct hmac_key *key, const void *bytes, size_t len, const void *mac,
                size_t mac_bytes)
{
    uint8_t expected[HMAC_BYTES_MAX];
    int rc = E_DENIED;

    /* The length of a MAC is no secret. A truncated one is refused: RFC 7518 section 3.2 knows
     * none. */
    if (mac_bytes != hmac_bytes(key->hash))
        return E_DENIED;
    if (hmac_sign(expected, key, bytes, len) == OK && CRYPTO_memcmp(expected, mac, mac_bytes) == 0)
        rc = OK;
    OPENSSL_cleanse(expected, sizeof(expected));
    return rc;
}
