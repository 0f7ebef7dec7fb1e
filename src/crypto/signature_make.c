/* SPDX-License-Identifier: Apache-2.0 */
/* signature_make.c: from the numbers of a JWK to a key worth trusting, or a reason why not. The
 * library would take a short modulus, an exponent of 1 or a point of small order; a signature under
 * such a key proves nothing. */
#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "base/status.h"
#include "crypto/roca.h"
#include "crypto/signature_key.h"

#define EXPONENT_BYTES_MAX 4 /* longer ones buy nothing and make every verification dearer */
#define POINT_BYTES_MAX    (1 + 2 * 66)
#define ED25519_BYTES      32

static int refuse(struct error *why, const char *text)
{
    error_set(why, "%s", text);
    return E_INVALID;
}

/* Some issuers write a sign byte in front, which RFC 7518 section 6.3.1.1 calls a known mistake;
 * the number is the same. */
static struct view without_zeros(struct view number)
{
    while (number.len > 0 && number.ptr[0] == '\0')
        number = view_of(number.ptr + 1, number.len - 1);
    return number;
}

static bool is_odd(struct view number)
{
    return number.len > 0 && (number.ptr[number.len - 1] & 1) != 0;
}

static unsigned bits_of(struct view number)
{
    unsigned bits = (unsigned)number.len * 8;

    for (unsigned top = number.len > 0 ? (uint8_t)number.ptr[0] : 0x80; top < 0x80; top <<= 1)
        bits--;
    return bits;
}

static int check_rsa(struct view n, struct view e, struct error *why)
{
    if (n.len > SIGNATURE_RSA_BITS_MAX / 8)
        return refuse(why, "the RSA modulus `n` is longer than 8192 bits");
    if (bits_of(n) < SIGNATURE_RSA_BITS_MIN)
        return refuse(why, "the RSA modulus `n` is shorter than 2048 bits");
    if (!is_odd(n))
        return refuse(why, "the RSA modulus `n` is even");
    if (!is_odd(e) || (e.len == 1 && e.ptr[0] == 1))
        return refuse(why, "the RSA exponent `e` must be odd and greater than 1 (65537 is usual)");
    if (e.len > EXPONENT_BYTES_MAX)
        return refuse(why, "the RSA exponent `e` is longer than 32 bits (65537 is usual)");
    if (roca_has_fingerprint(n))
        return refuse(why, "the RSA modulus `n` has the fingerprint of CVE-2017-15361 (ROCA): "
                           "anyone can compute its private key");
    return OK;
}

/* Builds the key of this type and lets the library check it: on the curve, or composite (by
 * Miller-Rabin with random bases) and without factors below 752. */
