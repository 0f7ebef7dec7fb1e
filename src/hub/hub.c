/* SPDX-License-Identifier: Apache-2.0 */
/* The table of channels, and who stands in which. A channel exists while somebody here listens to
 * it, and for just as long the broker knows that this worker wants its messages. A publish asks the
 * broker first: if another worker has no room, nobody gets the message and the sender is told,
 * rather than half of the listeners having it. No recursion; publishing allocates nothing here. */
#include "hub/hub.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/slab.h"
#include "base/status.h"
#include "hub/hub_channel.h"
#include "hub/presence.h"

struct hub {
    struct map channels;            /* name -> struct hub_channel, which holds the name */
    struct slab_pool subscriptions; /* struct hub_subscription */
    struct hub_limits limits;
    struct broker *broker;
    struct history *history;   /* of all hubs; NULL: no channel keeps any */
    struct presence *presence; /* the same */
    unsigned worker_index;
    struct hub_counters counters;
    unsigned delivering; /* how deep in deliver: arrays must not change under a walk */
};

int hub_new(struct hub **out, const struct hub_limits *limits, struct broker *broker,
            unsigned worker_index)
{
    struct hub *hub = calloc(1, sizeof(*hub));

    if (hub == NULL)
        return E_NOMEM;
    map_init(&hub->channels, limits->channels);
    slab_pool_init(&hub->subscriptions, sizeof(struct hub_subscription));
    hub->limits = *limits;
    hub->broker = broker;
    hub->worker_index = worker_index;
    *out = hub;
    return OK;
}

void hub_share(struct hub *hub, struct history *history, struct presence *presence)
{
    hub->history = history;
    hub->presence = presence;
}

void hub_free(struct hub *hub)
{
    if (hub == NULL)
        return;
    ASSERT(hub->channels.count == 0 && hub->delivering == 0);
    map_clear(&hub->channels);
    slab_pool_clear(&hub->subscriptions);
    free(hub);
}

void hub_subscriber_init(struct hub_subscriber *s, const struct hub_subscriber_ops *ops)
{
    *s = (struct hub_subscriber){.ops = ops};
}

/* Walks whichever is shorter: the channel's listeners or the subscriber's channels. */
static struct hub_subscription *subscription_find(const struct hub_channel *channel,
                                                  const struct hub_subscriber *s)
{
    struct hub_subscription *each;
    uint32_t i;

    if (channel->count > s->count) {
        for (each = s->subscriptions; each != NULL; each = each->next) {
            if (each->channel == channel)
                return each;
        }
        return NULL;
    }
    for (i = 0; i < channel->count; i++) {
        if (channel->members[i].subscriber == s)
            return channel->members[i].subscription;
    }
    return NULL;
}

/* A new channel in the table, with the broker's promise to send us its messages. */
static int channel_open(struct hub *hub, struct view name, struct hub_channel **out)
{
    struct hub_channel *channel;
    int rc;

    if (name.len == 0 || name.len > HUB_NAME_MAX)
        return E_INVALID;
    if (hub->channels.count >= hub->limits.channels)
        return E_FULL;
    channel = hub_channel_new(name);
    if (channel == NULL)
        return E_NOMEM;
    rc = map_put(&hub->channels, hub_channel_name(channel), channel);
    if (rc != OK)
        goto failed;
    rc = broker_interest_add(hub->broker, hub->worker_index, name);
    if (rc != OK) {
        (void)map_remove(&hub->channels, name);
        goto failed;
    }
    *out = channel;
    return OK;
failed:
    hub_channel_free(channel);
    return rc == E_LIMIT ? E_FULL : rc;
}

static void channel_close(struct hub *hub, struct hub_channel *channel)
{
    broker_interest_remove(hub->broker, hub->worker_index, hub_channel_name(channel));
    (void)map_remove(&hub->channels, hub_channel_name(channel));
    hub_channel_free(channel);
}

static int channel_join(struct hub *hub, struct hub_channel *channel, struct hub_subscriber *s,
                        const struct hub_how *how)
{
    struct hub_subscription *made = slab_take(&hub->subscriptions);
    int rc;

    if (made == NULL)
        return E_NOMEM;
    rc = hub_channel_add(channel, s, made);
    if (rc == OK && how->is_present) {
        rc = presence_enter(hub->presence, hub_channel_name(channel), s->ops->user(s),
                            how->has_news);
        if (rc != OK)
            hub_channel_remove(channel, made);
    }
    if (rc != OK) {
        slab_give(&hub->subscriptions, made);
        return rc == E_LIMIT ? E_FULL : rc;
    }
    made->is_present = how->is_present;
    made->next = s->subscriptions;
    if (made->next != NULL)
        made->next->prev = made;
    s->subscriptions = made;
    s->count++;
    return OK;
}

int hub_subscribe(struct hub *hub, struct hub_subscriber *s, struct view name)
{
    const struct hub_how how = {false, false, false};

    return hub_subscribe_as(hub, s, name, &how);
}

/* The broker knows already that this worker listens: what is published after this look at the
 * history will come, and what comes of before is known by its place. */
int hub_subscribe_as(struct hub *hub, struct hub_subscriber *s, struct view name,
                     const struct hub_how *how)
{
    struct hub_channel *channel = map_find(&hub->channels, name);
    int rc;

    ASSERT(hub->delivering == 0);
    if (channel != NULL && subscription_find(channel, s) != NULL)
        return E_EXISTS;
    if (s->count >= hub->limits.subscriptions)
        return E_LIMIT;
    if (channel == NULL) {
        rc = channel_open(hub, name, &channel);
        if (rc != OK)
            return rc;
        if (how->has_history)
            channel->upto = history_place(hub->history, name);
    }
    rc = channel_join(hub, channel, s, how);
    if (rc != OK && channel->count == 0)
        channel_close(hub, channel);
    return rc;
}

