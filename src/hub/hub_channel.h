/* SPDX-License-Identifier: Apache-2.0 */
/* hub_channel.h: one channel and its listeners, side by side in an array. Private to hub/. Worker
 * thread only. Knows neither the hub's table nor the limits. */
#ifndef HUB_HUB_CHANNEL_H
#define HUB_HUB_CHANNEL_H

#include <stdint.h>

#include "hub/hub.h"

struct hub_channel;

/* Stands in two places at once: in its channel's array at `place`, and in its subscriber's list. */
struct hub_subscription {
    struct hub_subscription *next, *prev; /* of the subscriber */
    struct hub_channel *channel;
    uint32_t place;
    bool is_present; /* counted in presence */
};
struct hub_member {
    struct hub_subscriber *subscriber;
    struct hub_subscription *subscription;
};
struct hub_channel {
    struct hub_member
        *members; /* `only` while one place is enough: most channels have one listener */
    uint32_t count, capacity;
    struct hub_member only;
    struct history_place upto; /* of a channel with history: what all members have got */
    uint32_t name_bytes;
    char name[];
};

/* Without members. NULL when out of memory. */
struct hub_channel *hub_channel_new(struct view name);
void hub_channel_free(struct hub_channel *channel);
static inline struct view hub_channel_name(const struct hub_channel *channel)
{
    return view_of(channel->name, channel->name_bytes);
}
/* Puts the subscriber last and writes channel and place into the subscription. E_NOMEM, E_LIMIT
 * (2^31 members). */
int hub_channel_add(struct hub_channel *channel, struct hub_subscriber *subscriber,
                    struct hub_subscription *subscription);
/* The last member takes the free place. Memory that the channel no longer needs goes back. */
void hub_channel_remove(struct hub_channel *channel, const struct hub_subscription *subscription);

#endif
