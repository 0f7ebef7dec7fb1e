/* SPDX-License-Identifier: Apache-2.0 */
/* sanction_table.c: a record for each channel with anything and one for each of its users, all of a
 * channel in one shard. A question about a channel that has no record ends after one look, and
 * while there is no record at all after one atomic load. */
#include "limit/sanction_table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/link.h"
#include "base/map.h"
#include "base/random.h"
#include "base/status.h"

#define SHARDS 16

struct record {
    struct link link;       /* in its shard */
    struct record *channel; /* of a user's record: that of the channel */
    uint32_t users;         /* of a channel's record */
    bool by_admin[SANCTION_KINDS];
    uint64_t until_ms[SANCTION_KINDS];
    size_t key_bytes;
    char key[]; /* channel, newline, user: neither has a newline */
};

struct shard {
    pthread_mutex_t lock;
    struct map map;
    struct link records;
};

struct sanction_table {
    struct shard shards[SHARDS];
    uint64_t key[2];
    atomic_size_t count;
    atomic_uint sweeps;
};

int sanction_table_new(struct sanction_table **out)
{
    struct sanction_table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return E_NOMEM;
    random_bytes(t->key, sizeof(t->key));
    for (unsigned i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_init(&t->shards[i].lock, NULL);
        map_init(&t->shards[i].map, SANCTIONS_MAX);
        link_init(&t->shards[i].records);
    }
    *out = t;
    return OK;
}

void sanction_table_free(struct sanction_table *t)
{
    if (t == NULL)
        return;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *s = &t->shards[i];

        while (!link_is_alone(&s->records)) {
            struct record *r = LINK_ITEM(s->records.next, struct record, link);

            link_remove(&r->link);
            free(r);
        }
        map_clear(&s->map);
        (void)pthread_mutex_destroy(&s->lock);
    }
    free(t);
}

static struct shard *shard_of(struct sanction_table *t, struct view channel)
{
    return &t->shards[siphash(t->key, channel.ptr, channel.len) % SHARDS];
}

struct record_key {
    char bytes[SANCTION_NAME_BYTES_MAX + 1];
    size_t len;
};

static bool make_key(struct record_key *key, struct view channel, struct view user)
{
    if (channel.len > SANCTION_NAME_BYTES_MAX || user.len > SANCTION_NAME_BYTES_MAX - channel.len)
        return false;
    if (channel.len > 0)
        memcpy(key->bytes, channel.ptr, channel.len);
    key->bytes[channel.len] = '\n';
    if (user.len > 0)
        memcpy(key->bytes + channel.len + 1, user.ptr, user.len);
    key->len = channel.len + 1 + user.len;
    return true;
}

/* --- with the shard's lock --- */

static struct record *find(struct shard *s, struct view channel, struct view user)
{
    struct record_key key;

    return make_key(&key, channel, user) ? map_find(&s->map, view_of(key.bytes, key.len)) : NULL;
}

static bool is_over(const struct record *r, uint64_t now_ms)
{
    for (unsigned i = 0; i < SANCTION_KINDS; i++) {
        if (r->until_ms[i] > now_ms)
            return false;
    }
    return r->users == 0;
}

static void record_free(struct sanction_table *t, struct shard *s, struct record *r)
{
    if (r->channel != NULL)
        r->channel->users--;
    (void)map_remove(&s->map, view_of(r->key, r->key_bytes));
    link_remove(&r->link);
    free(r);
    (void)atomic_fetch_sub_explicit(&t->count, 1, memory_order_release);
}

/* A channel's record stands before those of its users: it goes with the next sweep. */
static void tidy(struct sanction_table *t, struct shard *s, uint64_t now_ms)
{
    struct link *next;

    for (struct link *at = s->records.next; at != &s->records; at = next) {
        struct record *r = LINK_ITEM(at, struct record, link);

        next = at->next;
        if (is_over(r, now_ms))
            record_free(t, s, r);
    }
}

static bool take_place(struct sanction_table *t)
{
    size_t seen = atomic_load_explicit(&t->count, memory_order_relaxed);

    do {
        if (seen >= SANCTIONS_MAX)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&t->count, &seen, seen + 1,
                                                    memory_order_release, memory_order_relaxed));
    return true;
}

