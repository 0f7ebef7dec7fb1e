/* SPDX-License-Identifier: Apache-2.0 */
/* x509_make_test.c: a strict verifier accepts the chain for its names and for nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <cmocka.h>

#include "base/status.h"
#include "crypto/x509.h"

static const char *const names[] = {"localhost", "*.dev.test", "127.0.0.1", "::1"};

static X509 *read_cert(const struct x509_pair *pair)
{
    BIO *bio = BIO_new_mem_buf(pair->cert_pem.data, (int)pair->cert_pem.len);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    assert_non_null(cert);
    return cert;
}

/* One verdict of a verifier that follows RFC 5280 to the letter and knows only `ca`. */
static int verify(X509 *ca, X509 *leaf, const char *host, const char *ip)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    int error;

    assert_int_equal(X509_STORE_add_cert(store, ca), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
    param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    assert_int_equal(X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER), 1);
    if (host != NULL)
        assert_int_equal(X509_VERIFY_PARAM_set1_host(param, host, 0), 1);
    if (ip != NULL)
        assert_int_equal(X509_VERIFY_PARAM_set1_ip_asc(param, ip), 1);
    (void)X509_verify_cert(context);
    error = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return error;
}

static void a_strict_verifier_accepts_each_name_and_no_other(void **state)
{
    struct x509_pair ca = {0};
    struct x509_pair leaf = {0};
    struct x509_pair stranger = {0};
    X509 *ca_cert;
    X509 *leaf_cert;
    X509 *stranger_cert;

    (void)state;
    assert_int_equal(x509_make_ca(&ca, "gateward test", NULL), OK);
    assert_int_equal(x509_make_ca(&stranger, "gateward test", NULL), OK);
    assert_int_equal(x509_make_leaf(&leaf, &ca, names, 4, NULL), OK);
    ca_cert = read_cert(&ca);
    leaf_cert = read_cert(&leaf);
    stranger_cert = read_cert(&stranger);
    assert_int_equal(verify(ca_cert, leaf_cert, "localhost", NULL), X509_V_OK);
    assert_int_equal(verify(ca_cert, leaf_cert, "a.dev.test", NULL), X509_V_OK);
    assert_int_equal(verify(ca_cert, leaf_cert, NULL, "127.0.0.1"), X509_V_OK);
    assert_int_equal(verify(ca_cert, leaf_cert, NULL, "::1"), X509_V_OK);
    assert_int_equal(verify(ca_cert, leaf_cert, "example.com", NULL), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(verify(ca_cert, leaf_cert, NULL, "127.0.0.2"), X509_V_ERR_IP_ADDRESS_MISMATCH);
    assert_int_not_equal(verify(stranger_cert, leaf_cert, "localhost", NULL), X509_V_OK);
    X509_free(ca_cert);
    X509_free(leaf_cert);
    X509_free(stranger_cert);
    x509_pair_clear(&ca);
    x509_pair_clear(&leaf);
    x509_pair_clear(&stranger);
}

static void serials_are_random_positive_and_128_bits(void **state)
{
    struct x509_pair ca[2] = {0};
    X509 *cert[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        const ASN1_INTEGER *serial;

        assert_int_equal(x509_make_ca(&ca[i], "gateward test", NULL), OK);
        cert[i] = read_cert(&ca[i]);
        serial = X509_get0_serialNumber(cert[i]);
        assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER); /* not V_ASN1_NEG_INTEGER */
        assert_int_equal(ASN1_STRING_length(serial), 16);
    }
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(cert[0]), X509_get0_serialNumber(cert[1])), 0);
    assert_false(buf_view(&ca[0].key_pem).len == 0);
    assert_false(view_eq(buf_view(&ca[0].key_pem), buf_view(&ca[1].key_pem)));
    for (int i = 0; i < 2; i++) {
        X509_free(cert[i]);
        x509_pair_clear(&ca[i]);
    }
}

static void the_leaf_is_no_authority_and_its_pem_holds_no_key(void **state)
{
    struct x509_pair ca = {0};
    struct x509_pair leaf = {0};
    X509 *cert;

    (void)state;
    assert_int_equal(x509_make_ca(&ca, "gateward test", NULL), OK);
    assert_int_equal(x509_make_leaf(&leaf, &ca, names, 4, NULL), OK);
    cert = read_cert(&leaf);
    assert_int_equal(X509_check_ca(cert), 0);
    assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_SERVER);
    assert_int_equal(X509_get_key_usage(cert), X509v3_KU_DIGITAL_SIGNATURE);
    assert_null(memmem(leaf.cert_pem.data, leaf.cert_pem.len, "PRIVATE", 7));
    assert_non_null(memmem(leaf.key_pem.data, leaf.key_pem.len, "BEGIN PRIVATE KEY", 17));
    X509_free(cert);
    x509_pair_clear(&ca);
    x509_pair_clear(&leaf);
    assert_null(leaf.key_pem.data);
}

static void names_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {
        "", "a,DNS:evil.test", "with space", "a:b", "caf\xc3\xa9.test", "x/y", "dirName:z"};
    struct x509_pair ca = {0};
    struct x509_pair leaf = {0};
    struct error why;

    (void)state;
    assert_int_equal(x509_make_ca(&ca, "gateward test", NULL), OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(x509_make_leaf(&leaf, &ca, &bad[i], 1, &why), E_INVALID);
    assert_int_equal(x509_make_leaf(&leaf, &ca, names, 0, &why), E_INVALID);
    assert_int_equal(leaf.cert_pem.len, 0);
    x509_pair_clear(&ca);
}

static void a_key_of_another_authority_is_refused(void **state)
{
    struct x509_pair ca = {0};
    struct x509_pair other = {0};
    struct x509_pair mixed;
    struct x509_pair leaf = {0};
    struct error why;

    (void)state;
    assert_int_equal(x509_make_ca(&ca, "gateward test", NULL), OK);
    assert_int_equal(x509_make_ca(&other, "gateward test", NULL), OK);
    mixed = (struct x509_pair){ca.cert_pem, other.key_pem};
    assert_int_equal(x509_make_leaf(&leaf, &mixed, names, 4, &why), E_INVALID);
    x509_pair_clear(&ca);
    x509_pair_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strict_verifier_accepts_each_name_and_no_other),
        cmocka_unit_test(serials_are_random_positive_and_128_bits),
        cmocka_unit_test(the_leaf_is_no_authority_and_its_pem_holds_no_key),
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(a_key_of_another_authority_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
