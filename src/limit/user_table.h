/* SPDX-License-Identifier: Apache-2.0 */
/* user_table.h: what a user has used up, over all of its connections and all workers, and for as
 * long as it matters after the last of them has gone (reconnecting resets nothing). Bounded:
 * entries that nobody holds and whose limits are full again go first; when every entry matters, a
 * new user is refused (E_FULL), never forgotten. Sharded mutexes at hold and drop only; the rates
 * inside are atomic. Any thread. */
#ifndef LIMIT_USER_TABLE_H
#define LIMIT_USER_TABLE_H

#include "base/view.h"
#include "limit/memo.h"
#include "limit/rate.h"

struct user_usage {
    struct memo_entry entry;                 /* private to the table */
    struct rate_shared per_minute, per_hour; /* use freely while held, and only then */
};
struct user_table;

/* E_NOMEM. E_LIMIT: one of the limits could take more than 30 days to be full again, which would
 * let a few users fill the table for good. */
int user_table_new(struct user_table **out, size_t max_users, const struct rate_limit *per_minute,
                   const struct rate_limit *per_hour);
void user_table_free(struct user_table *t); /* NULL is fine; nobody may hold anything any more */
/* Finds or makes the entry of `user` and holds it. E_FULL, E_NOMEM; E_LIMIT where it is held
 * max_holders times already, and for a name longer than MEMO_KEY_BYTES_MAX. Every hold needs one
 * user_table_drop. */
int user_table_hold(struct user_table *t, struct view user, uint32_t max_holders, uint64_t now_ns,
                    struct user_usage **out);
void user_table_drop(struct user_table *t, struct user_usage *usage);
size_t user_table_count(struct user_table *t);

#endif
