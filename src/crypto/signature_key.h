/* SPDX-License-Identifier: Apache-2.0 */
/* signature_key.h: private to signature*.c: what a prepared key is made of. */
#ifndef CRYPTO_SIGNATURE_KEY_H
#define CRYPTO_SIGNATURE_KEY_H

#include <openssl/evp.h>

#include "crypto/signature.h"

struct signature_key {
    EVP_MD_CTX *prepared; /* holds the public key; every verification works on a copy */
    enum signature_algorithm algorithm;
    unsigned bits;
    size_t signature_bytes; /* the one length a signature can have */
};

/* The key around `pkey`, of which it takes a reference of its own. E_NOMEM, E_CRYPTO. */
int signature_key_prepare(struct signature_key **out, enum signature_algorithm algorithm,
                          EVP_PKEY *pkey);

#endif
