/* SPDX-License-Identifier: Apache-2.0 */
/* slab.h: items of one size, many to a slab of pages: no headers, no rounding, and neighbours of
 * one kind. A slab that nobody uses any more goes back to the system. Items are wiped when they are
 * given back. Not thread-safe. What may be taken in all is the caller's to limit. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>

#include "base/link.h"

#define SLAB_BYTES      65536 /* of one slab, and what its address is a multiple of */
#define SLAB_HEAD_BYTES 64
#define SLAB_ITEM_MAX   8192

struct slab_pool {
    size_t item_bytes;
    struct link open; /* slabs with room, the one to take from first; at most one is all empty */
    size_t slabs;     /* all there are */
    size_t empty;     /* of these: of which nothing is taken, 0 or 1 */
};

/* item_bytes: 1 to SLAB_ITEM_MAX. Items whose size is a multiple of 64 begin at cache lines. */
void slab_pool_init(struct slab_pool *pool, size_t item_bytes);
/* A zeroed item; NULL when out of memory. */
void *slab_take(struct slab_pool *pool);
void slab_give(struct slab_pool *pool, void *item); /* NULL is fine */
/* Everything must have been given back. The pool may be used again afterwards. */
void slab_pool_clear(struct slab_pool *pool);
/* Items lie at multiples of 8 bytes. */
static inline size_t slab_item_bytes(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}
/* How many items a slab has. */
static inline size_t slab_items(size_t item_bytes)
{
    return (SLAB_BYTES - SLAB_HEAD_BYTES) / slab_item_bytes(item_bytes);
}
/* What one item costs where there are many: a share of the slab's head and rest included. */
static inline size_t slab_item_cost(size_t item_bytes)
{
    return (SLAB_BYTES + slab_items(item_bytes) - 1) / slab_items(item_bytes);
}

#endif
