/* SPDX-License-Identifier: Apache-2.0 */
/* Each channel's messages stand in a ring, found by name in one of a few shards. A message takes
 * its offset, is posted to the workers and enters the ring under its shard's lock: so all workers
 * get a channel's messages in the order of their offsets.
 *
 * Channels that have nothing stand nowhere: they share the life of their shard, which ends whenever
 * something in the shard is forgotten. So a channel's places never repeat, whoever forgets what,
 * and a subscriber costs no memory here. */
#include "hub/history.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/link.h"
#include "base/map.h"
#include "base/random.h"
#include "base/status.h"

#define SHARDS       16
#define CHANNELS_MAX ((size_t)1 << 26) /* of a shard; bytes stop it first */
#define RING_FIRST   4
#define SWEEP_MAX    64 /* channels of a shard looked at in one sweep */
#define HEAP_BYTES   16 /* what malloc adds, about */
#define MAP_BYTES    32

struct kept {
    struct blob *frame;
    uint64_t at_ms;
};
struct past {
    struct link used;   /* least recently used first */
    struct link filled; /* alone while there is no message */
    struct kept *ring;
    uint32_t room, first, count;
    uint64_t life, top; /* top: the offset of the newest message ever */
    uint64_t ttl_ms, used_ms;
    size_t bytes;
    uint32_t name_bytes;
    char name[];
};
struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct map channels; /* name -> struct past */
    struct link used, filled;
    uint64_t life;              /* of channels that have nothing, and of the next that begins */
    _Atomic uint64_t oldest_ms; /* when the least recently used was used; UINT64_MAX: none */
};
struct history {
    struct shard shards[SHARDS];
    struct history_limits limits;
    uint64_t key[2], epoch_key[2];
    atomic_size_t bytes;
};

int history_new(struct history **out, const struct history_limits *limits)
{
    struct history *h = aligned_alloc(64, sizeof(*h));
    int i;

    if (h == NULL)
        return E_NOMEM;
    memset(h, 0, sizeof(*h));
    h->limits = *limits;
    random_bytes(h->key, sizeof(h->key));
    random_bytes(h->epoch_key, sizeof(h->epoch_key));
    for (i = 0; i < SHARDS; i++) {
        struct shard *shard = &h->shards[i];

        if (pthread_mutex_init(&shard->lock, NULL) != 0)
            goto failed;
        map_init(&shard->channels, CHANNELS_MAX);
        link_init(&shard->used);
        link_init(&shard->filled);
        shard->life = 1;
        atomic_init(&shard->oldest_ms, UINT64_MAX);
    }
    *out = h;
    return OK;
failed:
    while (i-- > 0)
        (void)pthread_mutex_destroy(&h->shards[i].lock);
    free(h);
    return E_NOMEM;
}

static struct shard *shard_of(struct history *h, struct view channel)
{
    return &h->shards[siphash(h->key, channel.ptr, channel.len) % SHARDS];
}

static struct view past_name(const struct past *past)
{
    return view_of(past->name, past->name_bytes);
}

/* --- bytes --- */

static void bytes_add(struct history *h, struct past *past, size_t bytes)
{
    past->bytes += bytes;
    (void)atomic_fetch_add_explicit(&h->bytes, bytes, memory_order_relaxed);
}

static void bytes_take(struct history *h, struct past *past, size_t bytes)
{
    past->bytes -= bytes;
    (void)atomic_fetch_sub_explicit(&h->bytes, bytes, memory_order_relaxed);
}

static size_t frame_bytes(const struct blob *frame)
{
    return sizeof(*frame) + frame->len + HEAP_BYTES;
}

/* --- the ring, under the lock --- */

static struct kept *kept_at(const struct past *past, uint32_t i)
{
    return &past->ring[(past->first + i) % past->room];
}

static void oldest_drop(struct history *h, struct past *past)
{
    struct kept *oldest = kept_at(past, 0);

    bytes_take(h, past, frame_bytes(oldest->frame));
    blob_drop(oldest->frame);
    past->first = (past->first + 1) % past->room;
    if (--past->count == 0)
        link_remove(&past->filled);
}

