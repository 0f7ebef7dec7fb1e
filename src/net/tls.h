/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h: TLS contexts (OpenSSL). A tls_server is built once, shared by all workers, and replaced
 * as a whole when its files change: whoever uses one keeps a reference. Any thread. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

#define TLS_SITES_MAX         64
#define TLS_CLIENT_DEPTH_MAX  9
#define TLS_CLIENT_CHAIN_MAX  10          /* certificates that a client may send */
#define TLS_CLIENT_CHAIN_SIZE (64 * 1024) /* bytes of them */

enum tls_client_policy {
    TLS_CLIENT_OFF,      /* no certificate is asked for */
    TLS_CLIENT_OPTIONAL, /* none is fine, a bad one is not */
    TLS_CLIENT_REQUIRED
};

/* One certificate, the names it serves, and what is asked of clients that come for them. */
struct tls_site_options {
    const char *cert_path, *key_path; /* PEM; the certificate file may hold its chain */
    const char *const *names;         /* none: those of the certificate */
    uint32_t names_count;
    const char *staple_path; /* an OCSP answer in DER; NULL: none */
    bool fetches_staple; /* a place for one that staple_fetch.h keeps filled; not with the path */
    const char *client_ca_path, *client_crl_path;
    enum tls_client_policy client;
    uint32_t client_depth;    /* certificates between the client's own and the trusted one */
    bool checks_crl_of_chain; /* of every certificate, not of the client's own alone */
};
struct tls_server_options {
    const struct tls_site_options *sites; /* the first one also serves who names nobody */
    uint32_t sites_count;
    bool allows_tls12;  /* default: TLS 1.3 only */
    bool stays_openssl; /* OpenSSL also carries the records; default: we do, where it can be */
};
struct tls_server;
/* TLS 1.3, AEAD suites, X25519 then P-256, ALPN http/1.1 (no overlap: fatal
 * no_application_protocol), no renegotiation, no compression, no early data, one ticket, tickets
 * under keys of our own that rotate every 12 h (the previous one still opens), no session cache, no
 * tickets at all where client certificates are asked for. A server name that no site has: fatal
 * unrecognized_name; none at all where there are several sites and one requires a certificate:
 * fatal handshake_failure.
 * Refuses an OpenSSL older than 3.0.14, a key that does not fit, an RSA key below 2048 bits, an
 * expired certificate, a key file that others can read, a name in two sites, and CA, CRL or OCSP
 * files that are unsound or out of date; *why says what to do. */
int tls_server_new(struct tls_server **out, const struct tls_server_options *options,
                   struct error *why);
struct tls_server *tls_server_keep(struct tls_server *t); /* NULL is fine */
void tls_server_drop(struct tls_server *t);               /* NULL is fine */

/* Who carries the records of a connection once its handshake is done: we, or OpenSSL, and why. */
enum tls_records {
    TLS_RECORDS_OWN,
    TLS_RECORDS_CONFIGURED, /* stays_openssl; or it is a connection of a client of ours */
    TLS_RECORDS_FIPS,       /* OpenSSL is told to use approved code only */
    TLS_RECORDS_VERSION,    /* TLS 1.2 */
    TLS_RECORDS_SUITE,
    TLS_RECORDS_SECRETS,  /* OpenSSL did not tell them */
    TLS_RECORDS_MISMATCH, /* what OpenSSL has sent does not open with keys made of them */
    TLS_RECORDS_MEMORY,
    TLS_RECORDS_COUNT
};
const char *tls_records_text(enum tls_records records); /* one word */

struct tls_client;
/* ca_path NULL: the system's trust store. */
int tls_client_new(struct tls_client **out, const char *ca_path, struct error *why);
/* Names no protocol in its hello: for servers that speak something else than HTTP. Before use. */
void tls_client_forget_alpn(struct tls_client *t);
void tls_client_free(struct tls_client *t);

#endif
