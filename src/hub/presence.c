/* SPDX-License-Identifier: Apache-2.0 */
/* Channel -> users, in shards. A channel stands here while it has a user, a user while it has a
 * connection or news of it is still owed. News waits in two lists of its shard: who came is told at
 * the next round, who went a moment later. A piece of news is told outside the lock, with its user
 * held in place by `is_being_told`, and looked at again afterwards, for the user may have come or
 * gone meanwhile. */
#include "hub/presence.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/link.h"
#include "base/map.h"
#include "base/random.h"
#include "base/status.h"
#include "hub/hub.h"

#define SHARDS       64
#define USERS_MAX    ((size_t)1 << 24) /* of one channel; the table's ceiling comes first */
#define CHANNELS_MAX ((size_t)1 << 24)

struct present_channel {
    struct map users; /* name -> struct present_user */
    uint32_t here;    /* users with a connection */
    uint32_t name_bytes;
    char name[];
};
struct present_user {
    struct link link; /* in a list of news, or alone */
    struct present_channel *channel;
    uint64_t due_ms; /* of one who went */
    uint32_t connections;
    uint8_t name_bytes;
    bool has_news; /* the channel is told of it */
    bool is_known; /* the channel has been told that it is here */
    bool is_being_told;
    char name[];
};
struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct map channels; /* name -> struct present_channel */
    struct link came, went;
};
struct presence {
    struct shard shards[SHARDS];
    uint64_t key[2];
    atomic_size_t count;
    size_t max;
    _Atomic uint64_t now_ms; /* of the last round of news: near enough for the delay of leaves */
    unsigned next_shard;     /* where the next round begins; the teller's */
};

int presence_new(struct presence **out, size_t max_users)
{
    struct presence *p = aligned_alloc(64, sizeof(*p));
    int i;

    if (p == NULL)
        return E_NOMEM;
    memset(p, 0, sizeof(*p));
    random_bytes(p->key, sizeof(p->key));
    p->max = max_users;
    for (i = 0; i < SHARDS; i++) {
        struct shard *shard = &p->shards[i];

        if (pthread_mutex_init(&shard->lock, NULL) != 0)
            goto failed;
        map_init(&shard->channels, CHANNELS_MAX);
        link_init(&shard->came);
        link_init(&shard->went);
    }
    *out = p;
    return OK;
failed:
    while (i-- > 0)
        (void)pthread_mutex_destroy(&p->shards[i].lock);
    free(p);
    return E_NOMEM;
}

static void channel_clear(struct present_channel *channel)
{
    struct present_user *user;
    size_t cursor = 0;

    while ((user = map_next(&channel->users, &cursor)) != NULL)
        free(user);
    map_clear(&channel->users);
    free(channel);
}

void presence_free(struct presence *p)
{
    if (p == NULL)
        return;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &p->shards[i];
        struct present_channel *channel;
        size_t cursor = 0;

        while ((channel = map_next(&shard->channels, &cursor)) != NULL)
            channel_clear(channel);
        map_clear(&shard->channels);
        (void)pthread_mutex_destroy(&shard->lock);
    }
    free(p);
}

static struct shard *shard_of(struct presence *p, struct view channel)
{
    return &p->shards[siphash(p->key, channel.ptr, channel.len) % SHARDS];
}

/* --- under the shard's lock --- */

static struct present_channel *channel_get(struct shard *shard, struct view name)
{
    struct present_channel *channel = map_find(&shard->channels, name);

    if (channel != NULL)
        return channel;
    channel = malloc(sizeof(*channel) + name.len);
    if (channel == NULL)
        return NULL;
    map_init(&channel->users, USERS_MAX);
    channel->here = 0;
    channel->name_bytes = (uint32_t)name.len;
    memcpy(channel->name, name.ptr, name.len);
    if (map_put(&shard->channels, view_of(channel->name, name.len), channel) != OK) {
        free(channel);
        return NULL;
    }
    return channel;
}

static void channel_drop_empty(struct shard *shard, struct present_channel *channel)
{
    if (channel->users.count > 0)
        return;
    (void)map_remove(&shard->channels, view_of(channel->name, channel->name_bytes));
    channel_clear(channel);
}

