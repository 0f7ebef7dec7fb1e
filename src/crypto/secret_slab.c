/* SPDX-License-Identifier: Apache-2.0 */
/* secret_slab.c: chunks of 64 KiB that begin at a multiple of that, so that an object's address
 * says which chunk it is in. A chunk with a free place stands in one ring, a full one in the other.
 * One empty chunk is kept, so that a single object that comes and goes costs no system call. */
#include "crypto/secret_slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/link.h"
#include "base/status.h"
#include "crypto/secret.h"

#define CHUNK_BYTES ((size_t)64 * 1024)
#define ALIGNMENT   16

struct place { /* of an object that nobody has */
    struct place *next;
};
struct chunk {
    struct link link;
    struct place *free;
    size_t used;  /* objects that somebody has */
    size_t fresh; /* places from here on were never taken */
};
struct secret_slab {
    struct link open, full;
    size_t item_bytes, first, per_chunk; /* first: where the objects of a chunk begin */
    size_t chunks, empty;
};

static size_t round_up(size_t n)
{
    return (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

int secret_slab_new(struct secret_slab **out, size_t item_bytes)
{
    struct secret_slab *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return E_NOMEM;
    ASSERT(item_bytes > 0 && item_bytes <= SECRET_SLAB_ITEM_MAX);
    link_init(&s->open);
    link_init(&s->full);
    s->item_bytes = round_up(item_bytes);
    s->first = round_up(sizeof(struct chunk));
    s->per_chunk = (CHUNK_BYTES - s->first) / s->item_bytes;
    *out = s;
    return OK;
}

/* The system gives whole pages anywhere; twice as much has an aligned chunk in it. */
static struct chunk *map_chunk(void)
{
    uint8_t *at =
        mmap(NULL, 2 * CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t skip;

    if (at == MAP_FAILED)
        return NULL;
    skip = (CHUNK_BYTES - (uintptr_t)at % CHUNK_BYTES) % CHUNK_BYTES;
    if (skip > 0)
        (void)munmap(at, skip);
    (void)munmap(at + skip + CHUNK_BYTES, CHUNK_BYTES - skip);
    (void)madvise(at + skip, CHUNK_BYTES, MADV_DONTDUMP);
    return (struct chunk *)(void *)(at + skip);
}

static void unmap_chunk(struct secret_slab *s, struct chunk *chunk)
{
    link_remove(&chunk->link);
    (void)munmap(chunk, CHUNK_BYTES);
    s->chunks--;
}

static struct chunk *open_chunk(struct secret_slab *s)
{
    struct chunk *chunk;

    if (!link_is_alone(&s->open))
        return LINK_ITEM(s->open.next, struct chunk, link);
    chunk = map_chunk();
    if (chunk == NULL)
        return NULL;
    link_init(&chunk->link);
    link_append(&s->open, &chunk->link);
    s->chunks++;
    s->empty++;
    return chunk;
}

void *secret_slab_take(struct secret_slab *s)
{
    struct chunk *chunk = open_chunk(s);
    struct place *place;

    if (chunk == NULL)
        return NULL;
    place = chunk->free;
    if (place != NULL) {
        chunk->free = place->next;
        place->next = NULL;
    } else {
        place =
            (struct place *)(void *)((uint8_t *)chunk + s->first + chunk->fresh * s->item_bytes);
        chunk->fresh++;
    }
    if (chunk->used == 0)
        s->empty--;
    if (++chunk->used == s->per_chunk) {
        link_remove(&chunk->link);
        link_append(&s->full, &chunk->link);
    }
    return place;
}

void secret_slab_give(struct secret_slab *s, void *item)
{
    struct chunk *chunk;
    struct place *place = item;

    if (item == NULL)
        return;
    chunk = (struct chunk *)((uintptr_t)item & ~(uintptr_t)(CHUNK_BYTES - 1));
    secret_wipe(item, s->item_bytes);
    place->next = chunk->free;
    chunk->free = place;
    if (chunk->used-- == s->per_chunk) {
        link_remove(&chunk->link);
        link_append(&s->open, &chunk->link);
    }
    if (chunk->used > 0)
        return;
    if (s->empty > 0)
        unmap_chunk(s, chunk);
    else
        s->empty++;
}

size_t secret_slab_bytes(const struct secret_slab *s)
{
    return s->chunks * CHUNK_BYTES;
}

void secret_slab_free(struct secret_slab *s)
{
    if (s == NULL)
        return;
    ASSERT(link_is_alone(&s->full));
    while (!link_is_alone(&s->open)) {
        struct chunk *chunk = LINK_ITEM(s->open.next, struct chunk, link);
        ASSERT(chunk->used == 0);
        unmap_chunk(s, chunk);
    }
    free(s);
}
