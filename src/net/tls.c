/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c: TLS contexts: what we offer and accept (security rules R-T1 to R-T9). One connection's
 * bytes are in tls_stream.c. */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/status.h"
#include "net/tls_private.h"

#define OPENSSL_FLOOR 0x300000e0UL /* 3.0.14: CVE-2024-2511 */
#define RSA_BITS_MIN  2048
#define TLS13_SUITES  "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define TLS12_SUITES  "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS        "X25519:P-256"
#define TICKET_LIFE_S (12 * 3600) /* within which its key exists for certain */

struct tls_server {
    SSL_CTX *context;
    struct tls_tickets *tickets;
};
struct tls_client {
    SSL_CTX *context;
};

static const unsigned char alpn_http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

static const char *last_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return reason != NULL ? reason : "no reason given";
}

static int check_library(struct error *why)
{
    if (OpenSSL_version_num() >= OPENSSL_FLOOR)
        return OK;
    error_set(why, "%s is too old: 3.0.14 or newer is needed (security fixes)",
              OpenSSL_version(OPENSSL_VERSION));
    return E_UNSUPPORTED;
}

/* Without this OpenSSL would ask for a passphrase on the terminal. */
static int no_passphrase(char *buf, int size, int is_writing, void *context)
{
    (void)buf;
    (void)size;
    (void)is_writing;
    (void)context;
    return 0;
}

static int set_common(SSL_CTX *context, int min_version)
{
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_min_proto_version(context, min_version) != 1 ||
        SSL_CTX_set_ciphersuites(context, TLS13_SUITES) != 1 ||
        SSL_CTX_set_cipher_list(context, TLS12_SUITES) != 1 ||
        SSL_CTX_set1_groups_list(context, GROUPS) != 1)
        return E_CRYPTO;
    return OK;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned int in_len, void *context)
{
    (void)ssl;
    (void)context;
    for (unsigned int i = 0; i < in_len; i += 1U + in[i]) {
        if (in_len - i < sizeof(alpn_http11) ||
            memcmp(in + i, alpn_http11, sizeof(alpn_http11)) != 0)
            continue;
        *out = in + i + 1;
        *out_len = in[i];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol, RFC 7301 section 3.2 */
}

static int check_key_mode(const char *path, struct error *why)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        error_set(why, "cannot read the key file %s", path);
        return E_IO;
    }
    if ((st.st_mode & (S_IRWXO)) != 0) {
        error_set(why, "the key file %s can be used by everyone on this machine; run: chmod 600 %s",
                  path, path);
        return E_DENIED;
    }
    return OK;
}

static int check_certificate(SSL_CTX *context, const char *path, struct error *why)
{
    X509 *cert = SSL_CTX_get0_certificate(context);
    EVP_PKEY *key = SSL_CTX_get0_privatekey(context);

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
        error_set(why,
                  "the RSA key of %s has %d bits; at least %d are needed, or better a P-256 key",
                  path, EVP_PKEY_get_bits(key), RSA_BITS_MIN);
        return E_DENIED;
    }
    if (X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0) {
        error_set(why, "the certificate %s has expired; put a new one there", path);
        return E_EXPIRED;
    }
    return OK;
}

static int load_certificate(SSL_CTX *context, const struct tls_server_options *o, struct error *why)
{
    int rc = check_key_mode(o->key_path, why);

    if (rc != OK)
        return rc;
    /* Level 1 for loading only: a weak key is to be refused by check_certificate, which says more
     * than OpenSSL does. */
    SSL_CTX_set_security_level(context, 1);
    if (SSL_CTX_use_certificate_chain_file(context, o->cert_path) != 1) {
        error_set(why, "cannot use the certificate %s: %s; it must be PEM", o->cert_path,
                  last_reason());
        return E_INVALID;
    }
    if (SSL_CTX_use_PrivateKey_file(context, o->key_path, SSL_FILETYPE_PEM) != 1) {
        error_set(why,
                  "cannot use the key %s: %s; it must be PEM without a passphrase and belong to %s",
                  o->key_path, last_reason(), o->cert_path);
        return E_INVALID;
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        error_set(why, "the key %s does not belong to the certificate %s", o->key_path,
                  o->cert_path);
        return E_INVALID;
    }
    rc = check_certificate(context, o->cert_path, why);
    SSL_CTX_set_security_level(context, 2);
    return rc;
}

