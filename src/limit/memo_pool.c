/* SPDX-License-Identifier: Apache-2.0 */
/* memo_pool.c: slabs of entries, the first a small one. */
#include "limit/memo_pool.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#define FIRST_ENTRIES 8
/* Of a later slab, with what allocators put around it: they waste nothing on such a size. */
#define SLAB_BYTES 4064

struct memo_slab {
    struct memo_slab *next;
    alignas(max_align_t) char entries[];
};

void memo_pool_init(struct memo_pool *pool, size_t entry_bytes)
{
    *pool = (struct memo_pool){.entry_bytes = entry_bytes};
}

static bool add_slab(struct memo_pool *pool)
{
    size_t count = (SLAB_BYTES - sizeof(struct memo_slab)) / pool->entry_bytes, bytes;
    struct memo_slab *slab;

    if (pool->slabs == NULL || count < FIRST_ENTRIES)
        count = FIRST_ENTRIES;
    if (!size_mul(count, pool->entry_bytes, &bytes) || !size_add(bytes, sizeof(*slab), &bytes))
        return false;
    slab = malloc(bytes);
    if (slab == NULL)
        return false;
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->unused = count;
    return true;
}

struct memo_entry *memo_pool_take(struct memo_pool *pool)
{
    struct memo_entry *entry = pool->returned;

    if (entry != NULL) {
        pool->returned = entry->next;
    } else {
        if (pool->unused == 0 && !add_slab(pool))
            return NULL;
        pool->unused--;
        entry =
            (struct memo_entry *)(void *)(pool->slabs->entries + pool->unused * pool->entry_bytes);
    }
    memset(entry, 0, pool->entry_bytes);
    return entry;
}

void memo_pool_give(struct memo_pool *pool, struct memo_entry *entry)
{
    entry->next = pool->returned;
    pool->returned = entry;
}

void memo_pool_clear(struct memo_pool *pool)
{
    while (pool->slabs != NULL) {
        struct memo_slab *slab = pool->slabs;

        pool->slabs = slab->next;
        free(slab);
    }
    memo_pool_init(pool, pool->entry_bytes);
}
