/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h: what the HTTP API makes the server do: tickets, revocation, publishing, readiness.
 * Private to server/. Worker 0's thread but what says otherwise. */
#ifndef SERVER_INTERNAL_H
#define SERVER_INTERNAL_H

#include "base/error.h"
#include "server/worker.h"

struct internal;
/* Before the workers run: binds the listener, opens the tables, reads the revocations. Does nothing
 * (s->internal stays NULL) without `internal` in the configuration. */
int internal_open(struct server *s, struct error *why);
int internal_start(struct internal *in); /* worker 0, before its loop runs */
/* Worker 0 is about to stop; true once nothing is open any more. Call again until then. */
bool internal_stop(struct internal *in);
/* No worker runs, none is closed: waits for a reload that a call has begun. NULL is fine. */
void internal_reload_end(struct internal *in);
/* After all workers are closed. NULL is fine. */
void internal_free(struct internal *in);
uint16_t internal_port(const struct internal *in);

#endif
