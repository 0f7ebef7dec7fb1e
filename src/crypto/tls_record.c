/* SPDX-License-Identifier: Apache-2.0 */
/* tls_record.c: protected records of TLS 1.3 on OpenSSL's AEADs. One cipher context a suite, shared
 * by all connections of a loop: key and nonce are set together for every record, so nothing of one
 * connection is left when the next one's record comes. A number is used up in nonce_take() and
 * nowhere else; it starts again in keys_begin(), together with a new key, and nowhere else. */
#include "crypto/tls_record.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/status.h"
#include "crypto/nonce_audit.h"
#include "crypto/secret.h"

#define SUITES 3

static const struct suite {
    uint16_t number;
    uint8_t key_bytes, hash_bytes;
    const char *cipher, *hash;
} suites[SUITES] = {
    {TLS_SUITE_AES_128_GCM_SHA256, 16, 32, "AES-128-GCM", "SHA2-256"},
    {TLS_SUITE_AES_256_GCM_SHA384, 32, 48, "AES-256-GCM", "SHA2-384"},
    {TLS_SUITE_CHACHA20_POLY1305_SHA256, 32, 32, "ChaCha20-Poly1305", "SHA2-256"},
};

struct tls_crypto {
    EVP_CIPHER *ciphers[SUITES];
    EVP_CIPHER_CTX *contexts[SUITES];
    bool has_cipher[SUITES]; /* the context is set up, and holds a key */
    EVP_KDF *expand;
    struct nonce_audit *audit;
};

static int suite_index(uint16_t number)
{
    for (int i = 0; i < SUITES; i++)
        if (suites[i].number == number)
            return i;
    return -1;
}

int tls_crypto_new(struct tls_crypto **out)
{
    struct tls_crypto *c = calloc(1, sizeof(*c));
    int rc = E_CRYPTO;

    if (c == NULL)
        return E_NOMEM;
    for (int i = 0; i < SUITES; i++) {
        c->ciphers[i] = EVP_CIPHER_fetch(NULL, suites[i].cipher, NULL);
        c->contexts[i] = EVP_CIPHER_CTX_new();
        if (c->ciphers[i] == NULL || c->contexts[i] == NULL)
            goto done;
    }
    c->expand = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
    if (c->expand == NULL)
        goto done;
    rc = nonce_audit_new(&c->audit);
done:
    if (rc == OK) {
        *out = c;
        return OK;
    }
    ERR_clear_error();
    tls_crypto_free(c);
    return rc;
}

void tls_crypto_free(struct tls_crypto *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < SUITES; i++) {
        EVP_CIPHER_CTX_free(c->contexts[i]);
        EVP_CIPHER_free(c->ciphers[i]);
    }
    EVP_KDF_free(c->expand);
    nonce_audit_free(c->audit);
    free(c);
}

void tls_crypto_forget(struct tls_crypto *c)
{
    for (int i = 0; i < SUITES; i++) {
        if (!c->has_cipher[i])
            continue;
        /* Key schedule, hash key and what is left of a key stream are cleared and freed. */
        (void)EVP_CIPHER_CTX_reset(c->contexts[i]);
        c->has_cipher[i] = false;
    }
}

void tls_keys_wipe(struct tls_keys *keys)
{
    secret_wipe(keys, sizeof(*keys));
}

/* HKDF-Expand-Label without context (RFC 8446 section 7.1). The KDF's context is cleared at once:
 * nothing of the secret stays. */
static bool expand_label(struct tls_crypto *c, const struct tls_keys *keys, const char *label,
                         uint8_t *out, size_t len)
{
    const struct suite *suite = &suites[suite_index(keys->suite)];
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(c->expand);
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    bool is_done;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)suite->hash, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (uint8_t *)(uintptr_t)keys->secret,
                                          keys->secret_bytes),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, (char[]){"tls13 "}, 6),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (char *)(uintptr_t)label,
                                          strlen(label)),
        OSSL_PARAM_construct_end(),
    };

    is_done = context != NULL && EVP_KDF_derive(context, out, len, params) == 1;
    EVP_KDF_CTX_free(context);
    return is_done;
}

