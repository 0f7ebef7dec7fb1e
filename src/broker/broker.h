/* SPDX-License-Identifier: Apache-2.0 */
/* broker.h: moves framed messages between the workers of this process (later: between nodes). An
 * engine is a const struct broker_ops; the memory engine is broker_memory. Publish and interest are
 * safe from any worker's thread. */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "base/blob.h"
#include "base/view.h"
#include "net/mailbox.h"

struct broker;
/* Called on the receiving worker's thread. channel lives until the call returns; blob is borrowed.
 */
typedef void (*broker_deliver)(void *context, struct view channel, struct blob *frame);

#define BROKER_WORKERS_MAX  64        /* one bit each */
#define BROKER_CHANNELS_MAX (1 << 22) /* channels that anyone wants, all workers together */

struct broker_ops {
    const char *name;
    int (*open)(struct broker **out,
                unsigned workers);   /* E_INVALID unless 1 to BROKER_WORKERS_MAX; E_NOMEM */
    void (*close)(struct broker *b); /* after all workers have left; NULL is fine */
    /* What the functions below call. */
    void (*join)(struct broker *b, unsigned index, struct mailbox *mailbox, broker_deliver deliver,
                 void *context);
    void (*leave)(struct broker *b, unsigned index);
    int (*interest_add)(struct broker *b, unsigned index, struct view channel);
    void (*interest_remove)(struct broker *b, unsigned index, struct view channel);
    int (*publish)(struct broker *b, unsigned index, struct view channel, struct blob *frame);
    int (*publish_ordered)(struct broker *b, unsigned index, struct view channel,
                           struct blob *frame);
    size_t (*channel_count)(struct broker *b);
};
extern const struct broker_ops broker_memory;

/* Worker `index` takes part: letters arrive through its mailbox, deliver runs with context. */
void broker_join(struct broker *b, unsigned index, struct mailbox *mailbox, broker_deliver deliver,
                 void *context);
/* Worker `index` takes no more part: once this returns nobody posts to its mailbox any more, so
 * mailbox_close may follow. Letters that are inside already are still opened. Harmless when it
 * never joined. Worker `index`'s thread. */
void broker_leave(struct broker *b, unsigned index);
/* Worker `index` has its first (or no more) local subscriber of `channel`. add: E_NOMEM, E_LIMIT.
 */
int broker_interest_add(struct broker *b, unsigned index, struct view channel);
void broker_interest_remove(struct broker *b, unsigned index, struct view channel);
/* To every interested worker except `index`, all or none: E_FULL when one of their mailboxes has no
 * room, E_NOMEM; nothing was sent then. Messages of one worker to one channel arrive in order. The
 * frame is kept as often as needed. Costs nothing but one look-up when nobody else is interested.
 */
int broker_publish(struct broker *b, unsigned index, struct view channel, struct blob *frame);
/* The same to every interested worker, `index` included, by the same way: whoever publishes to a
 * channel under a lock of its own has all workers get the messages in one order. With a single
 * worker deliver runs before this returns. */
int broker_publish_ordered(struct broker *b, unsigned index, struct view channel,
                           struct blob *frame);
/* Channels that any worker wants. One worker alone tells the memory engine of none. */
size_t broker_channel_count(struct broker *b);

#endif
