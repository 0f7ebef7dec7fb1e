/* SPDX-License-Identifier: Apache-2.0 */
/* session_file.h: rows of sessions in an SQLite file (WAL, every commit on the disk before it is
 * answered). One process at a time, one thread at a time. Ids are not in it, only their SHA-256.
 * Functions that answer int answer OK, E_NOMEM or E_IO unless they say more. */
#ifndef AUTH_SESSION_FILE_H
#define AUTH_SESSION_FILE_H

#include "auth/session_table.h"

struct session_file;

/* Makes the file, mode 0600, where there is none. A file that is broken, empty, not ours, of a
 * newer version, readable by others or open in another process is an error with *why, never a store
 * without sessions. */
int session_file_open(struct session_file **out, const char *path, struct error *why);
void session_file_close(struct session_file *f); /* NULL is fine */
/* What the last failure was: constant text, nothing of the rows. */
const char *session_file_why(const struct session_file *f);

int session_file_begin(struct session_file *f);
int session_file_commit(struct session_file *f); /* rolled back where it fails */
void session_file_rollback(struct session_file *f);

/* Inside a transaction. until_s: when the row is over, if nothing changes it. */
int session_file_put(struct session_file *f, const struct session_row *row, int64_t until_s);
int session_file_use(struct session_file *f, const struct session_use *use);
/* *count: how many there were. */
int session_file_remove(struct session_file *f, const uint8_t key[SESSION_KEY_BYTES],
                        uint64_t *count);
int session_file_remove_user(struct session_file *f, struct view user, uint64_t *count);
int session_file_remove_over(struct session_file *f, int64_t now_s); /* some, the oldest first */
int session_file_probe(struct session_file *f);                      /* writes what is there */

/* At most `max` rows behind `key` in their order (NULL: from the first), whose views live until
 * `visit` returns. Answers what visit answers, if it is not OK; E_INVALID: a row is no session. */
struct session_file_walk {
    const uint8_t *behind;
    uint32_t max;
    int (*visit)(void *context, const struct session_row *row);
    void *context;
};
int session_file_each(struct session_file *f, const struct session_file_walk *walk,
                      uint32_t *count);

#endif
