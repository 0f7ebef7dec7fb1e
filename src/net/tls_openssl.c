/* SPDX-License-Identifier: Apache-2.0 */
/* tls_openssl.c: OpenSSL behind tls_openssl.h. All connections of a loop share one BIO whose two
 * ends are the loop's tls_io: reading is a memcpy out of what one recv brought, writing a memcpy
 * into what one send will take. The BIO never has a byte of another connection, because conn_tls.c
 * fills and empties the tls_io around each call. The error queue belongs to the thread: it is
 * cleared before every call whose failure will be looked at (R-T12). */
#include "net/tls_openssl.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/status.h"
#include "crypto/secret_slab.h"
#include "net/tls_handshake.h"
#include "net/tls_private.h"

#define RECORD_PLAIN_MAX (16 * 1024)
/* OpenSSL bounds empty records and warnings by itself, but not these: each key update derives keys
 * (R-T11). */
#define CHATTER_MAX 32

struct tls_openssl {
    SSL *ssl;
    struct tls_io *io;
    const struct tls_server *server; /* NULL: a client */
    const char *detail;
    unsigned chatter; /* handshake messages since the last data */
    bool may_leave;   /* it is fed record by record, and its secrets are kept */
    struct tls_feed feed;
    struct tls_secrets secrets;
    size_t sent_from; /* io->out before the last step of the handshake */
};

static int bio_read(BIO *bio, char *out, size_t cap, size_t *len)
{
    struct tls_io *io = BIO_get_data(bio);
    size_t n = io->in_len < cap ? io->in_len : cap;

    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, io->in, n);
    io->in += n;
    io->in_len -= n;
    *len = n;
    return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *taken)
{
    struct tls_io *io = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    /* No retry: there is room for all that an honest event makes, and a stream that wants more is
     * ended. */
    if (len > TLS_OUT_BYTES - io->out_len)
        return 0;
    memcpy(io->out + io->out_len, bytes, len);
    io->out_len += len;
    *taken = len;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int tls_io_new(struct tls_io **out)
{
    struct tls_io *io = calloc(1, sizeof(*io));
    BIO_METHOD *method = NULL;
    BIO *bio = NULL;

    if (io == NULL)
        return E_NOMEM;
    io->out = malloc(TLS_OUT_BYTES);
    method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "gateward");
    if (io->out == NULL || method == NULL || BIO_meth_set_read_ex(method, bio_read) != 1 ||
        BIO_meth_set_write_ex(method, bio_write) != 1 || BIO_meth_set_ctrl(method, bio_ctrl) != 1)
        goto done;
    bio = BIO_new(method);
    if (bio == NULL)
        goto done;
    BIO_set_data(bio, io);
    BIO_set_init(bio, 1);
    io->bio = bio;
    io->method = method;
    *out = io;
    return OK;
done:
    BIO_meth_free(method);
    free(io->out);
    free(io);
    return E_NOMEM;
}

void tls_io_free(struct tls_io *io)
{
    if (io == NULL)
        return;
    (void)BIO_free(io->bio);
    BIO_meth_free(io->method);
    tls_crypto_free(io->crypto);
    secret_slab_free(io->slab);
    free(io->out);
    free(io);
}

/* Called before each step of OpenSSL's handshake machine; after the handshake only these messages
 * wake it. */
static void on_step(const SSL *ssl, int where, int value)
{
    struct tls_openssl *s = SSL_get_app_data(ssl);

    (void)value;
    if ((where & SSL_CB_LOOP) == 0)
        return;
    switch (SSL_get_state(ssl)) {
    case TLS_ST_SR_KEY_UPDATE:
    case TLS_ST_CR_KEY_UPDATE:
    case TLS_ST_CR_SESSION_TICKET:
        /* The rest of this event's bytes is withheld, so that OpenSSL comes back to us. */
        if (++s->chatter > CHATTER_MAX)
            s->io->in_len = 0;
        return;
    default:
        return;
    }
}

