/* SPDX-License-Identifier: Apache-2.0 */
/* session_table.c: shards of one mutex each. In a shard a session stands in a map by its key, in a
 * bucket by its user, and in a heap by the time at which it is to be looked at. Use only moves the
 * end of a session away, so the heap is not touched by it: whoever comes to the top too early is
 * put back to its new place. A session that is over by time is remembered for a while in a ring; it
 * is the first to go when there is no room. Watchers are told without any lock. */
#include "auth/session_table.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/link.h"
#include "base/map.h"
#include "base/random.h"
#include "base/status.h"
#include "auth/session_heap.h"

#define SHARDS    16
#define TELL_ONCE 64

struct session_shard {
    pthread_mutex_t lock;
    struct map map;
    struct session_heap heap;
    struct link *users; /* buckets; a power of two of them */
    uint32_t users_mask;
    uint64_t users_key[2];
    struct link over; /* by `user`, in the order in which they ended */
    struct link used; /* by `queue`: used since taken */
    struct link told; /* by `queue`: ended, watched, not told yet; each holds a reference */
};

static struct session_shard *shard_of(const struct session_table *t, const uint8_t *key)
{
    return &t->shards[key[SESSION_KEY_BYTES - 1] % SHARDS];
}

static struct view key_of(const uint8_t *key)
{
    return view_of(key, SESSION_KEY_BYTES);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The second in which it is over, if nobody uses it. */
static int64_t until(const struct session_table *t, const struct session_entry *one)
{
    return earlier(one->used_s + (int64_t)t->store.idle_s, one->ends_s);
}

static void drop(struct session_entry *one)
{
    if (--one->references > 0)
        return;
    link_remove(&one->queue);
    free(one);
}

int session_table_init(struct session_table *t, const struct session_store_options *options,
                       const struct session_store_ops *ops)
{
    uint32_t buckets = 16;

    t->store.ops = ops;
    t->store.roles = options->roles;
    t->store.idle_s = options->idle_s;
    t->store.absolute_s = options->absolute_s;
    t->max = options->max < SESSIONS_MAX ? options->max : SESSIONS_MAX;
    while (buckets < t->max / SHARDS)
        buckets *= 2;
    t->shards = calloc(SHARDS, sizeof(*t->shards));
    if (t->shards == NULL)
        return E_NOMEM;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct session_shard *s = &t->shards[i];

        (void)pthread_mutex_init(&s->lock, NULL);
        map_init(&s->map, t->max);
        link_init(&s->over);
        link_init(&s->used);
        link_init(&s->told);
        random_bytes(s->users_key, sizeof(s->users_key));
        s->users_mask = buckets - 1;
        s->users = calloc(buckets, sizeof(*s->users));
        if (s->users == NULL)
            return E_NOMEM;
        for (uint32_t bucket = 0; bucket < buckets; bucket++)
            link_init(&s->users[bucket]);
    }
    return OK;
}

static void clear_shard(struct session_shard *s)
{
    struct session_entry *one;
    size_t cursor = 0;

    while (!link_is_alone(&s->told)) {
        one = LINK_ITEM(s->told.next, struct session_entry, queue);
        link_remove(&one->queue);
        drop(one);
    }
    while ((one = map_next(&s->map, &cursor)) != NULL) {
        link_remove(&one->user_link);
        link_remove(&one->queue);
        one->references = 1; /* of the table; those who watched are gone */
        drop(one);
    }
    map_clear(&s->map);
    free(s->heap.entries);
    free(s->users);
    (void)pthread_mutex_destroy(&s->lock);
}

void session_table_clear(struct session_table *t)
{
    if (t->shards == NULL)
        return;
    for (unsigned i = 0; i < SHARDS; i++)
        if (t->shards[i].users != NULL)
            clear_shard(&t->shards[i]);
    free(t->shards);
    t->shards = NULL;
}

/* --- telling, without the lock --- */

