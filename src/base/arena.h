/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h: memory that is freed all at once. Not thread-safe. Aligned to 16 bytes. One arena per
 * worker serves message after message: arena_reset keeps the first chunk, so the steady state never
 * calls malloc. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/view.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *first, *current;
    size_t chunk_bytes, used_bytes, max_bytes; /* max: ceiling of used_bytes until the next reset */
};

void arena_init(struct arena *a, size_t chunk_bytes, size_t max_bytes);
void arena_clear(struct arena *a);
/* Everything handed out is gone; the first chunk stays. */
void arena_reset(struct arena *a);
/* Overwrites everything handed out with zeros, before a clear: for secrets. */
void arena_wipe(struct arena *a);
/* NULL past the ceiling or when out of memory. Not zeroed. */
void *arena_alloc(struct arena *a, size_t bytes);
/* A NUL-terminated copy inside the arena. NULL as above. */
char *arena_text(struct arena *a, struct view v);

#endif
