/* SPDX-License-Identifier: Apache-2.0 */
/* x509.h: a small certificate authority for `gateward dev`, and what a certificate says of itself.
 * Start-up only. */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* Makes a P-256 CA (10 years) and a leaf for `names` (DNS names or IP addresses; EKU serverAuth;
 * 397 days), all as PEM. The leaf's PEM carries no key. Any output already holding bytes is an
 * error of ours. */
struct x509_pair {
    struct buf cert_pem, key_pem;
};
int x509_make_ca(struct x509_pair *ca, const char *common_name, struct error *why);
int x509_make_leaf(struct x509_pair *leaf, const struct x509_pair *ca, const char *const *names,
                   size_t names_len, struct error *why);
void x509_pair_clear(struct x509_pair *pair); /* wipes the key */

/* Calls `each` with every DNS name and IP address (in text) of the first certificate in a PEM
 * file's subjectAltName; falls back to the CN where there is none. E_IO, E_INVALID. */
int x509_file_names(const char *pem_path, void (*each)(void *context, const char *name),
                    void *context, struct error *why);
/* Seconds until notAfter of the first certificate of the file; negative when it is over. */
int x509_file_expires_in(const char *pem_path, long *seconds, struct error *why);

#endif
