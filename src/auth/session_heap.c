/* SPDX-License-Identifier: Apache-2.0 */
/* session_heap.c: a binary heap in an array; each entry knows where it stands. */
#include "auth/session_heap.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/status.h"

#define FIRST_CAPACITY 16

int session_heap_reserve(struct session_heap *h)
{
    uint32_t capacity = h->capacity > 0 ? 2 * h->capacity : FIRST_CAPACITY;
    struct session_entry **grown;

    if (h->count < h->capacity)
        return OK;
    grown = reallocarray(h->entries, capacity, sizeof(struct session_entry *));
    if (grown == NULL)
        return E_NOMEM;
    h->entries = grown;
    h->capacity = capacity;
    return OK;
}

static void put_at(struct session_heap *h, uint32_t at, struct session_entry *one)
{
    h->entries[at] = one;
    one->heap_at = at;
}

/* Places `one`, for which the slot `at` is free, there or nearer to the root. */
static void sift_up(struct session_heap *h, uint32_t at, struct session_entry *one)
{
    while (at > 0 && h->entries[(at - 1) / 2]->due_s > one->due_s) {
        put_at(h, at, h->entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put_at(h, at, one);
}

/* The same, there or further from the root. */
static void sift_down(struct session_heap *h, uint32_t at, struct session_entry *one)
{
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child + 1 < h->count && h->entries[child + 1]->due_s < h->entries[child]->due_s)
            child++;
        if (child >= h->count || h->entries[child]->due_s >= one->due_s)
            break;
        put_at(h, at, h->entries[child]);
        at = child;
    }
    put_at(h, at, one);
}

void session_heap_add(struct session_heap *h, struct session_entry *one)
{
    ASSERT(h->count < h->capacity);
    h->count++;
    sift_up(h, h->count - 1, one);
}

void session_heap_remove(struct session_heap *h, struct session_entry *one)
{
    uint32_t at = one->heap_at;
    struct session_entry *last;

    ASSERT(at < h->count && h->entries[at] == one);
    h->count--;
    last = h->entries[h->count];
    if (last == one)
        return;
    if (at > 0 && h->entries[(at - 1) / 2]->due_s > last->due_s)
        sift_up(h, at, last);
    else
        sift_down(h, at, last);
}

struct session_entry *session_heap_first(const struct session_heap *h)
{
    return h->count > 0 ? h->entries[0] : NULL;
}

void session_entry_copy(struct session_copy *out, const struct session_entry *one, int64_t until_s)
{
    out->created_s = one->created_s;
    out->until_s = until_s;
    out->ends_s = one->ends_s;
    out->user_bytes = one->user_bytes;
    out->tenant_bytes = one->tenant_bytes;
    out->roles_bytes = one->roles_bytes;
    memcpy(out->text, one->text, out->user_bytes + out->tenant_bytes + out->roles_bytes);
}
