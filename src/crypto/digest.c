/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c: two plain digests through EVP, so that the provider's fastest code is taken. Keyed
 * digests are in hmac.c. */
#include "crypto/digest.h"

#include <openssl/evp.h>

#include "base/status.h"

static int digest(uint8_t *out, const void *bytes, size_t len, const EVP_MD *md)
{
    /* An empty view may carry a null pointer, which the library is not promised to take. */
    if (EVP_Digest(len > 0 ? bytes : "", len, out, NULL, md, NULL) != 1)
        return E_CRYPTO;
    return OK;
}

int digest_sha1(uint8_t out[20], const void *bytes, size_t len)
{
    return digest(out, bytes, len, EVP_sha1());
}

int digest_sha256(uint8_t out[32], const void *bytes, size_t len)
{
    return digest(out, bytes, len, EVP_sha256());
}
