/* SPDX-License-Identifier: Apache-2.0 */
/* nonce_audit_off.c: no audit, in builds that serve. */
#include "base/status.h"
#include "crypto/nonce_audit.h"

int nonce_audit_new(struct nonce_audit **out)
{
    *out = NULL;
    return OK;
}

void nonce_audit_free(struct nonce_audit *a)
{
    (void)a;
}

void nonce_audit_seal(struct nonce_audit *a, const void *key, size_t key_bytes, uint64_t sequence)
{
    (void)a;
    (void)key;
    (void)key_bytes;
    (void)sequence;
}

void nonce_audit_note(struct nonce_audit *a, const void *key, size_t key_bytes, uint64_t sequence)
{
    (void)a;
    (void)key;
    (void)key_bytes;
    (void)sequence;
}
