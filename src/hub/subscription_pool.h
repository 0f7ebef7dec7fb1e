/* SPDX-License-Identifier: Apache-2.0 */
/* subscription_pool.h: subscriptions in slabs, handed out and taken back without malloc. Private to
 * hub/. Not thread-safe. Grows to the peak and stays there until it is cleared; what the hub's
 * limits allow is the ceiling. */
#ifndef HUB_SUBSCRIPTION_POOL_H
#define HUB_SUBSCRIPTION_POOL_H

#include "hub/hub_channel.h"

struct subscription_slab;
struct subscription_pool {
    struct subscription_slab *slabs;
    struct hub_subscription *unused;
};

/* NULL when out of memory. */
struct hub_subscription *subscription_pool_take(struct subscription_pool *pool);
void subscription_pool_give(struct subscription_pool *pool, struct hub_subscription *subscription);
void subscription_pool_clear(struct subscription_pool *pool);

#endif
