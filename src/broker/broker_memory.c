/* SPDX-License-Identifier: Apache-2.0 */
/* Between the threads of one process. A publish looks up who wants the channel, reserves a place in
 * every mailbox concerned, and only then posts: so it reaches all or none. All letters of one
 * publish share one small message.
 *
 * Leaving: a publisher says `busy` before it looks who has joined, and leaving first takes the
 * worker out and then waits until no publisher is busy with an older view. Either the publisher
 * sees that the worker has left, or the leaver sees the busy publisher (both sides are sequentially
 * consistent). A publisher never waits, so the wait is as short as one publish. */
#include "broker/broker.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/status.h"
#include "broker/broker_engine.h"
#include "broker/interest.h"

struct member {
    _Alignas(64)
        atomic_bool busy; /* written by each publish of this worker: a cache line of its own */
    struct mailbox *mailbox;
    broker_deliver deliver;
    void *context;
};
struct memory_broker {
    struct broker front;
    unsigned workers;
    _Atomic uint64_t joined;
    struct interest *interest;
    struct member members[];
};

/* One publish on its way; the last letter opened frees it. */
struct message {
    atomic_uint letters;
    uint32_t name_bytes;
    struct blob *frame;
    char name[];
};

static struct memory_broker *memory_of(struct broker *b)
{
    return (struct memory_broker *)(void *)b; /* front is the first member */
}

static uint64_t bit_of(unsigned index)
{
    return UINT64_C(1) << index;
}

static int memory_open(struct broker **out, unsigned workers)
{
    struct memory_broker *m;
    unsigned i;
    int rc;

    if (workers < 1 || workers > BROKER_WORKERS_MAX)
        return E_INVALID;
    m = aligned_alloc(64, sizeof(*m) + workers * sizeof(m->members[0]));
    if (m == NULL)
        return E_NOMEM;
    m->front.ops = &broker_memory;
    m->workers = workers;
    atomic_init(&m->joined, 0);
    for (i = 0; i < workers; i++) {
        m->members[i].mailbox = NULL;
        atomic_init(&m->members[i].busy, false);
    }
    rc = interest_new(&m->interest, BROKER_CHANNELS_MAX);
    if (rc != OK) {
        free(m);
        return rc;
    }
    *out = &m->front;
    return OK;
}

static void memory_close(struct broker *b)
{
    struct memory_broker *m = memory_of(b);

    if (b == NULL)
        return;
    ASSERT(atomic_load(&m->joined) == 0);
    interest_free(m->interest);
    free(m);
}

static void memory_join(struct broker *b, unsigned index, struct mailbox *mailbox,
                        broker_deliver deliver, void *context)
{
    struct memory_broker *m = memory_of(b);

    ASSERT(index < m->workers && (atomic_load(&m->joined) & bit_of(index)) == 0);
    m->members[index].mailbox = mailbox;
    m->members[index].deliver = deliver;
    m->members[index].context = context;
    atomic_fetch_or(&m->joined, bit_of(index));
}

static void memory_leave(struct broker *b, unsigned index)
{
    struct memory_broker *m = memory_of(b);
    unsigned i;

    ASSERT(index < m->workers);
    atomic_fetch_and(&m->joined, ~bit_of(index));
    for (i = 0; i < m->workers; i++) {
        while (i != index && atomic_load(&m->members[i].busy))
            (void)sched_yield();
    }
}

static int memory_interest_add(struct broker *b, unsigned index, struct view channel)
{
    struct memory_broker *m = memory_of(b);

    ASSERT(index < m->workers);
    return m->workers == 1 ? OK : interest_add(m->interest, index, channel);
}

static void memory_interest_remove(struct broker *b, unsigned index, struct view channel)
{
    struct memory_broker *m = memory_of(b);

    ASSERT(index < m->workers);
    if (m->workers > 1)
        interest_remove(m->interest, index, channel);
}

/* On the receiving worker's thread. */
static void letter_open(void *mailbox_context, void *a, void *b)
{
    const struct member *member = a;
    struct message *message = b;

    (void)mailbox_context; /* the worker's own; ours came with join */
    member->deliver(member->context, view_of(message->name, message->name_bytes), message->frame);
    if (atomic_fetch_sub_explicit(&message->letters, 1, memory_order_acq_rel) == 1) {
        blob_drop(message->frame);
        free(message);
    }
}

static struct message *message_new(struct view channel, struct blob *frame, unsigned letters)
{
    struct message *message = malloc(sizeof(*message) + channel.len);

    if (message == NULL)
        return NULL;
    atomic_init(&message->letters, letters);
    message->name_bytes = (uint32_t)channel.len;
    memcpy(message->name, channel.ptr, channel.len);
    message->frame = blob_keep(frame);
    return message;
}

/* A place in each mailbox of `targets`, or in none. */
static bool places_reserve(struct memory_broker *m, uint64_t targets)
{
    uint64_t left, taken = 0;

    for (left = targets; left != 0; left &= left - 1) {
        if (!mailbox_reserve(m->members[__builtin_ctzll(left)].mailbox))
            break;
        taken |= left & -left;
    }
    if (left == 0)
        return true;
    for (; taken != 0; taken &= taken - 1)
        mailbox_unreserve(m->members[__builtin_ctzll(taken)].mailbox);
    return false;
}

static int targets_post(struct memory_broker *m, uint64_t targets, struct view channel,
                        struct blob *frame)
{
    struct message *message;

    if (!places_reserve(m, targets))
        return E_FULL;
    message = message_new(channel, frame, (unsigned)__builtin_popcountll(targets));
    for (; targets != 0; targets &= targets - 1) {
        struct member *member = &m->members[__builtin_ctzll(targets)];

        if (message == NULL)
            mailbox_unreserve(member->mailbox);
        else
            mailbox_post_reserved(member->mailbox, (struct letter){letter_open, member, message});
    }
    return message != NULL ? OK : E_NOMEM;
}

/* To those of `among` that want the channel. */
static int publish_among(struct memory_broker *m, unsigned index, uint64_t among,
                         struct view channel, struct blob *frame)
{
    uint64_t targets = interest_find(m->interest, channel) & among;
    int rc = OK;

    if (targets == 0)
        return OK;
    atomic_store(&m->members[index].busy, true);
    targets &= atomic_load(&m->joined);
    if (targets != 0)
        rc = targets_post(m, targets, channel, frame);
    atomic_store_explicit(&m->members[index].busy, false, memory_order_release);
    return rc;
}

static size_t memory_channel_count(struct broker *b)
{
    return interest_count(memory_of(b)->interest);
}

static int memory_publish(struct broker *b, unsigned index, struct view channel, struct blob *frame)
{
    struct memory_broker *m = memory_of(b);

    ASSERT(index < m->workers);
    if (m->workers == 1)
        return OK;
    return publish_among(m, index, ~bit_of(index), channel, frame);
}

static int memory_publish_ordered(struct broker *b, unsigned index, struct view channel,
                                  struct blob *frame)
{
    struct memory_broker *m = memory_of(b);

    ASSERT(index < m->workers);
    if (m->workers > 1)
        return publish_among(m, index, UINT64_MAX, channel, frame);
    if ((atomic_load(&m->joined) & bit_of(index)) != 0)
        m->members[index].deliver(m->members[index].context, channel, frame);
    return OK;
}

const struct broker_ops broker_memory = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .join = memory_join,
    .leave = memory_leave,
    .interest_add = memory_interest_add,
    .interest_remove = memory_interest_remove,
    .publish = memory_publish,
    .publish_ordered = memory_publish_ordered,
    .channel_count = memory_channel_count,
};
