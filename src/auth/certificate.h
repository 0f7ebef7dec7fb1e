/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.h: client certificates as identities: a list of who may come, one row a person. The
 * TLS handshake has verified the certificate before. Pure, any thread. */
#ifndef AUTH_CERTIFICATE_H
#define AUTH_CERTIFICATE_H

#include "access/identity.h"
#include "base/view.h"
#include "crypto/client_certificate.h"

/* One row asks for exactly one thing. */
struct certificate_row {
    bool by_fingerprint;
    uint8_t fingerprint[CERTIFICATE_FINGERPRINT];
    enum certificate_name_kind kind;
    const char *name; /* compared byte by byte, DNS names without case */
    char user[IDENTITY_USER_MAX + 1];
    uint64_t roles;
};
enum certificate_fault {
    CERTIFICATE_OK,
    CERTIFICATE_UNKNOWN, /* on no row */
    CERTIFICATE_INVALID, /* names that can be read in two ways */
    CERTIFICATE_EXPIRED
};
/* The first row that matches decides. *who is written on CERTIFICATE_OK only; it ends with the
 * certificate. */
enum certificate_fault certificate_identify(struct identity *who,
                                            const struct certificate_row *rows, uint32_t rows_count,
                                            struct view der, int64_t wall_s);
const char *certificate_fault_text(enum certificate_fault fault); /* for the event log */

#endif