static int record_new(struct record **out, struct sanction_table *t, struct shard *s,
                      const struct record_key *key)
{
    struct record *r;
    int rc;

    if (!take_place(t))
        return E_FULL;
    r = calloc(1, sizeof(*r) + key->len);
    rc = r != NULL ? OK : E_NOMEM;
    if (rc == OK) {
        r->key_bytes = key->len;
        memcpy(r->key, key->bytes, key->len);
        rc = map_put(&s->map, view_of(r->key, r->key_bytes), r);
    }
    if (rc != OK) {
        free(r);
        (void)atomic_fetch_sub_explicit(&t->count, 1, memory_order_release);
        return rc == E_LIMIT ? E_FULL : rc;
    }
    link_append(&s->records, &r->link);
    *out = r;
    return OK;
}

static int record_of_channel(struct record **out, struct sanction_table *t, struct shard *s,
                             struct view channel)
{
    struct record_key key;

    *out = find(s, channel, view_of(NULL, 0));
    if (*out != NULL)
        return OK;
    return make_key(&key, channel, view_of(NULL, 0)) ? record_new(out, t, s, &key) : E_LIMIT;
}

/* Found, or made with its channel's. */
static int record_of(struct record **out, struct sanction_table *t, struct shard *s,
                     const struct sanction *what)
{
    struct record *channel = NULL, *found = find(s, what->channel, what->user);
    struct record_key key;
    int rc = OK;

    if (found == NULL)
        rc = record_of_channel(&channel, t, s, what->channel);
    if (found == NULL && rc == OK && what->kind == SANCTION_CLOSED)
        found = channel;
    if (found == NULL && rc == OK) {
        if (!make_key(&key, what->channel, what->user))
            rc = E_LIMIT;
        else
            rc = channel->users < SANCTIONS_CHANNEL_MAX ? record_new(&found, t, s, &key) : E_FULL;
        if (rc == OK) {
            found->channel = channel;
            channel->users++;
        }
    }
    if (rc == OK)
        *out = found;
    return rc;
}

static bool is_above(const struct record *r, const struct sanction *what, uint64_t now_ms)
{
    return r->by_admin[what->kind] && !what->by_admin && r->until_ms[what->kind] > now_ms;
}

/* --- the doors --- */

