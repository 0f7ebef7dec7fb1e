/* SPDX-License-Identifier: Apache-2.0 */
/* An array rather than a list, because a publish walks it: 16 bytes a listener, read in order. Who
 * leaves gives its place to the last one, so joining and leaving cost the same in a channel of ten
 * thousand; order among listeners means nothing. */
#include "hub/hub_channel.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/status.h"

#define MEMBERS_FIRST 4
#define MEMBERS_MAX   (UINT32_C(1) << 31)

struct hub_channel *hub_channel_new(struct view name)
{
    struct hub_channel *channel = malloc(sizeof(*channel) + name.len);

    if (channel == NULL)
        return NULL;
    memset(channel, 0, sizeof(*channel));
    channel->members = &channel->only;
    channel->capacity = 1;
    channel->name_bytes = (uint32_t)name.len;
    memcpy(channel->name, name.ptr, name.len);
    return channel;
}

void hub_channel_free(struct hub_channel *channel)
{
    if (channel == NULL)
        return;
    if (channel->members != &channel->only)
        free(channel->members);
    free(channel);
}

static int members_grow(struct hub_channel *channel)
{
    uint32_t capacity = channel->capacity == 1 ? MEMBERS_FIRST : channel->capacity * 2;
    struct hub_member *old = channel->members == &channel->only ? NULL : channel->members;
    struct hub_member *grown;
    size_t bytes;

    if (channel->capacity >= MEMBERS_MAX)
        return E_LIMIT;
    if (!size_mul(capacity, sizeof(*grown), &bytes))
        return E_NOMEM;
    grown = realloc(old, bytes);
    if (grown == NULL)
        return E_NOMEM;
    if (old == NULL)
        grown[0] = channel->only;
    channel->members = grown;
    channel->capacity = capacity;
    return OK;
}

/* At a quarter full, halve: a listener at the brink cannot make it grow and shrink in turns. */
static void members_shrink(struct hub_channel *channel)
{
    struct hub_member *shrunk;

    if (channel->capacity <= MEMBERS_FIRST || channel->count > channel->capacity / 4)
        return;
    shrunk = realloc(channel->members, channel->capacity / 2 * sizeof(*shrunk));
    if (shrunk == NULL)
        return; /* the larger array serves as well */
    channel->members = shrunk;
    channel->capacity /= 2;
}

int hub_channel_add(struct hub_channel *channel, struct hub_subscriber *subscriber,
                    struct hub_subscription *subscription)
{
    if (channel->count == channel->capacity) {
        int rc = members_grow(channel);

        if (rc != OK)
            return rc;
    }
    subscription->channel = channel;
    subscription->place = channel->count;
    channel->members[channel->count++] = (struct hub_member){subscriber, subscription};
    return OK;
}

void hub_channel_remove(struct hub_channel *channel, const struct hub_subscription *subscription)
{
    uint32_t place = subscription->place;
    struct hub_member *last;

    ASSERT(place < channel->count && channel->members[place].subscription == subscription);
    last = &channel->members[--channel->count];
    channel->members[place] = *last;
    channel->members[place].subscription->place = place;
    members_shrink(channel);
}
