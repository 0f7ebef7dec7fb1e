/* SPDX-License-Identifier: Apache-2.0 */
/* session_table.h: sessions of our own in memory, for the engines that have them there: by the
 * SHA-256 of their id, by user, and by the time at which they end. Sharded; any thread, but for
 * init, start and clear. Times are wall clock seconds of the caller. An engine's struct begins with
 * a table, whose functions fit struct session_store_ops as they are. */
#ifndef AUTH_SESSION_TABLE_H
#define AUTH_SESSION_TABLE_H

#include <stdatomic.h>

#include "auth/session_store.h"

#define SESSION_KEY_BYTES  32
#define SESSION_TURN_MS    500  /* between sweeps: an end is told within a second */
#define SESSION_TURN_MAX   4096 /* that one turn of the thread takes out */
#define SESSION_REMEMBER_S 60   /* how long "expired" can be told from "unknown" */

struct session_shard;
struct session_table {
    struct session_store store;
    struct session_shard *shards;
    uint32_t max;
    atomic_uint count;
    bool is_kept; /* what is used is remembered for session_table_take_used */
    struct outbound_timer timer;
    struct outbound_job starter;
    void (*turn)(struct session_table *t, int64_t now_s); /* of the engine; may be NULL */
};

/* One session as it is made and kept. */
struct session_row {
    uint8_t key[SESSION_KEY_BYTES];
    struct view user, tenant, roles;
    int64_t created_s, ends_s, used_s;
};
struct session_use {
    uint8_t key[SESSION_KEY_BYTES];
    int64_t used_s, until_s;
};

/* E_NOMEM. */
int session_table_init(struct session_table *t, const struct session_store_options *options,
                       const struct session_store_ops *ops);
void session_table_clear(struct session_table *t);
/* Begins to sweep, on the thread of store.outbound. E_FULL, E_CLOSED. */
int session_table_start(struct session_table *t);

/* Of the change or question: is it well formed? Draws an id for CREATE, whose key is *key; of the
 * others *key is that of their id. OK, E_INVALID; E_MISSING for an id that is none; E_CRYPTO. */
int session_table_prepare(struct session_op *op, uint8_t key[SESSION_KEY_BYTES]);
/* false: `id` has not the form of ours. */
bool session_table_key(uint8_t key[SESSION_KEY_BYTES], struct view id);

/* Could it have been made by us? */
bool session_table_row_ok(const struct session_row *row);
/* Copies the row. E_FULL, E_NOMEM, E_EXISTS. */
int session_table_add(struct session_table *t, const struct session_row *row, int64_t now_s);
bool session_table_has(struct session_table *t, const uint8_t key[SESSION_KEY_BYTES]);
/* Who it is and until when, into the answer; is_use: it counts as used. E_MISSING. */
int session_table_get(struct session_table *t, const uint8_t key[SESSION_KEY_BYTES],
                      struct session_op *op, int64_t now_s, bool is_use);
/* false: there was none. Whoever watched it has been told when this returns. */
bool session_table_end(struct session_table *t, const uint8_t key[SESSION_KEY_BYTES],
                       enum session_end why);
uint64_t session_table_end_user(struct session_table *t, struct view user);
/* Ends at most SESSION_TURN_MAX whose time is over; true: there may be more. */
bool session_table_sweep(struct session_table *t, int64_t now_s);
/* At most `max` of those that were used since they were last taken. */
size_t session_table_take_used(struct session_table *t, struct session_use *out, size_t max);
/* They could not be written: they are to be taken again. */
void session_table_put_back(struct session_table *t, const struct session_use *used, size_t count);

/* For struct session_store_ops. */
bool session_table_id_of_cookie(const struct session_store *s, struct view value,
                                char space[SESSION_ID_MAX], struct view *id);
enum auth_verdict session_table_check(struct session_store *s, struct view id, int64_t wall_s,
                                      struct identity *who, const char **fault);
int session_table_lookup(struct session_store *s, struct lookup *l, struct view id);
struct session_watch *session_table_watch(struct session_store *s, struct view id);
void session_table_touch(struct session_store *s, struct session_watch *watch, int64_t wall_s);
void session_table_unwatch(struct session_store *s, struct session_watch *watch);

#endif