static void user_remove(struct presence *p, struct shard *shard, struct present_user *user)
{
    struct present_channel *channel = user->channel;

    link_remove(&user->link);
    (void)map_remove(&channel->users, view_of(user->name, user->name_bytes));
    free(user);
    (void)atomic_fetch_sub_explicit(&p->count, 1, memory_order_relaxed);
    channel_drop_empty(shard, channel);
}

static int user_add(struct presence *p, struct present_channel *channel, struct view name,
                    struct present_user **out)
{
    struct present_user *user;
    int rc = E_FULL;

    if (atomic_fetch_add_explicit(&p->count, 1, memory_order_relaxed) >= p->max)
        goto failed;
    rc = E_NOMEM;
    user = calloc(1, sizeof(*user) + name.len);
    if (user == NULL)
        goto failed;
    link_init(&user->link);
    user->channel = channel;
    user->name_bytes = (uint8_t)name.len;
    memcpy(user->name, name.ptr, name.len);
    rc = map_put(&channel->users, view_of(user->name, name.len), user);
    if (rc == OK) {
        *out = user;
        return OK;
    }
    free(user);
    rc = rc == E_LIMIT ? E_FULL : rc;
failed:
    (void)atomic_fetch_sub_explicit(&p->count, 1, memory_order_relaxed);
    return rc;
}

/* After any change: what is owed now, and whether the user still has to stand here. May free it. */
static void user_settle(struct presence *p, struct shard *shard, struct present_user *user)
{
    bool is_here = user->connections > 0;

    link_remove(&user->link);
    if (user->is_being_told)
        return; /* looked at again once that is done */
    if (is_here && user->has_news && !user->is_known) {
        link_append(&shard->came, &user->link);
    } else if (!is_here && user->is_known) {
        user->due_ms = atomic_load_explicit(&p->now_ms, memory_order_relaxed) + PRESENCE_LEAVE_MS;
        link_append(&shard->went, &user->link);
    } else if (!is_here) {
        user_remove(p, shard, user);
    }
}

/* --- coming, going, asking --- */

static int enter(struct presence *p, struct shard *shard, struct view name, struct view user_name,
                 bool has_news)
{
    struct present_channel *channel = channel_get(shard, name);
    struct present_user *user;
    int rc;

    if (channel == NULL)
        return E_NOMEM;
    user = map_find(&channel->users, user_name);
    if (user == NULL) {
        rc = user_add(p, channel, user_name, &user);
        if (rc != OK) {
            channel_drop_empty(shard, channel);
            return rc;
        }
        user->has_news = has_news;
    }
    if (user->connections == UINT32_MAX)
        return E_FULL;
    if (user->connections++ == 0) {
        channel->here++;
        user_settle(p, shard, user);
    }
    return OK;
}

int presence_enter(struct presence *p, struct view channel, struct view user, bool has_news)
{
    struct shard *shard = shard_of(p, channel);
    int rc;

    if (user.len == 0 || user.len > PRESENCE_USER_MAX || channel.len > HUB_NAME_MAX)
        return E_INVALID;
    (void)pthread_mutex_lock(&shard->lock);
    rc = enter(p, shard, channel, user, has_news);
    (void)pthread_mutex_unlock(&shard->lock);
    return rc;
}

void presence_leave(struct presence *p, struct view name, struct view user_name)
{
    struct shard *shard = shard_of(p, name);
    struct present_channel *channel;
    struct present_user *user;

    (void)pthread_mutex_lock(&shard->lock);
    channel = map_find(&shard->channels, name);
    user = channel != NULL ? map_find(&channel->users, user_name) : NULL;
    ASSERT(user != NULL && user->connections > 0);
    if (--user->connections == 0) {
        channel->here--;
        user_settle(p, shard, user);
    }
    (void)pthread_mutex_unlock(&shard->lock);
}

static size_t list(const struct present_channel *channel, struct presence_user *users, size_t room)
{
    const struct present_user *user;
    size_t cursor = 0, written = 0;

    while (written < room && (user = map_next(&channel->users, &cursor)) != NULL) {
        if (user->connections == 0)
            continue;
        memcpy(users[written].name, user->name, user->name_bytes);
        users[written].name[user->name_bytes] = '\0';
        users[written++].connections = user->connections;
    }
    return channel->here;
}

