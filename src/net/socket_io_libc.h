/* SPDX-License-Identifier: Apache-2.0 */
/* socket_io_libc.h: by libc. */
#ifndef NET_SOCKET_IO_LIBC_H
#define NET_SOCKET_IO_LIBC_H

#include <sys/socket.h>
#include <sys/types.h>

static inline ssize_t socket_recv(int fd, void *into, size_t cap)
{
    return recv(fd, into, cap, 0);
}

static inline ssize_t socket_send(int fd, const void *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL);
}

#endif