/* A generation: key, IV and the number 0, all of them or nothing. `secret` may be the old one's. */
static int keys_begin(struct tls_crypto *c, struct tls_keys *keys, const struct suite *suite,
                      const uint8_t *secret)
{
    struct tls_keys fresh = {0};
    int rc = E_CRYPTO;

    fresh.suite = suite->number;
    fresh.secret_bytes = suite->hash_bytes;
    memcpy(fresh.secret, secret, suite->hash_bytes);
    tls_keys_wipe(keys);
    if (expand_label(c, &fresh, "key", fresh.key, suite->key_bytes) &&
        expand_label(c, &fresh, "iv", fresh.iv, sizeof(fresh.iv))) {
        *keys = fresh;
        rc = OK;
    } else {
        ERR_clear_error();
    }
    tls_keys_wipe(&fresh);
    return rc;
}

int tls_keys_set(struct tls_crypto *c, struct tls_keys *keys, uint16_t suite, const uint8_t *secret,
                 size_t secret_bytes)
{
    int index = suite_index(suite);

    if (index < 0 || secret_bytes != suites[index].hash_bytes) {
        tls_keys_wipe(keys);
        return E_INVALID;
    }
    return keys_begin(c, keys, &suites[index], secret);
}

int tls_keys_update(struct tls_crypto *c, struct tls_keys *keys)
{
    int index = suite_index(keys->suite);
    uint8_t secret[TLS_SECRET_MAX];
    int rc = E_CRYPTO;

    if (index >= 0 && expand_label(c, keys, "traffic upd", secret, suites[index].hash_bytes))
        rc = keys_begin(c, keys, &suites[index], secret);
    if (rc != OK) {
        ERR_clear_error();
        tls_keys_wipe(keys);
    }
    secret_wipe(secret, sizeof(secret));
    tls_crypto_forget(c);
    return rc;
}

/* The nonce of the next record (RFC 8446 section 5.3). False: no number below `limit` is left. */
static bool nonce_take(struct tls_keys *keys, uint64_t limit, uint8_t nonce[12])
{
    if (keys->sequence >= limit)
        return false;
    memcpy(nonce, keys->iv, sizeof(keys->iv));
    for (unsigned i = 0; i < 8; i++)
        nonce[11 - i] ^= (uint8_t)(keys->sequence >> (8 * i));
    keys->sequence++;
    return true;
}

/* The tag as OpenSSL takes and gives it: its older ctrl calls come to the same, but slower. */
static void tag_params(OSSL_PARAM params[2], const uint8_t *tag)
{
    params[0] = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                                  (uint8_t *)(uintptr_t)tag, TLS_RECORD_TAG_BYTES);
    params[1] = OSSL_PARAM_construct_end();
}

/* The context for one record, with its key and nonce and, read but not encrypted, its header. */
static EVP_CIPHER_CTX *context_begin(struct tls_crypto *c, const struct tls_keys *keys,
                                     const uint8_t nonce[12], const uint8_t *header, int is_sealing)
{
    int index = suite_index(keys->suite);
    EVP_CIPHER_CTX *context = c->contexts[index];
    EVP_CIPHER *cipher = c->has_cipher[index] ? NULL : c->ciphers[index];
    int n;

    c->has_cipher[index] = true;
    if (EVP_CipherInit_ex(context, cipher, NULL, keys->key, nonce, is_sealing) != 1 ||
        EVP_CipherUpdate(context, NULL, &n, header, TLS_RECORD_HEADER_BYTES) != 1) {
        (void)EVP_CIPHER_CTX_reset(context);
        c->has_cipher[index] = false;
        return NULL;
    }
    return context;
}