size_t presence_list(struct presence *p, struct view name, struct presence_user *users, size_t room)
{
    struct shard *shard = shard_of(p, name);
    const struct present_channel *channel;
    size_t count;

    (void)pthread_mutex_lock(&shard->lock);
    channel = map_find(&shard->channels, name);
    count = channel != NULL ? list(channel, users, room) : 0;
    (void)pthread_mutex_unlock(&shard->lock);
    return count;
}

static int compare(struct view a, struct view b)
{
    int order = a.len == 0 || b.len == 0 ? 0 : memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* Into its place, if that is on the page. */
static void page_put(struct presence_user *users, size_t room, size_t *count,
                     const struct present_user *user)
{
    struct view name = view_of(user->name, user->name_bytes);
    size_t at = *count;

    while (at > 0 && compare(name, view_of_text(users[at - 1].name)) < 0)
        at--;
    if (at == room)
        return;
    if (*count < room)
        ++*count;
    memmove(&users[at + 1], &users[at], (*count - 1 - at) * sizeof(users[0]));
    memcpy(users[at].name, name.ptr, name.len);
    users[at].name[name.len] = '\0';
    users[at].connections = user->connections;
}

size_t presence_page(struct presence *p, struct view name, struct view after,
                     struct presence_user *users, size_t *room)
{
    struct shard *shard = shard_of(p, name);
    const struct present_channel *channel;
    const struct present_user *user;
    size_t count = 0, cursor = 0, here = 0;

    (void)pthread_mutex_lock(&shard->lock);
    channel = map_find(&shard->channels, name);
    while (channel != NULL && (user = map_next(&channel->users, &cursor)) != NULL) {
        here = channel->here;
        if (user->connections > 0 && compare(view_of(user->name, user->name_bytes), after) > 0)
            page_put(users, *room, &count, user);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    *room = count;
    return here;
}

/* --- news --- */

struct piece {
    struct present_user *user; /* held in place by is_being_told */
    struct presence_news news;
    char channel[HUB_NAME_MAX], name[PRESENCE_USER_MAX];
};

/* Under the lock: the next piece of news of this shard, taken off its list. */
static bool piece_take(struct shard *shard, uint64_t now_ms, struct piece *piece)
{
    struct present_user *user;

    if (!link_is_alone(&shard->came)) {
        user = LINK_ITEM(shard->came.next, struct present_user, link);
    } else if (!link_is_alone(&shard->went)) {
        user = LINK_ITEM(shard->went.next, struct present_user, link);
        if (user->due_ms > now_ms)
            return false;
    } else {
        return false;
    }
    link_remove(&user->link);
    user->is_being_told = true;
    piece->user = user;
    memcpy(piece->channel, user->channel->name, user->channel->name_bytes);
    memcpy(piece->name, user->name, user->name_bytes);
    piece->news = (struct presence_news){user->connections > 0,
                                         view_of(piece->channel, user->channel->name_bytes),
                                         view_of(piece->name, user->name_bytes)};
    return true;
}

static size_t shard_tell(struct presence *p, struct shard *shard, uint64_t now_ms, size_t max,
                         bool (*tell)(void *context, const struct presence_news *news),
                         void *context)
{
    size_t told = 0;
    bool is_told = true;
    struct piece piece;

    (void)pthread_mutex_lock(&shard->lock);
    while (told < max && is_told && piece_take(shard, now_ms, &piece)) {
        (void)pthread_mutex_unlock(&shard->lock);
        is_told = tell(context, &piece.news);
        (void)pthread_mutex_lock(&shard->lock);
        piece.user->is_being_told = false;
        if (is_told)
            piece.user->is_known = piece.news.is_join;
        user_settle(p, shard, piece.user);
        told++;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return told;
}

void presence_tell(struct presence *p, uint64_t now_ms, size_t max,
                   bool (*tell)(void *context, const struct presence_news *news), void *context)
{
    unsigned first = p->next_shard;
    size_t left = max;

    atomic_store_explicit(&p->now_ms, now_ms, memory_order_relaxed);
    p->next_shard = (first + 1) % SHARDS; /* a busy shard is not always the first one */
    for (unsigned i = 0; i < SHARDS && left > 0; i++)
        left -= shard_tell(p, &p->shards[(first + i) % SHARDS], now_ms, left, tell, context);
}

size_t presence_count(struct presence *p)
{
    return atomic_load_explicit(&p->count, memory_order_relaxed);
}
