/* SPDX-License-Identifier: Apache-2.0 */
/* socket_io_direct.h: by system call. libc's recv and send are points where pthread_cancel may end
 * a thread; they enter and leave that state each time, which would be a sixth of an echo's
 * instructions. Nobody here cancels threads. */
#ifndef NET_SOCKET_IO_DIRECT_H
#define NET_SOCKET_IO_DIRECT_H

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static inline ssize_t socket_recv(int fd, void *into, size_t cap)
{
    return syscall(SYS_recvfrom, fd, into, cap, 0, NULL, NULL);
}

static inline ssize_t socket_send(int fd, const void *bytes, size_t len)
{
    return syscall(SYS_sendto, fd, bytes, len, MSG_NOSIGNAL, NULL, 0);
}

#endif
