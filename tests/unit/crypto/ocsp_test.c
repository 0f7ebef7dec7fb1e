/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp_test.c: the question as responders read it, and which answers count. */
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/status.h"
#include "crypto/ocsp.h"
#include "three_ways.h"

static EVP_PKEY *ca_key, *key;
static X509 *ca, *leaf, *other, *responder;
static struct ocsp_subject *subject;
static int64_t now_s;

static X509 *make(const char *name, long serial, int extension, const char *value)
{
    X509 *cert = X509_new();
    X509_EXTENSION *more;

    (void)X509_set_version(cert, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                     (const unsigned char *)name, -1, -1, 0);
    (void)X509_set_issuer_name(cert, X509_get_subject_name(ca != NULL ? ca : cert));
    (void)X509_set_pubkey(cert, ca != NULL ? key : ca_key);
    if (value != NULL) {
        more = X509V3_EXT_conf_nid(NULL, NULL, extension, value);
        assert_non_null(more);
        assert_int_equal(X509_add_ext(cert, more, -1), 1);
        X509_EXTENSION_free(more);
    }
    assert_true(X509_sign(cert, ca_key, EVP_sha256()) > 0);
    return cert;
}

static int set_up(void **state)
{
    (void)state;
    now_s = (int64_t)time(NULL);
    ca_key = EVP_EC_gen("P-256");
    key = EVP_EC_gen("P-256");
    ca = make("authority", 1, NID_basic_constraints, "critical,CA:TRUE");
    leaf = make("leaf", 7, NID_info_access,
                "OCSP;URI:http://ocsp.example.com/a,caIssuers;URI:http://ca.example.com/,"
                "OCSP;URI:ldap://second.example.com/");
    other = make("other", 8, 0, NULL);
    responder = make("responder", 9, NID_ext_key_usage, "OCSPSigning");
    return ocsp_subject_new(&subject, leaf, ca);
}

static int tear_down(void **state)
{
    (void)state;
    ocsp_subject_free(subject);
    X509_free(ca);
    X509_free(leaf);
    X509_free(other);
    X509_free(responder);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    return 0;
}

struct made {
    int status;
    int64_t from_s, until_s; /* from now; until 0: not said */
    X509 *about, *signer;
    const EVP_MD *digest;
};

static struct made good(void)
{
    return (struct made){V_OCSP_CERTSTATUS_GOOD, -60, 3600, leaf, ca, EVP_sha1()};
}

static size_t answer_make(const struct made *m, unsigned char **der)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(now_s + m->from_s));
    ASN1_TIME *until = ASN1_TIME_set(NULL, (time_t)(now_s + m->until_s));
    ASN1_TIME *when = m->status == V_OCSP_CERTSTATUS_REVOKED ? X509_gmtime_adj(NULL, 0) : NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(m->digest, m->about, ca);
    EVP_PKEY *signs = m->signer == ca ? ca_key : key;
    OCSP_RESPONSE *response;
    int len;

    assert_non_null(OCSP_basic_add1_status(basic, id, m->status, -1, when, from,
                                           m->until_s != 0 ? until : NULL));
    assert_int_equal(OCSP_basic_sign(basic, m->signer, signs, EVP_sha256(), NULL,
                                     m->signer == ca ? OCSP_NOCERTS : 0),
                     1);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    *der = NULL;
    len = i2d_OCSP_RESPONSE(response, der);
    assert_true(len > 0);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(when);
    return (size_t)len;
}

/* Against a guard page; a refusal writes nothing but words. */
static int read_bytes(struct ocsp_answer *out, const void *der, size_t len, int64_t at_s,
                      struct error *why)
{
    struct guarded g = guarded_copy(der, len);
    struct ocsp_answer untouched = *out;
    int rc = ocsp_answer_read(out, subject, view_of(g.data, len), at_s, why);

    guarded_free(&g);
    if (rc != OK)
        assert_memory_equal(out, &untouched, sizeof(untouched));
    return rc;
}

static int read_made(const struct made *m, struct ocsp_answer *out, int64_t at_s, struct error *why)
{
    unsigned char *der;
    size_t len = answer_make(m, &der);
    int rc = read_bytes(out, der, len, at_s, why);

    OPENSSL_free(der);
    return rc;
}

static void expect(const struct made *m, int rc, const char *words)
{
    struct ocsp_answer answer = {.is_revoked = true};
    struct error why = {.text = ""};

    assert_int_equal(read_made(m, &answer, now_s, &why), rc);
    if (strstr(why.text, words) == NULL)
        fail_msg("wanted \"%s\", got \"%s\"", words, why.text);
}

static void a_responder_is_found_in_the_certificate(void **state)
{
    struct ocsp_subject *plain;
    char url[64], small[27];

    (void)state;
    assert_int_equal(ocsp_subject_url(subject, 0, url, sizeof(url)), OK);
    assert_string_equal(url, "http://ocsp.example.com/a");
    assert_int_equal(ocsp_subject_url(subject, 0, small, sizeof(small)), OK);
    assert_int_equal(ocsp_subject_url(subject, 0, small, 25), E_LIMIT);
    assert_int_equal(ocsp_subject_url(subject, 1, url, sizeof(url)), OK);
    assert_string_equal(url, "ldap://second.example.com/");
    assert_int_equal(ocsp_subject_url(subject, 2, url, sizeof(url)), E_MISSING);
    assert_int_equal(ocsp_subject_url(subject, -1, url, sizeof(url)), E_MISSING);
    assert_int_equal(ocsp_subject_new(&plain, other, ca), OK);
    assert_int_equal(ocsp_subject_url(plain, 0, url, sizeof(url)), E_MISSING);
    ocsp_subject_free(plain);
    ocsp_subject_free(NULL);
}