int sanction_table_put(struct sanction_table *t, const struct sanction *what, uint64_t until_ms,
                       uint64_t now_ms)
{
    struct shard *s = shard_of(t, what->channel);
    struct record *r = NULL;
    int rc;

    (void)pthread_mutex_lock(&s->lock);
    rc = record_of(&r, t, s, what);
    if (rc == E_FULL) {
        tidy(t, s, now_ms);
        rc = record_of(&r, t, s, what);
    }
    if (rc == OK && is_above(r, what, now_ms))
        rc = E_DENIED;
    if (rc == OK) {
        r->until_ms[what->kind] = until_ms;
        r->by_admin[what->kind] = what->by_admin;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return rc;
}

int sanction_table_lift(struct sanction_table *t, const struct sanction *what, uint64_t now_ms)
{
    struct shard *s = shard_of(t, what->channel);
    struct record *r;
    int rc = OK;

    (void)pthread_mutex_lock(&s->lock);
    r = find(s, what->channel, what->user);
    if (r == NULL || r->until_ms[what->kind] <= now_ms)
        rc = E_MISSING;
    else if (is_above(r, what, now_ms))
        rc = E_DENIED;
    else
        r->until_ms[what->kind] = 0;
    if (rc == OK && is_over(r, now_ms))
        record_free(t, s, r);
    (void)pthread_mutex_unlock(&s->lock);
    return rc;
}

static bool holds(const struct record *r, enum sanction_kind kind,
                  const struct sanction_question *asked)
{
    if (r->until_ms[kind] <= asked->now_ms)
        return false;
    return kind == SANCTION_CLOSED || !asked->is_admin || r->by_admin[kind];
}

static bool look(struct shard *s, const struct sanction_question *asked, enum sanction_kind *kind,
                 uint64_t *left_ms)
{
    static const enum sanction_kind order[] = {SANCTION_CLOSED, SANCTION_KICKED, SANCTION_MUTED};
    const struct record *channel = find(s, asked->channel, view_of(NULL, 0)), *user;
    unsigned count = asked->speaks ? 3 : 2;

    if (channel == NULL)
        return false;
    user = channel->users > 0 ? find(s, asked->channel, asked->user) : NULL;
    for (unsigned i = 0; i < count; i++) {
        const struct record *r = order[i] == SANCTION_CLOSED ? channel : user;

        if (r == NULL || !holds(r, order[i], asked))
            continue;
        *kind = order[i];
        *left_ms = r->until_ms[order[i]] - asked->now_ms;
        return true;
    }
    return false;
}

bool sanction_table_find(struct sanction_table *t, const struct sanction_question *asked,
                         enum sanction_kind *kind, uint64_t *left_ms)
{
    struct shard *s;
    bool is_found;

    if (atomic_load_explicit(&t->count, memory_order_acquire) == 0)
        return false;
    s = shard_of(t, asked->channel);
    (void)pthread_mutex_lock(&s->lock);
    is_found = look(s, asked, kind, left_ms);
    (void)pthread_mutex_unlock(&s->lock);
    return is_found;
}

/* --- pages --- */

static int compare(struct view a, struct view b)
{
    int order = a.len == 0 || b.len == 0 ? 0 : memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_names(struct view channel_a, struct view user_a, struct view channel_b,
                         struct view user_b)
{
    int order = compare(channel_a, channel_b);

    return order != 0 ? order : compare(user_a, user_b);
}

static struct view channel_of_row(const struct sanction_row *row)
{
    return view_of(row->names, row->channel_bytes);
}

static struct view user_of_row(const struct sanction_row *row)
{
    return view_of(row->names + row->channel_bytes, row->user_bytes);
}

/* False: nothing of it holds any more. */
static bool row_of(struct sanction_row *row, const struct record *r, uint64_t now_ms)
{
    struct view channel, user;
    bool holds_any = false;

    (void)view_split(view_of(r->key, r->key_bytes), '\n', &channel, &user);
    row->channel_bytes = (uint16_t)channel.len;
    row->user_bytes = (uint16_t)user.len;
    memcpy(row->names, channel.ptr, channel.len);
    if (user.len > 0)
        memcpy(row->names + channel.len, user.ptr, user.len);
    for (unsigned i = 0; i < SANCTION_KINDS; i++) {
        row->left_ms[i] = r->until_ms[i] > now_ms ? r->until_ms[i] - now_ms : 0;
        row->by_admin[i] = r->by_admin[i];
        holds_any = holds_any || row->left_ms[i] > 0;
    }
    return holds_any;
}

static void page_put(struct sanction_row *rows, size_t room, size_t *count,
                     const struct sanction_row *row)
{
    struct view channel = channel_of_row(row), user = user_of_row(row);
    size_t low = 0, high = *count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_names(channel_of_row(&rows[middle]), user_of_row(&rows[middle]), channel,
                          user) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == room)
        return;
    if (*count < room)
        ++*count;
    memmove(&rows[low + 1], &rows[low], (*count - 1 - low) * sizeof(rows[0]));
    rows[low] = *row;
}

size_t sanction_table_page(struct sanction_table *t, const struct sanction_page *page,
                           struct sanction_row *rows)
{
    struct sanction_row row;
    size_t count = 0;

    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *s = &t->shards[i];

        (void)pthread_mutex_lock(&s->lock);
        for (struct link *at = s->records.next; at != &s->records; at = at->next) {
            if (!row_of(&row, LINK_ITEM(at, struct record, link), page->now_ms) ||
                (page->channel.len > 0 && !view_eq(channel_of_row(&row), page->channel)) ||
                compare_names(channel_of_row(&row), user_of_row(&row), page->after_channel,
                              page->after_user) <= 0)
                continue;
            page_put(rows, page->room, &count, &row);
        }
        (void)pthread_mutex_unlock(&s->lock);
    }
    return count;
}

void sanction_table_sweep(struct sanction_table *t, uint64_t now_ms)
{
    struct shard *s;

    if (atomic_load_explicit(&t->count, memory_order_relaxed) == 0)
        return;
    s = &t->shards[atomic_fetch_add_explicit(&t->sweeps, 1, memory_order_relaxed) % SHARDS];
    (void)pthread_mutex_lock(&s->lock);
    tidy(t, s, now_ms);
    (void)pthread_mutex_unlock(&s->lock);
}

size_t sanction_table_count(const struct sanction_table *t)
{
    return atomic_load_explicit(&t->count, memory_order_acquire);
}
