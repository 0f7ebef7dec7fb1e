/* SPDX-License-Identifier: Apache-2.0 */
/* client_certificate.c: the names in a client's certificate, each with its length checked, because
 * a NUL byte in the middle would make us read another name than the authority signed (R-T8). */
#include "crypto/client_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/status.h"
#include "crypto/digest.h"

static int add_name(struct client_certificate *out, enum certificate_name_kind kind,
                    struct view text)
{
    struct certificate_name *name = &out->names[out->names_count];

    if (text.len == 0 || text.len > CERTIFICATE_NAME_BYTES_MAX ||
        memchr(text.ptr, '\0', text.len) != NULL)
        return E_INVALID;
    if (out->names_count >= CERTIFICATE_NAMES_MAX)
        return E_LIMIT;
    name->kind = kind;
    memcpy(name->text, text.ptr, text.len);
    name->text[text.len] = '\0';
    out->names_count++;
    return OK;
}

/* The only common name of a subject whose parts are single values; -1: there is none like that. */
static int find_common_name(const X509_NAME *subject)
{
    int found = -1, previous_set = -1;

    for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
        int set = X509_NAME_ENTRY_set(entry);
        bool is_common = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == NID_commonName;

        if (set == previous_set || (is_common && found >= 0))
            return -1;
        previous_set = set;
        if (is_common)
            found = i;
    }
    return found;
}

static int read_subject(struct client_certificate *out, const X509 *cert)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = find_common_name(subject), len, rc;
    unsigned char *text = NULL;

    if (at < 0)
        return OK;
    len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (len < 0)
        return E_INVALID;
    rc = add_name(out, CERTIFICATE_COMMON_NAME, view_of(text, (size_t)len));
    OPENSSL_free(text);
    return rc;
}

static int read_alternative(struct client_certificate *out, const GENERAL_NAME *name)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    enum certificate_name_kind kind;

    switch (type) {
    case GEN_DNS:
        kind = CERTIFICATE_DNS;
        break;
    case GEN_URI:
        kind = CERTIFICATE_URI;
        break;
    case GEN_EMAIL:
        kind = CERTIFICATE_EMAIL;
        break;
    default:
        return OK; /* no row can ask for it */
    }
    return add_name(out, kind,
                    view_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
}

static int read_alternatives(struct client_certificate *out, const X509 *cert)
{
    int state, rc = OK;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &state, NULL);

    if (names == NULL)
        return state == -1 ? OK : E_INVALID; /* absent; else malformed, or there twice */
    for (int i = 0; rc == OK && i < sk_GENERAL_NAME_num(names); i++)
        rc = read_alternative(out, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    return rc;
}

static int read_end(struct client_certificate *out, const X509 *cert)
{
    struct tm end;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) != 1)
        return E_INVALID;
    out->ends_s = (int64_t)timegm(&end);
    return OK;
}

int client_certificate_read(struct client_certificate *out, struct view der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    X509 *cert = der.len > 0 && der.len <= INT32_MAX ? d2i_X509(NULL, &at, (long)der.len) : NULL;
    int rc = E_INVALID;

    out->names_count = 0;
    if (cert != NULL && at == (const unsigned char *)der.ptr + der.len)
        rc = digest_sha256(out->fingerprint, der.ptr, der.len);
    if (rc == OK)
        rc = read_end(out, cert);
    if (rc == OK)
        rc = read_subject(out, cert);
    if (rc == OK)
        rc = read_alternatives(out, cert);
    X509_free(cert);
    ERR_clear_error();
    return rc;
}
