/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP by OpenSSL: its decoder and its signature check, and around them what it leaves to the
 * caller: nothing behind the answer, the row about our certificate, the times against the caller's
 * clock. */
#include "crypto/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/status.h"

struct ocsp_subject {
    X509 *cert, *issuer;
};

int ocsp_subject_new(struct ocsp_subject **out, struct x509_st *cert, struct x509_st *issuer)
{
    struct ocsp_subject *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return E_NOMEM;
    if (X509_up_ref(cert) == 1)
        s->cert = cert;
    if (X509_up_ref(issuer) == 1)
        s->issuer = issuer;
    if (s->cert == NULL || s->issuer == NULL) {
        ocsp_subject_free(s);
        return E_NOMEM;
    }
    *out = s;
    return OK;
}

void ocsp_subject_free(struct ocsp_subject *s)
{
    if (s == NULL)
        return;
    X509_free(s->cert);
    X509_free(s->issuer);
    free(s);
}

int ocsp_subject_url(const struct ocsp_subject *s, int index, char *out, size_t out_bytes)
{
    STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(s->cert);
    int rc = E_MISSING;

    if (urls != NULL && index >= 0 && index < sk_OPENSSL_STRING_num(urls)) {
        const char *url = sk_OPENSSL_STRING_value(urls, index);
        size_t len = strlen(url);

        rc = len < out_bytes ? OK : E_LIMIT;
        if (rc == OK)
            memcpy(out, url, len + 1);
    }
    X509_email_free(urls);
    ERR_clear_error();
    return rc;
}

int ocsp_request_encode(struct buf *out, const struct ocsp_subject *s)
{
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), s->cert, s->issuer);
    unsigned char *der = NULL;
    int rc = E_CRYPTO, len;

    if (request == NULL || id == NULL || OCSP_request_add0_id(request, id) == NULL)
        goto done;
    id = NULL; /* the request's now */
    len = i2d_OCSP_REQUEST(request, &der);
    if (len > 0)
        rc = buf_append(out, der, (size_t)len);
done:
    OPENSSL_free(der);
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(request);
    ERR_clear_error();
    return rc;
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
static OCSP_SINGLERESP *find_row(OCSP_BASICRESP *basic, const struct ocsp_subject *about)
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
            ours = OCSP_cert_to_id(md, about->cert, about->issuer);
        is_it = ours != NULL && OCSP_id_cmp(ours, id) == 0;
        OCSP_CERTID_free(ours);
        if (is_it)
            return row;
    }
    return NULL;
}

static bool read_time(int64_t *out, const ASN1_GENERALIZEDTIME *time)
{
    struct tm tm;

    if (time == NULL || ASN1_GENERALIZEDTIME_check(time) != 1 || ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *out = (int64_t)timegm(&tm);
    return true;
}

static int read_row(struct ocsp_answer *out, OCSP_SINGLERESP *row, int64_t wall_s,
                    struct error *why)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    int reason, status = OCSP_single_get0_status(row, &reason, NULL, &from, &until);
    struct ocsp_answer found = {.is_revoked = status == V_OCSP_CERTSTATUS_REVOKED};

    if (status != V_OCSP_CERTSTATUS_GOOD && !found.is_revoked) {
        error_set(why, "does not say that the certificate is good: the responder does not know it");
        return E_DENIED;
    }
    if (!read_time(&found.from_s, from) || !read_time(&found.until_s, until) ||
        found.from_s > wall_s + OCSP_CLOCK_SKEW_S || found.until_s <= wall_s ||
        found.until_s <= found.from_s) {
        error_set(why, "is out of date, or does not say until when it is good");
        return E_EXPIRED;
    }
    *out = found;
    return OK;
}

static int read_basic(struct ocsp_answer *out, const struct ocsp_subject *about,
                      OCSP_BASICRESP *basic, int64_t wall_s, struct error *why)
{
    OCSP_SINGLERESP *row;

    if (!is_signed(basic, about->issuer)) {
        error_set(why, "is not signed by the certificate's issuer");
        return E_DENIED;
    }
    row = find_row(basic, about);
    if (row == NULL) {
        error_set(why, "speaks of another certificate");
        return E_INVALID;
    }
    return read_row(out, row, wall_s, why);
}

int ocsp_answer_read(struct ocsp_answer *out, const struct ocsp_subject *about, struct view der,
                     int64_t wall_s, struct error *why)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    OCSP_RESPONSE *answer = NULL;
    OCSP_BASICRESP *basic = NULL;
    int rc = E_INVALID;

    if (der.len > 0 && der.len <= OCSP_ANSWER_BYTES_MAX)
        answer = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    if (answer != NULL && at == (const unsigned char *)der.ptr + der.len &&
        OCSP_response_status(answer) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(answer);
    if (basic != NULL)
        rc = read_basic(out, about, basic, wall_s, why);
    else
        error_set(why, "is no successful OCSP answer in DER form");
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(answer);
    ERR_clear_error();
    return rc;
}
