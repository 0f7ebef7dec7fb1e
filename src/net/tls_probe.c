/* SPDX-License-Identifier: Apache-2.0 */
/* tls_probe.c: a TLS client without the strictness of tls.c, because it must get as far as a weak
 * server lets anybody. The certificate is verified, and the verdict kept instead of obeyed. */
#include "net/tls_probe.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/status.h"
#include "net/tls_private.h"

struct tls_probe {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    bool asks_for_certificate;
};

bool tls_probe_wait(int fd, bool is_write, uint64_t deadline_ms)
{
    struct pollfd one = {.fd = fd, .events = is_write ? POLLOUT : POLLIN};

    for (;;) {
        uint64_t now = clock_mono_ms();
        int rc = poll(&one, 1, now < deadline_ms ? (int)(deadline_ms - now) : 0);

        if (rc > 0)
            return true;
        if (rc == 0 && clock_mono_ms() >= deadline_ms)
            return false;
    }
}

/* Waits for what OpenSSL waits for. OK: try again. */
static int wait_for(struct tls_probe *p, int rc, uint64_t deadline_ms)
{
    int error = SSL_get_error(p->ssl, rc);

    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        return error == SSL_ERROR_ZERO_RETURN ? E_CLOSED : E_IO;
    return tls_probe_wait(p->fd, error == SSL_ERROR_WANT_WRITE, deadline_ms) ? OK : E_EXPIRED;
}

static int on_client_certificate(SSL *ssl, void *context)
{
    (void)ssl;
    ((struct tls_probe *)context)->asks_for_certificate = true;
    return 1; /* go on without one */
}

static int set_version(struct tls_probe *p, enum tls_probe_version version)
{
    static const int numbers[] = {[TLS_PROBE_ANY] = 0,
                                  [TLS_PROBE_10] = TLS1_VERSION,
                                  [TLS_PROBE_11] = TLS1_1_VERSION,
                                  [TLS_PROBE_12] = TLS1_2_VERSION,
                                  [TLS_PROBE_13] = TLS1_3_VERSION};

    /* Old versions sign with SHA-1, which higher security levels of OpenSSL do not offer. */
    if (SSL_CTX_set_cipher_list(p->context, "ALL:@SECLEVEL=0") != 1 ||
        SSL_CTX_set_min_proto_version(p->context, numbers[version]) != 1 ||
        SSL_CTX_set_max_proto_version(p->context, numbers[version]) != 1)
        return E_UNSUPPORTED;
    return OK;
}