static void tell(struct session_table *t, struct session_shard *s)
{
    struct session_entry *batch[TELL_ONCE];
    unsigned count;

    do {
        count = 0;
        (void)pthread_mutex_lock(&s->lock);
        while (count < TELL_ONCE && !link_is_alone(&s->told)) {
            batch[count] = LINK_ITEM(s->told.next, struct session_entry, queue);
            link_remove(&batch[count++]->queue);
        }
        (void)pthread_mutex_unlock(&s->lock);
        for (unsigned i = 0; i < count && t->store.ended != NULL; i++)
            t->store.ended(t->store.context, batch[i]->key, batch[i]->why);
        (void)pthread_mutex_lock(&s->lock);
        for (unsigned i = 0; i < count; i++)
            drop(batch[i]);
        (void)pthread_mutex_unlock(&s->lock);
    } while (count == TELL_ONCE);
}

/* --- under the lock --- */

/* It is over: nobody finds it by its user or by time any more, and its watchers are to be told. */
static void finish(struct session_shard *s, struct session_entry *one, enum session_end why)
{
    one->is_over = true;
    one->why = why;
    session_heap_remove(&s->heap, one);
    link_remove(&one->user_link);
    link_remove(&one->queue);
    if (one->references > 1) {
        one->references++;
        link_append(&s->told, &one->queue);
    }
}

static void forget(struct session_table *t, struct session_shard *s, struct session_entry *one)
{
    (void)map_remove(&s->map, key_of(one->key));
    link_remove(&one->user_link);
    atomic_fetch_sub(&t->count, 1);
    drop(one);
}

/* Looks at the first of the heap; false: its time has not come. */
static bool sweep_one(struct session_table *t, struct session_shard *s, int64_t now_s)
{
    struct session_entry *one = session_heap_first(&s->heap);

    if (one == NULL || one->due_s > now_s)
        return false;
    if (until(t, one) > now_s) {
        session_heap_remove(&s->heap, one);
        one->due_s = until(t, one);
        session_heap_add(&s->heap, one);
        return true;
    }
    finish(s, one, one->ends_s <= now_s ? SESSION_TOO_OLD : SESSION_IDLE);
    one->due_s = now_s + SESSION_REMEMBER_S;
    link_append(&s->over, &one->user_link);
    return true;
}

static bool forget_one(struct session_table *t, struct session_shard *s, int64_t now_s)
{
    struct session_entry *one;

    if (link_is_alone(&s->over))
        return false;
    one = LINK_ITEM(s->over.next, struct session_entry, user_link);
    if (one->due_s > now_s)
        return false;
    forget(t, s, one);
    return true;
}

bool session_table_sweep(struct session_table *t, int64_t now_s)
{
    bool is_more = false;

    for (unsigned i = 0; i < SHARDS; i++) {
        struct session_shard *s = &t->shards[i];
        unsigned looks = 0;

        (void)pthread_mutex_lock(&s->lock);
        while (looks < SESSION_TURN_MAX / SHARDS &&
               (sweep_one(t, s, now_s) || forget_one(t, s, now_s)))
            looks++;
        (void)pthread_mutex_unlock(&s->lock);
        is_more = is_more || looks == SESSION_TURN_MAX / SHARDS;
        tell(t, s);
    }
    return is_more;
}

/* What is over makes room, however shortly ago it ended. */
static bool make_room(struct session_table *t, int64_t now_s)
{
    bool is_made = false;

    for (unsigned i = 0; i < SHARDS && !is_made; i++) {
        struct session_shard *s = &t->shards[i];
        unsigned looks = 0;

        (void)pthread_mutex_lock(&s->lock);
        while (!is_made && looks++ < SESSION_TURN_MAX) {
            is_made = forget_one(t, s, INT64_MAX);
            if (!is_made && !sweep_one(t, s, now_s))
                break;
        }
        (void)pthread_mutex_unlock(&s->lock);
        tell(t, s);
    }
    return is_made;
}

/* --- changes --- */

static struct link *bucket_of(struct session_shard *s, struct view user)
{
    return &s->users[siphash(s->users_key, user.ptr, user.len) & s->users_mask];
}

static struct session_entry *entry_new(const struct session_row *row)
{
    struct session_entry *one =
        calloc(1, sizeof(*one) + row->user.len + row->tenant.len + row->roles.len);
    char *text;

