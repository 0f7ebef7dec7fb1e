/* SPDX-License-Identifier: Apache-2.0 */
/* reload.h: another configuration without a restart. Private to server/. */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "server/worker.h"

struct peer;

/* --- reload.c, worker thread --- */
/* Holds the client's certificate against the newest revocation lists. False: it is on one, and the
 * connection is being closed. */
bool reload_recheck(struct peer *p);
void reload_review(struct timer *timer); /* worker.review_timer */

/* --- reload_config.c, the thread that reloads --- */
/* Reads the file again and makes of it what can come into force without a restart. *changes counts
 * what is different. A server without a file gets its own configuration again (*out NULL).
 * E_INVALID (a fault, or a change that needs a restart), E_NOMEM; *why names the first. */
int reload_read(struct server *s, struct generation **out, unsigned *changes, struct error *why);

#endif
