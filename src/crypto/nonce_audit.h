/* SPDX-License-Identifier: Apache-2.0 */
/* nonce_audit.h: watches that no number is sealed twice under one key (RFC 8446 section 5.3), and
 * aborts before it happens. In builds with sanitizers or with -Dnonce_audit=enabled; elsewhere
 * these functions do nothing. Not thread-safe: one a loop. */
#ifndef CRYPTO_NONCE_AUDIT_H
#define CRYPTO_NONCE_AUDIT_H

#include <stddef.h>
#include <stdint.h>

struct nonce_audit;

int nonce_audit_new(struct nonce_audit **out); /* E_NOMEM */
void nonce_audit_free(struct nonce_audit *a);  /* NULL is fine */
/* `key` is about to seal under `sequence`: it must be beyond all that were noted for it. */
void nonce_audit_seal(struct nonce_audit *a, const void *key, size_t key_bytes, uint64_t sequence);
/* A record that somebody sealed under `key` and `sequence` has been opened. */
void nonce_audit_note(struct nonce_audit *a, const void *key, size_t key_bytes, uint64_t sequence);

#endif