    if (one == NULL)
        return NULL;
    link_init(&one->user_link);
    link_init(&one->queue);
    memcpy(one->key, row->key, SESSION_KEY_BYTES);
    one->references = 1;
    one->created_s = row->created_s;
    one->ends_s = row->ends_s;
    one->used_s = row->used_s;
    one->user_bytes = (uint8_t)row->user.len;
    one->tenant_bytes = (uint8_t)row->tenant.len;
    one->roles_bytes = (uint16_t)row->roles.len;
    text = one->text;
    memcpy(text, row->user.ptr, row->user.len);
    text += row->user.len;
    if (row->tenant.len > 0)
        memcpy(text, row->tenant.ptr, row->tenant.len);
    text += row->tenant.len;
    if (row->roles.len > 0)
        memcpy(text, row->roles.ptr, row->roles.len);
    return one;
}

static int put(struct session_table *t, struct session_shard *s, struct session_entry *one)
{
    int rc = session_heap_reserve(&s->heap);

    if (rc == OK)
        rc = map_put(&s->map, key_of(one->key), one);
    if (rc != OK)
        return rc == E_LIMIT ? E_FULL : rc;
    one->due_s = until(t, one);
    session_heap_add(&s->heap, one);
    link_append(bucket_of(s, session_entry_user(one)), &one->user_link);
    return OK;
}

int session_table_add(struct session_table *t, const struct session_row *row, int64_t now_s)
{
    struct session_shard *s = shard_of(t, row->key);
    struct session_entry *one = entry_new(row);
    int rc;

    if (one == NULL)
        return E_NOMEM;
    if (atomic_fetch_add(&t->count, 1) >= t->max && !make_room(t, now_s)) {
        atomic_fetch_sub(&t->count, 1);
        free(one);
        return E_FULL;
    }
    (void)pthread_mutex_lock(&s->lock);
    rc = put(t, s, one);
    (void)pthread_mutex_unlock(&s->lock);
    if (rc != OK) {
        atomic_fetch_sub(&t->count, 1);
        free(one);
    }
    return rc;
}

bool session_table_end(struct session_table *t, const uint8_t key[SESSION_KEY_BYTES],
                       enum session_end why)
{
    struct session_shard *s = shard_of(t, key);
    struct session_entry *one;
    bool is_there;

    (void)pthread_mutex_lock(&s->lock);
    one = map_find(&s->map, key_of(key));
    is_there = one != NULL && !one->is_over;
    if (is_there) {
        finish(s, one, why);
        forget(t, s, one);
    }
    (void)pthread_mutex_unlock(&s->lock);
    tell(t, s);
    return is_there;
}

static uint64_t end_user_in(struct session_table *t, struct session_shard *s, struct view user)
{
    struct link *bucket = bucket_of(s, user), *at, *next;
    uint64_t count = 0;

    for (at = bucket->next; at != bucket; at = next) {
        struct session_entry *one = LINK_ITEM(at, struct session_entry, user_link);

        next = at->next;
        if (!view_eq(session_entry_user(one), user))
            continue;
        finish(s, one, SESSION_LOGGED_OUT);
        forget(t, s, one);
        count++;
    }
    return count;
}

uint64_t session_table_end_user(struct session_table *t, struct view user)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < SHARDS; i++) {
        struct session_shard *s = &t->shards[i];

        (void)pthread_mutex_lock(&s->lock);
        count += end_user_in(t, s, user);
        (void)pthread_mutex_unlock(&s->lock);
        tell(t, s);
    }
    return count;
}

bool session_table_has(struct session_table *t, const uint8_t key[SESSION_KEY_BYTES])
{
    struct session_shard *s = shard_of(t, key);
    struct session_entry *one;
    bool is_there;

    (void)pthread_mutex_lock(&s->lock);
    one = map_find(&s->map, key_of(key));
    is_there = one != NULL && !one->is_over;
    (void)pthread_mutex_unlock(&s->lock);
    return is_there;
}

/* --- use --- */

static void mark_used(struct session_table *t, struct session_shard *s, struct session_entry *one,
                      int64_t now_s)
{
    if (now_s <= one->used_s)
        return;
    one->used_s = now_s;
    if (t->is_kept && link_is_alone(&one->queue))
        link_append(&s->used, &one->queue);
}

