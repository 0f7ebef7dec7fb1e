/* SPDX-License-Identifier: Apache-2.0 */
/* server.h: the running server: workers, listeners, drain. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdint.h>

#include "base/error.h"
#include "server/options.h"

struct server;
/* Binds every listener (nothing else happens before all are bound) and prepares all workers. Takes
 * over `options` on success. *why says what to do. */
int server_open(struct server **out, struct options *options, struct error *why);
/* Runs the workers until a drain has ended; returns 0. Blocks the calling thread, which becomes
 * worker 0. */
int server_run(struct server *s);
/* Any thread, also a signal handler's watcher: starts the drain; the second call ends everything
 * now. */
void server_drain(struct server *s);
/* Any thread: reads the configuration and the TLS files of all listeners again. All or nothing; the
 * outcome goes to both logs. A negative status: everything stays as it was (E_CLOSED: the server
 * has ended). Reads files, and waits for a server that has yet to start, so not on a worker. */
int server_reload(struct server *s);
/* The same, and tells its caller too: how many keys have changed, or why it was refused, with the
 * line of the file where there is one. */
int server_reload_telling(struct server *s, unsigned *changes, struct error *why);
/* Any thread: the file of the event log is opened by its name again (event_log_reopen). */
void server_reopen_log(struct server *s);
void server_free(struct server *s);
uint16_t server_port(const struct server *s, unsigned listener);
uint16_t server_internal_port(const struct server *s); /* 0: off, or a Unix socket */
/* Publishes JSON `data` on a channel in the name of the server. Any thread. E_INVALID (name or
 * JSON), E_FULL. */
int server_publish(struct server *s, struct view channel, struct view data);

#endif
