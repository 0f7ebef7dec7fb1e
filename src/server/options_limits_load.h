/* SPDX-License-Identifier: Apache-2.0 */
/* options_limits_load.h: private to server/options*.c: how limits are read. */
#ifndef SERVER_OPTIONS_LIMITS_LOAD_H
#define SERVER_OPTIONS_LIMITS_LOAD_H

#include "server/options_load.h"

/* Custom row of `limits`. */
int options_read_observe(struct node *value, void *target, struct problems *problems);
/* What follows from several numbers. */
void options_finish_limits(struct loading *l, struct node *root, struct problems *problems);

#endif
