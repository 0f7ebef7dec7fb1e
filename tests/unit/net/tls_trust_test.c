/* SPDX-License-Identifier: Apache-2.0 */
/* tls_trust_test.c: which authorities and revocation lists are taken, and whom the lists revoke. */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/tls_private.h"

static char dir[] = "/tmp/trust_test_XXXXXX";
static char ca_path[64], crl_path[64];
static EVP_PKEY *ca_key, *other_key;
static X509 *ca, *leaf, *other_leaf;

static X509 *make(const char *name, long serial, EVP_PKEY *key, bool is_ca)
{
    X509 *cert = X509_new();
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();

    (void)X509_set_version(cert, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                     (const unsigned char *)name, -1, -1, 0);
    (void)X509_set_issuer_name(cert, ca != NULL ? X509_get_subject_name(ca)
                                                : X509_get_subject_name(cert));
    (void)X509_set_pubkey(cert, key);
    basic->ca = is_ca ? 0xff : 0;
    assert_int_equal(X509_add1_ext_i2d(cert, NID_basic_constraints, basic, 1, 0), 1);
    BASIC_CONSTRAINTS_free(basic);
    assert_true(X509_sign(cert, ca_key, EVP_sha256()) > 0);
    return cert;
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(ca_path, sizeof(ca_path), "%s/ca", dir);
    (void)snprintf(crl_path, sizeof(crl_path), "%s/crl", dir);
    ca_key = EVP_EC_gen("P-256");
    other_key = EVP_EC_gen("P-256");
    ca = make("authority", 1, ca_key, true);
    leaf = make("leaf", 7, other_key, false);
    other_leaf = make("other", 8, other_key, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(ca_path);
    (void)unlink(crl_path);
    X509_free(ca);
    X509_free(leaf);
    X509_free(other_leaf);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
    return rmdir(dir);
}

static void write_certificates(X509 *first, X509 *second, const char *tail)
{
    FILE *file = fopen(ca_path, "w");

    assert_non_null(file);
    if (first != NULL)
        assert_int_equal(PEM_write_X509(file, first), 1);
    if (second != NULL)
        assert_int_equal(PEM_write_X509(file, second), 1);
    (void)fputs(tail, file);
    (void)fclose(file);
}

enum part { PART_NONE, PART_DELTA, PART_REASONS, PART_INDIRECT, PART_ATTRIBUTES, PART_USERS };

static void add_part(X509_CRL *crl, enum part part)
{
    ISSUING_DIST_POINT *scope = ISSUING_DIST_POINT_new();
    ASN1_INTEGER *base = ASN1_INTEGER_new();

    (void)ASN1_INTEGER_set(base, 1);
    if (part == PART_DELTA)
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
    if (part == PART_REASONS) {
        scope->onlysomereasons = ASN1_BIT_STRING_new();
        (void)ASN1_BIT_STRING_set_bit(scope->onlysomereasons, 1, 1);
    }
    scope->indirectCRL = part == PART_INDIRECT ? 0xff : 0;
    scope->onlyattr = part == PART_ATTRIBUTES ? 0xff : 0;
    scope->onlyuser = part == PART_USERS ? 0xff : 0;
    if (part > PART_DELTA)
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, scope, 1, 0),
                         1);
    ISSUING_DIST_POINT_free(scope);
    ASN1_INTEGER_free(base);
}

/* Revokes number 7; next update `end_s` from now, 0: not said. */
static void write_part(EVP_PKEY *key, long end_s, enum part part)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *row = X509_REVOKED_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -7200), *end = X509_gmtime_adj(NULL, end_s);
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    FILE *file = fopen(crl_path, "w");

    (void)ASN1_INTEGER_set(serial, 7);
    (void)X509_CRL_set_version(crl, 1);
    (void)X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
    (void)X509_CRL_set1_lastUpdate(crl, now);
    if (end_s != 0)
        (void)X509_CRL_set1_nextUpdate(crl, end);
    (void)X509_REVOKED_set_serialNumber(row, serial);
    (void)X509_REVOKED_set_revocationDate(row, now);
    assert_int_equal(X509_CRL_add0_revoked(crl, row), 1);
    add_part(crl, part);
    assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    assert_non_null(file);
    assert_int_equal(PEM_write_X509_CRL(file, crl), 1);
    (void)fclose(file);
    X509_CRL_free(crl);
    ASN1_TIME_free(now);
    ASN1_TIME_free(end);
    ASN1_INTEGER_free(serial);
}

static void write_crl(EVP_PKEY *key, long end_s)
{
    write_part(key, end_s, PART_NONE);
}

