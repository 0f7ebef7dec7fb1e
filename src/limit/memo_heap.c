/* SPDX-License-Identifier: Apache-2.0 */
/* memo_heap.c: a binary heap in an array. */
#include "limit/memo_heap.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/status.h"

int memo_heap_reserve(struct memo_heap *h, size_t capacity)
{
    struct memo_entry **grown;
    size_t bytes;

    if (capacity <= h->capacity)
        return OK;
    if (capacity > UINT32_MAX || !size_mul(capacity, sizeof(*grown), &bytes))
        return E_NOMEM;
    grown = realloc(h->entries, bytes);
    if (grown == NULL)
        return E_NOMEM;
    h->entries = grown;
    h->capacity = capacity;
    return OK;
}

static void put_at(struct memo_heap *h, size_t at, struct memo_entry *entry)
{
    h->entries[at] = entry;
    entry->heap_at = (uint32_t)at;
}

static bool is_later(const struct memo_heap *h, size_t at, const struct memo_entry *entry)
{
    return h->idle_ns(h->entries[at]) > h->idle_ns(entry);
}

/* Places `entry`, for which the slot `at` is free, there or nearer to the root. */
static void sift_up(struct memo_heap *h, size_t at, struct memo_entry *entry)
{
    while (at > 0 && is_later(h, (at - 1) / 2, entry)) {
        put_at(h, at, h->entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put_at(h, at, entry);
}

/* Places `entry`, for which the slot `at` is free, there or further from the root. */
static void sift_down(struct memo_heap *h, size_t at, struct memo_entry *entry)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < h->count && is_later(h, child, h->entries[child + 1]))
            child++;
        if (child >= h->count || h->idle_ns(h->entries[child]) >= h->idle_ns(entry))
            break;
        put_at(h, at, h->entries[child]);
        at = child;
    }
    put_at(h, at, entry);
}

void memo_heap_add(struct memo_heap *h, struct memo_entry *entry)
{
    ASSERT(h->count < h->capacity);
    h->count++;
    sift_up(h, h->count - 1, entry);
}

void memo_heap_remove(struct memo_heap *h, struct memo_entry *entry)
{
    size_t at = entry->heap_at;
    struct memo_entry *last;

    ASSERT(at < h->count && h->entries[at] == entry);
    h->count--;
    last = h->entries[h->count];
    if (last == entry)
        return;
    if (at > 0 && is_later(h, (at - 1) / 2, last))
        sift_up(h, at, last);
    else
        sift_down(h, at, last);
}

struct memo_entry *memo_heap_first(const struct memo_heap *h)
{
    return h->count > 0 ? h->entries[0] : NULL;
}
