/* SPDX-License-Identifier: Apache-2.0 */
/* jwks.h: from a JWK set (RFC 7517 section 5) to a key set. Not for a worker's loop: checking a
 * long RSA key takes milliseconds. */
#ifndef AUTH_JWKS_H
#define AUTH_JWKS_H

#include "auth/key_set.h"

#define JWKS_BYTES_MAX (256 * 1024)

/* All or nothing: a set with a private, symmetric, malformed or weak key, with two usable keys of
 * one id, or without any usable key is refused, and *why says which and what. Keys that are nothing
 * to us (see jwk.h) are left out, and the set can tell of them. E_INVALID, E_DENIED, E_EXISTS,
 * E_LIMIT, E_MISSING (no usable key), E_NOMEM, E_CRYPTO. The set is the caller's to drop. */
int jwks_parse(struct key_set **out, struct view text, uint32_t algorithms, struct error *why);
/* The same from a file, which only its owner and group may be able to write. E_IO, E_DENIED. */
int jwks_load(struct key_set **out, const char *path, uint32_t algorithms, struct error *why);

#endif
