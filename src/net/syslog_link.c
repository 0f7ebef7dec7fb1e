/* SPDX-License-Identifier: Apache-2.0 */
/* syslog_link.c: a Unix datagram socket is never half sent and never blocks a daemon that has just
 * begun: whoever binds the path next gets the next line. */
#include "net/syslog_link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/status.h"

void syslog_link_init(struct syslog_link *link, const char *path)
{
    link->path = path;
    link->fd = -1;
}

void syslog_link_close(struct syslog_link *link)
{
    if (link->fd >= 0)
        (void)close(link->fd);
    link->fd = -1;
}

static void close_keeping_errno(struct syslog_link *link)
{
    int saved = errno;

    syslog_link_close(link);
    errno = saved;
}

static int dial(struct syslog_link *link)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(link->path);

    if (len > SYSLOG_PATH_MAX) {
        errno = ENAMETOOLONG;
        return E_CLOSED;
    }
    memcpy(to.sun_path, link->path, len);
    link->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link->fd >= 0 && connect(link->fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
        return OK;
    close_keeping_errno(link);
    return E_CLOSED;
}

static int send_once(struct syslog_link *link, const void *bytes, size_t len)
{
    ssize_t sent;

    do {
        sent = send(link->fd, bytes, len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return OK;
    if (errno == EMSGSIZE)
        return E_LIMIT;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return E_FULL;
    close_keeping_errno(link);
    return E_CLOSED;
}

/* A daemon that was started anew has another socket at the same path: the old connection is found
 * dead only when something is sent, and that line must not be lost. */
int syslog_link_send(struct syslog_link *link, const void *bytes, size_t len)
{
    int rc = link->fd >= 0 ? send_once(link, bytes, len) : E_CLOSED;

    if (rc != E_CLOSED)
        return rc;
    rc = dial(link);
    return rc == OK ? send_once(link, bytes, len) : rc;
}

void syslog_link_wait(const struct syslog_link *link, int timeout_ms)
{
    struct pollfd to = {.fd = link->fd, .events = POLLOUT}; /* a negative fd: just the time */

    (void)poll(&to, 1, timeout_ms);
}