static void the_question_names_one_certificate_by_sha1_and_nothing_else(void **state)
{
    struct buf der = BUF_INIT(OCSP_REQUEST_BYTES_MAX), tight = BUF_INIT(8);
    const unsigned char *at;
    OCSP_REQUEST *request;
    OCSP_CERTID *id, *wanted = OCSP_cert_to_id(EVP_sha1(), leaf, ca);

    (void)state;
    assert_int_equal(ocsp_request_encode(&der, subject), OK);
    at = der.data;
    request = d2i_OCSP_REQUEST(NULL, &at, (long)der.len);
    assert_non_null(request);
    assert_ptr_equal(at, der.data + der.len);
    assert_int_equal(OCSP_request_onereq_count(request), 1);
    id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0));
    assert_int_equal(OCSP_id_cmp(id, wanted), 0);
    assert_int_equal(OCSP_REQUEST_get_ext_count(request), 0);
    assert_int_equal(OCSP_request_is_signed(request), 0);
    assert_int_equal(ocsp_request_encode(&tight, subject), E_LIMIT);
    OCSP_CERTID_free(wanted);
    OCSP_REQUEST_free(request);
    buf_clear(&der);
}

static void a_good_answer_says_until_when(void **state)
{
    struct ocsp_answer answer = {.is_revoked = true};
    struct made m = good();

    (void)state;
    assert_int_equal(read_made(&m, &answer, now_s, NULL), OK);
    assert_false(answer.is_revoked);
    assert_int_equal(answer.from_s, now_s - 60);
    assert_int_equal(answer.until_s, now_s + 3600);
    m.digest = EVP_sha256();
    assert_int_equal(read_made(&m, &answer, now_s, NULL), OK);
    m.signer = responder; /* named by the issuer for this */
    assert_int_equal(read_made(&m, &answer, now_s, NULL), OK);
}

static void a_revoked_one_counts_only_if_all_else_is_right(void **state)
{
    struct ocsp_answer answer = {.is_revoked = false};
    struct made m = good();

    (void)state;
    m.status = V_OCSP_CERTSTATUS_REVOKED;
    assert_int_equal(read_made(&m, &answer, now_s, NULL), OK);
    assert_true(answer.is_revoked);
    m.signer = other;
    expect(&m, E_DENIED, "not signed");
    m.signer = ca;
    m.about = other;
    expect(&m, E_INVALID, "another certificate");
}

static void its_time_is_kept_to_the_second(void **state)
{
    static const struct {
        int64_t from_s, until_s;
        int rc;
    } rows[] = {{-60, 1, OK},
                {-60, -1, E_EXPIRED},
                {OCSP_CLOCK_SKEW_S, 3600, OK},
                {OCSP_CLOCK_SKEW_S + 1, 3600, E_EXPIRED},
                {60, 60, E_EXPIRED},
                {60, 50, E_EXPIRED},
                {-60, 0, E_EXPIRED}};
    struct ocsp_answer answer = {.is_revoked = false};
    struct made m = good();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        m.from_s = rows[i].from_s;
        m.until_s = rows[i].until_s;
        expect(&m, rows[i].rc, rows[i].rc == OK ? "" : "is out of date");
    }
    m = good();
    assert_int_equal(read_made(&m, &answer, now_s + 3599, NULL), OK);
    assert_int_equal(read_made(&m, &answer, now_s + 3600, NULL), E_EXPIRED);
    assert_int_equal(read_made(&m, &answer, now_s - 360, NULL), OK);
    assert_int_equal(read_made(&m, &answer, now_s - 361, NULL), E_EXPIRED);
}

static void nobody_else_may_answer(void **state)
{
    struct made m = good();

    (void)state;
    m.signer = other; /* of the same authority, but not named for it */
    expect(&m, E_DENIED, "not signed");
    m.signer = leaf; /* the certificate about itself */
    expect(&m, E_DENIED, "not signed");
    m = good();
    m.status = V_OCSP_CERTSTATUS_UNKNOWN;
    expect(&m, E_DENIED, "does not know it");
}

static void every_cut_and_every_changed_bit_is_refused(void **state)
{
    struct ocsp_answer answer = {.is_revoked = false};
    struct made m = good();
    unsigned char *der, *longer;
    size_t len = answer_make(&m, &der);
    unsigned taken = 0;

    (void)state;
    for (size_t i = 0; i < len; i++)
        assert_true(read_bytes(&answer, der, i, now_s, NULL) != OK);
    longer = calloc(1, OCSP_ANSWER_BYTES_MAX + 1);
    assert_non_null(longer);
    memcpy(longer, der, len);
    assert_int_equal(read_bytes(&answer, longer, len + 1, now_s, NULL), E_INVALID);
    assert_int_equal(read_bytes(&answer, longer, OCSP_ANSWER_BYTES_MAX + 1, now_s, NULL),
                     E_INVALID);
    free(longer);
    for (size_t i = 0; i < len; i++) {
        der[i] ^= 1;
        taken += ocsp_answer_read(&answer, subject, view_of(der, len), now_s, NULL) == OK;
        der[i] ^= 1;
    }
    assert_int_equal(taken, 0);
    assert_int_equal(read_bytes(&answer, der, len, now_s, NULL), OK);
    OPENSSL_free(der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_responder_is_found_in_the_certificate),
        cmocka_unit_test(the_question_names_one_certificate_by_sha1_and_nothing_else),
        cmocka_unit_test(a_good_answer_says_until_when),
        cmocka_unit_test(a_revoked_one_counts_only_if_all_else_is_right),
        cmocka_unit_test(its_time_is_kept_to_the_second),
        cmocka_unit_test(nobody_else_may_answer),
        cmocka_unit_test(every_cut_and_every_changed_bit_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
