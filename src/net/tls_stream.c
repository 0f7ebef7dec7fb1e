/* SPDX-License-Identifier: Apache-2.0 */
/* tls_stream.c: which record layer a connection is on, and what is asked of either. */
#include "net/tls_stream.h"

#include <openssl/ssl.h>
#include <string.h>

#include "base/status.h"
#include "net/tls_openssl.h"
#include "net/tls_private.h"

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
    memset(s, 0, sizeof(*s));
}

enum tls_step tls_stream_handshake(struct tls_stream *s)
{
    return tls_openssl_handshake(s->openssl);
}

enum tls_step tls_stream_open(struct tls_stream *s, uint8_t *plain, size_t cap, size_t *len)
{
    return tls_openssl_open(s->openssl, plain, cap, len);
}

bool tls_stream_seal(struct tls_stream *s, const uint8_t *bytes, size_t len)
{
    return tls_openssl_seal(s->openssl, bytes, len);
}

void tls_stream_close(struct tls_stream *s)
{
    tls_openssl_close(s->openssl);
}

int tls_stream_site(const struct tls_stream *s)
{
    return tls_openssl_site(s->openssl);
}

int tls_stream_certificate(const struct tls_stream *s, struct buf *der)
{
    struct stack_st_X509 *chain;
    X509 *cert = tls_openssl_peer(s->openssl, &chain);
    unsigned char *bytes = NULL;
    int len, rc;

    if (cert == NULL || !tls_openssl_is_verified(s->openssl))
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

    if (tls_openssl_peer(s->openssl, &chain) == NULL)
        return false;
    if (site < 0 || (uint32_t)site >= now->sites_count || chain == NULL ||
        !tls_trust_knows(&now->sites[site], chain))
        return true; /* nothing vouches for it any more */
    return tls_trust_revokes(&now->sites[site], chain);
}

const char *tls_stream_version(const struct tls_stream *s)
{
    return tls_openssl_version(s->openssl);
}

const char *tls_stream_detail(const struct tls_stream *s)
{
    return tls_openssl_detail(s->openssl);
}
