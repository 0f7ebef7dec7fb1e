/* SPDX-License-Identifier: Apache-2.0 */
/* x509.c: what the first certificate of a PEM file says of itself. Nothing here trusts a
 * certificate: it is our own, and we only read which names to answer to and when it ends. Making
 * certificates is in x509_make.c. */
#include "crypto/x509.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/status.h"

#define PEM_FILE_BYTES_MAX (1024 * 1024)
#define NAMES_MAX          1024

static int no_password(char *out, int size, int for_writing, void *context)
{
    (void)out;
    (void)size;
    (void)for_writing;
    (void)context;
    return -1; /* never ask on the terminal */
}

static int read_first(X509 **cert, const char *path, struct error *why)
{
    struct buf text = BUF_INIT(PEM_FILE_BYTES_MAX);
    BIO *bio = NULL;
    int rc;

    rc = file_read(&text, path);
    if (rc != OK) {
        error_set(why, "cannot read certificate file %s: %s", path,
                  rc == E_IO ? strerror(errno) : status_text(rc));
        goto done;
    }
    rc = E_INVALID;
    bio = BIO_new_mem_buf(text.len > 0 ? (const void *)text.data : "", (int)text.len);
    if (bio != NULL)
        *cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    if (bio != NULL && *cert != NULL)
        rc = OK;
    else
        error_set(why, "%s holds no certificate in PEM form", path);
done:
    ERR_clear_error(); /* what stays queued would be taken for a fault of this thread's next TLS
                          call */
    BIO_free(bio);
    buf_clear(&text);
    return rc;
}

/* A NUL inside would make us read another name than the authority signed. */
static bool text_ok(const ASN1_STRING *s)
{
    int len = ASN1_STRING_length(s);

    return len > 0 && memchr(ASN1_STRING_get0_data(s), '\0', (size_t)len) == NULL;
}

/* Writes the name's text to `out`; false when it is of no kind we answer to, or malformed. */
static bool general_name_text(const GENERAL_NAME *name, char *out, size_t cap)
{
    int kind;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    size_t len;

    if (kind != GEN_DNS && kind != GEN_IPADD)
        return false;
    len = (size_t)ASN1_STRING_length(value);
    if (kind == GEN_IPADD) {
        struct ip_address ip = {.family = len == 4 ? 4 : 6};

        if (len != 4 && len != 16)
            return false;
        memcpy(ip.bytes, ASN1_STRING_get0_data(value), len);
        ip_address_text(&ip, out);
        return true;
    }
    if (!text_ok(value) || len >= cap)
        return false;
    memcpy(out, ASN1_STRING_get0_data(value), len);
    out[len] = '\0';
    return true;
}

/* Returns how many names were told. */
static int tell_alternatives(X509 *cert, void (*each)(void *context, const char *name),
                             void *context)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int told = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < NAMES_MAX; i++) {
        char text[256];

        if (!general_name_text(sk_GENERAL_NAME_value(names, i), text, sizeof(text)))
            continue;
        each(context, text);
        told++;
    }
    GENERAL_NAMES_free(names);
    return told;
}

static int tell_common_name(X509 *cert, void (*each)(void *context, const char *name),
                            void *context)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    const ASN1_STRING *value;
    unsigned char *text = NULL;
    int len;
    int told = 0;

    if (at < 0)
        return 0;
    value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    len = ASN1_STRING_to_UTF8(&text, value);
    if (len > 0 && strlen((const char *)text) == (size_t)len) {
        each(context, (const char *)text);
        told = 1;
    }
    OPENSSL_free(text);
    return told;
}

int x509_file_names(const char *pem_path, void (*each)(void *context, const char *name),
                    void *context, struct error *why)
{
    X509 *cert = NULL;
    int rc;

    rc = read_first(&cert, pem_path, why);
    if (rc != OK)
        return rc;
    if (tell_alternatives(cert, each, context) == 0 && tell_common_name(cert, each, context) == 0) {
        error_set(why, "the certificate in %s names no host", pem_path);
        rc = E_INVALID;
    }
    X509_free(cert);
    return rc;
}

int x509_file_expires_in(const char *pem_path, long *seconds, struct error *why)
{
    X509 *cert = NULL;
    struct tm end;
    int rc;

    rc = read_first(&cert, pem_path, why);
    if (rc != OK)
        return rc;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) == 1) {
        *seconds = (long)(timegm(&end) - clock_wall_s());
    } else {
        error_set(why, "the certificate in %s has no readable end date", pem_path);
        rc = E_INVALID;
    }
    X509_free(cert);
    return rc;
}