static int set_server(struct tls_server *t, const struct tls_server_options *o, struct error *why)
{
    static const unsigned char id[] = "gateward";
    int rc;

    rc = set_common(t->context, o->allows_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
    if (rc != OK || SSL_CTX_set_session_id_context(t->context, id, sizeof(id) - 1) != 1 ||
        SSL_CTX_set_num_tickets(t->context, 1) != 1 ||
        SSL_CTX_set_max_early_data(t->context, 0) != 1 ||
        SSL_CTX_set_recv_max_early_data(t->context, 0) != 1) {
        error_set(why, "OpenSSL refuses our settings: %s", last_reason());
        return E_CRYPTO;
    }
    (void)SSL_CTX_set_options(t->context,
                              SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    (void)SSL_CTX_set_timeout(t->context, TICKET_LIFE_S);
    SSL_CTX_set_alpn_select_cb(t->context, choose_alpn, NULL);
    SSL_CTX_set_verify(t->context, SSL_VERIFY_NONE, NULL);
    rc = tls_tickets_new(&t->tickets, t->context, clock_mono_ms());
    if (rc != OK) {
        error_set(why, "cannot make ticket keys: %s", last_reason());
        return rc;
    }
    return load_certificate(t->context, o, why);
}

int tls_server_new(struct tls_server **out, const struct tls_server_options *options,
                   struct error *why)
{
    struct tls_server *t = NULL;
    int rc = check_library(why);

    if (rc != OK)
        return rc;
    ERR_clear_error();
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return E_NOMEM;
    t->context = SSL_CTX_new(TLS_server_method());
    rc = t->context != NULL ? set_server(t, options, why) : E_NOMEM;
    ERR_clear_error();
    if (rc != OK) {
        tls_server_free(t);
        return rc;
    }
    *out = t;
    return OK;
}

void tls_server_free(struct tls_server *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->context);
    tls_tickets_free(t->tickets);
    free(t);
}

static int set_client(SSL_CTX *context, const char *ca_path, struct error *why)
{
    int is_loaded;

    if (set_common(context, TLS1_2_VERSION) != OK ||
        SSL_CTX_set_alpn_protos(context, alpn_http11, sizeof(alpn_http11)) != 0) {
        error_set(why, "OpenSSL refuses our settings: %s", last_reason());
        return E_CRYPTO;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (ca_path != NULL)
        is_loaded = SSL_CTX_load_verify_file(context, ca_path);
    else
        is_loaded = SSL_CTX_set_default_verify_paths(context);
    if (is_loaded != 1) {
        error_set(why, "cannot read the trusted certificates %s: %s",
                  ca_path != NULL ? ca_path : "of this system", last_reason());
        return E_IO;
    }
    return OK;
}

int tls_client_new(struct tls_client **out, const char *ca_path, struct error *why)
{
    struct tls_client *t = NULL;
    int rc = check_library(why);

    if (rc != OK)
        return rc;
    ERR_clear_error();
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return E_NOMEM;
    t->context = SSL_CTX_new(TLS_client_method());
    rc = t->context != NULL ? set_client(t->context, ca_path, why) : E_NOMEM;
    ERR_clear_error();
    if (rc != OK) {
        tls_client_free(t);
        return rc;
    }
    *out = t;
    return OK;
}

void tls_client_free(struct tls_client *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->context);
    free(t);
}

struct ssl_ctx_st *tls_server_context(const struct tls_server *t)
{
    return t->context;
}

struct ssl_ctx_st *tls_client_context(const struct tls_client *t)
{
    return t->context;
}

struct tls_tickets *tls_server_tickets(const struct tls_server *t)
{
    return t->tickets;
}
