/* SPDX-License-Identifier: Apache-2.0 */
/* key_sources.h: the issuers whose keys come from a URL, and the outbound thread that fetches them.
 * Private to server/. The thread that runs the server only. */
#ifndef SERVER_KEY_SOURCES_H
#define SERVER_KEY_SOURCES_H

#include "server/worker.h"

/* Before the workers run. No issuer with a URL: no thread. Does not wait for any download. E_NOMEM,
 * E_IO, E_FULL. */
int key_sources_start(struct server *s);
/* After the workers have ended. */
void key_sources_stop(struct server *s);

#endif
