/* SPDX-License-Identifier: Apache-2.0 */
/* A ring under a mutex: nothing clever, so that a fault found with it is the broker's. */
#include "fake_mailbox.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/status.h"

struct mailbox {
    pthread_mutex_t lock;
    void *context;
    size_t capacity, reserved, posted, first;
    struct letter letters[];
};

int mailbox_new(struct mailbox **out, struct loop *loop, size_t capacity, void *context)
{
    struct mailbox *m = calloc(1, sizeof(*m) + capacity * sizeof(m->letters[0]));

    (void)loop;
    if (m == NULL)
        return E_NOMEM;
    (void)pthread_mutex_init(&m->lock, NULL);
    m->capacity = capacity;
    m->context = context;
    *out = m;
    return OK;
}

void mailbox_close(struct mailbox *m)
{
    (void)fake_mailbox_open_all(m);
    ASSERT(m->reserved == 0);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

bool mailbox_reserve(struct mailbox *m)
{
    bool has_room;

    /* A publisher that is about to post rests here: whoever closes a mailbox too early gets its
     * chance. */
    (void)sched_yield();
    (void)pthread_mutex_lock(&m->lock);
    has_room = m->reserved < m->capacity;
    m->reserved += has_room;
    (void)pthread_mutex_unlock(&m->lock);
    return has_room;
}

void mailbox_unreserve(struct mailbox *m)
{
    (void)pthread_mutex_lock(&m->lock);
    ASSERT(m->reserved > m->posted);
    m->reserved--;
    (void)pthread_mutex_unlock(&m->lock);
}

void mailbox_post_reserved(struct mailbox *m, struct letter letter)
{
    (void)pthread_mutex_lock(&m->lock);
    ASSERT(m->posted < m->reserved);
    m->letters[(m->first + m->posted++) % m->capacity] = letter;
    (void)pthread_mutex_unlock(&m->lock);
}

bool mailbox_post(struct mailbox *m, struct letter letter)
{
    if (!mailbox_reserve(m))
        return false;
    mailbox_post_reserved(m, letter);
    return true;
}

size_t fake_mailbox_open_all(struct mailbox *m)
{
    size_t opened = 0;

    for (;;) {
        struct letter letter;

        (void)pthread_mutex_lock(&m->lock);
        if (m->posted == 0)
            break;
        letter = m->letters[m->first];
        m->first = (m->first + 1) % m->capacity;
        m->posted--;
        m->reserved--;
        (void)pthread_mutex_unlock(&m->lock);
        letter.open(m->context, letter.a, letter.b);
        opened++;
    }
    (void)pthread_mutex_unlock(&m->lock);
    return opened;
}

size_t fake_mailbox_reserved(struct mailbox *m)
{
    size_t reserved;

    (void)pthread_mutex_lock(&m->lock);
    reserved = m->reserved;
    (void)pthread_mutex_unlock(&m->lock);
    return reserved;
}
