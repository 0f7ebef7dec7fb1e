/* SPDX-License-Identifier: Apache-2.0 */
/* socket_io.h: recv and send of a non-blocking socket, private to net/: as in recv(2) and send(2),
 * errno included; a send raises no signal. Linux without sanitizers, which watch libc's: straight
 * to the kernel. */
#ifndef NET_SOCKET_IO_H
#define NET_SOCKET_IO_H

#ifdef SOCKET_IO_DIRECT
#include "net/socket_io_direct.h"
#else
#include "net/socket_io_libc.h"
#endif

#endif
