/* SPDX-License-Identifier: Apache-2.0 */
/* local_dial.c: a plain blocking connect. */
#include "net/local_dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/status.h"

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;
};

static socklen_t fill(union any_address *out, const struct listen_address *address)
{
    memset(out, 0, sizeof(*out));
    if (address->unix_path[0] != '\0') {
        out->path.sun_family = AF_UNIX;
        memcpy(out->path.sun_path, address->unix_path, sizeof(out->path.sun_path));
        return sizeof(out->path);
    }
    if (address->ip.family == 6) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(address->port);
        memcpy(&out->v6.sin6_addr, address->ip.bytes, 16);
        return sizeof(out->v6);
    }
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(address->port);
    memcpy(&out->v4.sin_addr, address->ip.bytes, 4);
    return sizeof(out->v4);
}

int local_dial(const struct listen_address *address, unsigned timeout_ms, struct error *why)
{
    struct timeval limit = {(time_t)(timeout_ms / 1000), (suseconds_t)(timeout_ms % 1000) * 1000};
    union any_address to;
    socklen_t bytes;
    int fd;

    if (!listen_address_is_local(address)) {
        error_set(why, "the address is not this machine's own");
        return E_INVALID;
    }
    bytes = fill(&to, address);
    fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
        connect(fd, &to.any, bytes) == 0)
        return fd;
    error_set(why, "%s", strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return E_IO;
}
