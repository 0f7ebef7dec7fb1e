/* SPDX-License-Identifier: Apache-2.0 */
/* tls_taken.h: a TLS 1.3 connection after its handshake, carried by us: records in and out, alerts,
 * KeyUpdate both ways, close_notify, and the bounds on floods of each. Private to net/. Touches no
 * socket: reads and writes the loop's tls_io, like tls_stream.h, which puts either this or OpenSSL
 * behind one door. One allocation a connection; a second one only while a record is incomplete. */
#ifndef NET_TLS_TAKEN_H
#define NET_TLS_TAKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/tls_record.h"
#include "net/tls_stream.h"

struct secret_slab;
struct tls_taken;

/* Where the connections of a loop keep their keys. E_NOMEM. */
int tls_taken_slab_new(struct secret_slab **out);

/* Keys as the handshake left them: `write` already stands behind the session tickets that were
 * sent. They are moved: wiped here, on failure too. */
struct tls_taken_start {
    struct tls_crypto *crypto; /* the loop's; outlives the connection */
    struct secret_slab *slab;  /* the same, of tls_taken_slab_new; NULL: the heap */
    struct tls_keys read, write;
    /* Content bytes a record of either side may have (RFC 6066 section 4); 0: 2^14. */
    uint16_t fragment_max;
    bool is_client; /* session tickets may come, and are ignored */
    /* Records under one key before a KeyUpdate of ours; 0: TLS_KEY_RECORDS_DUE. */
    uint32_t key_records;
};
int tls_taken_new(struct tls_taken **out, struct tls_taken_start *start); /* E_NOMEM */
void tls_taken_free(struct tls_taken *t); /* wipes, sends nothing; NULL is fine */

/* As in tls_stream.h. Input that ends inside a record is kept; TLS_STEP_DONE: `plain` has no room
 * for the next record, call again, the rest of io->in waits. `cap` is TLS_RECORD_BODY_MAX at least.
 * A fatal alert of ours is in io->out when it answers TLS_STEP_FAILED; a truncated end (no
 * close_notify) is the caller's to see. */
enum tls_step tls_taken_open(struct tls_taken *t, struct tls_io *io, uint8_t *plain, size_t cap,
                             size_t *len);
bool tls_taken_seal(struct tls_taken *t, struct tls_io *io, const uint8_t *bytes, size_t len);
void tls_taken_close(struct tls_taken *t, struct tls_io *io); /* puts close_notify into io->out */
const char *tls_taken_detail(const struct tls_taken *t);      /* a text that is never freed */
/* Bytes this connection holds now. */
size_t tls_taken_bytes(const struct tls_taken *t);

#endif
