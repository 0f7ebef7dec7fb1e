/* SPDX-License-Identifier: Apache-2.0 */
/* tls_site.c: one certificate of a server with its key and its policy, and how a connection comes
 * under it. SSL_set_SSL_CTX leaves verify mode, depth, options, versions and the limit on the
 * client's chain as the first site had them; tls_site_apply carries every one of them over, or a
 * name could be served without the certificate that it asks for. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "net/tls_private.h"

#define RSA_BITS_MIN  2048
#define TICKET_LIFE_S (12 * 3600) /* within which its key exists for certain */
#define FILE_MAX      (16 * 1024 * 1024)

/* Anything else, such as a pipe, could hold a reload up for ever. */
static bool is_file(const char *path, struct stat *st)
{
    return stat(path, st) == 0 && S_ISREG(st->st_mode);
}

static int check_key_mode(const char *path, struct error *why)
{
    struct stat st;

    if (!is_file(path, &st)) {
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

static int load_certificate(SSL_CTX *context, const struct tls_site_options *o, struct error *why)
{
    struct stat st;
    int rc = check_key_mode(o->key_path, why);

    if (rc != OK)
        return rc;
    if (!is_file(o->cert_path, &st)) {
        error_set(why, "cannot read the certificate %s", o->cert_path);
        return E_IO;
    }
    /* Level 1 for loading only: a weak key is to be refused by check_certificate, which says more
     * than OpenSSL does. */
    SSL_CTX_set_security_level(context, 1);
    if (SSL_CTX_use_certificate_chain_file(context, o->cert_path) != 1) {
        error_set(why, "cannot use the certificate %s: %s; it must be PEM", o->cert_path,
                  tls_last_reason());
        return E_INVALID;
    }
    if (SSL_CTX_use_PrivateKey_file(context, o->key_path, SSL_FILETYPE_PEM) != 1) {
        error_set(why,
                  "cannot use the key %s: %s; it must be PEM without a passphrase and belong to %s",
                  o->key_path, tls_last_reason(), o->cert_path);
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

static int set_options(SSL_CTX *context, bool allows_tls12)
{
    int rc = tls_set_common(context, allows_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);

    if (rc != OK || SSL_CTX_set_num_tickets(context, 1) != 1 ||
        SSL_CTX_set_max_early_data(context, 0) != 1 ||
        SSL_CTX_set_recv_max_early_data(context, 0) != 1)
        return E_CRYPTO;
    (void)SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    (void)SSL_CTX_set_timeout(context, TICKET_LIFE_S);
    SSL_CTX_set_max_cert_list(context, TLS_CLIENT_CHAIN_SIZE);
    SSL_CTX_set_alpn_select_cb(context, tls_choose_alpn, NULL);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    return OK;
}

/* A ticket says nothing of the chain its owner came with, and none of what has been revoked since;
 * so where certificates are asked for every handshake is a whole one (CVE-2025-23419). */
static int set_tickets(struct tls_site *site)
{
    if (site->client != TLS_CLIENT_OFF)
        return tls_tickets_none(site->context);
    return tls_tickets_new(&site->tickets, site->context, clock_mono_ms());
}

static bool digest_file(EVP_MD_CTX *digest, const char *path)
{
    struct buf bytes = BUF_INIT(FILE_MAX);
    bool is_done;

    if (path == NULL)
        return EVP_DigestUpdate(digest, "-", 1) == 1;
    is_done = file_read(&bytes, path) == OK && EVP_DigestUpdate(digest, "+", 1) == 1 &&
              (bytes.len == 0 || EVP_DigestUpdate(digest, bytes.data, bytes.len) == 1);
    buf_clear(&bytes);
    return is_done;
}

/* A session is good for the certificate, the names and the policy it was made under, and for no
 * other (R-T5). */
static int make_id(struct tls_site *site, const struct tls_site_options *o)
{
    uint8_t policy[3] = {(uint8_t)o->client, (uint8_t)o->client_depth, o->checks_crl_of_chain};
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_done = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
                   EVP_DigestUpdate(digest, policy, sizeof(policy)) == 1 &&
                   digest_file(digest, o->cert_path) && digest_file(digest, o->client_ca_path) &&
                   digest_file(digest, o->client_crl_path);

    for (uint32_t i = 0; is_done && i < o->names_count; i++)
        is_done = EVP_DigestUpdate(digest, o->names[i], strlen(o->names[i]) + 1) == 1;
    is_done = is_done && EVP_DigestFinal_ex(digest, site->id, NULL) == 1 &&
              SSL_CTX_set_session_id_context(site->context, site->id, sizeof(site->id)) == 1;
    EVP_MD_CTX_free(digest);
    return is_done ? OK : E_CRYPTO;
}

int tls_site_open(struct tls_site *site, const struct tls_site_options *o, bool allows_tls12,
                  struct error *why)
{
    int rc;

    site->client = o->client;
    site->context = SSL_CTX_new(TLS_server_method());
    if (site->context == NULL)
        return E_NOMEM;
    rc = set_options(site->context, allows_tls12);
    if (rc == OK)
        rc = set_tickets(site);
    if (rc != OK) {
        error_set(why, "OpenSSL refuses our settings: %s", tls_last_reason());
        return rc;
    }
    rc = load_certificate(site->context, o, why);
    if (rc == OK && o->client != TLS_CLIENT_OFF)
        rc = tls_trust_load(site, o, why);
    if (rc == OK && o->staple_path != NULL)
        rc = tls_staple_load(site, o->staple_path, why);
    else if (rc == OK && o->fetches_staple)
        rc = tls_staple_follow(site, o->cert_path, why);
    if (rc == OK && make_id(site, o) != OK) {
        error_set(why, "cannot read the files of %s a second time", o->cert_path);
        rc = E_IO;
    }
    return rc;
}

void tls_site_clear(struct tls_site *site)
{
    SSL_CTX_free(site->context);
    tls_tickets_free(site->tickets);
    sk_X509_pop_free(site->authorities, X509_free);
    sk_X509_CRL_pop_free(site->crls, X509_CRL_free);
    for (uint32_t i = 0; i < site->names_count; i++)
        free(site->names[i]);
    free(site->names);
    tls_staple_free(site->staple);
    memset(site, 0, sizeof(*site));
}

bool tls_site_apply(const struct tls_site *site, SSL *ssl)
{
    SSL_CTX *context = site->context;

    if (SSL_set_SSL_CTX(ssl, context) != context)
        return false;
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context), SSL_CTX_get_verify_callback(context));
    SSL_set_verify_depth(ssl, SSL_CTX_get_verify_depth(context));
    (void)SSL_clear_options(ssl, SSL_get_options(ssl));
    (void)SSL_set_options(ssl, SSL_CTX_get_options(context));
    SSL_set_max_cert_list(ssl, SSL_CTX_get_max_cert_list(context));
    return SSL_set_min_proto_version(ssl, SSL_CTX_get_min_proto_version(context)) == 1 &&
           SSL_set_max_proto_version(ssl, SSL_CTX_get_max_proto_version(context)) == 1 &&
           SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(context)) == 1 &&
           SSL_set_session_id_context(ssl, site->id, sizeof(site->id)) == 1;
}
