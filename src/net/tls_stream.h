/* SPDX-License-Identifier: Apache-2.0 */
/* tls_stream.h: the record layer of one connection behind one small interface, private to net/. It
 * touches no socket: it reads from and writes to the loop's struct tls_io, which is filled and
 * emptied around each call. OpenSSL stands behind it until the handshake is done (tls_openssl.h),
 * then a record layer of ours wherever that can be (tls_taken.h). */
#ifndef NET_TLS_STREAM_H
#define NET_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/tls.h"

/* Ciphertext of one event: what may leave in one send, one record that was begun below that mark,
 * and answers to a buffer full of key updates. A stream that wants to say more than that fails. */
#define TLS_OUT_MARK  (64 * 1024)
#define TLS_OUT_BYTES (TLS_OUT_MARK + 80 * 1024)

struct secret_slab;
struct tls_crypto;
struct tls_io {
    const uint8_t *in; /* ciphertext still to be read */
    size_t in_len;
    uint8_t *out; /* TLS_OUT_BYTES, ciphertext to be sent */
    size_t out_len;
    void *bio, *method;        /* private */
    struct tls_crypto *crypto; /* NULL: nothing is taken over from OpenSSL; freed with the io */
    struct secret_slab *slab;  /* of connections that were taken over; freed with the io */
};
int tls_io_new(struct tls_io **out);
void tls_io_free(struct tls_io *io); /* after all of its streams */

enum tls_step {
    TLS_STEP_MORE,   /* all input was taken, more is needed */
    TLS_STEP_DONE,   /* handshake complete; or the output buffer of tls_stream_open is full */
    TLS_STEP_CLOSED, /* close_notify */
    TLS_STEP_FAILED  /* final; io->out may hold an alert */
};

struct stack_st_X509;
struct tls_openssl;
struct tls_taken;

/* Zeroes are one that has not begun: nothing of it may be asked but tls_stream_has_begun. */
struct tls_stream {
    struct tls_io *io;
    struct tls_openssl *openssl; /* NULL once taken over; what follows is then in its place */
    struct tls_taken *taken;
    struct stack_st_X509 *chain; /* of a client that showed a certificate */
    int16_t site;
    uint8_t records; /* enum tls_records, once the handshake is done */
};
int tls_stream_init_server(struct tls_stream *s, struct tls_io *io, struct tls_server *tls);
int tls_stream_init_client(struct tls_stream *s, struct tls_io *io, struct tls_client *tls,
                           const char *server_name);
void tls_stream_clear(struct tls_stream *s); /* sends nothing; has not begun afterwards */
static inline bool tls_stream_has_begun(const struct tls_stream *s)
{
    return s->io != NULL;
}

enum tls_step tls_stream_handshake(struct tls_stream *s);
/* Decrypts as much of io->in as fits. *len is set in every case: bytes that came before the end
 * count. */
enum tls_step tls_stream_open(struct tls_stream *s, uint8_t *plain, size_t cap, size_t *len);
/* Encrypts all of it, in records of up to 16 KiB. False: final. */
bool tls_stream_seal(struct tls_stream *s, const uint8_t *bytes, size_t len);
void tls_stream_close(struct tls_stream *s); /* puts close_notify into io->out */

/* The site of its tls_server that the ClientHello chose; -1: none. */
int tls_stream_site(const struct tls_stream *s);
/* Appends the client's verified certificate as DER. E_MISSING: it showed none. E_NOMEM, E_LIMIT. */
int tls_stream_certificate(const struct tls_stream *s, struct buf *der);
/* Is the client's chain on the revocation lists that `now` has for its site, or its authority none
 * of the site's any more? */
bool tls_stream_is_revoked(const struct tls_stream *s, const struct tls_server *now);
/* Once the handshake is done. */
static inline enum tls_records tls_stream_records(const struct tls_stream *s)
{
    return (enum tls_records)s->records;
}
const char *tls_stream_version(const struct tls_stream *s);
/* Why the last step failed, a text that is never freed. */
const char *tls_stream_detail(const struct tls_stream *s);

#endif
