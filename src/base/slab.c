/* SPDX-License-Identifier: Apache-2.0 */
/* slab.c: a slab lies at a multiple of its size, so that an item leads to its slab by a mask. Pages
 * come from mmap: they are zero, and cost nothing before an item of theirs is first taken, which is
 * in order. The slab that was given back to last is taken from first. */
#include "base/slab.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/poison.h"

struct slab_item { /* what is not taken */
    struct slab_item *next;
};
struct slab {
    struct link link; /* in slab_pool.open; alone while it is full */
    struct slab_item *returned;
    uint32_t taken;
    uint32_t fresh; /* items at the end that were never taken */
    size_t item_bytes;
};
_Static_assert(sizeof(struct slab) <= SLAB_HEAD_BYTES, "a slab's head has its place");

void slab_pool_init(struct slab_pool *pool, size_t item_bytes)
{
    ASSERT(item_bytes > 0 && item_bytes <= SLAB_ITEM_MAX);
    *pool = (struct slab_pool){.item_bytes = slab_item_bytes(item_bytes)};
    link_init(&pool->open);
}

/* Twice as much is asked for, and what lies outside of the aligned half goes back at once. */
static void *pages_new(void)
{
    uint8_t *twice = mmap(NULL, 2 * (size_t)SLAB_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t before;

    if (twice == MAP_FAILED)
        return NULL;
    before = (SLAB_BYTES - ((uintptr_t)twice & (SLAB_BYTES - 1))) & (SLAB_BYTES - 1);
    if (before > 0)
        (void)munmap(twice, before);
    (void)munmap(twice + before + SLAB_BYTES, SLAB_BYTES - before);
    return twice + before;
}

static struct slab *slab_open(struct slab_pool *pool)
{
    struct slab *slab = pages_new();

    if (slab == NULL)
        return NULL;
    slab->item_bytes = pool->item_bytes;
    slab->fresh = (uint32_t)slab_items(pool->item_bytes);
    link_init(&slab->link);
    link_append(&pool->open, &slab->link);
    pool->slabs++;
    pool->empty++;
    leaks_look_into(slab, SLAB_BYTES);
    poison((uint8_t *)slab + SLAB_HEAD_BYTES, SLAB_BYTES - SLAB_HEAD_BYTES);
    return slab;
}

static void slab_close(struct slab_pool *pool, struct slab *slab)
{
    link_remove(&slab->link);
    pool->slabs--;
    pool->empty--;
    leaks_look_away(slab, SLAB_BYTES);
    unpoison(slab, SLAB_BYTES);
    (void)munmap(slab, SLAB_BYTES);
}

void *slab_take(struct slab_pool *pool)
{
    struct slab *slab = LINK_ITEM(pool->open.next, struct slab, link);
    struct slab_item *item;

    if (link_is_alone(&pool->open)) {
        slab = slab_open(pool);
        if (slab == NULL)
            return NULL;
    }
    item = slab->returned;
    if (item == NULL) {
        size_t place = slab_items(slab->item_bytes) - slab->fresh--;

        item = (void *)((uint8_t *)slab + SLAB_HEAD_BYTES + place * slab->item_bytes);
    }
    unpoison(item, slab->item_bytes);
    if (slab->returned != NULL) {
        slab->returned = item->next;
        item->next = NULL;
    }
    pool->empty -= slab->taken == 0;
    slab->taken++;
    if (slab->fresh == 0 && slab->returned == NULL)
        link_remove(&slab->link);
    return item;
}

void slab_give(struct slab_pool *pool, void *item)
{
    struct slab *slab = (void *)((uintptr_t)item & ~(uintptr_t)(SLAB_BYTES - 1));
    struct slab_item *returned = item;

    if (item == NULL)
        return;
    ASSERT(slab->taken > 0 && slab->item_bytes == pool->item_bytes);
    memset(item, 0, slab->item_bytes);
    returned->next = slab->returned;
    slab->returned = returned;
    poison(item, slab->item_bytes);
    slab->taken--;
    link_remove(&slab->link);
    link_append(pool->open.next, &slab->link); /* before the first */
    if (slab->taken > 0)
        return;
    pool->empty++;
    if (pool->empty > 1)
        slab_close(pool, slab);
}

void slab_pool_clear(struct slab_pool *pool)
{
    while (!link_is_alone(&pool->open)) {
        struct slab *slab = LINK_ITEM(pool->open.next, struct slab, link);

        ASSERT(slab->taken == 0);
        slab_close(pool, slab);
    }
    ASSERT(pool->slabs == 0);
}
