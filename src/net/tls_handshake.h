/* SPDX-License-Identifier: Apache-2.0 */
/* tls_handshake.h: from OpenSSL's handshake to records of our own. OpenSSL is fed one record at a
 * time, so that it has read nothing of what comes behind the handshake; it tells the traffic
 * secrets; and before anything is believed, the session tickets that it has just sent are opened
 * with the keys that we made of them, which also says which number comes next. Private to net/. */
#ifndef NET_TLS_HANDSHAKE_H
#define NET_TLS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/tls_record.h"
#include "net/tls_stream.h"

struct ssl_st;
struct tls_taken;

/* Where in a stream of records we are. Zeroes: before the first. */
struct tls_feed {
    uint8_t header[TLS_RECORD_HEADER_BYTES];
    uint8_t have;  /* of a header in pieces */
    uint16_t left; /* of the record whose header has come */
};
/* How much of `in` belongs to the current record, or to the next one when it has ended. */
size_t tls_feed_window(const struct tls_feed *f, const uint8_t *in, size_t len);
void tls_feed_advance(struct tls_feed *f, const uint8_t *in, size_t len);

/* The application traffic secrets, number 0 (RFC 8446 section 7.1). */
struct tls_secrets {
    uint8_t client[TLS_SECRET_MAX], server[TLS_SECRET_MAX];
    uint8_t client_bytes, server_bytes;
    bool is_bad; /* a line that is not of the form, or came twice */
};
/* One line of SSL_CTX_set_keylog_callback(3); all but two labels are passed over. */
void tls_secrets_note(struct tls_secrets *s, const char *line);
void tls_secrets_wipe(struct tls_secrets *s);

struct tls_handed {
    struct ssl_st *ssl; /* of a server, its handshake just done */
    const struct tls_secrets *secrets;
    struct tls_io *io;
    size_t sent_from; /* io->out: from here on OpenSSL wrote under the keys of the application */
};
/* TLS_RECORDS_OWN, with *out; or why not, and then nothing has happened to ssl and io. */
enum tls_records tls_handshake_take(struct tls_taken **out, const struct tls_handed *h);

#endif
