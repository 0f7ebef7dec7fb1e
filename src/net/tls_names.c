/* SPDX-License-Identifier: Apache-2.0 */
/* tls_names.c: which site serves which name, and the choice between them at the ClientHello, before
 * OpenSSL looks at tickets or versions: a ticket is then judged by the site it is used for, not by
 * the first one (CVE-2025-23419). */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "base/status.h"
#include "net/tls_private.h"

#define NAMES_MAX      256 /* of one site */
#define NAME_BYTES_MAX 253 /* RFC 1035 section 2.3.4, without the root's dot */
#define TYPE_HOST_NAME 0   /* RFC 6066 section 3 */

/* A host name, or "*." and one. */
static bool name_ok(struct view name)
{
    if (name.len > 2 && name.ptr[0] == '*' && name.ptr[1] == '.')
        name = view_of(name.ptr + 2, name.len - 2);
    if (name.len == 0 || name.len > NAME_BYTES_MAX || name.ptr[0] == '.' ||
        name.ptr[name.len - 1] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && c != '-' && c != '_' &&
            (c != '.' || name.ptr[i - 1] == '.')) /* not first */
            return false;
    }
    return true;
}

static int add_name(struct tls_site *site, struct view name)
{
    char *copy;

    if (site->names_count >= NAMES_MAX)
        return E_LIMIT;
    copy = view_dup(name);
    if (copy == NULL)
        return E_NOMEM;
    for (char *at = copy; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    site->names[site->names_count++] = copy;
    return OK;
}

static int add_alternatives(struct tls_site *site, X509 *cert)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int rc = OK;

    for (int i = 0; rc == OK && i < sk_GENERAL_NAME_num(names); i++) {
        int kind;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);
        struct view name;
        if (kind != GEN_DNS)
            continue;
        name = view_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
        if (name_ok(name))
            rc = add_name(site, name);
    }
    GENERAL_NAMES_free(names);
    return rc;
}

static int add_common_name(struct tls_site *site, X509 *cert)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    const ASN1_STRING *value;
    struct view name;

    if (at < 0)
        return OK;
    value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    name = view_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    return name_ok(name) ? add_name(site, name) : OK;
}

