/* SPDX-License-Identifier: Apache-2.0 */
/* tls_probe.h: one TLS connection of a command that looks at how a server speaks TLS: any version
 * from 1.0 on, whatever its certificate is worth. It waits where it must, so never on a worker.
 * What it finds out says whether a secret may be sent on it. */
#ifndef NET_TLS_PROBE_H
#define NET_TLS_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum tls_probe_version {
    TLS_PROBE_ANY, /* the best both can */
    TLS_PROBE_10,
    TLS_PROBE_11,
    TLS_PROBE_12,
    TLS_PROBE_13
};
struct tls_probe_options {
    const char *server_name; /* a name, or an IP address */
    const char *ca_path;     /* NULL: the system's authorities */
    enum tls_probe_version version;
    uint64_t deadline_ms; /* of the handshake, on clock_mono_ms */
};
struct tls_probe;
/* Takes a connected (or connecting) non-blocking socket, which stays the caller's. E_DENIED: the
 * server ended the handshake; E_EXPIRED; E_UNSUPPORTED: this machine does not speak that version;
 * E_IO: ca_path. All with *why. */
int tls_probe_open(struct tls_probe **out, int fd, const struct tls_probe_options *options,
                   struct error *why);
void tls_probe_free(struct tls_probe *p); /* NULL is fine */

const char *tls_probe_version_text(const struct tls_probe *p);
/* Why the certificate is not to be trusted; NULL: it is. Never freed. */
const char *tls_probe_distrust(const struct tls_probe *p);
bool tls_probe_expires_in(const struct tls_probe *p, long *seconds);
bool tls_probe_asks_for_certificate(const struct tls_probe *p);

/* Bytes read, 0 at the end, E_EXPIRED, E_IO. */
long tls_probe_read(struct tls_probe *p, void *bytes, size_t max, uint64_t deadline_ms);
/* All of it: OK, E_EXPIRED, E_IO. */
int tls_probe_write(struct tls_probe *p, const void *bytes, size_t len, uint64_t deadline_ms);

/* Waits until fd can be read (or written): false at the deadline. */
bool tls_probe_wait(int fd, bool is_write, uint64_t deadline_ms);

#endif
