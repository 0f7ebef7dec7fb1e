/* SPDX-License-Identifier: Apache-2.0 */
/* tls_load.c: OpenSSL on the socket itself, with read-ahead, so that one readable event is mostly
 * one recv. A link is an SSL object and nothing else; the newest session is kept in the context's
 * place for it, which is how resumption is measured. */
#include "net/tls_load.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/ip.h"
#include "base/status.h"
#include "net/tls_private.h"

#define READ_AHEAD_BYTES 32768

struct tls_load {
    SSL_CTX *context;
    SSL_SESSION *newest; /* NULL: none yet */
    X509 *trusted;       /* the server's, once it was found good; NULL: not yet */
    struct tls_load_options options;
};

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_load *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    SSL_SESSION_free(t->newest);
    t->newest = session;
    return 1; /* the reference is ours now */
}

/* The same certificate for the same name at the same authorities is good again: verified once,
 * compared ever after. */
static int on_verify(X509_STORE_CTX *store, void *context)
{
    struct tls_load *t = context;
    X509 *shown = X509_STORE_CTX_get0_cert(store);

    if (t->trusted != NULL && X509_cmp(t->trusted, shown) == 0) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    if (X509_verify_cert(store) != 1)
        return 0;
    X509_free(t->trusted);
    t->trusted = shown != NULL && X509_up_ref(shown) == 1 ? shown : NULL;
    return 1;
}

static int trust(struct tls_load *t, struct error *why)
{
    const char *path = t->options.ca_path;

    if (t->options.is_insecure) {
        SSL_CTX_set_verify(t->context, SSL_VERIFY_NONE, NULL);
        return OK;
    }
    SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(t->context, on_verify, t);
    if ((path != NULL ? SSL_CTX_load_verify_file(t->context, path)
                      : SSL_CTX_set_default_verify_paths(t->context)) == 1)
        return OK;
    error_set(why, "cannot read the trusted certificates %s",
              path != NULL ? path : "of this system");
    return E_IO;
}

static int set_context(struct tls_load *t, struct error *why)
{
    static const unsigned char alpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

    if (SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_alpn_protos(t->context, alpn, sizeof(alpn)) != 0)
        return E_NOMEM;
    SSL_CTX_set_app_data(t->context, t);
    (void)SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                           SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                           SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(t->context, 1);
    SSL_CTX_set_default_read_buffer_len(t->context, READ_AHEAD_BYTES);
    if (t->options.resumes) {
        (void)SSL_CTX_set_session_cache_mode(t->context,
                                             SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(t->context, on_session);
    } else {
        (void)SSL_CTX_set_session_cache_mode(t->context, SSL_SESS_CACHE_OFF);
    }
    tls_keep_keys(t->context);
    return trust(t, why);
}

int tls_load_new(struct tls_load **out, const struct tls_load_options *options, struct error *why)
{
    struct tls_load *t = calloc(1, sizeof(*t));
    int rc = E_NOMEM;

    if (t == NULL)
        goto done;
    t->options = *options;
    t->context = SSL_CTX_new(TLS_client_method());
    if (t->context == NULL)
        goto done;
    rc = set_context(t, why);
    if (rc != OK)
        goto done;
    *out = t;
    t = NULL;
done:
    if (rc == E_NOMEM)
        error_set(why, "out of memory");
    ERR_clear_error();
    tls_load_free(t);
    return rc;
}

void tls_load_free(struct tls_load *t)
{
    if (t == NULL)
        return;
    X509_free(t->trusted);
    SSL_SESSION_free(t->newest);
    SSL_CTX_free(t->context);
    free(t);
}

bool tls_load_has_ticket(const struct tls_load *t)
{
    return t->newest != NULL;
}

/* A link is the SSL object by another name, so that 100,000 of them need no second allocation. */
static SSL *ssl_of(const struct tls_load_link *l)
{
    return (SSL *)(uintptr_t)l;
}

static bool set_name(SSL *ssl, const char *name)
{
    struct ip_address ip;

    if (ip_address_parse(&ip, view_of_text(name)))
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), ip.bytes, ip.family == 6 ? 16 : 4) ==
               1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* A copy: OpenSSL uses a TLS 1.3 session once and marks it. Servers take a ticket several times. */
static bool set_session(SSL *ssl, SSL_SESSION *newest)
{
    SSL_SESSION *copy = newest != NULL ? SSL_SESSION_dup(newest) : NULL;
    bool is_set = newest == NULL || (copy != NULL && SSL_set_session(ssl, copy) == 1);

    SSL_SESSION_free(copy);
    return is_set;
}

struct tls_load_link *tls_load_open(struct tls_load *t, int fd)
{
    SSL *ssl = SSL_new(t->context);

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || !set_name(ssl, t->options.server_name) ||
        !set_session(ssl, t->newest)) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return (struct tls_load_link *)ssl;
}

void tls_load_close(struct tls_load_link *l)
{
    SSL *ssl = ssl_of(l);

    if (ssl == NULL)
        return;
    /* Without a close_notify OpenSSL takes a session for broken and would not resume it. */
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
}

static enum tls_load_step step_of(SSL *ssl, int rc)
{
    switch (SSL_get_error(ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return TLS_LOAD_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_LOAD_WANTS_WRITE;
    default:
        return TLS_LOAD_FAILED;
    }
}

enum tls_load_step tls_load_handshake(struct tls_load_link *l)
{
    int rc;

    ERR_clear_error();
    rc = SSL_do_handshake(ssl_of(l));
    return rc == 1 ? TLS_LOAD_DONE : step_of(ssl_of(l), rc);
}

bool tls_load_was_resumed(const struct tls_load_link *l)
{
    return SSL_session_reused(ssl_of(l)) == 1;
}

const char *tls_load_fault(const struct tls_load_link *l)
{
    long verdict = SSL_get_verify_result(ssl_of(l));

    if (verdict != X509_V_OK && SSL_get_verify_mode(ssl_of(l)) != SSL_VERIFY_NONE)
        return X509_verify_cert_error_string(verdict);
    return ERR_peek_last_error() != 0 ? tls_last_reason() : "the server ended the connection";
}

enum tls_load_step tls_load_read(struct tls_load_link *l, void *bytes, size_t cap, size_t *got)
{
    int rc;

    *got = 0;
    ERR_clear_error();
    rc = SSL_read(ssl_of(l), bytes, cap < INT_MAX ? (int)cap : INT_MAX);
    if (rc > 0) {
        *got = (size_t)rc;
        return TLS_LOAD_DONE;
    }
    /* A server that ends without close_notify has ended all the same. */
    return step_of(ssl_of(l), rc) == TLS_LOAD_FAILED ? TLS_LOAD_DONE : step_of(ssl_of(l), rc);
}

bool tls_load_has_pending(const struct tls_load_link *l)
{
    return SSL_has_pending(ssl_of(l)) == 1;
}

enum tls_load_step tls_load_write(struct tls_load_link *l, const void *bytes, size_t len,
                                  size_t *put)
{
    int rc;

    *put = 0;
    ERR_clear_error();
    rc = SSL_write(ssl_of(l), bytes, len < INT_MAX ? (int)len : INT_MAX);
    if (rc > 0) {
        *put = (size_t)rc;
        return TLS_LOAD_DONE;
    }
    return step_of(ssl_of(l), rc);
}
