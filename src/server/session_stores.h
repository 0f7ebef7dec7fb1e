/* SPDX-License-Identifier: Apache-2.0 */
/* session_stores.h: what cookies need: the store of sessions, CSRF tokens and tickets for browsers.
 * Private to server/. */
#ifndef SERVER_SESSION_STORES_H
#define SERVER_SESSION_STORES_H

#include "base/error.h"
#include "server/worker.h"

/* After internal_open, before the workers run: opens what the configuration asks for and puts it
 * into options->auth. */
int session_stores_open(struct server *s, struct error *why);
/* The outbound thread has ended and no worker's loop runs any more; before the workers are closed,
 * which get the last answers. */
void session_stores_close(struct server *s);

#endif