static void subscription_end(struct hub *hub, struct hub_subscriber *s,
                             struct hub_subscription *ended)
{
    struct hub_channel *channel = ended->channel;

    if (ended->is_present)
        presence_leave(hub->presence, hub_channel_name(channel), s->ops->user(s));
    hub_channel_remove(channel, ended);
    if (ended->prev != NULL)
        ended->prev->next = ended->next;
    else
        s->subscriptions = ended->next;
    if (ended->next != NULL)
        ended->next->prev = ended->prev;
    s->count--;
    slab_give(&hub->subscriptions, ended);
    if (channel->count == 0)
        channel_close(hub, channel);
}

int hub_unsubscribe(struct hub *hub, struct hub_subscriber *s, struct view name)
{
    struct hub_channel *channel = map_find(&hub->channels, name);
    struct hub_subscription *found;

    ASSERT(hub->delivering == 0);
    found = channel != NULL ? subscription_find(channel, s) : NULL;
    if (found == NULL)
        return E_MISSING;
    subscription_end(hub, s, found);
    return OK;
}

bool hub_is_subscribed(const struct hub *hub, const struct hub_subscriber *s, struct view name)
{
    const struct hub_channel *channel = map_find(&hub->channels, name);

    return channel != NULL && subscription_find(channel, s) != NULL;
}

void hub_review(struct hub *hub, struct hub_subscriber *s,
                bool (*keeps)(void *context, struct view channel), void *context)
{
    struct hub_subscription *each, *next;

    ASSERT(hub->delivering == 0);
    for (each = s->subscriptions; each != NULL; each = next) {
        next = each->next;
        if (!keeps(context, hub_channel_name(each->channel)))
            subscription_end(hub, s, each);
    }
}

void hub_leave(struct hub *hub, struct hub_subscriber *s)
{
    ASSERT(hub->delivering == 0);
    while (s->subscriptions != NULL)
        subscription_end(hub, s, s->subscriptions);
}

/* False: the channel's listeners have it already, or it was published before the first of them
 * came.
 */
static bool is_news(struct hub_channel *channel, const struct blob *frame)
{
    struct history_place place = {frame->life, frame->offset};

    if (place.offset == 0)
        return true;
    if (!history_is_newer(place, channel->upto))
        return false;
    channel->upto = place;
    return true;
}

static uint32_t channel_deliver(struct hub *hub, struct view name, struct blob *frame)
{
    struct hub_channel *channel = map_find(&hub->channels, name);
    uint32_t i;

    if (channel == NULL || !is_news(channel, frame))
        return 0;
    hub->delivering++;
    for (i = 0; i < channel->count; i++) {
        struct hub_subscriber *s = channel->members[i].subscriber;

        s->ops->deliver(s, frame);
    }
    hub->delivering--;
    hub->counters.deliveries += channel->count;
    return channel->count;
}

int hub_publish(struct hub *hub, struct view channel, struct blob *frame, uint32_t *local)
{
    int rc = broker_publish(hub->broker, hub->worker_index, channel, frame);
    uint32_t delivered;

    if (rc != OK)
        return rc;
    hub->counters.publishes++;
    delivered = channel_deliver(hub, channel, frame);
    if (local != NULL)
        *local = delivered;
    return OK;
}

const struct hub_counters *hub_counters(const struct hub *hub)
{
    return &hub->counters;
}

void hub_each_channel(const struct hub *hub,
                      void (*each)(void *context, struct view channel, uint32_t listeners),
                      void *context)
{
    const struct hub_channel *channel;
    size_t cursor = 0;

    while ((channel = map_next(&hub->channels, &cursor)) != NULL)
        each(context, hub_channel_name(channel), channel->count);
}

struct posting {
    struct hub *hub;
    struct view channel;
    const struct hub_kept *kept;
};

static struct blob *kept_make(void *posting, uint64_t offset)
{
    const struct hub_kept *kept = ((struct posting *)posting)->kept;

    return kept->make(kept->context, offset);
}

static int kept_post(void *posting, struct blob *frame)
{
    const struct posting *p = posting;

    return broker_publish_ordered(p->hub->broker, p->hub->worker_index, p->channel, frame);
}

int hub_publish_kept(struct hub *hub, struct view channel, const struct hub_kept *kept)
{
    struct posting posting = {hub, channel, kept};
    struct history_publish publish = {.messages = kept->messages,
                                      .ttl_ms = kept->ttl_ms,
                                      .now_ms = kept->now_ms,
                                      .make = kept_make,
                                      .post = kept_post,
                                      .context = &posting};

    return history_append(hub->history, channel, &publish);
}

struct history_place hub_place(const struct hub *hub, struct view name)
{
    const struct hub_channel *channel = map_find(&hub->channels, name);

    ASSERT(channel != NULL);
    return channel->upto;
}

size_t hub_channel_count(const struct hub *hub)
{
    return hub->channels.count;
}

/* The last listener may have left while the letter was under way: then nobody is here, and that is
 * all right. */
void hub_deliver(void *hub, struct view channel, struct blob *frame)
{
    (void)channel_deliver(hub, channel, frame);
}