static int openssl_new(struct tls_openssl **out, struct tls_io *io, SSL_CTX *context)
{
    struct tls_openssl *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return E_NOMEM;
    ERR_clear_error();
    s->ssl = SSL_new(context);
    if (s->ssl == NULL) {
        free(s);
        return E_NOMEM;
    }
    if (SSL_set_app_data(s->ssl, s) != 1) {
        tls_openssl_free(s);
        return E_NOMEM;
    }
    SSL_set_info_callback(s->ssl, on_step);
    s->io = io;
    /* One reference for each direction. */
    (void)BIO_up_ref(io->bio);
    (void)BIO_up_ref(io->bio);
    SSL_set0_rbio(s->ssl, io->bio);
    SSL_set0_wbio(s->ssl, io->bio);
    *out = s;
    return OK;
}

int tls_openssl_new_server(struct tls_openssl **out, struct tls_io *io, struct tls_server *tls)
{
    int rc = openssl_new(out, io, tls_server_context(tls));

    if (rc != OK)
        return rc;
    (*out)->server = tls;
    (*out)->may_leave = tls->records == TLS_RECORDS_OWN && io->crypto != NULL && io->slab != NULL;
    SSL_set_accept_state((*out)->ssl);
    return OK;
}

/* Whom we expect. An IP address is checked as one and is never sent as a server name (RFC 6066
 * section 3). */
static bool expect_peer(SSL *ssl, const char *server_name)
{
    struct ip_address ip;

    if (server_name == NULL || server_name[0] == '\0')
        return false;
    if (ip_address_parse(&ip, view_of_text(server_name)))
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), ip.bytes, ip.family == 6 ? 16 : 4) ==
               1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, server_name) == 1 && SSL_set_tlsext_host_name(ssl, server_name) == 1;
}

int tls_openssl_new_client(struct tls_openssl **out, struct tls_io *io, struct tls_client *tls,
                           const char *server_name)
{
    struct tls_openssl *s = NULL;
    int rc = openssl_new(&s, io, tls_client_context(tls));

    if (rc != OK)
        return rc;
    if (!expect_peer(s->ssl, server_name)) {
        tls_openssl_free(s);
        return E_INVALID;
    }
    SSL_set_connect_state(s->ssl);
    *out = s;
    return OK;
}

void tls_openssl_free(struct tls_openssl *s)
{
    if (s == NULL)
        return;
    SSL_free(s->ssl);
    tls_secrets_wipe(&s->secrets);
    free(s);
}

/* All texts live in OpenSSL's tables, or in ours. */
static const char *text_of(const struct tls_openssl *s, unsigned long error)
{
    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return ERR_reason_error_string(error);
    switch (ERR_GET_REASON(error)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return X509_verify_cert_error_string(SSL_get_verify_result(s->ssl));
    case SSL_R_TLSV1_UNRECOGNIZED_NAME: /* tls_names.c; the client's alert of that kind too */
        return "server name unknown";
    case SSL_R_TLSV13_ALERT_MISSING_EXTENSION:
        return "server name missing";
    default:
        return ERR_reason_error_string(error);
    }
}

static enum tls_step failed(struct tls_openssl *s)
{
    s->detail = text_of(s, ERR_peek_error());
    if (s->detail == NULL)
        s->detail = "TLS failure without a reason";
    ERR_clear_error();
    return TLS_STEP_FAILED;
}

static enum tls_step after(struct tls_openssl *s, int answer)
{
    switch (SSL_get_error(s->ssl, answer)) {
    case SSL_ERROR_WANT_READ:
        return TLS_STEP_MORE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_STEP_CLOSED;
    default:
        return failed(s);
    }
}

static enum tls_step step_on(struct tls_openssl *s)
{
    int answer;

    ERR_clear_error();
    answer = SSL_do_handshake(s->ssl);
    return answer == 1 ? TLS_STEP_DONE : after(s, answer);
}

/* One record, or what there is of it: the BIO is empty behind it, so OpenSSL cannot read ahead. */
static enum tls_step step_by_record(struct tls_openssl *s)
{
    struct tls_io *io = s->io;
    const uint8_t *from = io->in;
    size_t all = io->in_len;
    enum tls_step step;

    io->in_len = tls_feed_window(&s->feed, from, all);
    s->sent_from = io->out_len;
    step = step_on(s);
    tls_feed_advance(&s->feed, from, (size_t)(io->in - from));
    io->in_len = all - (size_t)(io->in - from);
    return step;
}

