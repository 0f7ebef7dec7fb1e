/* SPDX-License-Identifier: Apache-2.0 */
/* tls_staple.c: an OCSP answer from a file, sent with the certificate (RFC 6066 section 8). It is
 * checked when it is loaded, so that a handshake only copies it; past its next update it is no
 * longer sent. Fetching one is another program's job. */
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "net/tls_private.h"

#define CLOCK_SKEW_S 300

/* The certificate that stands behind ours in the file and signed it; NULL: none does. */
static X509 *find_issuer(SSL_CTX *context)
{
    X509 *cert = SSL_CTX_get0_certificate(context);
    STACK_OF(X509) *chain = NULL;

    if (SSL_CTX_get0_chain_certs(context, &chain) != 1)
        return NULL;
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (X509_check_issued(sk_X509_value(chain, i), cert) == X509_V_OK)
            return sk_X509_value(chain, i);
    return NULL;
}

/* Signed by the issuer, or by a responder that the issuer named (RFC 6960 section 4.2.2.2). */
static bool is_signed(OCSP_BASICRESP *basic, X509 *issuer)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *known = sk_X509_new_null();
    bool answer = store != NULL && known != NULL && sk_X509_push(known, issuer) > 0 &&
                  X509_STORE_add_cert(store, issuer) == 1 &&
                  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
                  OCSP_basic_verify(basic, known, store, 0) == 1;

    sk_X509_free(known);
    X509_STORE_free(store);
    return answer;
}

/* The row about our certificate, whatever digest the responder names issuers by. */
static OCSP_SINGLERESP *find_row(OCSP_BASICRESP *basic, X509 *cert, X509 *issuer)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *row = OCSP_resp_get0(basic, i);
        const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(row);
        ASN1_OBJECT *digest = NULL;
        OCSP_CERTID *ours = NULL;
        const EVP_MD *md;
        bool is_it;

        (void)OCSP_id_get0_info(NULL, &digest, NULL, NULL, (OCSP_CERTID *)(uintptr_t)id);
        md = EVP_get_digestbyobj(digest);
        if (md != NULL)
            ours = OCSP_cert_to_id(md, cert, issuer);
        is_it = ours != NULL && OCSP_id_cmp(ours, id) == 0;
        OCSP_CERTID_free(ours);
        if (is_it)
            return row;
    }
    return NULL;
}

static int check_row(struct tls_site *site, OCSP_SINGLERESP *row, const char *path,
                     struct error *why)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    struct tm end;
    int reason;

    if (OCSP_single_get0_status(row, &reason, NULL, &from, &until) != V_OCSP_CERTSTATUS_GOOD) {
        error_set(why, "%s does not say that the certificate is good", path);
        return E_DENIED;
    }
    if (until == NULL || ASN1_TIME_to_tm(until, &end) != 1 ||
        OCSP_check_validity(from, until, CLOCK_SKEW_S, -1) != 1) {
        error_set(why, "%s is out of date, or does not say until when it is good; fetch a new one",
                  path);
        return E_EXPIRED;
    }
    site->staple_until_s = (int64_t)timegm(&end);
    return OK;
}

static int check_answer(struct tls_site *site, OCSP_BASICRESP *basic, const char *path,
                        struct error *why)
{
    X509 *cert = SSL_CTX_get0_certificate(site->context), *issuer = find_issuer(site->context);
    OCSP_SINGLERESP *row;

    if (issuer == NULL) {
        error_set(why,
                  "%s cannot be checked: put the issuer's certificate behind the server's own in "
                  "the certificate file",
                  path);
        return E_MISSING;
    }
    if (!is_signed(basic, issuer)) {
        error_set(why, "%s is not signed by the certificate's issuer", path);
        return E_DENIED;
    }
    row = find_row(basic, cert, issuer);
    if (row == NULL) {
        error_set(why, "%s speaks of another certificate", path);
        return E_INVALID;
    }
    return check_row(site, row, path, why);
}

static int on_status(SSL *ssl, void *context)
{
    const struct tls_site *site = context;
    unsigned char *copy;

    if (clock_wall_s() >= site->staple_until_s)
        return SSL_TLSEXT_ERR_NOACK;
    copy = OPENSSL_memdup(site->staple.data, site->staple.len);
    if (copy == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)site->staple.len) != 1) {
        OPENSSL_free(copy);
        return SSL_TLSEXT_ERR_NOACK;
    }
    return SSL_TLSEXT_ERR_OK;
}

int tls_staple_load(struct tls_site *site, const char *path, struct error *why)
{
    const unsigned char *at;
    OCSP_RESPONSE *answer = NULL;
    OCSP_BASICRESP *basic = NULL;
    int rc = file_read(&site->staple, path);

    if (rc != OK) {
        error_set(why, "cannot read %s (a regular file of at most 64 KiB)", path);
        return rc;
    }
    at = site->staple.data;
    if (site->staple.len > 0)
        answer = d2i_OCSP_RESPONSE(NULL, &at, (long)site->staple.len);
    if (answer != NULL && at == site->staple.data + site->staple.len &&
        OCSP_response_status(answer) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(answer);
    if (basic != NULL) {
        rc = check_answer(site, basic, path, why);
    } else {
        error_set(why, "%s is no successful OCSP answer in DER form", path);
        rc = E_INVALID;
    }
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(answer);
    ERR_clear_error();
    if (rc != OK)
        return rc;
    if (SSL_CTX_set_tlsext_status_cb(site->context, on_status) != 1 ||
        SSL_CTX_set_tlsext_status_arg(site->context, site) != 1)
        return E_CRYPTO;
    return OK;
}
