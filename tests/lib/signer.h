/* SPDX-License-Identifier: Apache-2.0 */
/* signer.h: the other side of crypto/signature.h, which only verifies: private keys made for a
 * test, signatures in the form of RFC 7518, and the public half as a JWK or in the encodings that
 * a key confusion would feed to HMAC. */
#ifndef TESTS_SIGNER_H
#define TESTS_SIGNER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "crypto/signature.h"

#define SIGNER_BYTES_MAX 1024
#define SIGNER_TEXT_MAX  4096

struct signer {
    enum signature_algorithm algorithm;
    EVP_PKEY *pkey;
};

static inline void signer_need(int is_good)
{
    if (!is_good) {
        ERR_print_errors_fp(stderr);
        abort();
    }
}

static inline int signer_is_rsa(const struct signer *s)
{
    return s->algorithm <= SIGNATURE_PS512;
}

/* A fresh key. bits is for RSA alone. */
static inline void signer_open(struct signer *s, enum signature_algorithm algorithm, unsigned bits)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};

    s->algorithm = algorithm;
    if (algorithm <= SIGNATURE_PS512)
        s->pkey = EVP_RSA_gen(bits);
    else if (algorithm == SIGNATURE_EDDSA)
        s->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        s->pkey = EVP_EC_gen(curves[algorithm - SIGNATURE_ES256]);
    signer_need(s->pkey != NULL);
}

static inline void signer_close(struct signer *s)
{
    EVP_PKEY_free(s->pkey);
    s->pkey = NULL;
}

/* DER to r and s of fixed length, in place. */
static inline size_t signer_unwrap(uint8_t *signature, size_t len, int half)
{
    const uint8_t *at = signature;
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &at, (long)len);

    signer_need(parsed != NULL);
    signer_need(BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, half) == half);
    signer_need(BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + half, half) == half);
    ECDSA_SIG_free(parsed);
    return 2 * (size_t)half;
}

/* salt: RSA_PSS_SALTLEN_DIGEST is the right one. Returns the length of the signature. */
static inline size_t signer_sign_salted(uint8_t out[SIGNER_BYTES_MAX], const struct signer *s,
                                        const void *bytes, size_t len, int salt)
{
    static const char *const hashes[] = {"SHA256", "SHA384", "SHA512"};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL;
    size_t signature_len = SIGNER_BYTES_MAX;

    signer_need(EVP_DigestSignInit_ex(
        context, &padding, s->algorithm == SIGNATURE_EDDSA ? NULL : hashes[s->algorithm % 3], NULL,
        NULL, s->pkey, NULL));
    if (s->algorithm >= SIGNATURE_PS256 && s->algorithm <= SIGNATURE_PS512)
        signer_need(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, salt) == 1);
    signer_need(EVP_DigestSign(context, out, &signature_len, bytes, len) == 1);
    EVP_MD_CTX_free(context);
    if (s->algorithm >= SIGNATURE_ES256 && s->algorithm <= SIGNATURE_ES512)
        return signer_unwrap(out, signature_len, (EVP_PKEY_get_bits(s->pkey) + 7) / 8);
    return signature_len;
}

static inline size_t signer_sign(uint8_t out[SIGNER_BYTES_MAX], const struct signer *s,
                                 const void *bytes, size_t len)
{
    return signer_sign_salted(out, s, bytes, len, RSA_PSS_SALTLEN_DIGEST);
}

/* A number of the public key, padded to `width` bytes where that is not 0. */
static inline size_t signer_number(uint8_t out[SIGNER_BYTES_MAX], const struct signer *s,
                                   const char *name, int width)
{
    BIGNUM *number = NULL;
    int len;

    if (s->algorithm == SIGNATURE_EDDSA) {
        size_t raw = SIGNER_BYTES_MAX;

        signer_need(EVP_PKEY_get_raw_public_key(s->pkey, out, &raw) == 1);
        return raw;
    }
    signer_need(EVP_PKEY_get_bn_param(s->pkey, name, &number) == 1);
    len = width > 0 ? width : BN_num_bytes(number);
    signer_need(BN_bn2binpad(number, out, len) == len);
    BN_free(number);
    return (size_t)len;
}

static inline const char *signer_curve(const struct signer *s)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521", "Ed25519"};

    return curves[s->algorithm - SIGNATURE_ES256];
}

/* `"name":"<base64url>"` behind what the text holds. */
static inline void signer_add_number(char text[SIGNER_TEXT_MAX], const struct signer *s,
                                     const char *member, const char *name)
{
    uint8_t number[SIGNER_BYTES_MAX];
    size_t at = strlen(text);
    int width = signer_is_rsa(s) ? 0 : (EVP_PKEY_get_bits(s->pkey) + 7) / 8;

    at += (size_t)snprintf(text + at, SIGNER_TEXT_MAX - at, ",\"%s\":\"", member);
    at += base64url_encode(text + at, number, signer_number(number, s, name, width));
    text[at++] = '"';
    text[at] = '\0';
}

/* The public key as a JWK; `more` is put in front of the members of the key ("\"kid\":\"a\","). */
static inline const char *signer_jwk(char text[SIGNER_TEXT_MAX], const struct signer *s,
                                     const char *more)
{
    if (signer_is_rsa(s)) {
        (void)snprintf(text, SIGNER_TEXT_MAX, "{%s\"kty\":\"RSA\"", more);
        signer_add_number(text, s, "n", OSSL_PKEY_PARAM_RSA_N);
        signer_add_number(text, s, "e", OSSL_PKEY_PARAM_RSA_E);
    } else {
        (void)snprintf(text, SIGNER_TEXT_MAX, "{%s\"kty\":\"%s\",\"crv\":\"%s\"", more,
                       s->algorithm == SIGNATURE_EDDSA ? "OKP" : "EC", signer_curve(s));
        signer_add_number(text, s, "x", OSSL_PKEY_PARAM_EC_PUB_X);
        if (s->algorithm != SIGNATURE_EDDSA)
            signer_add_number(text, s, "y", OSSL_PKEY_PARAM_EC_PUB_Y);
    }
    return strcat(text, "}");
}

enum signer_encoding { SIGNER_PEM, SIGNER_PEM_PKCS1, SIGNER_DER, SIGNER_DER_PKCS1 };

/* The public key in this encoding; PKCS1 falls back to the form of all keys where it is none of
 * RSA. */
static inline size_t signer_encode(uint8_t out[SIGNER_TEXT_MAX], const struct signer *s,
                                   enum signer_encoding encoding)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int is_pkcs1 =
        signer_is_rsa(s) && (encoding == SIGNER_PEM_PKCS1 || encoding == SIGNER_DER_PKCS1);
    int len;

    if (encoding == SIGNER_PEM || encoding == SIGNER_PEM_PKCS1) {
        if (!is_pkcs1) {
            signer_need(PEM_write_bio_PUBKEY(bio, s->pkey));
        } else {
            uint8_t *der = NULL;
            int der_len = i2d_PublicKey(s->pkey, &der);

            signer_need(der_len > 0 && PEM_write_bio(bio, "RSA PUBLIC KEY", "", der, der_len) > 0);
            OPENSSL_free(der);
        }
    } else {
        uint8_t *der = NULL;
        int der_len = is_pkcs1 ? i2d_PublicKey(s->pkey, &der) : i2d_PUBKEY(s->pkey, &der);

        signer_need(der_len > 0 && BIO_write(bio, der, der_len) == der_len);
        OPENSSL_free(der);
    }
    len = BIO_read(bio, out, SIGNER_TEXT_MAX);
    signer_need(len > 0);
    BIO_free(bio);
    return (size_t)len;
}

#endif