enum tls_step tls_openssl_handshake(struct tls_openssl *s)
{
    enum tls_step step;
    size_t left;

    if (!s->may_leave)
        return step_on(s);
    do {
        left = s->io->in_len;
        step = step_by_record(s);
    } while (step == TLS_STEP_MORE && s->io->in_len > 0 && s->io->in_len < left);
    return step;
}

/* No record is half read, and the next one begins where io->in does. */
static bool is_between_records(const struct tls_openssl *s)
{
    return s->feed.left == 0 && s->feed.have == 0;
}

enum tls_records tls_openssl_take(struct tls_openssl *s, struct tls_taken **out)
{
    struct tls_handed handed = {s->ssl, &s->secrets, s->io, s->sent_from};
    enum tls_records answer = s->server != NULL ? s->server->records : TLS_RECORDS_CONFIGURED;

    if (s->may_leave)
        answer = is_between_records(s) ? tls_handshake_take(out, &handed) : TLS_RECORDS_MISMATCH;
    s->may_leave = false;
    tls_secrets_wipe(&s->secrets);
    /* Or a session that is kept on our side would count as broken off. */
    if (answer == TLS_RECORDS_OWN)
        SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ERR_clear_error();
    return answer;
}

static void on_secret(const SSL *ssl, const char *line)
{
    struct tls_openssl *s = SSL_get_app_data(ssl);

    if (s != NULL && s->may_leave)
        tls_secrets_note(&s->secrets, line);
}

void tls_openssl_hear_secrets(SSL_CTX *context)
{
    SSL_CTX_set_keylog_callback(context, on_secret);
}

enum tls_step tls_openssl_open(struct tls_openssl *s, uint8_t *plain, size_t cap, size_t *len)
{
    size_t n;
    int answer;

    *len = 0;
    while (*len < cap) {
        /* The BIO is empty and no record is half read: asking again would only answer "more". */
        if (s->io->in_len == 0 && *len > 0 && SSL_pending(s->ssl) == 0)
            return TLS_STEP_MORE;
        ERR_clear_error();
        answer = SSL_read_ex(s->ssl, plain + *len, cap - *len, &n);
        if (s->chatter > CHATTER_MAX) {
            s->detail = "too many key updates";
            return TLS_STEP_FAILED;
        }
        if (answer != 1)
            return after(s, answer);
        s->chatter = 0;
        *len += n;
    }
    return TLS_STEP_DONE;
}

bool tls_openssl_seal(struct tls_openssl *s, const uint8_t *bytes, size_t len)
{
    size_t n;

    while (len > 0) {
        ERR_clear_error();
        if (SSL_write_ex(s->ssl, bytes, len < RECORD_PLAIN_MAX ? len : RECORD_PLAIN_MAX, &n) != 1) {
            (void)failed(s);
            return false;
        }
        bytes += n;
        len -= n;
    }
    return true;
}

void tls_openssl_close(struct tls_openssl *s)
{
    ERR_clear_error();
    (void)SSL_shutdown(s->ssl);
    ERR_clear_error();
}

int tls_openssl_site(const struct tls_openssl *s)
{
    const SSL_CTX *context = SSL_get_SSL_CTX(s->ssl);

    for (uint32_t i = 0; s->server != NULL && i < s->server->sites_count; i++)
        if (s->server->sites[i].context == context)
            return (int)i;
    return -1;
}

struct x509_st *tls_openssl_peer(const struct tls_openssl *s, struct stack_st_X509 **chain)
{
    *chain = SSL_get0_verified_chain(s->ssl); /* a resumed session has none */
    return SSL_get0_peer_certificate(s->ssl);
}

bool tls_openssl_is_verified(const struct tls_openssl *s)
{
    return SSL_get_verify_result(s->ssl) == X509_V_OK;
}

const char *tls_openssl_version(const struct tls_openssl *s)
{
    return SSL_get_version(s->ssl);
}

const char *tls_openssl_detail(const struct tls_openssl *s)
{
    return s->detail != NULL ? s->detail : "";
}
