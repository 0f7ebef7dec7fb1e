/* SPDX-License-Identifier: Apache-2.0 */
/* proxied.h: connections on a listener with `proxy_protocol`, until the header that says whose they
 * are has come. Private to server/. Worker thread only. */
#ifndef SERVER_PROXIED_H
#define SERVER_PROXIED_H

#include "server/worker.h"

/* From the listener. Owns fd. Goes on with peer_accept and the client's address. */
void proxied_accept(struct worker_listener *from, int fd, const struct ip_address *ip,
                    uint16_t port);
void proxied_abort_all(struct worker *w);

#endif