static int load(struct tls_site *site, bool has_crl, const char *words)
{
    struct tls_site_options o = {.client = TLS_CLIENT_REQUIRED,
                                 .client_ca_path = ca_path,
                                 .client_crl_path = has_crl ? crl_path : NULL,
                                 .client_depth = 2};
    struct error why = {.text = ""};
    int rc;

    memset(site, 0, sizeof(*site));
    site->context = SSL_CTX_new(TLS_server_method());
    rc = tls_trust_load(site, &o, &why);
    if (words != NULL && strstr(why.text, words) == NULL)
        fail_msg("wanted \"%s\", got \"%s\"", words, why.text);
    return rc;
}

static void expect(bool has_crl, int rc, const char *words)
{
    struct tls_site site;

    assert_int_equal(load(&site, has_crl, words), rc);
    tls_site_clear(&site);
}

static void authorities_are_whole_and_may_sign(void **state)
{
    struct tls_site site;

    (void)state;
    write_certificates(ca, NULL, "");
    assert_int_equal(load(&site, false, NULL), OK);
    assert_int_equal(SSL_CTX_get_verify_mode(site.context),
                     SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    assert_int_equal(SSL_CTX_get_verify_depth(site.context), 2);
    assert_int_equal(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(site.context)), 1);
    tls_site_clear(&site);
    write_certificates(ca, leaf, "");
    expect(false, E_INVALID, "may not sign others");
    write_certificates(ca, NULL, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    expect(false, E_INVALID, "nothing broken");
    write_certificates(NULL, NULL, "words\n");
    expect(false, E_INVALID, "must hold PEM certificates");
    (void)unlink(ca_path);
    expect(false, E_IO, "cannot read");
}

static void lists_are_signed_and_in_date(void **state)
{
    (void)state;
    write_certificates(ca, NULL, "");
    write_crl(ca_key, 3600);
    expect(true, OK, NULL);
    write_crl(other_key, 3600);
    expect(true, E_DENIED, "that no certificate of client_ca has signed");
    write_crl(ca_key, -60);
    expect(true, E_EXPIRED, "next update is past");
    write_crl(ca_key, 0);
    expect(true, E_EXPIRED, "not said");
    (void)unlink(crl_path);
    expect(true, E_IO, "cannot read");
}

/* What is only on such a list would not be refused by the handshake. */
static void lists_are_no_parts_of_lists(void **state)
{
    (void)state;
    write_certificates(ca, NULL, "");
    for (enum part part = PART_DELTA; part <= PART_ATTRIBUTES; part++) {
        write_part(ca_key, 3600, part);
        expect(true, E_UNSUPPORTED, "only a part");
    }
    write_part(ca_key, 3600, PART_USERS);
    expect(true, OK, NULL);
}

static void a_list_revokes_the_numbers_on_it(void **state)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    struct tls_site site;

    (void)state;
    write_certificates(ca, NULL, "");
    write_crl(ca_key, 3600);
    assert_int_equal(load(&site, true, NULL), OK);
    assert_false(tls_trust_revokes(&site, NULL));
    assert_false(tls_trust_revokes(&site, chain));
    assert_true(sk_X509_push(chain, other_leaf) > 0 && sk_X509_push(chain, ca) > 0);
    assert_false(tls_trust_revokes(&site, chain));
    assert_true(sk_X509_push(chain, leaf) > 0);
    assert_true(tls_trust_revokes(&site, chain));
    tls_site_clear(&site);
    assert_int_equal(load(&site, false, NULL), OK);
    assert_false(tls_trust_revokes(&site, chain));
    tls_site_clear(&site);
    sk_X509_free(chain);
}

static void a_chain_is_known_by_the_key_at_its_end(void **state)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *renewed = make("authority", 2, ca_key, true);
    X509 *namesake = make("authority", 1, other_key, true);
    struct tls_site site;

    (void)state;
    write_certificates(renewed, NULL, "");
    assert_int_equal(load(&site, false, NULL), OK);
    assert_false(tls_trust_knows(&site, NULL));
    assert_false(tls_trust_knows(&site, chain));
    assert_true(sk_X509_push(chain, leaf) > 0);
    assert_false(tls_trust_knows(&site, chain));
    assert_true(sk_X509_push(chain, ca) > 0);
    assert_true(tls_trust_knows(&site, chain));
    tls_site_clear(&site);
    write_certificates(namesake, NULL, "");
    assert_int_equal(load(&site, false, NULL), OK);
    assert_false(tls_trust_knows(&site, chain));
    tls_site_clear(&site);
    sk_X509_free(chain);
    X509_free(renewed);
    X509_free(namesake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authorities_are_whole_and_may_sign),
        cmocka_unit_test(lists_are_signed_and_in_date),
        cmocka_unit_test(lists_are_no_parts_of_lists),
        cmocka_unit_test(a_list_revokes_the_numbers_on_it),
        cmocka_unit_test(a_chain_is_known_by_the_key_at_its_end),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
