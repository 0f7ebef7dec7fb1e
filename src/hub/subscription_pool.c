/* SPDX-License-Identifier: Apache-2.0 */
/* 32 bytes a subscription instead of the 48 that malloc would take, and the last one given back is
 * the next one taken. */
#include "hub/subscription_pool.h"

#include <stdlib.h>

#define SLAB_ITEMS 126 /* with its header a slab is just under a page */

struct subscription_slab {
    struct subscription_slab *next;
    struct hub_subscription items[SLAB_ITEMS];
};

static bool pool_grow(struct subscription_pool *pool)
{
    struct subscription_slab *slab = malloc(sizeof(*slab));
    int i;

    if (slab == NULL)
        return false;
    slab->next = pool->slabs;
    pool->slabs = slab;
    for (i = SLAB_ITEMS - 1; i >= 0; i--)
        subscription_pool_give(pool, &slab->items[i]);
    return true;
}

struct hub_subscription *subscription_pool_take(struct subscription_pool *pool)
{
    struct hub_subscription *taken;

    if (pool->unused == NULL && !pool_grow(pool))
        return NULL;
    taken = pool->unused;
    pool->unused = taken->next;
    memset(taken, 0, sizeof(*taken));
    return taken;
}

void subscription_pool_give(struct subscription_pool *pool, struct hub_subscription *subscription)
{
    subscription->next = pool->unused;
    pool->unused = subscription;
}

void subscription_pool_clear(struct subscription_pool *pool)
{
    while (pool->slabs != NULL) {
        struct subscription_slab *next = pool->slabs->next;

        free(pool->slabs);
        pool->slabs = next;
    }
    pool->unused = NULL;
}
