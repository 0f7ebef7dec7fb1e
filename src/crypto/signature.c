/* SPDX-License-Identifier: Apache-2.0 */
/* signature.c: verifying under prepared public keys. Preparing fixes algorithm, hash and padding
 * once; a verification duplicates that state, so that a key is never written to afterwards and
 * needs no lock. Which keys are good enough is judged in signature_make.c. */
#include "crypto/signature.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/status.h"
#include "crypto/signature_key.h"

#define COORDINATE_BYTES_MAX 66
#define DER_BYTES_MAX        (2 * (COORDINATE_BYTES_MAX + 3) + 3)

static const struct {
    const char *name;
    const char *hash; /* NULL: the algorithm brings its own */
    bool is_pss;
} algorithms[SIGNATURE_ALGORITHMS] = {
    [SIGNATURE_RS256] = {"RS256", "SHA256", false}, [SIGNATURE_RS384] = {"RS384", "SHA384", false},
    [SIGNATURE_RS512] = {"RS512", "SHA512", false}, [SIGNATURE_PS256] = {"PS256", "SHA256", true},
    [SIGNATURE_PS384] = {"PS384", "SHA384", true},  [SIGNATURE_PS512] = {"PS512", "SHA512", true},
    [SIGNATURE_ES256] = {"ES256", "SHA256", false}, [SIGNATURE_ES384] = {"ES384", "SHA384", false},
    [SIGNATURE_ES512] = {"ES512", "SHA512", false}, [SIGNATURE_EDDSA] = {"EdDSA", NULL, false},
};

static bool is_ecdsa(enum signature_algorithm algorithm)
{
    return algorithm >= SIGNATURE_ES256 && algorithm <= SIGNATURE_ES512;
}

const char *signature_name(enum signature_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

int signature_find(struct view name)
{
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++) {
        if (view_eq(name, view_of_text(algorithms[i].name)))
            return i;
    }
    return E_MISSING;
}

static size_t signature_bytes(enum signature_algorithm algorithm, unsigned bits)
{
    if (algorithm == SIGNATURE_EDDSA)
        return 64;
    return (bits + 7) / 8 * (is_ecdsa(algorithm) ? 2 : 1);
}

/* PSS with the salt as long as the hash and the same hash in MGF1 (RFC 7518 section 3.5). */
static bool set_padding(EVP_PKEY_CTX *context, bool is_pss)
{
    if (!is_pss)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

int signature_key_prepare(struct signature_key **out, enum signature_algorithm algorithm,
                          EVP_PKEY *pkey)
{
    struct signature_key *key = calloc(1, sizeof(*key));
    EVP_PKEY_CTX *context = NULL; /* belongs to key->prepared */
    int rc = E_CRYPTO;

    if (key == NULL)
        return E_NOMEM;
    key->algorithm = algorithm;
    key->bits =
        algorithm == SIGNATURE_EDDSA ? 256 : (unsigned)EVP_PKEY_get_bits(pkey); /* OpenSSL: 253 */
    key->signature_bytes = signature_bytes(algorithm, key->bits);
    key->prepared = EVP_MD_CTX_new();
    if (key->prepared == NULL)
        rc = E_NOMEM;
    else if (EVP_DigestVerifyInit_ex(key->prepared, &context, algorithms[algorithm].hash, NULL,
                                     NULL, pkey, NULL) == 1 &&
             (algorithm > SIGNATURE_PS512 || set_padding(context, algorithms[algorithm].is_pss)))
        rc = OK;
    if (rc == OK)
        *out = key;
    else
        signature_key_free(key);
    return rc;
}

void signature_key_free(struct signature_key *key)
{
    if (key == NULL)
        return;
    EVP_MD_CTX_free(key->prepared);
    free(key);
}

enum signature_algorithm signature_key_algorithm(const struct signature_key *key)
{
    return key->algorithm;
}

unsigned signature_key_bits(const struct signature_key *key)
{
    return key->bits;
}

/* The order n of each curve's group (FIPS 186-4 appendix D.1.2). */
static const uint8_t order_p256[32] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const uint8_t order_p384[48] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};
static const uint8_t order_p521[66] = {
    0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b,
    0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c,
    0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09};

/* Is this half of a signature in [1, n-1]? A zero is the "psychic signature" of CVE-2022-21449. */
static bool in_range(const uint8_t *number, enum signature_algorithm algorithm, size_t len)
{
    const uint8_t *order = algorithm == SIGNATURE_ES256   ? order_p256
                           : algorithm == SIGNATURE_ES384 ? order_p384
                                                          : order_p521;
    uint8_t any = 0;

    for (size_t i = 0; i < len; i++)
        any |= number[i];
    return any != 0 && memcmp(number, order, len) < 0;
}

/* The library takes ECDSA signatures in DER only. Returns its length, 0 when there is none. */
static size_t to_der(uint8_t der[DER_BYTES_MAX], const uint8_t *raw, size_t half)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, (int)half, NULL);
    BIGNUM *s = BN_bin2bn(raw + half, (int)half, NULL);
    int len = 0;

    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = s = NULL; /* now the signature's */
        len = i2d_ECDSA_SIG(signature, NULL);
        len = len > 0 && len <= DER_BYTES_MAX ? i2d_ECDSA_SIG(signature, &der) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return len > 0 ? (size_t)len : 0;
}

static bool verify(const struct signature_key *key, struct view bytes, struct view signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = context != NULL && EVP_MD_CTX_copy_ex(context, key->prepared) == 1 &&
                   EVP_DigestVerify(context, (const uint8_t *)signature.ptr, signature.len,
                                    (const uint8_t *)bytes.ptr, bytes.len) == 1;

    EVP_MD_CTX_free(context);
    /* What stays queued would be taken for a fault of this thread's next TLS call. */
    if (!is_good)
        ERR_clear_error();
    return is_good;
}

int signature_verify(const struct signature_key *key, const void *bytes, size_t len,
                     const void *signature, size_t signature_len)
{
    uint8_t der[DER_BYTES_MAX];
    struct view wanted = view_of(signature, signature_len);
    size_t half = signature_len / 2;

    /* No signature of another length is ever right; the library is less strict about PSS. */
    if (signature_len != key->signature_bytes)
        return E_DENIED;
    if (is_ecdsa(key->algorithm)) {
        const uint8_t *r = signature;

        if (!in_range(r, key->algorithm, half) || !in_range(r + half, key->algorithm, half))
            return E_DENIED;
        wanted = view_of(der, to_der(der, r, half));
        if (wanted.len == 0)
            return E_DENIED;
    }
    return verify(key, view_of(len > 0 ? bytes : "", len), wanted) ? OK : E_DENIED;
}
