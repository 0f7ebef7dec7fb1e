/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.c: a ring of letters. Senders take a place from the count of free ones, then a ticket;
 * the ticket's slot says by its number whether it is empty, full or still being written. The first
 * lap's number is 0, so that a box's pages cost nothing before letters come. Only the first letter
 * after a look inside rings. */
#include "net/mailbox.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/status.h"

#define CACHE_LINE 64

struct slot {
    atomic_size_t sequence; /* lap n: empty, for a ticket of that lap; n + 1: holds its letter */
    struct letter letter;
};

struct mailbox {
    uv_async_t bell;
    void *context;
    struct slot *slots;
    size_t mask;
    size_t head; /* the next ticket to open; loop thread only */
    _Alignas(CACHE_LINE) atomic_size_t free_places;
    _Alignas(CACHE_LINE) atomic_size_t tail; /* the next ticket */
    _Alignas(CACHE_LINE) atomic_bool has_rung;
};

/* The first ticket of its round through the slots; there are 2 slots at least. */
static size_t lap_of(const struct mailbox *m, size_t ticket)
{
    return ticket & ~m->mask;
}

static bool open_one(struct mailbox *m)
{
    struct slot *slot = &m->slots[m->head & m->mask];
    struct letter letter;

    if (atomic_load_explicit(&slot->sequence, memory_order_acquire) != lap_of(m, m->head) + 1)
        return false;
    letter = slot->letter;
    atomic_store_explicit(&slot->sequence, lap_of(m, m->head) + m->mask + 1, memory_order_release);
    m->head++;
    /* Given back before the letter is opened, so that opening it may post. */
    (void)atomic_fetch_add_explicit(&m->free_places, 1, memory_order_release);
    letter.open(m->context, letter.a, letter.b);
    return true;
}

static void ring(struct mailbox *m)
{
    if (!atomic_exchange(&m->has_rung, true))
        (void)uv_async_send(&m->bell);
}

static void on_bell(uv_async_t *handle)
{
    struct mailbox *m = handle->data;

    /* An exchange, not a store: whoever rang before it has its letter seen below, on any machine.
     */
    (void)atomic_exchange(&m->has_rung, false);
    /* At most one box full a turn: sockets wait behind these. */
    for (size_t i = 0; i <= m->mask; i++) {
        if (uv_is_closing((uv_handle_t *)handle) || !open_one(m))
            return;
    }
    ring(m);
}

int mailbox_new(struct mailbox **out, struct loop *loop, size_t capacity, void *context)
{
    struct mailbox *m;
    size_t places = 2;

    while (places < capacity) {
        if (!size_mul(places, 2, &places))
            return E_LIMIT;
    }
    m = aligned_alloc(CACHE_LINE, (sizeof(*m) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (m == NULL)
        return E_NOMEM;
    m->slots = calloc(places, sizeof(struct slot));
    if (m->slots == NULL) {
        free(m);
        return E_NOMEM;
    }
    m->context = context;
    m->mask = places - 1;
    m->head = 0;
    atomic_init(&m->free_places, capacity);
    atomic_init(&m->tail, 0);
    atomic_init(&m->has_rung, false);
    if (uv_async_init(loop_uv(loop), &m->bell, on_bell) != 0) {
        free(m->slots);
        free(m);
        return E_IO;
    }
    m->bell.data = m;
    *out = m;
    return OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *m = handle->data;

    free(m->slots);
    free(m);
}

void mailbox_close(struct mailbox *m)
{
    if (m == NULL)
        return;
    while (open_one(m)) {
    }
    uv_close((uv_handle_t *)&m->bell, on_closed);
}

bool mailbox_reserve(struct mailbox *m)
{
    size_t places = atomic_load_explicit(&m->free_places, memory_order_relaxed);

    while (places > 0) {
        if (atomic_compare_exchange_weak_explicit(&m->free_places, &places, places - 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    }
    return false;
}

void mailbox_unreserve(struct mailbox *m)
{
    (void)atomic_fetch_add_explicit(&m->free_places, 1, memory_order_release);
}

void mailbox_post_reserved(struct mailbox *m, struct letter letter)
{
    size_t ticket = atomic_fetch_add_explicit(&m->tail, 1, memory_order_relaxed);
    struct slot *slot = &m->slots[ticket & m->mask];

    /* The reservation says that this slot has been emptied. The load makes that visible to this
     * thread as well, for the place that was reserved may have been freed earlier than the slot of
     * this ticket. */
    while (atomic_load_explicit(&slot->sequence, memory_order_acquire) != lap_of(m, ticket)) {
    }
    slot->letter = letter;
    atomic_store_explicit(&slot->sequence, lap_of(m, ticket) + 1, memory_order_release);
    ring(m);
}

bool mailbox_post(struct mailbox *m, struct letter letter)
{
    if (!mailbox_reserve(m))
        return false;
    mailbox_post_reserved(m, letter);
    return true;
}
