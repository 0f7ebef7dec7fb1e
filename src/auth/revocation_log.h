/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_log.h: revocations that outlive the process. One line each in
 * DIRECTORY/revocations.log, appended and synced before a revocation counts as made; compacted at
 * the start and when it has grown. One thread after revocation_log_open. */
#ifndef AUTH_REVOCATION_LOG_H
#define AUTH_REVOCATION_LOG_H

#include "auth/revocation.h"
#include "base/error.h"

/* One line without its newline: "user 1800000000 YWxpY2U 0123456789abcdef": kind, instant, value in
 * Base64url, and the first eight bytes of the SHA-256 of all before. Pure. */
#define REVOCATION_LINE_MAX 256
/* The length, or 0 when `what` cannot be written. */
size_t revocation_line_encode(char out[REVOCATION_LINE_MAX], const struct revocation *what);
/* *what points into `value`. False for anything but what encode writes. */
bool revocation_line_decode(struct revocation *what, char value[IDENTITY_TOKEN_ID_MAX + 3],
                            struct view line);

struct revocation_log;
/* Makes the directory if it is not there (0700), reads what stands in it into `table`, and compacts
 * it. A last line without its newline was never confirmed to anyone and is dropped; any other fault
 * refuses, and so does another process that has the file. `table` must outlive the log. E_IO,
 * E_INVALID, E_EXISTS, E_FULL, E_NOMEM, with *why saying what to do. */
int revocation_log_open(struct revocation_log **out, const char *directory,
                        struct revocations *table, int64_t wall_s, struct error *why);
void revocation_log_close(struct revocation_log *log);
/* OK once the line is on the disk. E_IO: it is not, and will not be there after a crash. */
int revocation_log_add(struct revocation_log *log, const struct revocation *what);

#endif
