/* SPDX-License-Identifier: Apache-2.0 */
/* The shard is chosen under a random key, like the places within its map: a stranger who picks
 * channel names can neither fill one shard nor make two workers wait for each other on purpose. */
#include "broker/interest.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/random.h"
#include "base/status.h"

#define SHARDS 64

struct wanted {
    uint64_t workers;
    uint32_t name_bytes;
    char name[];
};
struct shard {
    _Alignas(64)
        pthread_mutex_t lock; /* a cache line of its own: neighbours do not disturb each other */
    struct map channels;      /* name -> struct wanted, which holds the name */
};
struct interest {
    struct shard shards[SHARDS];
    uint64_t key[2];
};

int interest_new(struct interest **out, size_t max_channels)
{
    struct interest *in = aligned_alloc(64, sizeof(*in));
    int i;

    if (in == NULL)
        return E_NOMEM;
    random_bytes(in->key, sizeof(in->key));
    for (i = 0; i < SHARDS; i++) {
        if (pthread_mutex_init(&in->shards[i].lock, NULL) != 0)
            goto failed;
        map_init(&in->shards[i].channels, max_channels / SHARDS + 1);
    }
    *out = in;
    return OK;
failed:
    while (i-- > 0)
        (void)pthread_mutex_destroy(&in->shards[i].lock);
    free(in);
    return E_NOMEM;
}

void interest_free(struct interest *in)
{
    int i;

    if (in == NULL)
        return;
    for (i = 0; i < SHARDS; i++) {
        struct shard *shard = &in->shards[i];
        struct wanted *each;
        size_t cursor = 0;

        while ((each = map_next(&shard->channels, &cursor)) != NULL)
            free(each);
        map_clear(&shard->channels);
        (void)pthread_mutex_destroy(&shard->lock);
    }
    free(in);
}

static struct shard *shard_of(struct interest *in, struct view channel)
{
    return &in->shards[siphash(in->key, channel.ptr, channel.len) % SHARDS];
}

static int wanted_add(struct map *channels, uint64_t bit, struct view channel)
{
    struct wanted *wanted = malloc(sizeof(*wanted) + channel.len);
    int rc;

    if (wanted == NULL)
        return E_NOMEM;
    wanted->workers = bit;
    wanted->name_bytes = (uint32_t)channel.len;
    memcpy(wanted->name, channel.ptr, channel.len);
    rc = map_put(channels, view_of(wanted->name, wanted->name_bytes), wanted);
    if (rc != OK)
        free(wanted);
    return rc;
}

int interest_add(struct interest *in, unsigned worker, struct view channel)
{
    struct shard *shard = shard_of(in, channel);
    uint64_t bit = UINT64_C(1) << worker;
    struct wanted *wanted;
    int rc = OK;

    (void)pthread_mutex_lock(&shard->lock);
    wanted = map_find(&shard->channels, channel);
    if (wanted != NULL)
        wanted->workers |= bit;
    else
        rc = wanted_add(&shard->channels, bit, channel);
    (void)pthread_mutex_unlock(&shard->lock);
    return rc;
}

void interest_remove(struct interest *in, unsigned worker, struct view channel)
{
    struct shard *shard = shard_of(in, channel);
    struct wanted *wanted;

    (void)pthread_mutex_lock(&shard->lock);
    wanted = map_find(&shard->channels, channel);
    if (wanted != NULL) {
        wanted->workers &= ~(UINT64_C(1) << worker);
        if (wanted->workers == 0) {
            (void)map_remove(&shard->channels, channel);
            free(wanted);
        }
    }
    (void)pthread_mutex_unlock(&shard->lock);
}

uint64_t interest_find(struct interest *in, struct view channel)
{
    struct shard *shard = shard_of(in, channel);
    struct wanted *wanted;
    uint64_t workers;

    (void)pthread_mutex_lock(&shard->lock);
    wanted = map_find(&shard->channels, channel);
    workers = wanted != NULL ? wanted->workers : 0;
    (void)pthread_mutex_unlock(&shard->lock);
    return workers;
}

size_t interest_count(struct interest *in)
{
    size_t count = 0;
    int i;

    for (i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_lock(&in->shards[i].lock);
        count += in->shards[i].channels.count;
        (void)pthread_mutex_unlock(&in->shards[i].lock);
    }
    return count;
}
