/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: whole small files. For start-up, never on a worker's hot path. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"

/* Appends the whole regular file to `out`, whose ceiling is the limit. E_IO (errno set), E_LIMIT,
 * E_NOMEM. */
int file_read(struct buf *out, const char *path);
/* Writes a file with exactly `mode`, through a temporary name and rename, so that readers never see
 * half of it. */
int file_write(const char *path, const void *bytes, size_t len, mode_t mode);

#endif
