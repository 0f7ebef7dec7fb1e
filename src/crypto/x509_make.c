/* SPDX-License-Identifier: Apache-2.0 */
/* x509_make.c: the small certificate authority of `gateward dev`, after the profile of RFC 5280
 * that browsers, curl and strict verifiers ask for: key identifiers on both, critical basic
 * constraints, names in subjectAltName alone. Reading certificates is in x509.c. */
#include "crypto/x509.h"

#include <stdio.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/ip.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/secret.h"

#define DAY_S           (24L * 60 * 60)
#define CA_S            (3650 * DAY_S)
#define LEAF_S          (397 * DAY_S) /* browsers refuse more than 398 days */
#define BACK_S          (60 * 60)     /* valid a little before now: clocks differ */
#define NAMES_MAX       64
#define NAME_BYTES_MAX  253 /* RFC 1035 section 2.3.4 */
#define COMMON_NAME_MAX 64  /* RFC 5280 appendix A.1, ub-common-name */
#define PEM_BYTES_MAX   (64 * 1024)

/* 127 random bits behind a set one: positive, never zero, 16 bytes (RFC 5280 section 4.1.2.2). */
static int set_serial(X509 *cert)
{
    uint8_t bytes[16];
    BIGNUM *number;
    int rc = E_CRYPTO;

    random_bytes(bytes, sizeof(bytes));
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    if (number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL)
        rc = OK;
    BN_free(number);
    return rc;
}

static int set_common_name(X509 *cert, const char *name)
{
    if (strlen(name) > COMMON_NAME_MAX)
        name = "gateward";
    if (X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)name, -1, -1, 0) != 1)
        return E_CRYPTO;
    return OK;
}

/* Everything but issuer and extensions. */
static X509 *new_cert(EVP_PKEY *key, const char *common_name, long seconds)
{
    int64_t now_s = clock_wall_s();
    X509 *cert = X509_new();

    if (cert == NULL)
        return NULL;
    if (X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) == OK &&
        ASN1_TIME_set(X509_getm_notBefore(cert), now_s - BACK_S) != NULL &&
        ASN1_TIME_set(X509_getm_notAfter(cert), now_s + seconds) != NULL &&
        X509_set_pubkey(cert, key) == 1 && set_common_name(cert, common_name) == OK)
        return cert;
    X509_free(cert);
    return NULL;
}

struct extension {
    int nid;
    const char *value; /* in the notation of x509v3_config(5) */
};

static int add_extensions(X509 *cert, X509 *issuer, const struct extension *list, size_t count)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, list[i].nid, list[i].value);
        int added = e != NULL && X509_add_ext(cert, e, -1) == 1;

        X509_EXTENSION_free(e);
        if (!added)
            return E_CRYPTO;
    }
    return OK;
}

static bool dns_name_ok(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= NAME_BYTES_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*") ==
               len;
}

/* "DNS:a.example,IP:127.0.0.1". Names cannot smuggle in a further entry: a comma is in neither
 * grammar. */
static int alternative_names(struct buf *out, const char *const *names, size_t names_len,
                             struct error *why)
{
    if (names_len == 0 || names_len > NAMES_MAX) {
        error_set(why, "a certificate needs between 1 and %d names, not %zu", NAMES_MAX, names_len);
        return E_INVALID;
    }
    for (size_t i = 0; i < names_len; i++) {
        struct ip_address ip;
        bool is_ip = ip_address_parse(&ip, view_of_text(names[i])) && ip.family != 0;
        char text[NAME_BYTES_MAX + 8];
        int len;

        if (!is_ip && !dns_name_ok(names[i])) {
            error_set(why, "\"%.64s\" is neither a DNS name nor an IP address", names[i]);
            return E_INVALID;
        }
        len = snprintf(text, sizeof(text), "%s%s:%s", i > 0 ? "," : "", is_ip ? "IP" : "DNS",
                       names[i]);
        if (len < 0 || (size_t)len >= sizeof(text))
            return E_INVALID;
        if (buf_append(out, text, (size_t)len) != OK)
            return E_NOMEM;
    }
    return buf_append(out, "", 1); /* the NUL that OpenSSL wants */
}

/* Moves what was written to `bio` behind the bytes of `out`. */
static int take_text(struct buf *out, BIO *bio)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    if (len <= 0)
        return E_CRYPTO;
    return buf_append(out, text, (size_t)len);
}

