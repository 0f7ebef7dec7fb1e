/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c: TLS contexts: what we offer and accept (security rules R-T1 to R-T9). A server's single
 * certificates are in tls_site.c, one connection's bytes in tls_stream.c. */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "net/tls_openssl.h"
#include "net/tls_private.h"

#define OPENSSL_FLOOR 0x300000e0UL /* 3.0.14: CVE-2024-2511 */
#define TLS13_SUITES  "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define TLS12_SUITES  "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS        "X25519:P-256"

struct tls_client {
    SSL_CTX *context;
};

static const unsigned char alpn_http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

const char *tls_last_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return reason != NULL ? reason : "no reason given";
}

void tls_keep_keys(SSL_CTX *context)
{
    SSL_CTX_set_keylog_callback(context, NULL);
}

const char *tls_records_text(enum tls_records records)
{
    static const char *const words[TLS_RECORDS_COUNT] = {
        [TLS_RECORDS_OWN] = "own",           [TLS_RECORDS_CONFIGURED] = "configured",
        [TLS_RECORDS_FIPS] = "fips",         [TLS_RECORDS_VERSION] = "version",
        [TLS_RECORDS_SUITE] = "suite",       [TLS_RECORDS_SECRETS] = "secrets",
        [TLS_RECORDS_MISMATCH] = "mismatch", [TLS_RECORDS_MEMORY] = "memory"};

    return words[records];
}

/* Where only approved code may run, what libssl does with its secrets is part of what was approved.
 */
static enum tls_records choose_records(const struct tls_server_options *o)
{
    if (o->stays_openssl)
        return TLS_RECORDS_CONFIGURED;
    return EVP_default_properties_is_fips_enabled(NULL) == 1 ? TLS_RECORDS_FIPS : TLS_RECORDS_OWN;
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

int tls_set_common(SSL_CTX *context, int min_version)
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

int tls_choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
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

static int open_sites(struct tls_server *t, const struct tls_server_options *o, struct error *why)
{
    bool is_required = false;
    int rc;

    for (; t->sites_count < o->sites_count; t->sites_count++) {
        struct tls_site *site = &t->sites[t->sites_count];
        rc = tls_site_open(site, &o->sites[t->sites_count], o->allows_tls12, why);
        if (rc == OK)
            rc = tls_names_load(site, &o->sites[t->sites_count], why);
        if (rc != OK) {
            tls_site_clear(site);
            return rc;
        }
        SSL_CTX_set_client_hello_cb(site->context, tls_names_on_hello, t);
        if (t->records == TLS_RECORDS_OWN)
            tls_openssl_hear_secrets(site->context);
        is_required = is_required || site->client == TLS_CLIENT_REQUIRED;
    }
    t->needs_name = is_required && t->sites_count > 1;
    return tls_names_check(t, why);
}

int tls_server_new(struct tls_server **out, const struct tls_server_options *options,
                   struct error *why)
{
    struct tls_server *t = NULL;
    int rc = check_library(why);

    if (rc != OK)
        return rc;
    if (options->sites_count == 0 || options->sites_count > TLS_SITES_MAX) {
        error_set(why, "a TLS listener has between 1 and %d certificates", TLS_SITES_MAX);
        return E_INVALID;
    }
    ERR_clear_error();
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return E_NOMEM;
    atomic_init(&t->references, 1);
    t->records = choose_records(options);
    t->sites = calloc(options->sites_count, sizeof(*t->sites));
    rc = t->sites != NULL ? open_sites(t, options, why) : E_NOMEM;
    ERR_clear_error();
    if (rc != OK) {
        tls_server_drop(t);
        return rc;
    }
    *out = t;
    return OK;
}

struct tls_server *tls_server_keep(struct tls_server *t)
{
    if (t != NULL)
        (void)atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
    return t;
}

void tls_server_drop(struct tls_server *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < t->sites_count; i++)
        tls_site_clear(&t->sites[i]);
    free(t->sites);
    free(t);
}

static int set_client(SSL_CTX *context, const char *ca_path, struct error *why)
{
    int is_loaded;

    if (tls_set_common(context, TLS1_2_VERSION) != OK ||
        SSL_CTX_set_alpn_protos(context, alpn_http11, sizeof(alpn_http11)) != 0) {
        error_set(why, "OpenSSL refuses our settings: %s", tls_last_reason());
        return E_CRYPTO;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (ca_path != NULL)
        is_loaded = SSL_CTX_load_verify_file(context, ca_path);
    else
        is_loaded = SSL_CTX_set_default_verify_paths(context);
    if (is_loaded != 1) {
        error_set(why, "cannot read the trusted certificates %s: %s",
                  ca_path != NULL ? ca_path : "of this system", tls_last_reason());
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

void tls_client_forget_alpn(struct tls_client *t)
{
    (void)SSL_CTX_set_alpn_protos(t->context, NULL, 0);
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
    return t->sites[0].context;
}

struct ssl_ctx_st *tls_client_context(const struct tls_client *t)
{
    return t->context;
}

struct tls_tickets *tls_server_tickets(const struct tls_server *t)
{
    return t->sites[0].tickets;
}
