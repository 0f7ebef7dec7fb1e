/* SPDX-License-Identifier: Apache-2.0 */
/* tls_stream.c: which record layer a connection is on, and what is asked of either. */
#include "net/tls_stream.h"

#include <openssl/ssl.h>
#include <string.h>

#include "base/status.h"
#include "net/tls_openssl.h"
#include "net/tls_private.h"
#include "net/tls_taken.h"

int tls_stream_init_server(struct tls_stream *s, struct tls_io *io, struct tls_server *tls)
{
    int rc = tls_openssl_new_server(&s->openssl, io, tls);

    if (rc == OK)
        s->io = io;
    return rc;
}

int tls_stream_init_client(struct tls_stream *s, struct tls_io *io, struct tls_client *tls,
                           const char *server_name)
{
    int rc = tls_openssl_new_client(&s->openssl, io, tls, server_name);

    if (rc == OK)
        s->io = io;
    return rc;
}

void tls_stream_clear(struct tls_stream *s)
{
    tls_openssl_free(s->openssl);
    tls_taken_free(s->taken);
    sk_X509_pop_free(s->chain, X509_free);
    memset(s, 0, sizeof(*s));
}

/* What must outlive OpenSSL's part: the chain that reloads ask about. False: out of memory, or the
 * certificate is not one that could be judged again without OpenSSL. */
static bool keep_chain(struct tls_stream *s)
{
    struct stack_st_X509 *chain;

    if (tls_openssl_peer(s->openssl, &chain) == NULL)
        return true;
    if (chain == NULL || !tls_openssl_is_verified(s->openssl))
        return false;
    s->chain = X509_chain_up_ref(chain);
    return s->chain != NULL;
}

static void take_over(struct tls_stream *s)
{
    enum tls_records records = TLS_RECORDS_MEMORY;

    if (keep_chain(s))
        records = tls_openssl_take(s->openssl, &s->taken);
    s->records = (uint8_t)records;
    if (records == TLS_RECORDS_OWN) {
        s->site = (int16_t)tls_openssl_site(s->openssl);
        tls_openssl_free(s->openssl);
        s->openssl = NULL;
    } else {
        sk_X509_pop_free(s->chain, X509_free);
        s->chain = NULL;
    }
}

enum tls_step tls_stream_handshake(struct tls_stream *s)
{
    enum tls_step step = tls_openssl_handshake(s->openssl);

    if (step == TLS_STEP_DONE)
        take_over(s);
    return step;
}

enum tls_step tls_stream_open(struct tls_stream *s, uint8_t *plain, size_t cap, size_t *len)
{
    if (s->taken != NULL)
        return tls_taken_open(s->taken, s->io, plain, cap, len);
    return tls_openssl_open(s->openssl, plain, cap, len);
}

bool tls_stream_seal(struct tls_stream *s, const uint8_t *bytes, size_t len)
{
    if (s->taken != NULL)
        return tls_taken_seal(s->taken, s->io, bytes, len);
    return tls_openssl_seal(s->openssl, bytes, len);
}

void tls_stream_close(struct tls_stream *s)
{
    if (s->taken != NULL)
        tls_taken_close(s->taken, s->io);
    else
        tls_openssl_close(s->openssl);
}

int tls_stream_site(const struct tls_stream *s)
{
    return s->taken != NULL ? s->site : tls_openssl_site(s->openssl);
}

/* The client's certificate, or NULL; *chain as it was verified, or NULL. */
static X509 *peer_of(const struct tls_stream *s, struct stack_st_X509 **chain)
{
    if (s->taken == NULL)
        return tls_openssl_peer(s->openssl, chain);
    *chain = s->chain;
    return s->chain != NULL ? sk_X509_value(s->chain, 0) : NULL;
}

int tls_stream_certificate(const struct tls_stream *s, struct buf *der)
{
    struct stack_st_X509 *chain;
    X509 *cert = peer_of(s, &chain);
    unsigned char *bytes = NULL;
    int len, rc;

    if (cert == NULL || (s->taken == NULL && !tls_openssl_is_verified(s->openssl)))
        return E_MISSING;
    len = i2d_X509(cert, &bytes);
    if (len <= 0)
        return E_NOMEM;
    rc = buf_append(der, bytes, (size_t)len);
    OPENSSL_free(bytes);
    return rc;
}

bool tls_stream_is_revoked(const struct tls_stream *s, const struct tls_server *now)
{
    struct stack_st_X509 *chain;
    int site = tls_stream_site(s);

    if (peer_of(s, &chain) == NULL)
        return false;
    if (site < 0 || (uint32_t)site >= now->sites_count || chain == NULL ||
        !tls_trust_knows(&now->sites[site], chain))
        return true; /* nothing vouches for it any more */
    return tls_trust_revokes(&now->sites[site], chain);
}

const char *tls_stream_version(const struct tls_stream *s)
{
    return s->taken != NULL ? "TLSv1.3" : tls_openssl_version(s->openssl);
}

const char *tls_stream_detail(const struct tls_stream *s)
{
    return s->taken != NULL ? tls_taken_detail(s->taken) : tls_openssl_detail(s->openssl);
}
