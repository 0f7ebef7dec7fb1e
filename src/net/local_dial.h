/* SPDX-License-Identifier: Apache-2.0 */
/* local_dial.h: a blocking connection to a listener of this machine, for a command that asks one
 * thing and ends. Never on a worker. */
#ifndef NET_LOCAL_DIAL_H
#define NET_LOCAL_DIAL_H

#include "net/listener.h"

/* An fd whose reads and writes give up after timeout_ms, or E_IO with *why. E_INVALID: the address
 * is not this machine's own. */
int local_dial(const struct listen_address *address, unsigned timeout_ms, struct error *why);

#endif
