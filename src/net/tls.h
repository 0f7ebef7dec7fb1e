/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h: TLS contexts (OpenSSL). A tls_server is built once and shared by all workers (SSL_CTX is
 * thread-safe). */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct tls_server_options {
    const char *cert_path, *key_path; /* PEM; the certificate file may hold its chain */
    bool allows_tls12;                /* default: TLS 1.3 only */
};
struct tls_server;
/* TLS 1.3, AEAD suites, X25519 then P-256, ALPN http/1.1 (no overlap: fatal
 * no_application_protocol), no renegotiation, no compression, no early data, one ticket, tickets
 * under keys of our own that rotate every 12 h (the previous one still opens), no session cache.
 * Refuses an OpenSSL older than 3.0.14, a key that does not fit, an RSA key below 2048 bits, an
 * expired certificate, and a key file that others can read; *why says what to do. */
int tls_server_new(struct tls_server **out, const struct tls_server_options *options,
                   struct error *why);
void tls_server_free(struct tls_server *t); /* after all of its connections */

struct tls_client;
/* ca_path NULL: the system's trust store. */
int tls_client_new(struct tls_client **out, const char *ca_path, struct error *why);
void tls_client_free(struct tls_client *t);

#endif
