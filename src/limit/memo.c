/* SPDX-License-Identifier: Apache-2.0 */
/* memo.c: shards of hash chains, each with a binary heap of the entries that nobody holds and a
 * pool that all its entries come from. The heap array has room for every entry of its shard, so
 * that dropping never allocates and never fails. The ceiling is counted over all shards: a place is
 * reserved before an entry is made, and an entry evicted from any shard hands its place over. Only
 * one shard is ever locked at a time. */
#include "limit/memo.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/num.h"
#include "base/random.h"
#include "base/status.h"
#include "limit/memo_heap.h"
#include "limit/memo_pool.h"

#define MEMO_SHARDS         16
#define MEMO_FIRST_CAPACITY 8
/* Entries forgotten on the way whenever a shard changes: more than one, so that those that no
 * longer matter become fewer, and few, so that nobody waits for it. */
#define MEMO_TIDY 2

struct memo_shard {
    alignas(64) pthread_mutex_t lock; /* a cache line of its own */
    struct memo_entry **buckets;      /* capacity of them, a power of two */
    struct memo_heap waiting;
    struct memo_pool pool;
    size_t count, capacity;
};

struct memo {
    struct memo_shard shards[MEMO_SHARDS];
    atomic_size_t count;
    size_t max_entries;
    uint64_t keys[2][2];
};

struct memo_hash {
    uint64_t half[2];
};

int memo_new(struct memo **out, size_t max_entries, const struct memo_kind *kind)
{
    struct memo *m = aligned_alloc(alignof(struct memo), sizeof(*m));

    if (m == NULL)
        return E_NOMEM;
    memset(m, 0, sizeof(*m));
    for (size_t i = 0; i < MEMO_SHARDS; i++) {
        int rc = pthread_mutex_init(&m->shards[i].lock, NULL);

        ASSERT(rc == 0);
        m->shards[i].waiting.idle_ns = kind->idle_ns;
        memo_pool_init(&m->shards[i].pool, kind->entry_bytes);
    }
    m->max_entries = max_entries;
    random_bytes(m->keys, sizeof(m->keys));
    *out = m;
    return OK;
}

static void shard_clear(struct memo_shard *s)
{
    for (size_t i = 0; i < s->capacity; i++) {
        for (struct memo_entry *entry = s->buckets[i]; entry != NULL; entry = entry->next)
            ASSERT(entry->holders == 0);
    }
    memo_pool_clear(&s->pool);
    free(s->buckets);
    free(s->waiting.entries);
    (void)pthread_mutex_destroy(&s->lock);
}

void memo_free(struct memo *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < MEMO_SHARDS; i++)
        shard_clear(&m->shards[i]);
    free(m);
}

static void shard_lock(struct memo_shard *s)
{
    int rc = pthread_mutex_lock(&s->lock);

    ASSERT(rc == 0);
}

static void shard_unlock(struct memo_shard *s)
{
    int rc = pthread_mutex_unlock(&s->lock);

    ASSERT(rc == 0);
}

/* The low bits choose the shard, the bits above them the bucket. */
static struct memo_shard *shard_of(struct memo *m, uint64_t hash)
{
    return &m->shards[hash % MEMO_SHARDS];
}

static struct memo_entry **bucket_of(struct memo_shard *s, uint64_t hash)
{
    return &s->buckets[hash / MEMO_SHARDS & (s->capacity - 1)];
}

static struct memo_hash hash_of(const struct memo *m, struct view key)
{
    struct memo_hash hash = {
        {siphash(m->keys[0], key.ptr, key.len), siphash(m->keys[1], key.ptr, key.len)}};

    return hash;
}

static struct memo_entry *find(struct memo_shard *s, const struct memo_hash *hash)
{
    struct memo_entry *entry = s->capacity > 0 ? *bucket_of(s, hash->half[0]) : NULL;

    while (entry != NULL && (entry->hash[0] != hash->half[0] || entry->hash[1] != hash->half[1]))
        entry = entry->next;
    return entry;
}

static void put_in_bucket(struct memo_shard *s, struct memo_entry *entry)
{
    struct memo_entry **bucket = bucket_of(s, entry->hash[0]);

    entry->next = *bucket;
    *bucket = entry;
}

/* Doubles the buckets and the room of the heap. On failure nothing changes. */
static int shard_grow(struct memo_shard *s)
{
    size_t capacity = s->capacity > 0 ? s->capacity * 2 : MEMO_FIRST_CAPACITY;
    size_t old_capacity = s->capacity;
    struct memo_entry **old = s->buckets, **buckets;

    if (memo_heap_reserve(&s->waiting, capacity) != OK)
        return E_NOMEM;
    buckets = calloc(capacity, sizeof(*buckets));
    if (buckets == NULL)
        return E_NOMEM;
    s->buckets = buckets;
    s->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        struct memo_entry *entry = old[i];

        while (entry != NULL) {
            struct memo_entry *next = entry->next;

            put_in_bucket(s, entry);
            entry = next;
        }
    }
    free(old);
    return OK;
}

