/* SPDX-License-Identifier: Apache-2.0 */
/* tls_trust.c: client certificates: whose signature counts, which certificates were taken back, and
 * the ceilings on what a client may send (R-T8). Nothing here maps a certificate to a person. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/status.h"
#include "net/tls_private.h"

#define FILE_MAX (16 * 1024 * 1024)
#define CA_MAX   1000
#define NAMED_MAX                                                                                  \
    100 /* authorities whose names are sent to clients; more would swell the handshake */
#define CRL_MAX 1000

static BIO *open_pem(struct buf *text, const char *path, struct error *why)
{
    BIO *bio;

    if (file_read(text, path) != OK) {
        error_set(why, "cannot read %s (a regular file of at most %d MiB)", path,
                  FILE_MAX / (1024 * 1024));
        return NULL;
    }
    bio = BIO_new_mem_buf(text->len > 0 ? (const void *)text->data : "", (int)text->len);
    if (bio == NULL)
        error_set(why, "out of memory");
    return bio;
}

/* Reading stopped: at the end of the file, or at something that is broken? */
static bool is_at_end(void)
{
    unsigned long error = ERR_peek_last_error();

    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static int add_authority(struct tls_site *site, X509_STORE *store, X509 *cert, const char *path,
                         struct error *why)
{
    if (X509_check_ca(cert) == 0) {
        error_set(why, "%s holds a certificate that may not sign others (no CA)", path);
        return E_INVALID;
    }
    if (X509_STORE_add_cert(store, cert) != 1 || SSL_CTX_add_client_CA(site->context, cert) != 1) {
        error_set(why, "cannot use a certificate of %s: %s", path, tls_last_reason());
        return E_CRYPTO;
    }
    return OK;
}

static int load_authorities(struct tls_site *site, STACK_OF(X509) * authorities, const char *path,
                            struct error *why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(site->context);
    struct buf text = BUF_INIT(FILE_MAX);
    BIO *bio = open_pem(&text, path, why);
    X509 *cert;
    int rc = bio != NULL ? OK : E_IO;

    while (rc == OK && sk_X509_num(authorities) <= CA_MAX &&
           (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(authorities, cert) <= 0) {
            X509_free(cert);
            rc = E_NOMEM;
        } else {
            rc = add_authority(site, store, cert, path, why);
        }
    }
    if (rc == OK &&
        (sk_X509_num(authorities) == 0 || sk_X509_num(authorities) > CA_MAX || !is_at_end())) {
        error_set(why, "%s must hold PEM certificates, at most %d and nothing broken", path,
                  CA_MAX);
        rc = E_INVALID;
    }
    if (sk_X509_num(authorities) > NAMED_MAX)
        SSL_CTX_set_client_CA_list(site->context, sk_X509_NAME_new_null());
    BIO_free(bio);
    buf_clear(&text);
    ERR_clear_error();
    return rc;
}

static bool is_signed_by_one(X509_CRL *crl, STACK_OF(X509) * authorities)
{
    for (int i = 0; i < sk_X509_num(authorities); i++) {
        X509 *authority = sk_X509_value(authorities, i);
        if (X509_NAME_cmp(X509_get_subject_name(authority), X509_CRL_get_issuer(crl)) == 0 &&
            X509_CRL_verify(crl, X509_get0_pubkey(authority)) == 1)
            return true;
    }
    return false;
}

/* Does the list say all that its authority has to say? OpenSSL passes over a list that only adds to
 * another one, is about some reasons only or speaks for other authorities, and versions of it took
 * the first kind for a whole one that replaces the other (RFC 5280 sections 5.2.4 and 5.2.5). */
static bool is_whole(const X509_CRL *crl)
{
    ISSUING_DIST_POINT *scope;
    int state;
    bool answer;

    if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
        return false;
    scope = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &state, NULL);
    if (scope == NULL)
        return state == -1; /* absent; else malformed, or there twice */
    answer = scope->onlysomereasons == NULL && scope->indirectCRL <= 0 && scope->onlyattr <= 0;
    ISSUING_DIST_POINT_free(scope);
    return answer;
}