static int write_pair(struct x509_pair *pair, X509 *cert, EVP_PKEY *key)
{
    BIO *cert_bio = BIO_new(BIO_s_mem());
    BIO *key_bio = BIO_new(BIO_s_mem()); /* wiped by BIO_free */
    int rc = E_CRYPTO;

    ASSERT(pair->cert_pem.len == 0 && pair->key_pem.len == 0);
    if (pair->cert_pem.max == 0)
        buf_init(&pair->cert_pem, PEM_BYTES_MAX);
    if (pair->key_pem.max == 0)
        buf_init(&pair->key_pem, PEM_BYTES_MAX);
    if (cert_bio == NULL || key_bio == NULL || PEM_write_bio_X509(cert_bio, cert) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        goto done;
    rc = take_text(&pair->cert_pem, cert_bio);
    if (rc == OK)
        rc = take_text(&pair->key_pem, key_bio);
    if (rc != OK)
        x509_pair_clear(pair);
done:
    BIO_free(cert_bio);
    BIO_free(key_bio);
    return rc;
}

void x509_pair_clear(struct x509_pair *pair)
{
    buf_clear(&pair->cert_pem);
    secret_buf_clear(&pair->key_pem);
}

int x509_make_ca(struct x509_pair *ca, const char *common_name, struct error *why)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
    };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = NULL;
    int rc = E_CRYPTO;

    if (key == NULL)
        goto done;
    cert = new_cert(key, common_name, CA_S);
    if (cert == NULL || X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
        add_extensions(cert, cert, extensions, sizeof(extensions) / sizeof(extensions[0])) != OK ||
        X509_sign(cert, key, EVP_sha256()) <= 0)
        goto done;
    rc = write_pair(ca, cert, key);
done:
    if (rc != OK)
        error_set(why, "cannot make a certificate authority: %s", status_text(rc));
    ERR_clear_error(); /* what stays queued would be taken for a fault of this thread's next TLS
                          call */
    X509_free(cert);
    EVP_PKEY_free(key);
    return rc;
}

static int no_password(char *out, int size, int for_writing, void *context)
{
    (void)out;
    (void)size;
    (void)for_writing;
    (void)context;
    return -1; /* never ask on the terminal */
}

/* Both are the caller's to free, also after a failure. */
static int read_pair(X509 **cert, EVP_PKEY **key, const struct x509_pair *pair)
{
    BIO *cert_bio = BIO_new_mem_buf(pair->cert_pem.data, (int)pair->cert_pem.len);
    BIO *key_bio = BIO_new_mem_buf(pair->key_pem.data, (int)pair->key_pem.len);

    if (cert_bio != NULL && key_bio != NULL) {
        *cert = PEM_read_bio_X509(cert_bio, NULL, no_password, NULL);
        *key = PEM_read_bio_PrivateKey(key_bio, NULL, no_password, NULL);
    }
    BIO_free(cert_bio);
    BIO_free(key_bio);
    if (*cert == NULL || *key == NULL || X509_check_private_key(*cert, *key) != 1)
        return E_INVALID;
    return OK;
}

/* Makes key and certificate, signed by the authority. */
static int make_leaf(struct x509_pair *leaf, X509 *issuer, EVP_PKEY *issuer_key,
                     const char *common_name, const char *alternatives)
{
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {NID_subject_alt_name, alternatives},
    };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = NULL;
    int rc = E_CRYPTO;

    if (key == NULL)
        goto done;
    cert = new_cert(key, common_name, LEAF_S);
    if (cert == NULL || X509_set_issuer_name(cert, X509_get_subject_name(issuer)) != 1 ||
        add_extensions(cert, issuer, extensions, sizeof(extensions) / sizeof(extensions[0])) !=
            OK ||
        X509_sign(cert, issuer_key, EVP_sha256()) <= 0)
        goto done;
    rc = write_pair(leaf, cert, key);
done:
    X509_free(cert);
    EVP_PKEY_free(key);
    return rc;
}

int x509_make_leaf(struct x509_pair *leaf, const struct x509_pair *ca, const char *const *names,
                   size_t names_len, struct error *why)
{
    struct buf alternatives = BUF_INIT(NAMES_MAX * (NAME_BYTES_MAX + 8));
    X509 *issuer = NULL;
    EVP_PKEY *issuer_key = NULL;
    int rc;

    rc = alternative_names(&alternatives, names, names_len, why);
    if (rc != OK)
        goto done;
    rc = read_pair(&issuer, &issuer_key, ca);
    if (rc != OK) {
        error_set(why, "the certificate and the key of the authority do not belong together");
        goto done;
    }
    rc = make_leaf(leaf, issuer, issuer_key, names[0], (const char *)alternatives.data);
    if (rc != OK)
        error_set(why, "cannot make a certificate for %.64s: %s", names[0], status_text(rc));
done:
    ERR_clear_error();
    buf_clear(&alternatives);
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    return rc;
}