/* The offsets of what is kept are past->top - past->count + 1 to past->top. */
static void expire(struct history *h, struct past *past, uint64_t now_ms)
{
    /* A worker's time may lie a little before another's. */
    while (past->count > 0 && now_ms >= kept_at(past, 0)->at_ms + past->ttl_ms)
        oldest_drop(h, past);
    if (past->count == 0 && past->room > 0) {
        bytes_take(h, past, past->room * sizeof(past->ring[0]));
        free(past->ring);
        past->ring = NULL;
        past->room = past->first = 0;
    }
}

static bool ring_grow(struct history *h, struct past *past, uint32_t messages)
{
    uint32_t room = past->room == 0 ? RING_FIRST : past->room * 2;
    struct kept *ring;

    if (room > messages)
        room = messages;
    ring = malloc(room * sizeof(ring[0]));
    if (ring == NULL)
        return false;
    for (uint32_t i = 0; i < past->count; i++)
        ring[i] = *kept_at(past, i);
    bytes_add(h, past, (room - past->room) * sizeof(ring[0]));
    free(past->ring);
    past->ring = ring;
    past->room = room;
    past->first = 0;
    return true;
}

/* Room for one more; false when out of memory. */
static bool ring_reserve(struct history *h, struct past *past, uint32_t messages)
{
    while (past->count > 0 && past->count >= messages)
        oldest_drop(h, past);
    return past->count < past->room || ring_grow(h, past, messages);
}

static void ring_push(struct history *h, struct shard *shard, struct past *past, struct blob *frame,
                      uint64_t now_ms)
{
    *kept_at(past, past->count) = (struct kept){blob_keep(frame), now_ms};
    bytes_add(h, past, frame_bytes(frame));
    if (past->count++ == 0)
        link_append(&shard->filled, &past->filled);
    while (past->count > 0 && past->bytes > h->limits.channel_bytes)
        oldest_drop(h, past);
}

/* --- channels, under the lock --- */

static void oldest_note(struct shard *shard)
{
    uint64_t oldest_ms = UINT64_MAX;

    if (!link_is_alone(&shard->used))
        oldest_ms = LINK_ITEM(shard->used.next, struct past, used)->used_ms;
    atomic_store_explicit(&shard->oldest_ms, oldest_ms, memory_order_relaxed);
}

static void past_touch(struct shard *shard, struct past *past, uint64_t now_ms)
{
    past->used_ms = now_ms;
    link_remove(&past->used);
    link_append(&shard->used, &past->used);
    oldest_note(shard);
}

static struct past *past_get(struct history *h, struct shard *shard, struct view channel)
{
    struct past *past = map_find(&shard->channels, channel);

    if (past != NULL)
        return past;
    past = calloc(1, sizeof(*past) + channel.len);
    if (past == NULL)
        return NULL;
    link_init(&past->used);
    link_init(&past->filled);
    past->life = shard->life;
    past->name_bytes = (uint32_t)channel.len;
    memcpy(past->name, channel.ptr, channel.len);
    if (map_put(&shard->channels, past_name(past), past) != OK) {
        free(past);
        return NULL;
    }
    bytes_add(h, past, sizeof(*past) + channel.len + HEAP_BYTES + MAP_BYTES);
    return past;
}

static void past_free(struct history *h, struct past *past)
{
    while (past->count > 0)
        oldest_drop(h, past);
    bytes_take(h, past, past->bytes);
    link_remove(&past->used);
    free(past->ring);
    free(past);
}

/* Whatever begins in this shard from now on is of a newer life, this channel above all. */
static void past_forget(struct history *h, struct shard *shard, struct past *past)
{
    shard->life++;
    (void)map_remove(&shard->channels, past_name(past));
    past_free(h, past);
    oldest_note(shard);
}

void history_free(struct history *h)
{
    if (h == NULL)
        return;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &h->shards[i];
        struct past *past;
        size_t cursor = 0;

        while ((past = map_next(&shard->channels, &cursor)) != NULL)
            past_free(h, past);
        map_clear(&shard->channels);
        (void)pthread_mutex_destroy(&shard->lock);
    }
    free(h);
}

/* --- publishing --- */