/* Forgets the entry that stops mattering first, if it has stopped by now. Its place stays counted:
 * the caller takes it over or gives it back. */
static bool forget_first(struct memo_shard *s, uint64_t now_ns)
{
    struct memo_entry *entry = memo_heap_first(&s->waiting);
    struct memo_entry **at;

    if (entry == NULL || s->waiting.idle_ns(entry) > now_ns)
        return false;
    memo_heap_remove(&s->waiting, entry);
    for (at = bucket_of(s, entry->hash[0]); *at != entry; at = &(*at)->next)
        ASSERT(*at != NULL);
    *at = entry->next;
    s->count--;
    memo_pool_give(&s->pool, entry);
    if (s->count == 0) /* after a flood the memory goes back */
        memo_pool_clear(&s->pool);
    return true;
}

static bool place_reserve(struct memo *m)
{
    size_t seen = atomic_load_explicit(&m->count, memory_order_relaxed);

    do {
        if (seen >= m->max_entries)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&m->count, &seen, seen + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void place_give_back(struct memo *m)
{
    size_t before = atomic_fetch_sub_explicit(&m->count, 1, memory_order_relaxed);

    ASSERT(before > 0);
}

static void tidy(struct memo *m, struct memo_shard *s, uint64_t now_ns)
{
    for (int i = 0; i < MEMO_TIDY && forget_first(s, now_ns); i++)
        place_give_back(m);
}

/* Takes the place of an entry that no longer matters, in whatever shard. No shard may be locked. */
static bool place_evict(struct memo *m, uint64_t hash, uint64_t now_ns)
{
    bool is_found = false;

    for (uint64_t i = 0; i < MEMO_SHARDS && !is_found; i++) {
        struct memo_shard *s = shard_of(m, hash + i);

        shard_lock(s);
        is_found = forget_first(s, now_ns);
        shard_unlock(s);
    }
    return is_found;
}

static int entry_add(struct memo_shard *s, const struct memo_hash *hash, struct memo_entry **out)
{
    struct memo_entry *entry;

    if (s->count == s->capacity && shard_grow(s) != OK)
        return E_NOMEM;
    entry = memo_pool_take(&s->pool);
    if (entry == NULL)
        return E_NOMEM;
    memcpy(entry->hash, hash->half, sizeof(entry->hash));
    entry->holders = 1;
    put_in_bucket(s, entry);
    s->count++;
    *out = entry;
    return OK;
}

static int entry_hold(struct memo_shard *s, struct memo_entry *entry, uint32_t max_holders,
                      struct memo_entry **out)
{
    if (entry->holders >= max_holders)
        return E_LIMIT;
    if (entry->holders == 0)
        memo_heap_remove(&s->waiting, entry);
    entry->holders++;
    *out = entry;
    return OK;
}

int memo_hold(struct memo *m, struct view key, uint32_t max_holders, uint64_t now_ns,
              struct memo_entry **out)
{
    struct memo_hash hash;
    struct memo_shard *s;
    struct memo_entry *entry;
    bool has_place = false;
    int rc = E_FULL;

    if (max_holders == 0 || key.len > MEMO_KEY_BYTES_MAX)
        return E_LIMIT;
    hash = hash_of(m, key);
    s = shard_of(m, hash.half[0]);
    shard_lock(s);
    entry = find(s, &hash);
    if (entry == NULL) {
        tidy(m, s, now_ns);
        has_place = place_reserve(m);
    }
    if (entry == NULL && !has_place) {
        shard_unlock(s);
        has_place = place_evict(m, hash.half[0], now_ns);
        shard_lock(s);
        /* Another thread may have made the entry meanwhile. */
        entry = find(s, &hash);
    }
    if (entry != NULL)
        rc = entry_hold(s, entry, max_holders, out);
    else if (has_place)
        rc = entry_add(s, &hash, out);
    if (has_place && (entry != NULL || rc != OK))
        place_give_back(m);
    shard_unlock(s);
    return rc;
}

static void drop_locked(struct memo *m, struct memo_shard *s, struct memo_entry *entry,
                        uint64_t now_ns)
{
    ASSERT(entry != NULL && entry->holders > 0);
    entry->holders--;
    if (entry->holders > 0)
        return;
    memo_heap_add(&s->waiting, entry);
    tidy(m, s, now_ns);
}

void memo_drop(struct memo *m, struct memo_entry *entry, uint64_t now_ns)
{
    struct memo_shard *s = shard_of(m, entry->hash[0]);

    shard_lock(s);
    drop_locked(m, s, entry, now_ns);
    shard_unlock(s);
}

void memo_drop_key(struct memo *m, struct view key, uint64_t now_ns)
{
    struct memo_hash hash = hash_of(m, key);
    struct memo_shard *s = shard_of(m, hash.half[0]);

    shard_lock(s);
    drop_locked(m, s, find(s, &hash), now_ns);
    shard_unlock(s);
}

size_t memo_count(const struct memo *m)
{
    return atomic_load_explicit(&m->count, memory_order_relaxed);
}
