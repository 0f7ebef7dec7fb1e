/* SPDX-License-Identifier: Apache-2.0 */
/* redis_link.c: the transport under a Redis connection. TLS goes through the record layer of this
 * room (tls_stream.h), which is fed from memory and so never waits either. */
#include "net/redis_link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/status.h"

#define IN_BYTES   (64 * 1024)
#define SEAL_BYTES (32 * 1024) /* at a time: well below what a stream may put out */

static int fail(struct redis_link *l, int rc, const char *what, const char *detail)
{
    (void)snprintf(l->fault, sizeof(l->fault), "%s%s%s", what, detail[0] != '\0' ? ": " : "",
                   detail);
    return rc;
}

void redis_link_init(struct redis_link *l, const struct redis_url *url, struct tls_client *tls)
{
    memset(l, 0, sizeof(*l));
    l->url = url;
    l->tls = tls;
    l->fd = -1;
    buf_init(&l->wire, REDIS_WIRE_MAX);
}

void redis_link_close(struct redis_link *l)
{
    tls_stream_clear(&l->stream);
    tls_io_free(l->io);
    if (l->fd >= 0)
        (void)close(l->fd);
    if (l->addresses != NULL)
        freeaddrinfo(l->addresses);
    buf_clear(&l->wire);
    free(l->in);
    l->io = NULL;
    l->fd = -1;
    l->addresses = l->address = NULL;
    l->in = NULL;
    l->state = REDIS_LINK_CLOSED;
}

/* --- connecting --- */

static int begin(struct redis_link *l, int family, const struct sockaddr *address, socklen_t len)
{
    int on = 1;

    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return E_IO;
    if (family != AF_UNIX)
        (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    l->state = REDIS_LINK_CONNECTING;
    if (connect(l->fd, address, len) == 0 || errno == EINPROGRESS)
        return OK;
    return E_IO;
}

static int begin_unix(struct redis_link *l)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    /* The path is known to fit. */
    memcpy(address.sun_path, l->url->host, strnlen(l->url->host, sizeof(address.sun_path) - 1));
    if (begin(l, AF_UNIX, (const struct sockaddr *)&address, sizeof(address)) == OK)
        return OK;
    return fail(l, E_IO, "cannot connect", strerror(errno));
}

/* Tries addresses until one is on its way. */
static int begin_next(struct redis_link *l)
{
    while (l->address != NULL) {
        const struct addrinfo *a = l->address;

        l->address = a->ai_next;
        if (begin(l, a->ai_family, a->ai_addr, a->ai_addrlen) == OK)
            return OK;
    }
    return fail(l, E_IO, "cannot connect", strerror(errno));
}

int redis_link_next(struct redis_link *l)
{
    if (l->state != REDIS_LINK_CONNECTING || l->address == NULL)
        return E_MISSING;
    return begin_next(l);
}

static int look_up(struct redis_link *l)
{
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char service[8];
    int rc;

    (void)snprintf(service, sizeof(service), "%u", (unsigned)l->url->port);
    rc = getaddrinfo(l->url->host, service, &hints, &l->addresses);
    if (rc != 0) {
        l->addresses = NULL;
        return fail(l, E_IO, "cannot look up the name of the server", gai_strerror(rc));
    }
    l->address = l->addresses;
    return begin_next(l);
}

int redis_link_open(struct redis_link *l)
{
    l->in = malloc(IN_BYTES);
    if (l->in == NULL)
        return fail(l, E_NOMEM, "out of memory", "");
    return l->url->is_unix ? begin_unix(l) : look_up(l);
}

/* --- bytes --- */

static int send_wire(struct redis_link *l)
{
    size_t sent = 0;
    int rc = OK;

    while (rc == OK && sent < l->wire.len) {
        ssize_t n = send(l->fd, l->wire.data + sent, l->wire.len - sent, MSG_NOSIGNAL);

        if (n > 0)
            sent += (size_t)n;
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        else if (n == 0 || errno != EINTR)
            rc = fail(l, E_IO, "the connection broke", strerror(errno));
    }
    buf_consume(&l->wire, sent);
    return rc;
}

/* What the record layer has put out goes behind what waits already. */
static int collect(struct redis_link *l)
{
    int rc = buf_append(&l->wire, l->io->out, l->io->out_len);

    l->io->out_len = 0;
    return rc == OK ? OK : fail(l, rc, "too much waits to be sent", "");
}