static int append(struct history *h, struct shard *shard, struct past *past,
                  const struct history_publish *publish)
{
    struct blob *frame;
    int rc;

    past->ttl_ms = publish->ttl_ms;
    expire(h, past, publish->now_ms);
    if (!ring_reserve(h, past, publish->messages))
        return E_NOMEM;
    frame = publish->make(publish->context, past->top + 1);
    if (frame == NULL)
        return E_NOMEM;
    frame->life = past->life;
    frame->offset = past->top + 1;
    rc = publish->post(publish->context, frame);
    if (rc == OK) {
        past->top++;
        ring_push(h, shard, past, frame, publish->now_ms);
        past_touch(shard, past, publish->now_ms);
    }
    blob_drop(frame);
    return rc;
}

/* Over the ceiling: the channel that nobody has used for longest goes, then the next. No other lock
 * is held meanwhile. */
static void trim(struct history *h)
{
    while (atomic_load_explicit(&h->bytes, memory_order_relaxed) > h->limits.bytes) {
        struct shard *oldest = &h->shards[0];
        uint64_t least = UINT64_MAX;

        for (int i = 0; i < SHARDS; i++) {
            uint64_t ms = atomic_load_explicit(&h->shards[i].oldest_ms, memory_order_relaxed);

            if (ms < least) {
                least = ms;
                oldest = &h->shards[i];
            }
        }
        if (least == UINT64_MAX)
            return;
        (void)pthread_mutex_lock(&oldest->lock);
        if (!link_is_alone(&oldest->used))
            past_forget(h, oldest, LINK_ITEM(oldest->used.next, struct past, used));
        (void)pthread_mutex_unlock(&oldest->lock);
    }
}

