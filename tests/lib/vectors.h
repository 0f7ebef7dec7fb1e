/* SPDX-License-Identifier: Apache-2.0 */
/* vectors.h: finds published test vectors, which lie next to the project and are not part of it.
 * The folder is the one in the environment variable GATEWARD_VECTORS, or VECTORS_DIR, which the
 * build sets. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/message/vectors_dir.h" /* generated: VECTORS_DIR */

/* The path of `name` below the folder of vectors; false when there is nothing. */
static inline bool vectors_path(char *out, size_t cap, const char *name)
{
    const char *dir = getenv("GATEWARD_VECTORS");
    int len = snprintf(out, cap, "%s/%s", dir != NULL ? dir : VECTORS_DIR, name);

    return len > 0 && (size_t)len < cap && access(out, R_OK) == 0;
}

#endif
