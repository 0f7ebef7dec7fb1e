/* SPDX-License-Identifier: Apache-2.0 */
/* tls_sealer.h: the other side of a record layer, for tests: seals any inner bytes (content, type,
 * padding, or what is none of that) under any header, and opens. Shares no code with
 * crypto/tls_record.c but the struct that holds a key. */
#ifndef TESTS_TLS_SEALER_H
#define TESTS_TLS_SEALER_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/tls_record.h"

static inline const EVP_CIPHER *sealer_cipher(const struct tls_keys *keys)
{
    switch (keys->suite) {
    case TLS_SUITE_AES_128_GCM_SHA256:
        return EVP_aes_128_gcm();
    case TLS_SUITE_AES_256_GCM_SHA384:
        return EVP_aes_256_gcm();
    default:
        return EVP_chacha20_poly1305();
    }
}

static inline void sealer_nonce(uint8_t nonce[12], const struct tls_keys *keys)
{
    memcpy(nonce, keys->iv, 12);
    for (unsigned i = 0; i < 8; i++)
        nonce[4 + i] ^= (uint8_t)(keys->sequence >> (56 - 8 * i));
}

/* Seals `inner` behind the header that is already in record[0..4]; the tag follows it. Uses the
 * number up. Bytes written, header and tag included; 0: OpenSSL failed. */
static inline size_t sealer_raw(struct tls_keys *keys, uint8_t *record, const uint8_t *inner,
                                size_t len)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t nonce[12];
    int n = 0, rest = 0;
    bool is_done;

    sealer_nonce(nonce, keys);
    keys->sequence++;
    is_done = EVP_EncryptInit_ex(context, sealer_cipher(keys), NULL, keys->key, nonce) == 1 &&
              EVP_EncryptUpdate(context, NULL, &n, record, 5) == 1 &&
              (len == 0 || EVP_EncryptUpdate(context, record + 5, &n, inner, (int)len) == 1) &&
              EVP_EncryptFinal_ex(context, record + 5 + len, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, record + 5 + len) == 1;
    EVP_CIPHER_CTX_free(context);
    return is_done ? 5 + len + 16 : 0;
}

/* The same under the right header. */
static inline size_t sealer_inner(struct tls_keys *keys, uint8_t *record, const uint8_t *inner,
                                  size_t len)
{
    const uint8_t header[5] = {23, 3, 3, (uint8_t)((len + 16) >> 8), (uint8_t)(len + 16)};

    memcpy(record, header, 5);
    return sealer_raw(keys, record, inner, len);
}

/* Content of one type, then `padding` zeros; in all up to 16,700 bytes. */
static inline size_t sealer_content(struct tls_keys *keys, uint8_t *record, uint8_t type,
                                    const void *content, size_t len, size_t padding)
{
    uint8_t inner[16700] = {0};

    if (len > 0)
        memcpy(inner, content, len);
    inner[len] = type;
    return sealer_inner(keys, record, inner, len + 1 + padding);
}

/* Opens a record of ours: length of the content, its type in *type; -1: not sealed with that key.
 */
static inline long sealer_open(struct tls_keys *keys, const uint8_t *record, uint8_t *content,
                               uint8_t *type)
{
    size_t len = ((size_t)record[3] << 8 | record[4]) - 16;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t nonce[12], tag[16];
    int n = 0, rest = 0;
    bool is_right;

    sealer_nonce(nonce, keys);
    keys->sequence++;
    memcpy(tag, record + 5 + len, 16);
    is_right = EVP_DecryptInit_ex(context, sealer_cipher(keys), NULL, keys->key, nonce) == 1 &&
               EVP_DecryptUpdate(context, NULL, &n, record, 5) == 1 &&
               EVP_DecryptUpdate(context, content, &n, record + 5, (int)len) == 1 &&
               EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1 &&
               EVP_DecryptFinal_ex(context, content + n, &rest) == 1;
    EVP_CIPHER_CTX_free(context);
    if (!is_right)
        return -1;
    while (len > 0 && content[len - 1] == 0)
        len--;
    if (len == 0)
        return -1;
    *type = content[len - 1];
    return (long)len - 1;
}

/* HKDF-Expand-Label for up to one hash, by hand (RFC 5869 section 2.3, RFC 8446 section 7.1). */
static inline void sealer_expand(uint16_t suite, const uint8_t *secret, size_t secret_len,
                                 const char *label, uint8_t *out, size_t len)
{
    const EVP_MD *hash = suite == TLS_SUITE_AES_256_GCM_SHA384 ? EVP_sha384() : EVP_sha256();
    uint8_t info[64], block[64];
    size_t n = strlen(label);

    info[0] = 0;
    info[1] = (uint8_t)len;
    info[2] = (uint8_t)(6 + n);
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, n);
    info[9 + n] = 0;
    info[10 + n] = 1;
    (void)HMAC(hash, secret, (int)secret_len, info, 11 + n, block, NULL);
    memcpy(out, block, len);
}

/* The next generation, by hand. */
static inline void sealer_update(struct tls_keys *keys)
{
    size_t key = keys->suite == TLS_SUITE_AES_128_GCM_SHA256 ? 16 : 32;
    uint8_t next[TLS_SECRET_MAX];

    sealer_expand(keys->suite, keys->secret, keys->secret_bytes, "traffic upd", next,
                  keys->secret_bytes);
    memcpy(keys->secret, next, keys->secret_bytes);
    sealer_expand(keys->suite, next, keys->secret_bytes, "key", keys->key, key);
    sealer_expand(keys->suite, next, keys->secret_bytes, "iv", keys->iv, 12);
    keys->sequence = 0;
}

static inline size_t sealer_secret_bytes(uint16_t suite)
{
    return suite == TLS_SUITE_AES_256_GCM_SHA384 ? 48 : 32;
}

#endif