size_t tls_record_seal(struct tls_crypto *c, struct tls_keys *keys, const struct tls_plain *plain,
                       uint8_t *out)
{
    size_t inner = plain->len + 1;
    size_t body = inner + TLS_RECORD_TAG_BYTES;
    uint8_t *text = out + TLS_RECORD_HEADER_BYTES;
    EVP_CIPHER_CTX *context;
    OSSL_PARAM tag[2];
    uint8_t nonce[12];
    int n = 0, rest = 0;

    if (plain->len > TLS_RECORD_PLAIN_MAX || suite_index(keys->suite) < 0 ||
        !nonce_take(keys, TLS_KEY_RECORDS_MAX, nonce))
        return 0;
    nonce_audit_seal(c->audit, keys->key, sizeof(keys->key), keys->sequence - 1);
    out[0] = TLS_CONTENT_DATA;
    out[1] = 3;
    out[2] = 3;
    out[3] = (uint8_t)(body >> 8);
    out[4] = (uint8_t)body;
    if (plain->len > 0)
        memcpy(text, plain->bytes, plain->len);
    text[plain->len] = plain->type;
    tag_params(tag, text + inner);
    context = context_begin(c, keys, nonce, out, 1);
    if (context != NULL && EVP_CipherUpdate(context, text, &n, text, (int)inner) == 1 &&
        EVP_CipherFinal_ex(context, text + n, &rest) == 1 && (size_t)n + (size_t)rest == inner &&
        EVP_CIPHER_CTX_get_params(context, tag) == 1)
        return TLS_RECORD_HEADER_BYTES + body;
    ERR_clear_error();
    secret_wipe(out, TLS_RECORD_HEADER_BYTES + body);
    return 0;
}

int tls_record_look(const uint8_t *header, size_t *body, uint8_t *alert)
{
    size_t len = (size_t)header[3] << 8 | header[4];

    if (header[0] != TLS_CONTENT_DATA)
        *alert = TLS_ALERT_UNEXPECTED_MESSAGE;
    else if (header[1] != 3 || header[2] != 3)
        *alert = TLS_ALERT_DECODE_ERROR;
    else if (len > TLS_RECORD_BODY_MAX)
        *alert = TLS_ALERT_RECORD_OVERFLOW;
    else if (len < TLS_RECORD_TAG_BYTES + 1)
        *alert = TLS_ALERT_BAD_RECORD_MAC;
    else {
        *body = len;
        return OK;
    }
    return E_DENIED;
}

/* Takes type and padding off what decryption gave. */
static int inner_split(const uint8_t *inner, size_t len, struct tls_opened *out)
{
    while (len > 0 && inner[len - 1] == 0)
        len--;
    if (len == 0) {
        out->alert = TLS_ALERT_UNEXPECTED_MESSAGE;
        return E_DENIED;
    }
    if (len - 1 > TLS_RECORD_PLAIN_MAX) {
        out->alert = TLS_ALERT_RECORD_OVERFLOW;
        return E_DENIED;
    }
    out->len = len - 1;
    out->type = inner[len - 1];
    return OK;
}

int tls_record_open(struct tls_crypto *c, struct tls_keys *keys, const uint8_t *record,
                    struct tls_opened *out)
{
    const uint8_t *text = record + TLS_RECORD_HEADER_BYTES;
    EVP_CIPHER_CTX *context = NULL;
    OSSL_PARAM tag[2];
    uint8_t nonce[12];
    size_t body, inner;
    int n = 0, rest = 0, rc = E_DENIED;

    if (tls_record_look(record, &body, &out->alert) != OK)
        return E_DENIED;
    inner = body - TLS_RECORD_TAG_BYTES;
    tag_params(tag, text + inner);
    out->alert = TLS_ALERT_INTERNAL_ERROR;
    if (suite_index(keys->suite) >= 0 && nonce_take(keys, UINT64_MAX, nonce))
        context = context_begin(c, keys, nonce, record, 0);
    if (context == NULL || EVP_CIPHER_CTX_set_params(context, tag) != 1)
        goto done;
    out->alert = TLS_ALERT_BAD_RECORD_MAC;
    if (EVP_CipherUpdate(context, out->plain, &n, text, (int)inner) != 1 ||
        EVP_CipherFinal_ex(context, out->plain + n, &rest) != 1 ||
        (size_t)n + (size_t)rest != inner)
        goto done;
    nonce_audit_note(c->audit, keys->key, sizeof(keys->key), keys->sequence - 1);
    rc = inner_split(out->plain, inner, out);
done:
    if (rc != OK) {
        ERR_clear_error();
        secret_wipe(out->plain, inner);
    }
    return rc;
}