enum session_state session_table_copy(struct session_table *t, const uint8_t key[SESSION_KEY_BYTES],
                                      struct session_copy *out, int64_t now_s, bool is_use)
{
    struct session_shard *s = shard_of(t, key);
    enum session_state state = SESSION_UNKNOWN;
    struct session_entry *one;

    (void)pthread_mutex_lock(&s->lock);
    one = map_find(&s->map, key_of(key));
    if (one != NULL)
        state = one->is_over || until(t, one) <= now_s ? SESSION_OVER : SESSION_GOOD;
    if (state == SESSION_GOOD) {
        if (is_use)
            mark_used(t, s, one, now_s);
        session_entry_copy(out, one, until(t, one));
    }
    (void)pthread_mutex_unlock(&s->lock);
    return state;
}

size_t session_table_take_used(struct session_table *t, struct session_use *out, size_t max)
{
    size_t count = 0;

    for (unsigned i = 0; i < SHARDS && count < max; i++) {
        struct session_shard *s = &t->shards[i];

        (void)pthread_mutex_lock(&s->lock);
        while (count < max && !link_is_alone(&s->used)) {
            struct session_entry *one = LINK_ITEM(s->used.next, struct session_entry, queue);

            link_remove(&one->queue);
            memcpy(out[count].key, one->key, SESSION_KEY_BYTES);
            out[count].used_s = one->used_s;
            out[count++].until_s = until(t, one);
        }
        (void)pthread_mutex_unlock(&s->lock);
    }
    return count;
}

void session_table_put_back(struct session_table *t, const struct session_use *used, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct session_shard *s = shard_of(t, used[i].key);
        struct session_entry *one;

        (void)pthread_mutex_lock(&s->lock);
        one = map_find(&s->map, key_of(used[i].key));
        if (one != NULL && !one->is_over && link_is_alone(&one->queue))
            link_append(&s->used, &one->queue);
        (void)pthread_mutex_unlock(&s->lock);
    }
}

/* --- watching --- */

/* Of a session that is not there: an entry that only waits to be told. */
static struct session_entry *ended_entry(const uint8_t *key)
{
    struct session_row row = {.user = VIEW("")};
    struct session_entry *one;

    memcpy(row.key, key, SESSION_KEY_BYTES);
    one = entry_new(&row);
    if (one != NULL) {
        one->is_over = true;
        one->why = SESSION_LOGGED_OUT;
    }
    return one;
}

/* One that is over is told of by the next sweep, not here: whoever watches is not ready to hear. */
struct session_watch *session_table_watch(struct session_store *store, struct view id)
{
    struct session_table *t = (struct session_table *)(void *)store;
    uint8_t key[SESSION_KEY_BYTES];
    struct session_shard *s;
    struct session_entry *one;

    if (!session_table_key(key, id))
        return NULL;
    s = shard_of(t, key);
    (void)pthread_mutex_lock(&s->lock);
    one = map_find(&s->map, key_of(key));
    if (one != NULL)
        one->references++;
    else
        one = ended_entry(key);
    if (one != NULL && one->is_over && link_is_alone(&one->queue)) {
        one->references++;
        link_append(&s->told, &one->queue);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return (struct session_watch *)one;
}

void session_table_touch(struct session_store *store, struct session_watch *watch, int64_t wall_s)
{
    struct session_table *t = (struct session_table *)(void *)store;
    struct session_entry *one = (struct session_entry *)watch;
    struct session_shard *s = shard_of(t, one->key);

    (void)pthread_mutex_lock(&s->lock);
    if (!one->is_over && until(t, one) > wall_s)
        mark_used(t, s, one, wall_s);
    (void)pthread_mutex_unlock(&s->lock);
}

void session_table_unwatch(struct session_store *store, struct session_watch *watch)
{
    struct session_table *t = (struct session_table *)(void *)store;
    struct session_entry *one = (struct session_entry *)watch;
    struct session_shard *s = shard_of(t, one->key);

    (void)pthread_mutex_lock(&s->lock);
    drop(one);
    (void)pthread_mutex_unlock(&s->lock);
}
