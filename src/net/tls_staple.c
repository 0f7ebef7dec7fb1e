/* SPDX-License-Identifier: Apache-2.0 */
/* tls_staple.c: the OCSP answer that is sent with a certificate (RFC 6066 section 8), from a file
 * or fetched (tls_staple_fetch.c). It is checked when it comes, so that a handshake only copies it;
 * past its next update it is no longer sent. The outbound thread puts a new one in its place while
 * workers shake hands, so both hold the lock, for the time of a copy of some 500 bytes. */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "net/fetch.h"
#include "net/tls_private.h"

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

static int on_status(SSL *ssl, void *context)
{
    struct tls_staple *staple = context;
    unsigned char *copy = NULL;
    size_t len = 0;

    (void)pthread_mutex_lock(&staple->lock);
    if (staple->der.len > 0 && clock_wall_s() < staple->until_s) {
        len = staple->der.len;
        copy = OPENSSL_memdup(staple->der.data, len);
    }
    (void)pthread_mutex_unlock(&staple->lock);
    if (copy == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)len) != 1) {
        OPENSSL_free(copy);
        return SSL_TLSEXT_ERR_NOACK;
    }
    return SSL_TLSEXT_ERR_OK;
}

/* An empty place for the answer, from which handshakes take it. */
static int make(struct tls_site *site)
{
    struct tls_staple *staple = calloc(1, sizeof(*staple));
    X509 *issuer = find_issuer(site->context);

    if (staple == NULL)
        return E_NOMEM;
    (void)pthread_mutex_init(&staple->lock, NULL);
    buf_init(&staple->der, OCSP_ANSWER_BYTES_MAX);
    buf_init(&staple->request, OCSP_REQUEST_BYTES_MAX);
    site->staple = staple;
    if (issuer != NULL &&
        ocsp_subject_new(&staple->about, SSL_CTX_get0_certificate(site->context), issuer) != OK)
        return E_NOMEM;
    if (SSL_CTX_set_tlsext_status_cb(site->context, on_status) != 1 ||
        SSL_CTX_set_tlsext_status_arg(site->context, staple) != 1)
        return E_CRYPTO;
    return OK;
}

void tls_staple_free(struct tls_staple *staple)
{
    if (staple == NULL)
        return;
    (void)pthread_mutex_destroy(&staple->lock);
    buf_clear(&staple->der);
    buf_clear(&staple->request);
    ocsp_subject_free(staple->about);
    free(staple->url);
    free(staple->name);
    free(staple);
}

static void put(struct tls_staple *staple, struct buf *der, int64_t until_s)
{
    struct buf old;

    (void)pthread_mutex_lock(&staple->lock);
    old = staple->der;
    staple->der = *der;
    staple->until_s = until_s;
    (void)pthread_mutex_unlock(&staple->lock);
    *der = old;
}

void tls_staple_drop(struct tls_staple *staple)
{
    struct buf empty = BUF_INIT(OCSP_ANSWER_BYTES_MAX);

    put(staple, &empty, 0);
    buf_clear(&empty);
}

int tls_staple_take(struct tls_staple *staple, struct view der, struct ocsp_answer *answer,
                    struct error *why)
{
    struct buf copy = BUF_INIT(OCSP_ANSWER_BYTES_MAX);
    int rc = ocsp_answer_read(answer, staple->about, der, clock_wall_s(), why);

    if (rc != OK)
        return rc;
    if (answer->is_revoked) {
        error_set(why, "does not say that the certificate is good: it says revoked");
        return E_DENIED;
    }
    rc = buf_append(&copy, der.ptr, der.len);
    if (rc == OK)
        put(staple, &copy, answer->until_s);
    else
        error_set(why, "does not fit into memory");
    buf_clear(&copy);
    return rc;
}

void tls_staple_inherit(struct tls_staple *staple, struct tls_staple *from)
{
    struct buf copy = BUF_INIT(OCSP_ANSWER_BYTES_MAX);
    struct ocsp_answer answer;
    int rc;

    if (staple->about == NULL || !view_eq(buf_view(&staple->request), buf_view(&from->request)))
        return;
    (void)pthread_mutex_lock(&from->lock);
    rc = buf_append(&copy, from->der.data, from->der.len);
    (void)pthread_mutex_unlock(&from->lock);
    if (rc == OK && copy.len > 0)
        (void)tls_staple_take(staple, buf_view(&copy), &answer, NULL);
    buf_clear(&copy);
}

int tls_staple_load(struct tls_site *site, const char *path, struct error *why)
{
    struct buf der = BUF_INIT(OCSP_ANSWER_BYTES_MAX);
    struct ocsp_answer answer;
    struct error fault = {.text = ""};
    int rc = file_read(&der, path);

    if (rc != OK) {
        error_set(why, "cannot read %s (a regular file of at most 64 KiB)", path);
        buf_clear(&der);
        return rc;
    }
    rc = make(site);
    if (rc == OK && site->staple->about == NULL) {
        error_set(why,
                  "%s cannot be checked: put the issuer's certificate behind the server's own in "
                  "the certificate file",
                  path);
        rc = E_MISSING;
    } else if (rc == OK) {
        rc = tls_staple_take(site->staple, buf_view(&der), &answer, &fault);
        if (rc != OK)
            error_set(why, "%s %s", path, fault.text);
    } else {
        error_set(why, "cannot prepare OCSP answers: %s", status_text(rc));
    }
    buf_clear(&der);
    return rc;
}

/* The first responder that may be asked. */
static char *find_url(const struct ocsp_subject *about)
{
    char url[FETCH_URL_BYTES_MAX + 1];
    int rc;

    for (int i = 0; (rc = ocsp_subject_url(about, i, url, sizeof(url))) != E_MISSING; i++)
        if (rc == OK && fetch_url_check(view_of_text(url), FETCH_HTTP_ANYWHERE, NULL) == OK)
            return strdup(url);
    return NULL;
}

int tls_staple_follow(struct tls_site *site, const char *name, struct error *why)
{
    struct tls_staple *staple;
    int rc = make(site);

    staple = site->staple;
    if (rc == OK)
        staple->name = strdup(name);
    if (rc == OK && staple->about != NULL) {
        staple->url = find_url(staple->about);
        rc = ocsp_request_encode(&staple->request, staple->about);
    }
    if (rc == OK && staple->name == NULL)
        rc = E_NOMEM;
    if (rc != OK)
        error_set(why, "cannot prepare OCSP answers for %s: %s", name, status_text(rc));
    return rc;
}
