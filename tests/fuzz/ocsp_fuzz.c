/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto */
/* Input: a certificate and its issuer, each behind two bytes of length, then an OCSP answer. What
 * is taken is in its time and ends where it ends; what cannot be read is refused. The certificate's
 * responders and the question about it are read on the way. */
#include <openssl/x509.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "crypto/ocsp.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static X509 *take_certificate(struct view *input)
{
    const unsigned char *at;
    X509 *cert;
    size_t len;

    if (input->len < 2)
        return NULL;
    len = (size_t)(uint8_t)input->ptr[0] << 8 | (uint8_t)input->ptr[1];
    if (len > input->len - 2)
        return NULL;
    at = (const unsigned char *)input->ptr + 2;
    cert = d2i_X509(NULL, &at, (long)len);
    *input = view_of(input->ptr + 2 + len, input->len - 2 - len);
    return cert;
}

static void check_question(const struct ocsp_subject *subject)
{
    struct buf request = BUF_INIT(OCSP_REQUEST_BYTES_MAX);
    char url[64];

    for (int i = 0; i < 100; i++) {
        int rc = ocsp_subject_url(subject, i, url, sizeof(url));
        ASSERT(rc == OK || rc == E_LIMIT || rc == E_MISSING);
        if (rc == E_MISSING)
            break;
        ASSERT(rc != OK || memchr(url, '\0', sizeof(url)) != NULL);
    }
    if (ocsp_request_encode(&request, subject) == OK)
        ASSERT(request.len > 0 && request.data[0] == 0x30);
    buf_clear(&request);
}

static void check_answer(const struct ocsp_subject *subject, struct view der)
{
    struct ocsp_answer answer = {.from_s = -1}, again;
    struct error why = {.text = ""};
    int rc = ocsp_answer_read(&answer, subject, der, NOW, &why);

    ASSERT(rc == OK || rc == E_INVALID || rc == E_DENIED || rc == E_EXPIRED);
    if (rc != OK) {
        ASSERT(why.text[0] != '\0' && answer.from_s == -1);
        return;
    }
    ASSERT(answer.until_s > NOW && answer.from_s <= NOW + OCSP_CLOCK_SKEW_S);
    ASSERT(answer.from_s < answer.until_s);
    ASSERT(ocsp_answer_read(&again, subject, view_of(der.ptr, der.len - 1), NOW, NULL) != OK);
    ASSERT(ocsp_answer_read(&again, subject, der, answer.until_s - 1, NULL) == OK);
    ASSERT(again.is_revoked == answer.is_revoked && again.until_s == answer.until_s);
    ASSERT(ocsp_answer_read(&again, subject, der, answer.until_s, NULL) == E_EXPIRED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view input = view_of(data, size);
    X509 *cert = take_certificate(&input), *issuer = take_certificate(&input);
    struct ocsp_subject *subject = NULL;

    if (cert != NULL && issuer != NULL && ocsp_subject_new(&subject, cert, issuer) == OK) {
        check_question(subject);
        check_answer(subject, input);
    }
    ocsp_subject_free(subject);
    X509_free(cert);
    X509_free(issuer);
    return 0;
}
