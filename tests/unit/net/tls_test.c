/* SPDX-License-Identifier: Apache-2.0 */
/* tls_test.c: which certificates and keys a server refuses to start with, and what it says then. */
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/tls.h"
#include "net/tls_private.h"

static char dir[] = "/tmp/net_test_XXXXXX";
static char cert_path[64], key_path[64];

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(cert_path, sizeof(cert_path), "%s/cert", dir);
    (void)snprintf(key_path, sizeof(key_path), "%s/key", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(cert_path);
    (void)unlink(key_path);
    return rmdir(dir);
}

/* Self-signed, valid from `from_s` to `to_s` seconds from now; written to the two paths. */
static void make(EVP_PKEY *key, long from_s, long to_s)
{
    X509 *cert = X509_new();
    FILE *file;

    (void)X509_set_version(cert, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), from_s);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), to_s);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                     (const unsigned char *)"test", -1, -1, 0);
    (void)X509_set_issuer_name(cert, X509_get_subject_name(cert));
    (void)X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    file = fopen(cert_path, "w");
    assert_int_equal(PEM_write_X509(file, cert), 1);
    (void)fclose(file);
    file = fopen(key_path, "w");
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
    assert_int_equal(chmod(key_path, 0600), 0);
    X509_free(cert);
}

static void expect(int rc, const char *words)
{
    struct tls_site_options site = {.cert_path = cert_path, .key_path = key_path};
    struct tls_server_options options = {.sites = &site, .sites_count = 1};
    struct tls_server *t = NULL;
    struct error why = {0};

    assert_int_equal(tls_server_new(&t, &options, &why), rc);
    if (rc == OK)
        assert_non_null(t);
    else
        assert_null(t);
    if (words != NULL)
        assert_non_null(strstr(why.text, words));
    tls_server_drop(t);
}

static void a_sound_pair_is_taken(void **state)
{
    EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);

    (void)state;
    make(ec, -60, 3600);
    expect(OK, NULL);
    make(rsa, -60, 3600);
    expect(OK, NULL);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

static void unsound_ones_are_refused_with_advice(void **state)
{
    EVP_PKEY *ec = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(1024);
    FILE *file;

    (void)state;
    make(rsa, -60, 3600);
    expect(E_DENIED, "1024 bits");
    make(ec, -7200, -3600);
    expect(E_EXPIRED, "has expired");
    make(ec, -60, 3600);
    assert_int_equal(chmod(key_path, 0644), 0);
    expect(E_DENIED, "chmod 600");
    file = fopen(key_path, "w");
    assert_int_equal(PEM_write_PrivateKey(file, other, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
    assert_int_equal(chmod(key_path, 0600), 0);
    expect(E_INVALID, key_path);
    file = fopen(key_path, "w");
    assert_int_equal(PEM_write_PrivateKey(file, ec, EVP_aes_128_cbc(),
                                          (const unsigned char *)"secret", 6, NULL, NULL),
                     1);
    (void)fclose(file);
    expect(E_INVALID, "without a passphrase"); /* and nobody is asked for it */
    (void)unlink(key_path);
    expect(E_IO, "cannot read the key");
    make(ec, -60, 3600);
    file = fopen(cert_path, "w");
    (void)fputs("nothing of the kind\n", file);
    (void)fclose(file);
    expect(E_INVALID, cert_path);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(other);
    EVP_PKEY_free(rsa);
}

static void the_context_is_strict(void **state)
{
    struct tls_site_options site = {.cert_path = cert_path, .key_path = key_path};
    struct tls_server_options options = {.sites = &site, .sites_count = 1, .allows_tls12 = true};
    struct tls_server *t;
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    struct error why;
    SSL_CTX *context;
    STACK_OF(SSL_CIPHER) * suites;

    (void)state;
    make(ec, -60, 3600);
    assert_int_equal(tls_server_new(&t, &options, &why), OK);
    context = tls_server_context(t);
    assert_int_equal(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_get_max_early_data(context), 0);
    assert_int_equal(SSL_CTX_get_num_tickets(context), 1);
    assert_int_equal(SSL_CTX_get_session_cache_mode(context), SSL_SESS_CACHE_OFF);
    assert_true((SSL_CTX_get_options(context) & SSL_OP_NO_RENEGOTIATION) != 0);
    assert_true((SSL_CTX_get_options(context) & SSL_OP_NO_COMPRESSION) != 0);
    assert_int_equal(SSL_CTX_get_verify_mode(context), SSL_VERIFY_NONE);
    suites = SSL_CTX_get_ciphers(context);
    assert_true(sk_SSL_CIPHER_num(suites) >= 6);
    for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
        const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
        assert_int_equal(SSL_CIPHER_is_aead(suite), 1);
        assert_true(strncmp(SSL_CIPHER_get_name(suite), "TLS_", 4) == 0 ||
                    strncmp(SSL_CIPHER_get_name(suite), "ECDHE-", 6) == 0);
    }
    tls_server_drop(t);
    EVP_PKEY_free(ec);
}

static void a_client_needs_certificates_it_can_read(void **state)
{
    struct tls_client *t = NULL;
    struct error why;

    (void)state;
    assert_int_equal(tls_client_new(&t, "/nonexistent/ca.pem", &why), E_IO);
    assert_non_null(strstr(why.text, "/nonexistent/ca.pem"));
    assert_null(t);
    assert_int_equal(tls_client_new(&t, NULL, &why), OK);
    assert_int_equal(SSL_CTX_get_verify_mode(tls_client_context(t)), SSL_VERIFY_PEER);
    tls_client_free(t);
    tls_client_free(NULL);
    tls_server_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_pair_is_taken),
        cmocka_unit_test(unsound_ones_are_refused_with_advice),
        cmocka_unit_test(the_context_is_strict),
        cmocka_unit_test(a_client_needs_certificates_it_can_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