int redis_link_send(struct redis_link *l, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    int rc = OK;

    if (!tls_stream_has_begun(&l->stream)) {
        rc = buf_append(&l->wire, bytes, len);
        if (rc != OK)
            return fail(l, rc, "too much waits to be sent", "");
        return send_wire(l);
    }
    while (rc == OK && len > 0) {
        size_t part = len < SEAL_BYTES ? len : SEAL_BYTES;

        if (!tls_stream_seal(&l->stream, from, part))
            return fail(l, E_DENIED, "TLS", tls_stream_detail(&l->stream));
        from += part;
        len -= part;
        rc = collect(l);
    }
    return rc == OK ? send_wire(l) : rc;
}

static int start_tls(struct redis_link *l)
{
    int rc = tls_io_new(&l->io);

    if (rc == OK)
        rc = tls_stream_init_client(&l->stream, l->io, l->tls, l->url->host);
    if (rc != OK)
        return fail(l, rc, "TLS cannot begin", status_text(rc));
    l->state = REDIS_LINK_TLS;
    if (tls_stream_handshake(&l->stream) == TLS_STEP_FAILED)
        return fail(l, E_DENIED, "TLS", tls_stream_detail(&l->stream));
    rc = collect(l);
    return rc == OK ? send_wire(l) : rc;
}

static int finish_connect(struct redis_link *l)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error != 0) {
        errno = error;
        return l->address != NULL ? begin_next(l)
                                  : fail(l, E_IO, "cannot connect", strerror(error));
    }
    if (l->tls != NULL)
        return start_tls(l);
    l->state = REDIS_LINK_OPEN;
    return OK;
}

static int open_records(struct redis_link *l,
                        int (*take)(void *context, const uint8_t *bytes, size_t len), void *context)
{
    uint8_t plain[16 * 1024];
    enum tls_step step;
    size_t len;
    int rc;

    do {
        step = tls_stream_open(&l->stream, plain, sizeof(plain), &len);
        rc = len > 0 ? take(context, plain, len) : OK;
        if (rc == OK)
            rc = collect(l);
        if (rc != OK)
            return rc;
    } while (step == TLS_STEP_DONE);
    if (step == TLS_STEP_CLOSED)
        return fail(l, E_CLOSED, "the server has closed the connection", "");
    if (step == TLS_STEP_FAILED)
        return fail(l, E_DENIED, "TLS", tls_stream_detail(&l->stream));
    return send_wire(l);
}

static int take_records(struct redis_link *l, size_t len,
                        int (*take)(void *context, const uint8_t *bytes, size_t len), void *context)
{
    int rc;

    l->io->in = l->in;
    l->io->in_len = len;
    if (l->state == REDIS_LINK_TLS) {
        enum tls_step step = tls_stream_handshake(&l->stream);

        rc = collect(l);
        if (rc == OK)
            rc = send_wire(l); /* an alert too: the server's log then says what was wrong */
        if (step == TLS_STEP_FAILED || step == TLS_STEP_CLOSED)
            return fail(l, E_DENIED, "TLS", tls_stream_detail(&l->stream));
        if (rc != OK || step != TLS_STEP_DONE)
            return rc;
        l->state = REDIS_LINK_OPEN;
    }
    return open_records(l, take, context);
}

/* One recv an event: what is left makes poll return at once. */
static int receive(struct redis_link *l,
                   int (*take)(void *context, const uint8_t *bytes, size_t len), void *context)
{
    ssize_t n = recv(l->fd, l->in, IN_BYTES, 0);

    if (n == 0)
        return fail(l, E_CLOSED, "the server has closed the connection", "");
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR
                   ? OK
                   : fail(l, E_IO, "the connection broke", strerror(errno));
    return tls_stream_has_begun(&l->stream) ? take_records(l, (size_t)n, take, context)
                                            : take(context, l->in, (size_t)n);
}

short redis_link_events(const struct redis_link *l)
{
    if (l->state == REDIS_LINK_CONNECTING)
        return POLLOUT;
    return (short)(l->wire.len > 0 ? POLLIN | POLLOUT : POLLIN);
}

int redis_link_turn(struct redis_link *l, short events,
                    int (*take)(void *context, const uint8_t *bytes, size_t len), void *context)
{
    int rc = OK;

    if (events == 0)
        return OK;
    if (l->state == REDIS_LINK_CONNECTING)
        return finish_connect(l);
    if ((events & POLLOUT) != 0)
        rc = send_wire(l);
    if (rc == OK && (events & (POLLIN | POLLHUP | POLLERR)) != 0)
        rc = receive(l, take, context);
    return rc;
}
