/* SPDX-License-Identifier: Apache-2.0 */
/* Looking a name up and beginning to connect. The only file of this room that makes a socket; what
 * happens on it is net/conn.c's business. */
#include "client/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "base/status.h"

int dial_open(struct dial *d, const char *host, uint16_t port, const char **fault)
{
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char service[8];
    int rc;

    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    d->all = d->next = NULL;
    rc = getaddrinfo(host, service, &hints, &d->all);
    if (rc != 0) {
        *fault = gai_strerror(rc);
        return E_MISSING;
    }
    d->next = d->all;
    return OK;
}

void dial_close(struct dial *d)
{
    if (d->all != NULL)
        freeaddrinfo(d->all);
    d->all = d->next = NULL;
}

unsigned dial_left(const struct dial *d)
{
    unsigned tried = 0, left = 0;

    for (const struct addrinfo *a = d->all; a != d->next; a = a->ai_next)
        tried++;
    for (const struct addrinfo *a = d->next; a != NULL; a = a->ai_next)
        left++;
    if (tried >= DIAL_ADDRESSES_MAX)
        return 0;
    return left < DIAL_ADDRESSES_MAX - tried ? left : DIAL_ADDRESSES_MAX - tried;
}

int dial_next(struct dial *d)
{
    const struct addrinfo *a = d->next;
    int on = 1;
    int fd;

    d->next = a->ai_next;
    fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0)
        return E_IO;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* A subscriber may wait for days; a server that has vanished should not keep it waiting. */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)
        return fd;
    on = errno;
    (void)close(fd);
    errno = on;
    return E_IO;
}
