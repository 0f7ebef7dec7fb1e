/* SPDX-License-Identifier: Apache-2.0 */
/* run_server.h: what `serve` and `dev` share: raise the descriptor limit, bind, wait for signals,
 * run, say goodbye. */
#ifndef CLI_RUN_SERVER_H
#define CLI_RUN_SERVER_H

#include "server/options.h"
#include "server/server.h"

/* Runs until a drain has ended and frees options in every case. `announce` (may be NULL) is called
 * once every listener is bound. Returns a process exit code. SIGTERM and SIGINT drain, the second
 * one ends at once. SIGHUP reloads the TLS files, without an `announce` only: who has one sits at a
 * terminal. */
int run_server(struct options *options,
               void (*announce)(const struct server *server, void *context), void *context);

#endif
