/* SPDX-License-Identifier: Apache-2.0 */
/* memo_pool.h: memo entries of one size, many to an allocation: a million of them cost no headers
 * of malloc. Memory goes back all at once, when nobody needs an entry any more. Not thread-safe. */
#ifndef LIMIT_MEMO_POOL_H
#define LIMIT_MEMO_POOL_H

#include <stddef.h>

#include "limit/memo.h"

struct memo_slab;
struct memo_pool {
    size_t entry_bytes;
    struct memo_slab *slabs;
    struct memo_entry *returned; /* in a list by `next` */
    size_t unused;               /* entries at the end of the newest slab that were never taken */
};

void memo_pool_init(struct memo_pool *pool, size_t entry_bytes);
/* A zeroed entry; NULL: no memory. */
struct memo_entry *memo_pool_take(struct memo_pool *pool);
void memo_pool_give(struct memo_pool *pool, struct memo_entry *entry);
/* Frees all memory, whoever may still use an entry; the pool may then be used again. */
void memo_pool_clear(struct memo_pool *pool);

#endif
