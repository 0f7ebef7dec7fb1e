/* SPDX-License-Identifier: Apache-2.0 */
/* certificate_maker.h: client certificates in DER with any subject and any names, for tests.
 * Include after cmocka.h. */
#ifndef TESTS_CERTIFICATE_MAKER_H
#define TESTS_CERTIFICATE_MAKER_H

#include <openssl/x509v3.h>
#include <string.h>

#include "base/view.h"

#define MAKER_ENDS_S 1900000000 /* notAfter of every certificate made here */

struct maker {
    X509 *cert;
    EVP_PKEY *key;
    GENERAL_NAMES *names;
    unsigned char *der;
};

static inline void maker_open(struct maker *m)
{
    memset(m, 0, sizeof(*m));
    m->cert = X509_new();
    m->key = EVP_EC_gen("P-256");
    m->names = GENERAL_NAMES_new();
    assert_int_equal(X509_set_version(m->cert, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(m->cert), 7), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(m->cert), 1500000000));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(m->cert), MAKER_ENDS_S));
    assert_int_equal(X509_set_pubkey(m->cert, m->key), 1);
}

/* set: 0 begins a part of the subject, -1 joins the one before it. */
static inline void maker_subject(struct maker *m, const char *field, struct view text, int set)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(m->cert), field,
                                                MBSTRING_UTF8, (const unsigned char *)text.ptr,
                                                (int)text.len, -1, set),
                     1);
}

static inline void maker_name(struct maker *m, int type, struct view text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();

    assert_int_equal(ASN1_STRING_set(value, text.ptr, (int)text.len), 1);
    GENERAL_NAME_set0_value(name, type, value);
    assert_true(sk_GENERAL_NAME_push(m->names, name) > 0);
}

static inline struct view maker_der(struct maker *m)
{
    int len;

    if (sk_GENERAL_NAME_num(m->names) > 0)
        assert_int_equal(
            X509_add1_ext_i2d(m->cert, NID_subject_alt_name, m->names, 0, X509V3_ADD_REPLACE), 1);
    assert_true(X509_sign(m->cert, m->key, EVP_sha256()) > 0);
    OPENSSL_free(m->der);
    m->der = NULL;
    len = i2d_X509(m->cert, &m->der);
    assert_true(len > 0);
    return view_of(m->der, (size_t)len);
}

static inline void maker_close(struct maker *m)
{
    X509_free(m->cert);
    EVP_PKEY_free(m->key);
    GENERAL_NAMES_free(m->names);
    OPENSSL_free(m->der);
}

#endif
