/* SPDX-License-Identifier: Apache-2.0 */
/* link_socket.h: the system's side of a link: TCP sockets that never wait. */
#ifndef BENCH_LINK_SOCKET_H
#define BENCH_LINK_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "net/tls_load.h"

/* A non-blocking socket on its way there; of `sources` addresses 127.0.0.1, 127.0.0.2, ... it comes
 * from the one that `index` chooses, where that is more than one. -1 with errno. */
int socket_connect(const struct sockaddr *to, socklen_t to_bytes, uint32_t sources, uint32_t index);
/* What became of a connect: 0 or an errno. */
int socket_fault(int fd);
/* What to do about a socket_connect that failed: " (...)", or nothing. A constant text. */
const char *socket_advice(int fault);

/* As tls_load_read and tls_load_write. A reset is an end like any other. */
enum tls_load_step socket_read(int fd, void *bytes, size_t cap, size_t *got);
enum tls_load_step socket_write(int fd, const void *bytes, size_t len, size_t *put);

#endif
