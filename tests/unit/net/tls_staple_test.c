/* SPDX-License-Identifier: Apache-2.0 */
/* tls_staple_test.c: which OCSP answers are taken along with a certificate. */
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "net/tls_private.h"

static char path[] = "/tmp/staple_test_XXXXXX";
static EVP_PKEY *ca_key, *other_key;
static X509 *ca, *leaf, *other;

static X509 *make(const char *name, long serial, EVP_PKEY *key)
{
    X509 *cert = X509_new();

    (void)X509_set_version(cert, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                     (const unsigned char *)name, -1, -1, 0);
    (void)X509_set_issuer_name(cert, X509_get_subject_name(ca != NULL ? ca : cert));
    (void)X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, ca_key, EVP_sha256()) > 0);
    return cert;
}

static int set_up(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    (void)close(fd);
    ca_key = EVP_EC_gen("P-256");
    other_key = EVP_EC_gen("P-256");
    ca = make("authority", 1, ca_key);
    leaf = make("leaf", 7, other_key);
    other = make("other", 8, other_key);
    return fd >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    X509_free(ca);
    X509_free(leaf);
    X509_free(other);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
    return unlink(path);
}

struct answer {
    int status;
    long from_s, until_s; /* from now; until 0: not said */
    X509 *about;
    EVP_PKEY *key;
    size_t cut;
};

static void write_answer(const struct answer *a)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, a->from_s), *until = X509_gmtime_adj(NULL, a->until_s);
    ASN1_TIME *when = a->status == V_OCSP_CERTSTATUS_REVOKED ? X509_gmtime_adj(NULL, 0) : NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), a->about, ca);
    X509 *signer = a->key == ca_key ? ca : other;
    OCSP_RESPONSE *response;
    unsigned char *der = NULL;
    int len;

    assert_non_null(OCSP_basic_add1_status(basic, id, a->status, -1, when, from,
                                           a->until_s != 0 ? until : NULL));
    assert_int_equal(OCSP_basic_sign(basic, signer, a->key, EVP_sha256(), NULL, 0), 1);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    len = i2d_OCSP_RESPONSE(response, &der);
    assert_true(len > 0);
    assert_int_equal(file_write(path, der, (size_t)len - a->cut, 0600), OK);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(when);
}

static void expect(const struct answer *a, bool has_issuer, int rc, const char *words)
{
    struct tls_site site = {.staple = NULL};
    struct error why = {.text = ""};

    if (a != NULL)
        write_answer(a);
    site.context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(site.context, leaf), 1);
    if (has_issuer)
        assert_int_equal(SSL_CTX_add1_chain_cert(site.context, ca), 1);
    assert_int_equal(tls_staple_load(&site, path, &why), rc);
    if (rc == OK)
        assert_true(site.staple->until_s > time(NULL) + 3000 &&
                    site.staple->until_s < time(NULL) + 3700);
    else if (strstr(why.text, words) == NULL)
        fail_msg("wanted \"%s\", got \"%s\"", words, why.text);
    tls_site_clear(&site);
}

static void a_good_answer_is_taken(void **state)
{
    struct answer good = {V_OCSP_CERTSTATUS_GOOD, -60, 3600, leaf, ca_key, 0};

    (void)state;
    expect(&good, true, OK, NULL);
}

static void an_answer_that_does_not_help_is_refused(void **state)
{
    struct answer good = {V_OCSP_CERTSTATUS_GOOD, -60, 3600, leaf, ca_key, 0}, bad;

    (void)state;
    bad = good;
    bad.status = V_OCSP_CERTSTATUS_REVOKED;
    expect(&bad, true, E_DENIED, "does not say that the certificate is good");
    bad.status = V_OCSP_CERTSTATUS_UNKNOWN;
    expect(&bad, true, E_DENIED, "does not say");
    bad = good;
    bad.from_s = -7200;
    bad.until_s = -3600;
    expect(&bad, true, E_EXPIRED, "out of date");
    bad.until_s = 0;
    expect(&bad, true, E_EXPIRED, "until when");
    bad = good;
    bad.from_s = 1800;
    expect(&bad, true, E_EXPIRED, "out of date");
    bad = good;
    bad.about = other;
    expect(&bad, true, E_INVALID, "another certificate");
    bad = good;
    bad.key = other_key; /* a certificate of the same authority, but not one that may answer */
    expect(&bad, true, E_DENIED, "not signed");
    bad = good;
    bad.cut = 1;
    expect(&bad, true, E_INVALID, "no successful OCSP answer");
    expect(&good, false, E_MISSING, "put the issuer's certificate");
    assert_int_equal(file_write(path, "", 0, 0600), OK);
    expect(NULL, true, E_INVALID, "no successful OCSP answer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_is_taken),
        cmocka_unit_test(an_answer_that_does_not_help_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
