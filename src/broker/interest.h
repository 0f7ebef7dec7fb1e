/* SPDX-License-Identifier: Apache-2.0 */
/* interest.h: which workers want which channel. Private to broker/. Any thread: names are spread
 * over shards, each with its own lock, held for one look-up. */
#ifndef BROKER_INTEREST_H
#define BROKER_INTEREST_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct interest;

/* At most about max_channels names, evenly over the shards. E_NOMEM. */
int interest_new(struct interest **out, size_t max_channels);
void interest_free(struct interest *in);
/* Bit `worker` of the channel; harmless when it stands already. E_NOMEM, E_LIMIT. */
int interest_add(struct interest *in, unsigned worker, struct view channel);
/* Forgets the channel with its last bit. Harmless when the bit does not stand. */
void interest_remove(struct interest *in, unsigned worker, struct view channel);
/* The bits of all workers that want the channel. */
uint64_t interest_find(struct interest *in, struct view channel);
/* Channels that anyone wants; walks all shards. */
size_t interest_count(struct interest *in);

#endif
