/* SPDX-License-Identifier: Apache-2.0 */
/* session_heap.h: private to session_table*.c: one session in memory, and a heap of them by the
 * time at which they are to be looked at. Under the lock of their shard. */
#ifndef AUTH_SESSION_HEAP_H
#define AUTH_SESSION_HEAP_H

#include "auth/session_table.h"
#include "base/link.h"

struct session_entry {
    struct link user_link; /* in a bucket of users, or of those that are over */
    struct link queue;
    int64_t created_s, ends_s, used_s;
    int64_t due_s;       /* never behind its end; of one that is over: when to forget it */
    uint32_t references; /* one of the table, one of each watch, one of who is about to tell */
    uint32_t heap_at;
    uint16_t roles_bytes;
    uint8_t user_bytes, tenant_bytes;
    bool is_over;
    uint8_t key[SESSION_KEY_BYTES];
    enum session_end why;
    char text[]; /* user, tenant, roles */
};

struct session_heap {
    struct session_entry **entries;
    uint32_t count, capacity;
};

/* Room for one more. E_NOMEM. */
int session_heap_reserve(struct session_heap *h);
void session_heap_add(struct session_heap *h, struct session_entry *one);
void session_heap_remove(struct session_heap *h, struct session_entry *one);
struct session_entry *session_heap_first(const struct session_heap *h); /* NULL: empty */

static inline struct view session_entry_user(const struct session_entry *one)
{
    return view_of(one->text, one->user_bytes);
}

/* What is needed of a session once its lock is given back. */
struct session_copy {
    int64_t created_s, until_s, ends_s;
    size_t user_bytes, tenant_bytes, roles_bytes;
    char text[IDENTITY_USER_MAX + IDENTITY_TENANT_MAX + SESSION_ROLES_MAX];
};
void session_entry_copy(struct session_copy *out, const struct session_entry *one, int64_t until_s);

enum session_state { SESSION_UNKNOWN, SESSION_OVER, SESSION_GOOD };
/* SESSION_GOOD: *out is filled, and with is_use it counts as used. */
enum session_state session_table_copy(struct session_table *t, const uint8_t key[SESSION_KEY_BYTES],
                                      struct session_copy *out, int64_t now_s, bool is_use);

#endif