int history_append(struct history *h, struct view channel, const struct history_publish *publish)
{
    struct shard *shard = shard_of(h, channel);
    struct past *past;
    int rc = E_NOMEM;

    (void)pthread_mutex_lock(&shard->lock);
    past = past_get(h, shard, channel);
    if (past != NULL)
        rc = append(h, shard, past, publish);
    if (rc != OK && past != NULL && past->top == 0) { /* it has not begun */
        (void)map_remove(&shard->channels, past_name(past));
        past_free(h, past);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    trim(h);
    return rc;
}

/* --- asking --- */

static struct history_place place_of(const struct shard *shard, const struct past *past)
{
    return past != NULL ? (struct history_place){past->life, past->top}
                        : (struct history_place){shard->life, 0};
}

struct history_place history_place(struct history *h, struct view channel)
{
    struct shard *shard = shard_of(h, channel);
    struct history_place place;

    (void)pthread_mutex_lock(&shard->lock);
    place = place_of(shard, map_find(&shard->channels, channel));
    (void)pthread_mutex_unlock(&shard->lock);
    return place;
}

/* Which of the ring's messages are asked for. */
struct span {
    uint32_t from, count;
};

static int find_since(const struct past *past, struct history_place place,
                      const struct history_ask *ask, struct span *span)
{
    uint64_t upto = ask->is_resume ? ask->upto : place.offset;
    uint32_t kept = past != NULL ? past->count : 0;
    uint64_t before_first = place.offset - kept;

    if (ask->since.life != place.life || ask->since.offset > upto || upto > place.offset ||
        ask->since.offset < before_first)
        return E_MISSING;
    span->from = (uint32_t)(ask->since.offset - before_first);
    if (upto - ask->since.offset > ask->messages_max) {
        if (ask->is_resume)
            return E_LIMIT;
        upto = ask->since.offset + ask->messages_max;
    }
    span->count = (uint32_t)(upto - ask->since.offset);
    return OK;
}

/* Within bytes_max, from that end of the span where the asker began. */
static int fit_bytes(const struct past *past, const struct history_ask *ask, struct span *span)
{
    bool is_forward = ask->is_resume || ask->has_since;
    uint32_t fits, i;
    size_t bytes = 0;

    for (fits = 0; fits < span->count; fits++) {
        i = is_forward ? span->from + fits : span->from + span->count - 1 - fits;
        bytes += kept_at(past, i)->frame->len;
        if (bytes > ask->bytes_max && (fits > 0 || ask->is_resume))
            break;
    }
    if (fits < span->count && ask->is_resume)
        return E_LIMIT;
    if (!is_forward)
        span->from += span->count - fits;
    span->count = fits;
    return OK;
}

static int copy(const struct past *past, const struct history_ask *ask, struct span span,
                struct history_batch *out)
{
    int rc = fit_bytes(past, ask, &span);

    out->frames = NULL;
    out->count = 0;
    if (rc != OK || span.count == 0)
        return rc;
    out->frames = malloc(span.count * sizeof(struct blob *));
    if (out->frames == NULL)
        return E_NOMEM;
    for (; out->count < span.count; out->count++)
        out->frames[out->count] = blob_keep(kept_at(past, span.from + out->count)->frame);
    return OK;
}

static int get(struct history *h, struct shard *shard, struct view channel,
               const struct history_ask *ask, struct history_batch *out)
{
    struct past *past = map_find(&shard->channels, channel);
    struct history_batch batch = {NULL, 0, place_of(shard, past)};
    struct span span = {0, 0};
    int rc = OK;

    if (past != NULL) {
        expire(h, past, ask->now_ms);
        past_touch(shard, past, ask->now_ms);
    }
    if (ask->is_resume || ask->has_since) {
        rc = find_since(past, batch.place, ask, &span);
    } else if (past != NULL) {
        span.count = past->count < ask->messages_max ? past->count : ask->messages_max;
        span.from = past->count - span.count;
    }
    if (rc == OK)
        rc = copy(past, ask, span, &batch);
    if (rc == OK)
        *out = batch;
    return rc;
}

int history_get(struct history *h, struct view channel, const struct history_ask *ask,
                struct history_batch *out)
{
    struct shard *shard = shard_of(h, channel);
    int rc;

    (void)pthread_mutex_lock(&shard->lock);
    rc = get(h, shard, channel, ask, out);
    (void)pthread_mutex_unlock(&shard->lock);
    return rc;
}

void history_batch_clear(struct history_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        blob_drop(batch->frames[i]);
    free(batch->frames);
    batch->frames = NULL;
    batch->count = 0;
}

/* --- forgetting --- */

void history_forget(struct history *h, struct view channel)
{
    struct shard *shard = shard_of(h, channel);
    struct past *past;

    (void)pthread_mutex_lock(&shard->lock);
    past = map_find(&shard->channels, channel);
    if (past != NULL)
        past_forget(h, shard, past);
    (void)pthread_mutex_unlock(&shard->lock);
}

void history_forget_all(struct history *h)
{
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &h->shards[i];

        (void)pthread_mutex_lock(&shard->lock);
        shard->life++;
        while (!link_is_alone(&shard->used))
            past_forget(h, shard, LINK_ITEM(shard->used.next, struct past, used));
        (void)pthread_mutex_unlock(&shard->lock);
    }
}

/* Those looked at go to the end of the list, so that all have their turn. */
static void shard_sweep(struct history *h, struct shard *shard, uint64_t now_ms)
{
    (void)pthread_mutex_lock(&shard->lock);
    for (int i = 0; i < SWEEP_MAX && !link_is_alone(&shard->filled); i++) {
        struct past *past = LINK_ITEM(shard->filled.next, struct past, filled);

        link_remove(&past->filled);
        link_append(&shard->filled, &past->filled);
        expire(h, past, now_ms);
    }
    (void)pthread_mutex_unlock(&shard->lock);
}

void history_sweep(struct history *h, uint64_t now_ms)
{
    for (int i = 0; i < SHARDS; i++)
        shard_sweep(h, &h->shards[i], now_ms);
}

size_t history_bytes(const struct history *h)
{
    return atomic_load_explicit(&h->bytes, memory_order_relaxed);
}

void history_epoch(const struct history *h, struct view channel, uint64_t life,
                   char out[HISTORY_EPOCH_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t keys[2] = {h->epoch_key[0] ^ life, h->epoch_key[1]};
    uint64_t hash = siphash(keys, channel.ptr, channel.len);

    for (int i = 0; i < HISTORY_EPOCH_BYTES - 1; i++)
        out[i] = digits[hash >> (60 - 4 * i) & 15];
    out[HISTORY_EPOCH_BYTES - 1] = '\0';
}
