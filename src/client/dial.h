/* SPDX-License-Identifier: Apache-2.0 */
/* dial.h: from a host name to sockets that are being connected, one address after the other. The
 * look-up blocks. */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

#include <stdint.h>

struct addrinfo;
struct dial {
    struct addrinfo *all, *next;
};

/* E_MISSING with *fault, a text that is never freed. */
int dial_open(struct dial *d, const char *host, uint16_t port, const char **fault);
void dial_close(struct dial *d);
/* How many addresses have not been tried. At most DIAL_ADDRESSES_MAX are. */
#define DIAL_ADDRESSES_MAX 8
unsigned dial_left(const struct dial *d);
/* A non-blocking socket on its way to the next address; E_IO (errno says why) when that one cannot
 * even be tried. Only while dial_left is not 0. */
int dial_next(struct dial *d);

#endif
