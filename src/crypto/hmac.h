/* SPDX-License-Identifier: Apache-2.0 */
/* hmac.h: HMAC-SHA-2 (RFC 2104) under a key that is prepared once. Prepared keys are immutable: any
 * thread may use them. */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include <stddef.h>
#include <stdint.h>

enum hmac_hash { HMAC_SHA256, HMAC_SHA384, HMAC_SHA512 };
#define HMAC_BYTES_MAX 64

struct hmac_key; /* wiped by free */

size_t hmac_bytes(enum hmac_hash hash); /* 32, 48 or 64 */
/* Copies the secret. E_INVALID when it is shorter than the hash (RFC 7518 section 3.2), E_NOMEM,
 * E_CRYPTO. */
int hmac_key_new(struct hmac_key **out, enum hmac_hash hash, const void *secret,
                 size_t secret_bytes);
void hmac_key_free(struct hmac_key *key);
size_t hmac_key_bytes(const struct hmac_key *key); /* what hmac_sign writes */
/* Writes hmac_bytes(hash) bytes to mac. */
int hmac_sign(uint8_t *mac, const struct hmac_key *key, const void *bytes, size_t len);
/* OK, or E_DENIED; constant time over the MAC. */
int hmac_verify(const struct hmac_key *key, const void *bytes, size_t len, const void *mac,
                size_t mac_bytes);

#endif
