/* SPDX-License-Identifier: Apache-2.0 */
/* client_certificate.h: who a client's certificate says it is. Pure: whether anybody vouches for it
 * has been settled by the TLS handshake before. Any thread. */
#ifndef CRYPTO_CLIENT_CERTIFICATE_H
#define CRYPTO_CLIENT_CERTIFICATE_H

#include <stdint.h>

#include "base/view.h"

#define CERTIFICATE_NAMES_MAX      32
#define CERTIFICATE_NAME_BYTES_MAX 255
#define CERTIFICATE_FINGERPRINT    32 /* bytes of SHA-256 over the DER form */

enum certificate_name_kind {
    CERTIFICATE_COMMON_NAME,
    CERTIFICATE_DNS,
    CERTIFICATE_URI,
    CERTIFICATE_EMAIL,
    CERTIFICATE_NAME_KINDS
};
struct certificate_name {
    enum certificate_name_kind kind;
    char text[CERTIFICATE_NAME_BYTES_MAX + 1];
};
struct client_certificate {
    uint8_t fingerprint[CERTIFICATE_FINGERPRINT];
    int64_t ends_s; /* notAfter, wall clock */
    uint32_t names_count;
    struct certificate_name names[CERTIFICATE_NAMES_MAX];
};
/* Reads one certificate in DER, with nothing behind it. There is a common name only if the subject
 * has exactly one and no part of it holds several values: anything else can be read as two people.
 * E_INVALID: malformed, or a name with a NUL byte, of no length or above the limit. E_LIMIT: too
 * many names. */
int client_certificate_read(struct client_certificate *out, struct view der);

#endif