static int add_crl(struct tls_site *site, STACK_OF(X509) * authorities, X509_CRL *crl,
                   const char *path, struct error *why)
{
    const ASN1_TIME *end = X509_CRL_get0_nextUpdate(crl);

    if (!is_signed_by_one(crl, authorities)) {
        error_set(why,
                  "%s holds a revocation list that no certificate of client_ca has signed; add the "
                  "signer's certificate to client_ca",
                  path);
        return E_DENIED;
    }
    if (!is_whole(crl)) {
        error_set(why,
                  "%s holds a revocation list that is only a part (delta, some reasons, indirect, "
                  "attributes); put the whole list of each authority there",
                  path);
        return E_UNSUPPORTED;
    }
    if (end == NULL || X509_cmp_current_time(end) <= 0) {
        error_set(why,
                  "%s holds a revocation list whose next update is past or not said; put a fresh "
                  "one there",
                  path);
        return E_EXPIRED;
    }
    if (X509_STORE_add_crl(SSL_CTX_get_cert_store(site->context), crl) != 1) {
        error_set(why, "cannot use a revocation list of %s: %s", path, tls_last_reason());
        return E_CRYPTO;
    }
    return OK;
}

static int load_crls(struct tls_site *site, STACK_OF(X509) * authorities, const char *path,
                     struct error *why)
{
    struct buf text = BUF_INIT(FILE_MAX);
    BIO *bio = open_pem(&text, path, why);
    X509_CRL *crl;
    int rc = bio != NULL ? OK : E_IO;

    site->crls = sk_X509_CRL_new_null();
    if (site->crls == NULL)
        rc = E_NOMEM;
    while (rc == OK && sk_X509_CRL_num(site->crls) <= CRL_MAX &&
           (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_CRL_push(site->crls, crl) <= 0) {
            X509_CRL_free(crl);
            rc = E_NOMEM;
        } else {
            rc = add_crl(site, authorities, crl, path, why);
        }
    }
    if (rc == OK && (sk_X509_CRL_num(site->crls) == 0 || sk_X509_CRL_num(site->crls) > CRL_MAX ||
                     !is_at_end())) {
        error_set(why,
                  "%s must hold PEM revocation lists (X509 CRL), at most %d and nothing broken",
                  path, CRL_MAX);
        rc = E_INVALID;
    }
    BIO_free(bio);
    buf_clear(&text);
    ERR_clear_error();
    return rc;
}

/* Each certificate of a chain costs a signature check, so their number is bounded first. */
static int verify(X509_STORE_CTX *chain, void *context)
{
    (void)context;
    if (sk_X509_num(X509_STORE_CTX_get0_untrusted(chain)) > TLS_CLIENT_CHAIN_MAX) {
        X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_CHAIN_TOO_LONG);
        return 0;
    }
    return X509_verify_cert(chain);
}

/* The purpose "TLS client" (extended key usage clientAuth, where the certificate limits its usage
 * at all) is OpenSSL's own default for a server's peers. */
int tls_trust_load(struct tls_site *site, const struct tls_site_options *o, struct error *why)
{
    int mode = SSL_VERIFY_PEER, rc = E_NOMEM;
    unsigned long flags = X509_V_FLAG_CRL_CHECK;

    site->authorities = sk_X509_new_null();
    if (site->authorities != NULL)
        rc = load_authorities(site, site->authorities, o->client_ca_path, why);
    if (rc == OK && o->client_crl_path != NULL) {
        rc = load_crls(site, site->authorities, o->client_crl_path, why);
        if (o->checks_crl_of_chain)
            flags |= X509_V_FLAG_CRL_CHECK_ALL;
        if (rc == OK && X509_STORE_set_flags(SSL_CTX_get_cert_store(site->context), flags) != 1)
            rc = E_CRYPTO;
    }
    if (rc != OK)
        return rc;
    if (o->client == TLS_CLIENT_REQUIRED)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(site->context, mode, NULL);
    SSL_CTX_set_verify_depth(site->context, (int)o->client_depth);
    SSL_CTX_set_cert_verify_callback(site->context, verify, NULL);
    return OK;
}

bool tls_trust_knows(const struct tls_site *site, STACK_OF(X509) * chain)
{
    X509 *end = sk_X509_value(chain, sk_X509_num(chain) - 1);

    for (int i = 0; end != NULL && i < sk_X509_num(site->authorities); i++) {
        X509 *authority = sk_X509_value(site->authorities, i);
        /* Not the whole certificate: it may have been renewed. */
        if (X509_NAME_cmp(X509_get_subject_name(authority), X509_get_subject_name(end)) == 0 &&
            EVP_PKEY_eq(X509_get0_pubkey(authority), X509_get0_pubkey(end)) == 1)
            return true;
    }
    return false;
}

bool tls_trust_revokes(const struct tls_site *site, STACK_OF(X509) * chain)
{
    X509_REVOKED *row;

    for (int i = 0; i < sk_X509_num(chain); i++) {
        for (int k = 0; k < sk_X509_CRL_num(site->crls); k++) {
            if (X509_CRL_get0_by_cert(sk_X509_CRL_value(site->crls, k), &row,
                                      sk_X509_value(chain, i)) == 1)
                return true;
        }
    }
    return false;
}