/* Would a client that asks for this name be content with the certificate? */
static bool covers(X509 *cert, const char *name)
{
    char plain[NAME_BYTES_MAX + 3];
    size_t len = strlen(name);

    memcpy(plain, name, len + 1);
    if (plain[0] == '*')
        plain[0] = 'a';
    return X509_check_host(cert, plain, len, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

static int add_written(struct tls_site *site, const struct tls_site_options *o, X509 *cert,
                       struct error *why)
{
    int rc = OK;

    for (uint32_t i = 0; rc == OK && i < o->names_count; i++) {
        if (!name_ok(view_of_text(o->names[i]))) {
            error_set(why, "%.260s is no host name; a wildcard is *. and a name", o->names[i]);
            return E_INVALID;
        }
        if (!covers(cert, o->names[i])) {
            error_set(why, "the certificate %.200s is not made for %.260s", o->cert_path,
                      o->names[i]);
            return E_INVALID;
        }
        rc = add_name(site, view_of_text(o->names[i]));
    }
    return rc;
}

int tls_names_load(struct tls_site *site, const struct tls_site_options *o, struct error *why)
{
    X509 *cert = SSL_CTX_get0_certificate(site->context);
    int rc;

    site->names = calloc(NAMES_MAX, sizeof(*site->names));
    if (site->names == NULL)
        return E_NOMEM;
    if (o->names_count > 0)
        return add_written(site, o, cert, why);
    rc = add_alternatives(site, cert);
    if (rc == OK && site->names_count == 0)
        rc = add_common_name(site, cert);
    if (rc == E_LIMIT)
        error_set(why, "the certificate %s has more than %d names", o->cert_path, NAMES_MAX);
    return rc;
}

static const char *find_twin(const struct tls_server *t, uint32_t index)
{
    const struct tls_site *site = &t->sites[index];

    for (uint32_t n = 0; n < site->names_count; n++) {
        for (uint32_t i = 0; i < index; i++) {
            for (uint32_t k = 0; k < t->sites[i].names_count; k++)
                if (strcmp(t->sites[i].names[k], site->names[n]) == 0)
                    return site->names[n];
        }
    }
    return NULL;
}

int tls_names_check(const struct tls_server *t, struct error *why)
{
    for (uint32_t i = 0; i < t->sites_count && t->sites_count > 1; i++) {
        const char *twin = find_twin(t, i);

        if (twin != NULL) {
            error_set(why, "the name %s belongs to two certificates; give each its `names`", twin);
            return E_EXISTS;
        }
        if (t->sites[i].names_count == 0) {
            error_set(why, "certificate number %u has no host name, so nobody can ask for it",
                      i + 1);
            return E_INVALID;
        }
    }
    return OK;
}

static bool site_has(const struct tls_site *site, struct view name)
{
    for (uint32_t i = 0; i < site->names_count; i++)
        if (view_eq_nocase(view_of_text(site->names[i]), name))
            return true;
    return false;
}

int tls_names_find(const struct tls_server *t, struct view name)
{
    char pattern[NAME_BYTES_MAX + 2];
    const char *dot = name.len > 0 ? memchr(name.ptr, '.', name.len) : NULL;
    size_t rest;

    if (name.len > 0 && name.ptr[0] == '*')
        return -1; /* a pattern is no name */
    for (uint32_t i = 0; i < t->sites_count; i++)
        if (site_has(&t->sites[i], name))
            return (int)i;
    if (dot == NULL || dot == name.ptr || name.len > NAME_BYTES_MAX)
        return -1;
    rest = name.len - (size_t)(dot - name.ptr);
    pattern[0] = '*';
    memcpy(pattern + 1, dot, rest);
    for (uint32_t i = 0; i < t->sites_count; i++)
        if (site_has(&t->sites[i], view_of(pattern, rest + 1)))
            return (int)i;
    return -1;
}

bool tls_names_parse(struct view extension, struct view *name)
{
    struct rd r = rd_of(extension.ptr, extension.len);
    uint16_t list_bytes = rd_u16(&r);
    uint8_t type = rd_u8(&r);
    uint16_t name_bytes = rd_u16(&r);

    *name = rd_bytes(&r, name_bytes);
    return !r.failed && rd_left(&r) == 0 && list_bytes == extension.len - 2 &&
           type == TYPE_HOST_NAME && name_bytes > 0 && memchr(name->ptr, '\0', name_bytes) == NULL;
}

/* False: malformed. *name stays empty when no name was sent. */
static bool read_server_name(SSL *ssl, struct view *name)
{
    const unsigned char *bytes;
    size_t len;

    *name = view_of("", 0);
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &len) != 1)
        return true;
    return tls_names_parse(view_of(bytes, len), name);
}

/* The reasons are those that OpenSSL has words for; tls_stream.c puts them into ours. */
static int refuse(int *alert, int code, int reason)
{
    *alert = code;
    ERR_raise(ERR_LIB_SSL, reason);
    return SSL_CLIENT_HELLO_ERROR;
}

int tls_names_on_hello(SSL *ssl, int *alert, void *context)
{
    const struct tls_server *t = context;
    struct view name;
    int index = 0;

    if (!read_server_name(ssl, &name))
        return refuse(alert, SSL_AD_DECODE_ERROR, SSL_R_BAD_EXTENSION);
    if (name.len == 0 && t->needs_name)
        return refuse(alert, SSL_AD_HANDSHAKE_FAILURE, SSL_R_TLSV13_ALERT_MISSING_EXTENSION);
    if (name.len > 0)
        index = tls_names_find(t, name);
    if (index < 0 && t->sites_count == 1 && t->sites[0].names_count == 0)
        index = 0; /* its only certificate names nobody */
    if (index < 0)
        return refuse(alert, SSL_AD_UNRECOGNIZED_NAME, SSL_R_TLSV1_UNRECOGNIZED_NAME);
    if (!tls_site_apply(&t->sites[index], ssl))
        return refuse(alert, SSL_AD_INTERNAL_ERROR, ERR_R_INTERNAL_ERROR);
    return SSL_CLIENT_HELLO_SUCCESS;
}
