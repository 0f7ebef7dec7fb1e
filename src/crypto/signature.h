/* SPDX-License-Identifier: Apache-2.0 */
/* signature.h: public keys that verify signatures, and nothing else: no function here takes a
 * secret, and no function of hmac.h takes one of these keys. A key is made for one algorithm and
 * keeps it. Prepared keys are immutable: any thread. */
#ifndef CRYPTO_SIGNATURE_H
#define CRYPTO_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

/* RFC 7518 section 3.1 and RFC 8037; EdDSA is Ed25519 alone. */
enum signature_algorithm {
    SIGNATURE_RS256,
    SIGNATURE_RS384,
    SIGNATURE_RS512,
    SIGNATURE_PS256,
    SIGNATURE_PS384,
    SIGNATURE_PS512,
    SIGNATURE_ES256,
    SIGNATURE_ES384,
    SIGNATURE_ES512,
    SIGNATURE_EDDSA
};
#define SIGNATURE_ALGORITHMS   10
#define SIGNATURE_RSA_BITS_MIN 2048
#define SIGNATURE_RSA_BITS_MAX 8192

struct signature_key;

/* "RS256": a literal. */
const char *signature_name(enum signature_algorithm algorithm);
/* The algorithm of exactly this name, or E_MISSING. */
int signature_find(struct view name);

/* Big-endian numbers and points as a JWK holds them (RFC 7518 section 6, RFC 8037 section 2).
 * E_INVALID with *why for a key that is malformed, too short, too long, not on its curve or known
 * to be breakable; E_NOMEM, E_CRYPTO. algorithm must be of the named family; an EC key has the one
 * curve that its algorithm demands. */
int signature_key_new_rsa(struct signature_key **out, enum signature_algorithm algorithm,
                          struct view n, struct view e, struct error *why);
int signature_key_new_ec(struct signature_key **out, enum signature_algorithm algorithm,
                         struct view x, struct view y, struct error *why);
int signature_key_new_ed25519(struct signature_key **out, struct view x, struct error *why);
void signature_key_free(struct signature_key *key);

enum signature_algorithm signature_key_algorithm(const struct signature_key *key);
/* Of the modulus or the curve: 2048, 256, 521. */
unsigned signature_key_bits(const struct signature_key *key);
/* OK, or E_DENIED for whatever reason. ECDSA: r and s of fixed length one after the other (RFC 7518
 * section 3.4). */
int signature_verify(const struct signature_key *key, const void *bytes, size_t len,
                     const void *signature, size_t signature_bytes);

#endif
