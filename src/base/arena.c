/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c: bump allocation in chunks. The first chunk always has the usual size and survives a
 * reset; what does not fit gets a further chunk, freed at the reset. Of two chunks the one with
 * more room left stays current, so one big item does not waste the chunk before it. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#define ARENA_ALIGN 16

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, cap;
    alignas(ARENA_ALIGN) uint8_t data[];
};

void arena_init(struct arena *a, size_t chunk_bytes, size_t max_bytes)
{
    *a = (struct arena){NULL, NULL, chunk_bytes, 0, max_bytes};
}

static void chunks_free(struct arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
}

void arena_wipe(struct arena *a)
{
    for (struct arena_chunk *chunk = a->first; chunk != NULL; chunk = chunk->next) {
        memset(chunk->data, 0, chunk->used);
        __asm__ __volatile__("" : : "r"(chunk->data) : "memory"); /* not left out before a free */
    }
}

void arena_clear(struct arena *a)
{
    chunks_free(a->first);
    arena_init(a, a->chunk_bytes, a->max_bytes);
}

void arena_reset(struct arena *a)
{
    a->used_bytes = 0;
    a->current = a->first;
    if (a->first == NULL)
        return;
    chunks_free(a->first->next);
    a->first->next = NULL;
    a->first->used = 0;
}

static struct arena_chunk *chunk_new(size_t cap)
{
    struct arena_chunk *chunk;
    size_t total;

    if (!size_add(sizeof(*chunk), cap, &total))
        return NULL;
    chunk = malloc(total);
    if (chunk == NULL)
        return NULL;
    chunk->next = NULL;
    chunk->used = 0;
    chunk->cap = cap;
    return chunk;
}

/* A chunk with room for `bytes`, linked behind the first one. NULL when out of memory. */
static struct arena_chunk *chunk_add(struct arena *a, size_t bytes)
{
    struct arena_chunk *chunk;

    if (a->first == NULL) {
        a->first = a->current = chunk_new(a->chunk_bytes);
        if (a->first == NULL || bytes <= a->chunk_bytes)
            return a->first;
    }
    chunk = chunk_new(bytes > a->chunk_bytes ? bytes : a->chunk_bytes);
    if (chunk == NULL)
        return NULL;
    chunk->next = a->first->next;
    a->first->next = chunk;
    if (chunk->cap - bytes >= a->current->cap - a->current->used)
        a->current = chunk;
    return chunk;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    struct arena_chunk *chunk = a->current;
    size_t rounded, used;
    void *out;

    if (!size_add(bytes > 0 ? bytes : 1, ARENA_ALIGN - 1, &rounded))
        return NULL;
    rounded &= ~(size_t)(ARENA_ALIGN - 1);
    if (!size_add(a->used_bytes, rounded, &used) || used > a->max_bytes)
        return NULL;
    if (chunk == NULL || rounded > chunk->cap - chunk->used)
        chunk = chunk_add(a, rounded);
    if (chunk == NULL)
        return NULL;
    out = chunk->data + chunk->used;
    chunk->used += rounded;
    a->used_bytes = used;
    return out;
}

char *arena_text(struct arena *a, struct view v)
{
    size_t bytes;
    char *out;

    if (!size_add(v.len, 1, &bytes))
        return NULL;
    out = arena_alloc(a, bytes);
    if (out == NULL)
        return NULL;
    if (v.len > 0)
        memcpy(out, v.ptr, v.len);
    out[v.len] = '\0';
    return out;
}
