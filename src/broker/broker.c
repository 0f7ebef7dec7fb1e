/* SPDX-License-Identifier: Apache-2.0 */
/* The front: hands each call to the engine that was opened. */
#include "broker/broker.h"

#include "broker/broker_engine.h"

void broker_join(struct broker *b, unsigned index, struct mailbox *mailbox, broker_deliver deliver,
                 void *context)
{
    b->ops->join(b, index, mailbox, deliver, context);
}

void broker_leave(struct broker *b, unsigned index)
{
    b->ops->leave(b, index);
}

int broker_interest_add(struct broker *b, unsigned index, struct view channel)
{
    return b->ops->interest_add(b, index, channel);
}

void broker_interest_remove(struct broker *b, unsigned index, struct view channel)
{
    b->ops->interest_remove(b, index, channel);
}

int broker_publish(struct broker *b, unsigned index, struct view channel, struct blob *frame)
{
    return b->ops->publish(b, index, channel, frame);
}

size_t broker_channel_count(struct broker *b)
{
    return b->ops->channel_count(b);
}

int broker_publish_ordered(struct broker *b, unsigned index, struct view channel,
                           struct blob *frame)
{
    return b->ops->publish_ordered(b, index, channel, frame);
}
