/* SPDX-License-Identifier: Apache-2.0 */
/* conn.h: one byte-stream connection, plain or TLS, on one loop. Loop thread only. Embed it first
 * in your struct.
 *
 * Reading: the loop's one shared buffer; on_data gets everything one recv brought, writable, and
 * keeps none of it. Writing: while on_data runs, output of this connection gathers in the loop's
 * cork buffer and leaves in one send; output to other connections is queued by reference and leaves
 * at the turn's end, many frames in one send or TLS record. What the kernel does not take stays
 * queued (for TLS: as ciphertext). An idle connection owns no buffer. TLS: until the whole
 * ClientHello has come, only a small buffer of ours exists (F-10); at most max_handshakes per loop
 * are inside OpenSSL at a time, the rest wait. Life: conn_open -> [on_ready] -> on_data ... ->
 * conn_shutdown or conn_abort -> on_closed, exactly once, never from inside a call you make; free
 * your memory in it. */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/buf.h"
#include "net/loop.h"
#include "net/tls.h"

struct conn;
struct conn_tls; /* private: SSL object and friends, NULL for plain */

enum conn_end {
    CONN_END_ABORTED,  /* we called conn_abort */
    CONN_END_SHUTDOWN, /* conn_shutdown ran to its end */
    CONN_END_PEER_EOF, /* the peer closed or reset */
    CONN_END_ERROR,    /* socket error */
    CONN_END_TLS       /* TLS handshake or record failure: conn_end_detail says what */
};

struct conn_ops {
    void (*on_ready)(
        struct conn *c); /* plain: inside the first turn; TLS: handshake done. May be NULL. */
    void (*on_data)(struct conn *c, uint8_t *data, size_t len);
    void (*on_eof)(struct conn *c);     /* peer will send no more; NULL: conn_abort. You answer with
                                           shutdown or abort. */
    void (*on_drained)(struct conn *c); /* a backlog has left entirely; may be NULL */
    void (*on_closed)(struct conn *c, enum conn_end end);
};

/* Private, for conn_is_closing. In the order of a life; comparisons rest on it. */
enum conn_state {
    CONN_NEW,        /* plain: on_ready is still to come */
    CONN_CONNECTING, /* client: until the socket is writable */
    CONN_HELLO,      /* TLS server: gathers the ClientHello */
    CONN_WAITING,    /* has it, waits for a place inside OpenSSL */
    CONN_HANDSHAKE,
    CONN_OPEN,
    CONN_SHUTTING, /* conn_shutdown: sends what is queued, then close_notify and FIN */
    CONN_DRAINING, /* FIN sent: discards until the peer's EOF */
    CONN_CLOSING   /* conn_kill was called; on_closed comes at the turn's end */
};

struct conn {
    struct loop *loop;
    const struct conn_ops *ops;
    struct conn_tls *tls;
    struct link dirty; /* in the loop's list of connections to flush; at the end, of dead ones */
    struct conn_item *out_first, *out_last; /* private queue */
    size_t out_bytes;                       /* queued and not yet taken by the kernel */
    uint64_t stall_since_ms;                /* start of the current stall window; 0: no backlog */
    size_t stall_sent_bytes;                /* sent within it */
    int fd;
    int error;                  /* errno that ended it, or 0 */
    uint8_t state, end, events; /* private */
    bool is_paused, is_corked, is_ready, has_backlog, saw_eof;
};

/* Takes over fd (non-blocking; closed on failure too). tls NULL = plain. E_NOMEM, E_IO. Callbacks
 * start next turn. */
int conn_open(struct conn *c, struct loop *loop, int fd, struct tls_server *tls,
              const struct conn_ops *ops);
/* A client's connection on a connected or connecting non-blocking socket. server_name for SNI and
 * verification. */
int conn_open_client(struct conn *c, struct loop *loop, int fd, struct tls_client *tls,
                     const char *server_name, const struct conn_ops *ops);

/* While on_data or on_ready of c runs: room for `len` bytes of output, which are sent as if written
 * and are to be filled in before anything else is done. NULL: there is none here, use conn_write.
 */
uint8_t *conn_room(struct conn *c, size_t len);
/* Copies. E_CLOSED after shutdown or abort, E_NOMEM (then the caller should abort). */
int conn_write(struct conn *c, const void *bytes, size_t len);
/* Two pieces in one go (frame header and payload). */
int conn_write2(struct conn *c, const void *a, size_t a_len, const void *b, size_t b_len);
/* Keeps a reference until sent. */
int conn_write_blob(struct conn *c, struct blob *blob);
/* Offers the queue to the kernel now instead of at the turn's end; does nothing while the kernel is
 * known to be full. */
void conn_flush(struct conn *c);
/* Queued bytes not yet taken by the kernel, cork included. */
size_t conn_backlog(const struct conn *c);
/* Of that, what lies in memory of its own and not in loop_queued_bytes: ciphertext. */
size_t conn_kept_bytes(const struct conn *c);
/* True when a backlog has stood for window_ms with less than min_bytes sent in that time; call it
 * from your timer. When it answers false the window restarts as it passes. */
bool conn_is_stalled(struct conn *c, uint64_t now_ms, uint64_t window_ms, size_t min_bytes);
void conn_read_pause(struct conn *c);
void conn_read_resume(struct conn *c);

/* Sends what is queued, then close_notify and FIN, discards what still comes, and closes at the
 * peer's EOF. The caller sets a deadline of its own and calls conn_abort at it (R-X5, R-X6). */
void conn_shutdown(struct conn *c);
/* Closes now. Harmless when already closing. Safe inside any callback. */
void conn_abort(struct conn *c);
static inline bool conn_is_closing(const struct conn *c)
{
    return c->state >= CONN_SHUTTING;
}
/* A short constant-like text about the TLS or socket failure; "" if none. Valid until on_closed
 * returns. */
const char *conn_end_detail(const struct conn *c);
/* "TLSv1.3", or NULL for plain or before the handshake is done. */
const char *conn_tls_version(const struct conn *c);
/* Who carries the records; false for plain or before the handshake is done. */
bool conn_tls_records(const struct conn *c, enum tls_records *records);
/* True when the first bytes on a TLS listener were not TLS (for the log: someone speaks plain HTTP
 * to it). */
bool conn_spoke_plain(const struct conn *c);

/* False when a host name belongs to another certificate of the listener than the one that this
 * connection was opened with; a name that none has belongs to the first. */
bool conn_serves_host(const struct conn *c, struct view name);
/* Appends the client's verified certificate as DER. E_MISSING: it has shown none. E_NOMEM, E_LIMIT.
 */
int conn_peer_certificate(const struct conn *c, struct buf *der);
/* True when the client showed a certificate that `now`, the listener's newest TLS files, takes
 * back. */
bool conn_peer_is_revoked(const struct conn *c, const struct tls_server *now);

/* Per loop; default 2000. */
void conn_set_max_handshakes(struct loop *loop, unsigned max_handshakes);

#endif
