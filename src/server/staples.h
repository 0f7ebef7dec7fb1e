/* SPDX-License-Identifier: Apache-2.0 */
/* staples.h: OCSP answers about the server's own certificates, where `ocsp: fetch` asks for them.
 * Private to server/. */
#ifndef SERVER_STAPLES_H
#define SERVER_STAPLES_H

#include "server/worker.h"

/* Once the TLS files of the start are read. Asks nobody yet. E_NOMEM. */
int staples_open(struct server *s);
/* Before the workers run; starts the outbound thread if nobody has. E_NOMEM, E_IO. */
int staples_start(struct server *s);
/* After a reload, with what the workers now have. Any thread, at any time between open and free. */
void staples_replace(struct server *s, struct tls_server *const *sets, uint32_t count);
/* Before the outbound thread is stopped. */
void staples_stop(struct server *s);
/* After it has ended. */
void staples_free(struct server *s);

#endif
