/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h: SHA-1 for the handshake of RFC 6455 section 4.2.2 (no secret rests on it) and SHA-256.
 * Any thread. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

int digest_sha1(uint8_t out[20], const void *bytes, size_t len);
int digest_sha256(uint8_t out[32], const void *bytes, size_t len);

#endif
