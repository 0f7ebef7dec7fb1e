/* SPDX-License-Identifier: Apache-2.0 */
/* map.h: a hash map from byte strings to pointers. SipHash-2-4 under a random key per map, so
 * strangers cannot aim for collisions. Not thread-safe. Keys are NOT copied: they must live as long
 * as their entry (usually inside the value). */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct map_slot;
struct map {
    struct map_slot *slots;
    size_t count, capacity, max_count;
    uint64_t key[2];
};

/* Never allocates; the first map_put does. */
void map_init(struct map *m, size_t max_count);
void map_clear(struct map *m);                        /* values are the caller's */
void *map_find(const struct map *m, struct view key); /* NULL where there is none */
/* E_EXISTS, E_LIMIT (max_count), E_NOMEM; nothing changes on failure. value must not be NULL. */
int map_put(struct map *m, struct view key, void *value);
void *map_remove(struct map *m, struct view key); /* the value that was there, or NULL */
/* Walks all values: start with *cursor = 0; NULL at the end. The map must not change meanwhile. */
void *map_next(const struct map *m, size_t *cursor);

/* SipHash-2-4 of `bytes` under `key`; for tables elsewhere that need the same promise. */
uint64_t siphash(const uint64_t key[2], const void *bytes, size_t len);

#endif