static int build(struct signature_key **out, enum signature_algorithm algorithm, const char *type,
                 OSSL_PARAM_BLD *parts)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
    EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY_CTX *checking = NULL;
    EVP_PKEY *pkey = NULL;
    int rc = E_CRYPTO;

    if (params == NULL || making == NULL || EVP_PKEY_fromdata_init(making) != 1)
        goto done;
    rc = E_INVALID;
    if (EVP_PKEY_fromdata(making, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        goto done;
    checking = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (checking != NULL && EVP_PKEY_public_check(checking) == 1)
        rc = signature_key_prepare(out, algorithm, pkey);
done:
    ERR_clear_error();
    EVP_PKEY_CTX_free(checking);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(making);
    OSSL_PARAM_free(params);
    return rc;
}

int signature_key_new_rsa(struct signature_key **out, enum signature_algorithm algorithm,
                          struct view n, struct view e, struct error *why)
{
    OSSL_PARAM_BLD *parts;
    BIGNUM *modulus, *exponent;
    int rc;

    if (algorithm > SIGNATURE_PS512)
        return refuse(why, "an RSA key serves the RS and PS algorithms only");
    n = without_zeros(n);
    e = without_zeros(e);
    rc = check_rsa(n, e, why);
    if (rc != OK)
        return rc;
    rc = E_NOMEM;
    parts = OSSL_PARAM_BLD_new();
    modulus = BN_bin2bn((const uint8_t *)n.ptr, (int)n.len, NULL);
    exponent = BN_bin2bn((const uint8_t *)e.ptr, (int)e.len, NULL);
    if (parts != NULL && modulus != NULL && exponent != NULL &&
        OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        rc = build(out, algorithm, "RSA", parts);
    if (rc == E_INVALID)
        error_set(why, "the RSA modulus `n` is no product of two large primes");
    else if (rc != OK)
        error_set(why, "the RSA key cannot be used: %s", status_text(rc));
    BN_free(modulus);
    BN_free(exponent);
    OSSL_PARAM_BLD_free(parts);
    return rc;
}

int signature_key_new_ec(struct signature_key **out, enum signature_algorithm algorithm,
                         struct view x, struct view y, struct error *why)
{
    static const struct {
        const char *curve;
        size_t bytes;
    } curves[] = {{"P-256", 32}, {"P-384", 48}, {"P-521", 66}};
    uint8_t point[POINT_BYTES_MAX] = {0x04}; /* uncompressed: SEC 1 section 2.3.3 */
    OSSL_PARAM_BLD *parts;
    size_t bytes;
    int rc = E_NOMEM;

    if (algorithm < SIGNATURE_ES256 || algorithm > SIGNATURE_ES512)
        return refuse(why, "an EC key serves the ES algorithms only");
    bytes = curves[algorithm - SIGNATURE_ES256].bytes;
    if (x.len != bytes || y.len != bytes)
        return refuse(why, "the coordinates `x` and `y` have not the length of the curve");
    memcpy(point + 1, x.ptr, bytes);
    memcpy(point + 1 + bytes, y.ptr, bytes);
    parts = OSSL_PARAM_BLD_new();
    if (parts != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME,
                                        curves[algorithm - SIGNATURE_ES256].curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * bytes) == 1)
        rc = build(out, algorithm, "EC", parts);
    if (rc == E_INVALID)
        error_set(why, "the point (`x`, `y`) is not on the curve");
    else if (rc != OK)
        error_set(why, "the EC key cannot be used: %s", status_text(rc));
    OSSL_PARAM_BLD_free(parts);
    return rc;
}

/* Points of small order: under such a key one signature fits very many messages. The y coordinates,
 * little-endian; the sign of x stands in the last bit and does not matter. */
static const uint8_t small_order[][ED25519_BYTES] = {
    {0},
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

/* y must be smaller than p = 2^255 - 19 (RFC 8032 section 5.1.3), and the point not a bad one. */
static bool ed25519_point_ok(const uint8_t point[ED25519_BYTES])
{
    uint8_t y[ED25519_BYTES];
    bool is_high;

    memcpy(y, point, sizeof(y));
    y[31] &= 0x7f;
    is_high = y[31] == 0x7f && y[0] >= 0xed;
    for (size_t i = 1; i < 31; i++)
        is_high = is_high && y[i] == 0xff;
    if (is_high)
        return false;
    for (size_t i = 0; i < sizeof(small_order) / sizeof(small_order[0]); i++) {
        if (memcmp(y, small_order[i], sizeof(y)) == 0)
            return false;
    }
    return true;
}

int signature_key_new_ed25519(struct signature_key **out, struct view x, struct error *why)
{
    EVP_PKEY *pkey;
    int rc;

    if (x.len != ED25519_BYTES)
        return refuse(why, "an Ed25519 key `x` has exactly 32 bytes");
    if (!ed25519_point_ok((const uint8_t *)x.ptr))
        return refuse(why, "the Ed25519 key `x` is no point of full order");
    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const uint8_t *)x.ptr, x.len);
    if (pkey == NULL)
        rc = E_CRYPTO;
    else
        rc = signature_key_prepare(out, SIGNATURE_EDDSA, pkey);
    if (rc != OK)
        error_set(why, "the Ed25519 key `x` cannot be used: %s", status_text(rc));
    ERR_clear_error();
    EVP_PKEY_free(pkey);
    return rc;
}
