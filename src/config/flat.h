/* SPDX-License-Identifier: Apache-2.0 */
/* flat.h: a configuration as sorted lines of path and value ("channels[2].pattern", "public:chat"),
 * so that two of them can be compared. What is not in the file is not in it. Values are what the
 * file says: secrets never stand there. */
#ifndef CONFIG_FLAT_H
#define CONFIG_FLAT_H

#include <stdbool.h>

#include "config/node.h"

struct flat;
int flat_new(struct flat **out, const struct node *root); /* E_NOMEM */
void flat_free(struct flat *f);                           /* NULL is fine */
/* The value at a path, or NULL. */
const char *flat_get(const struct flat *f, const char *path);
struct flat_change {
    const char *path;
    const char *before, *after; /* NULL: not there */
};
/* In the order of the paths; `visit` answers false to stop. */
void flat_compare(const struct flat *before, const struct flat *after,
                  bool (*visit)(void *context, const struct flat_change *change), void *context);

#endif
