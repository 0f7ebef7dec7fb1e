/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of the crowd. One address has some 28,000 ports to connect from, which is why there may
 * be several. */
#include "bench/link_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static int come_from(int fd, uint32_t sources, uint32_t index)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    int on = 1;

    if (sources < 2)
        return 0;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index % sources);
    /* The port is chosen by connect, which knows that another destination may share it. */
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return bind(fd, (const struct sockaddr *)&from, sizeof(from));
}

int socket_connect(const struct sockaddr *to, socklen_t to_bytes, uint32_t sources, uint32_t index)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, fault;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (come_from(fd, sources, index) == 0 &&
        (connect(fd, to, to_bytes) == 0 || errno == EINPROGRESS))
        return fd;
    fault = errno;
    (void)close(fd);
    errno = fault;
    return -1;
}

int socket_fault(int fd)
{
    socklen_t bytes = sizeof(int);
    int fault = 0;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &bytes) == 0 ? fault : errno;
}

const char *socket_advice(int fault)
{
    switch (fault) {
    case EMFILE:
    case ENFILE:
        return " (raise the limit for descriptors: ulimit -n)";
    case EADDRNOTAVAIL:
        return " (no local port is left: spread the connections with --sources N)";
    default:
        return "";
    }
}

enum tls_load_step socket_read(int fd, void *bytes, size_t cap, size_t *got)
{
    ssize_t n = recv(fd, bytes, cap, 0);

    *got = n > 0 ? (size_t)n : 0;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? TLS_LOAD_WANTS_READ : TLS_LOAD_DONE;
}

enum tls_load_step socket_write(int fd, const void *bytes, size_t len, size_t *put)
{
    ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

    *put = n > 0 ? (size_t)n : 0;
    if (n >= 0)
        return TLS_LOAD_DONE;
    return errno == EAGAIN || errno == EINTR ? TLS_LOAD_WANTS_WRITE : TLS_LOAD_FAILED;
}
