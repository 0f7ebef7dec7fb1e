/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp.h: is a certificate of ours still good? The question for its OCSP responder (RFC 6960), and
 * what an answer is worth. An answer counts only if it is signed by the certificate's issuer or by
 * a responder that the issuer named, speaks of this certificate, and is in its time. Touches no
 * network. A subject is never written to again: any thread. */
#ifndef CRYPTO_OCSP_H
#define CRYPTO_OCSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/view.h"

#define OCSP_ANSWER_BYTES_MAX  (64 * 1024)
#define OCSP_REQUEST_BYTES_MAX 1024
/* How far the responder's clock may be ahead of ours. */
#define OCSP_CLOCK_SKEW_S 300

struct x509_st;

/* A certificate and the one that signed it. */
struct ocsp_subject;
/* Keeps references to both. E_NOMEM. */
int ocsp_subject_new(struct ocsp_subject **out, struct x509_st *cert, struct x509_st *issuer);
void ocsp_subject_free(struct ocsp_subject *s); /* NULL is fine */

/* The index-th responder that the certificate names (RFC 5280 section 4.2.2.1). E_MISSING: it names
 * no more, E_LIMIT: longer than `out`. */
int ocsp_subject_url(const struct ocsp_subject *s, int index, char *out, size_t out_bytes);
/* The request in DER: one certificate, named by SHA-1 since many responders know no other digest
 * (RFC 5019 section 2.1.1), and no nonce, so that the responder may answer from its store. */
int ocsp_request_encode(struct buf *out, const struct ocsp_subject *s);

struct ocsp_answer {
    bool is_revoked;         /* else good; there is no third */
    int64_t from_s, until_s; /* wall clock: this update and next update */
};
/* E_INVALID (no successful answer in DER with nothing behind it, or about another certificate),
 * E_DENIED (signature; or unknown to the responder), E_EXPIRED (not in its time, or without an
 * end); *why says which in words that follow the answer's name. */
int ocsp_answer_read(struct ocsp_answer *out, const struct ocsp_subject *about, struct view der,
                     int64_t wall_s, struct error *why);

#endif
