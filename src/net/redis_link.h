/* SPDX-License-Identifier: Apache-2.0 */
/* redis_link.h: bytes to a Redis server and back, over TCP, TLS or a Unix socket, never waiting but
 * for the look-up of a name. One thread. Private to redis.c. */
#ifndef NET_REDIS_LINK_H
#define NET_REDIS_LINK_H

#include "net/redis_url.h"
#include "net/tls_stream.h"

#define REDIS_WIRE_MAX (16 * 1024 * 1024) /* waiting to be sent */

enum redis_link_state { REDIS_LINK_CLOSED, REDIS_LINK_CONNECTING, REDIS_LINK_TLS, REDIS_LINK_OPEN };
struct addrinfo;
struct redis_link {
    const struct redis_url *url;
    struct tls_client *tls; /* NULL: no TLS */
    enum redis_link_state state;
    int fd;
    struct addrinfo *addresses, *address; /* all, and the one that is being tried */
    struct tls_io *io;
    struct tls_stream stream;
    struct buf wire; /* to be sent */
    uint8_t *in;
    char fault[160]; /* why the last function failed */
};

/* url and tls must outlive it. Does nothing that can fail. */
void redis_link_init(struct redis_link *l, const struct redis_url *url, struct tls_client *tls);
/* Looks the name up (this may take long) and begins to connect. E_NOMEM, E_IO. */
int redis_link_open(struct redis_link *l);
void redis_link_close(struct redis_link *l); /* harmless when closed */
/* Gives the address up that does not answer and tries the next one. E_MISSING: there is none. */
int redis_link_next(struct redis_link *l);
/* What poll is to wait for. */
short redis_link_events(const struct redis_link *l);
/* Goes on after poll. Bytes that have arrived are handed to `take`, whose failure is final too.
 * OK, or the end of the link: E_IO, E_CLOSED, E_NOMEM, E_DENIED (TLS), what take says. */
int redis_link_turn(struct redis_link *l, short events,
                    int (*take)(void *context, const uint8_t *bytes, size_t len), void *context);
/* Only when REDIS_LINK_OPEN. Sends what can be sent at once and keeps the rest. */
int redis_link_send(struct redis_link *l, const void *bytes, size_t len);

#endif
