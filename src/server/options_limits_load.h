/* SPDX-License-Identifier: Apache-2.0 */
/* options_limits_load.h: private to server/options*.c: how limits are read. */
#ifndef SERVER_OPTIONS_LIMITS_LOAD_H
#define SERVER_OPTIONS_LIMITS_LOAD_H

#include "server/options_load.h"

/* `limits` of a listener or a route; the target begins with a struct own_limits. */
extern const struct option options_own_limits_rows[];
extern const struct option options_role_limits_rows[]; /* one entry of `limits.roles` */
/* What no row sees: `value`: the section, or NULL. */
void options_check_own_limits(struct node *value, const struct own_limits *own,
                              struct problems *problems);

/* Custom rows of `limits`. */
int options_read_role_limits(struct node *value, void *target, struct problems *problems);
int options_read_observe(struct node *value, void *target, struct problems *problems);
/* What follows from several numbers. */
void options_finish_limits(struct loading *l, struct node *root, struct problems *problems);
void options_finish_own_limits(struct loading *l, struct problems *problems);
void options_clear_limits(struct options *o);

#endif
