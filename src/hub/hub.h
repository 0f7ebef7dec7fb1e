/* SPDX-License-Identifier: Apache-2.0 */
/* hub.h: who listens to which channel, on one worker. Knows no sockets and no policy: the gate has
 * asked before. Worker thread only. */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/link.h"
#include "base/view.h"
#include "broker/broker.h"
#include "hub/history.h"

struct hub;
struct hub_subscription;
struct presence;

struct hub_subscriber;
/* What the listeners of one kind have in common. */
struct hub_subscriber_ops {
    /* Must not subscribe or unsubscribe; may mark its owner for closing. */
    void (*deliver)(struct hub_subscriber *subscriber, struct blob *frame);
    /* Whose it is, for channels with presence (without them NULL will do); must not become
     * somebody else's while there are subscriptions. */
    struct view (*user)(const struct hub_subscriber *subscriber);
};
/* Embed it in whoever listens. */
struct hub_subscriber {
    const struct hub_subscriber_ops *ops;
    struct hub_subscription *subscriptions; /* private */
    uint32_t count;
};

struct hub_limits {
    uint32_t subscriptions; /* per subscriber */
    uint32_t channels;      /* per worker */
};
int hub_new(struct hub **out, const struct hub_limits *limits, struct broker *broker,
            unsigned worker_index);
/* The tables of all hubs, which outlive them; before anyone subscribes. Without them nobody may ask
 * for what they give. */
void hub_share(struct hub *hub, struct history *history, struct presence *presence);
void hub_free(struct hub *hub); /* after every subscriber has left */
void hub_subscriber_init(struct hub_subscriber *s, const struct hub_subscriber_ops *ops);
/* E_EXISTS (already), E_LIMIT (cap of this subscriber), E_FULL (channels of this worker), E_NOMEM,
 * E_INVALID (an empty name or one over HUB_NAME_MAX bytes; the gate has narrower rules). Nothing
 * changes on failure. */
#define HUB_NAME_MAX 256
int hub_subscribe(struct hub *hub, struct hub_subscriber *s, struct view channel);
/* What goes with a subscription; the same for all subscribers of a channel. */
struct hub_how {
    bool is_present;  /* its user is counted in the channel; E_FULL: no room there */
    bool has_news;    /* and the channel is told who comes and goes */
    bool has_history; /* hub_place may be asked */
};
int hub_subscribe_as(struct hub *hub, struct hub_subscriber *s, struct view channel,
                     const struct hub_how *how);
/* The place of a channel with history up to which this worker's listeners have got everything:
 * what they get from now on is newer, in order and without a gap. Somebody here must listen to it.
 */
struct history_place hub_place(const struct hub *hub, struct view channel);
int hub_unsubscribe(struct hub *hub, struct hub_subscriber *s, struct view channel); /* E_MISSING */
bool hub_is_subscribed(const struct hub *hub, const struct hub_subscriber *s, struct view channel);
/* Asks `keeps` about each channel of the subscriber and ends the subscriptions it denies. `keeps`
 * must not subscribe or unsubscribe. The view lives during the call. */
void hub_review(struct hub *hub, struct hub_subscriber *s,
                bool (*keeps)(void *context, struct view channel), void *context);
void hub_leave(struct hub *hub, struct hub_subscriber *s); /* everything; harmless when nothing */
/* To all subscribers of the channel here and on the other workers, the sender included if it
 * listens. E_FULL: another worker has no room, nobody got it; E_NOMEM likewise. *local (may be
 * NULL) = deliveries made here. */
int hub_publish(struct hub *hub, struct view channel, struct blob *frame, uint32_t *local);
/* The same for a channel with history: the message takes its place and is kept. All workers, this
 * one included, get a channel's messages in the order of their places, which for this one may be
 * after the call returns. E_NOMEM, E_FULL: nobody got it. `make`: see history_append. */
struct hub_kept {
    uint32_t messages;
    uint64_t ttl_ms, now_ms;
    struct blob *(*make)(void *context, uint64_t offset);
    void *context;
};
int hub_publish_kept(struct hub *hub, struct view channel, const struct hub_kept *kept);
/* Every channel that somebody here listens to, in no order. `each` must not change who listens. */
void hub_each_channel(const struct hub *hub,
                      void (*each)(void *context, struct view channel, uint32_t listeners),
                      void *context);
/* What this worker has done. Only grows. */
struct hub_counters {
    uint64_t publishes;  /* that went out from here */
    uint64_t deliveries; /* to listeners here, of whatever worker's messages */
};
const struct hub_counters *hub_counters(const struct hub *hub);
size_t hub_channel_count(const struct hub *hub);
/* What another worker published: local subscribers only. Give it to broker_join as its deliver,
 * with the hub as context. */
void hub_deliver(void *hub, struct view channel, struct blob *frame);

#endif
