/* SPDX-License-Identifier: Apache-2.0 */
/* memo_heap.h: memo entries by the time from which they no longer matter, the earliest first. Each
 * entry knows where it stands, so that one in the middle can be taken out. Not thread-safe. */
#ifndef LIMIT_MEMO_HEAP_H
#define LIMIT_MEMO_HEAP_H

#include <stddef.h>

#include "limit/memo.h"

struct memo_heap {
    struct memo_entry **entries; /* on the heap of malloc; free it to clear the struct */
    size_t count, capacity;
    uint64_t (*idle_ns)(const struct memo_entry *entry); /* the order */
};

/* Room for `capacity` entries in all, at most UINT32_MAX. E_NOMEM, and then nothing changes. */
int memo_heap_reserve(struct memo_heap *h, size_t capacity);
/* There must be room. Its idle_ns must not change until the entry is removed. */
void memo_heap_add(struct memo_heap *h, struct memo_entry *entry);
void memo_heap_remove(struct memo_heap *h, struct memo_entry *entry);
/* NULL where there is none. */
struct memo_entry *memo_heap_first(const struct memo_heap *h);

#endif