static int set_context(struct tls_probe *p, const struct tls_probe_options *o, struct error *why)
{
    static const unsigned char alpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

    if (set_version(p, o->version) != OK ||
        SSL_CTX_set_alpn_protos(p->context, alpn, sizeof(alpn)) != 0) {
        error_set(why, "the TLS library of this machine does not speak it");
        return E_UNSUPPORTED;
    }
    (void)SSL_CTX_set_options(p->context, SSL_OP_LEGACY_SERVER_CONNECT);
    (void)SSL_CTX_set_mode(p->context,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(p->context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_cert_cb(p->context, on_client_certificate, p);
    tls_keep_keys(p->context);
    if ((o->ca_path != NULL ? SSL_CTX_load_verify_file(p->context, o->ca_path)
                            : SSL_CTX_set_default_verify_paths(p->context)) == 1)
        return OK;
    error_set(why, "cannot read the trusted certificates %s",
              o->ca_path != NULL ? o->ca_path : "of this system");
    return E_IO;
}

static int set_name(struct tls_probe *p, const char *name)
{
    struct ip_address ip;

    if (ip_address_parse(&ip, view_of_text(name)))
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(p->ssl), ip.bytes,
                                         ip.family == 6 ? 16 : 4) == 1
                   ? OK
                   : E_NOMEM;
    SSL_set_hostflags(p->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(p->ssl, name) == 1 && SSL_set_tlsext_host_name(p->ssl, name) == 1
               ? OK
               : E_NOMEM;
}

static int shake_hands(struct tls_probe *p, uint64_t deadline_ms, struct error *why)
{
    int rc, answer;

    for (;;) {
        ERR_clear_error();
        answer = SSL_connect(p->ssl);
        if (answer == 1)
            return OK;
        rc = wait_for(p, answer, deadline_ms);
        if (rc != OK)
            break;
    }
    if (rc == E_EXPIRED)
        error_set(why, "no answer to the TLS handshake");
    else if (ERR_peek_last_error() != 0)
        error_set(why, "%s", tls_last_reason());
    else
        error_set(why, "the connection ended in the TLS handshake");
    return rc == E_EXPIRED ? rc : E_DENIED;
}

int tls_probe_open(struct tls_probe **out, int fd, const struct tls_probe_options *options,
                   struct error *why)
{
    struct tls_probe *p = calloc(1, sizeof(*p));
    int rc = E_NOMEM;

    if (p == NULL)
        goto done;
    p->fd = fd;
    p->context = SSL_CTX_new(TLS_client_method());
    if (p->context == NULL)
        goto done;
    rc = set_context(p, options, why);
    if (rc != OK)
        goto done;
    p->ssl = SSL_new(p->context);
    rc =
        p->ssl != NULL && SSL_set_fd(p->ssl, fd) == 1 ? set_name(p, options->server_name) : E_NOMEM;
    if (rc != OK)
        goto done;
    rc = shake_hands(p, options->deadline_ms, why);
    if (rc != OK)
        goto done;
    *out = p;
    p = NULL;
done:
    if (rc == E_NOMEM)
        error_set(why, "out of memory");
    ERR_clear_error();
    tls_probe_free(p);
    return rc;
}

void tls_probe_free(struct tls_probe *p)
{
    if (p == NULL)
        return;
    SSL_free(p->ssl);
    SSL_CTX_free(p->context);
    free(p);
}

const char *tls_probe_version_text(const struct tls_probe *p)
{
    return SSL_get_version(p->ssl);
}

const char *tls_probe_distrust(const struct tls_probe *p)
{
    long verdict = SSL_get_verify_result(p->ssl);

    if (SSL_get0_peer_certificate(p->ssl) == NULL)
        return "there is none";
    return verdict == X509_V_OK ? NULL : X509_verify_cert_error_string(verdict);
}

bool tls_probe_expires_in(const struct tls_probe *p, long *seconds)
{
    X509 *cert = SSL_get0_peer_certificate(p->ssl);
    int days, rest;

    if (cert == NULL || ASN1_TIME_diff(&days, &rest, NULL, X509_get0_notAfter(cert)) != 1)
        return false;
    *seconds = (long)days * 86400 + rest;
    return true;
}

bool tls_probe_asks_for_certificate(const struct tls_probe *p)
{
    return p->asks_for_certificate;
}

long tls_probe_read(struct tls_probe *p, void *bytes, size_t max, uint64_t deadline_ms)
{
    int rc, got;

    for (;;) {
        ERR_clear_error();
        got = SSL_read(p->ssl, bytes, max < INT32_MAX ? (int)max : INT32_MAX);
        if (got > 0)
            return got;
        rc = wait_for(p, got, deadline_ms);
        if (rc != OK)
            return rc == E_CLOSED ? 0 : rc;
    }
}

int tls_probe_write(struct tls_probe *p, const void *bytes, size_t len, uint64_t deadline_ms)
{
    const uint8_t *at = bytes;
    int rc, put;

    while (len > 0) {
        ERR_clear_error();
        put = SSL_write(p->ssl, at, len < INT32_MAX ? (int)len : INT32_MAX);
        if (put > 0) {
            at += put;
            len -= (size_t)put;
            continue;
        }
        rc = wait_for(p, put, deadline_ms);
        if (rc != OK)
            return rc == E_CLOSED ? E_IO : rc;
    }
    return OK;
}
