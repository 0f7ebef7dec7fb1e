/* SPDX-License-Identifier: Apache-2.0 */
/* online.h: the threads of a server beside its workers, and what runs on them: key sources,
 * introspection, the application's hook, sessions, slow signatures. Private to server/. The thread
 * that runs the server only. */
#ifndef SERVER_ONLINE_H
#define SERVER_ONLINE_H

#include "base/error.h"
#include "server/worker.h"

/* Before the workers run. Nothing of the kind in the configuration: no thread. Waits for nobody. */
int online_start(struct server *s, struct error *why);
/* After the workers' loops have ended; what is under way is answered first. Harmless after a start
 * that failed. */
void online_stop(struct server *s);

#endif
