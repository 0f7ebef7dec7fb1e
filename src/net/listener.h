/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h: a listening socket on one loop. TCP listeners use SO_REUSEPORT so that each worker
 * has its own. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/ip.h"
#include "net/loop.h"

/* "127.0.0.1:8443", "[::1]:8443", "unix:/path". Names are not resolved, "localhost:8443" stands for
 * 127.0.0.1. */
struct listen_address {
    struct ip_address ip;
    uint16_t port; /* 0: the kernel chooses */
    char unix_path[108];
};
int listen_address_parse(struct listen_address *out, const char *text, struct error *why);
bool listen_address_is_local(const struct listen_address *a); /* loopback or Unix socket */

/* Binds and listens without a loop (so that every address is known good before any worker starts).
 * Sets *bound_port. Returns an fd or a negative status with *why ("address in use: ...",
 * "permission denied: ports below 1024 need ..."). TCP: call it once per worker, the later times
 * with the port that the first call gave. "[::]" means IPv6 only. Unix: the path can be bound once;
 * a dead predecessor's socket is replaced, a living one is "address in use", mode 0660. Every
 * further worker listens on listener_share(fd). E_EXISTS (in use), E_DENIED, E_IO, E_INVALID. */
int listener_bind(const struct listen_address *address, uint16_t *bound_port, struct error *why);
/* Is a TCP address free? SO_REUSEPORT would let a second program of the same user share it unseen,
 * and then each gets half of the clients; so ask before the first listener_bind. E_EXISTS,
 * E_DENIED, E_IO, with *why. */
int listener_probe(const struct listen_address *address, struct error *why);
/* A second descriptor of the same socket (close-on-exec), or a negative status. */
int listener_share(int fd);

struct listener;
/* on_accept gets a non-blocking, close-on-exec fd with TCP_NODELAY and owns it. When descriptors
 * run out the listener pauses, keeps one descriptor in reserve and retries without spinning
 * (SC-22). Takes over fd. */
int listener_open(struct listener **out, struct loop *loop, int fd,
                  void (*on_accept)(void *context, int fd, const struct ip_address *peer,
                                    uint16_t peer_port),
                  void *context);
/* Leaves the last `count` descriptors of the process (at most an eighth of what it may have) to
 * others: logs, files, the internal API. Who would need one of them is turned away as if there were
 * none. */
void listener_spare(struct listener *l, unsigned count);
void listener_close(struct listener *l); /* stops at once; memory freed by the loop */

#endif
