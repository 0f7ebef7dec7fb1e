/* SPDX-License-Identifier: Apache-2.0 */
/* tls_load.h: TLS of a client that opens very many connections to one server in order to measure
 * it. Whatever it costs is missing in the measurement, so it reads and writes the socket directly
 * and never waits. One thread. */
#ifndef NET_TLS_LOAD_H
#define NET_TLS_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct tls_load_options {
    const char *server_name; /* a name, or an IP address */
    const char *ca_path;     /* NULL: the system's authorities */
    bool is_insecure;        /* the certificate is taken as it is */
    bool resumes;            /* with the newest ticket that any connection was given */
};
struct tls_load;
/* E_IO: ca_path cannot be read; E_NOMEM. Both with *why. */
int tls_load_new(struct tls_load **out, const struct tls_load_options *options, struct error *why);
void tls_load_free(struct tls_load *t); /* after all of its links; NULL is fine */
bool tls_load_has_ticket(const struct tls_load *t);

enum tls_load_step { TLS_LOAD_DONE, TLS_LOAD_WANTS_READ, TLS_LOAD_WANTS_WRITE, TLS_LOAD_FAILED };
struct tls_load_link;
/* On a connected non-blocking socket, which stays the caller's. NULL: out of memory. */
struct tls_load_link *tls_load_open(struct tls_load *t, int fd);
void tls_load_close(struct tls_load_link *l); /* sends nothing; NULL is fine */

enum tls_load_step tls_load_handshake(struct tls_load_link *l);
bool tls_load_was_resumed(const struct tls_load_link *l);
/* Why the last step failed; valid until the next call. */
const char *tls_load_fault(const struct tls_load_link *l);

/* At most one record. DONE: *got bytes, 0 at the end of the connection. */
enum tls_load_step tls_load_read(struct tls_load_link *l, void *bytes, size_t cap, size_t *got);
/* May there be more although the socket has none? */
bool tls_load_has_pending(const struct tls_load_link *l);
/* At most one record. After WANTS_WRITE the same bytes must come again, from wherever they lie. */
enum tls_load_step tls_load_write(struct tls_load_link *l, const void *bytes, size_t len,
                                  size_t *put);

#endif
