/* SPDX-License-Identifier: Apache-2.0 */
/* map.c: open addressing with linear probing, at most three quarters full. Removal moves later
 * entries of the same run back instead of leaving a tombstone, so a map that churns for years looks
 * like a fresh one. The key is drawn with the first allocation: an empty map costs no system call.
 */
#include "base/map.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/random.h"
#include "base/status.h"

#define MAP_FIRST_SLOTS 8

struct map_slot {
    uint64_t hash;
    struct view key;
    void *value; /* NULL: the slot is free */
};

void map_init(struct map *m, size_t max_count)
{
    *m = (struct map){NULL, 0, 0, max_count, {0, 0}};
}

void map_clear(struct map *m)
{
    free(m->slots);
    map_init(m, m->max_count);
}

/* The slot that holds the key, or the free one where it would go. The map has slots, and one is
 * always free. */
static struct map_slot *slot_for(const struct map *m, struct view key, uint64_t hash)
{
    size_t mask = m->capacity - 1;
    size_t i = (size_t)hash & mask;

    while (m->slots[i].value != NULL) {
        if (m->slots[i].hash == hash && view_eq(m->slots[i].key, key))
            break;
        i = (i + 1) & mask;
    }
    return &m->slots[i];
}

void *map_find(const struct map *m, struct view key)
{
    if (m->count == 0)
        return NULL;
    return slot_for(m, key, siphash(m->key, key.ptr, key.len))->value;
}

static int map_grow(struct map *m)
{
    size_t bigger = MAP_FIRST_SLOTS;
    struct map_slot *old = m->slots;
    size_t old_capacity = m->capacity;

    if (old != NULL && !size_mul(old_capacity, 2, &bigger))
        return E_NOMEM;
    m->slots = calloc(bigger, sizeof(*m->slots));
    if (m->slots == NULL) {
        m->slots = old;
        return E_NOMEM;
    }
    m->capacity = bigger;
    if (old == NULL)
        random_bytes(m->key, sizeof(m->key));
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].value != NULL)
            *slot_for(m, old[i].key, old[i].hash) = old[i];
    }
    free(old);
    return OK;
}

int map_put(struct map *m, struct view key, void *value)
{
    struct map_slot *slot;
    uint64_t hash;

    ASSERT(value != NULL);
    if (map_find(m, key) != NULL)
        return E_EXISTS;
    if (m->count >= m->max_count)
        return E_LIMIT;
    if (m->count >= m->capacity / 4 * 3) {
        int rc = map_grow(m);

        if (rc != OK)
            return rc;
    }
    hash = siphash(m->key, key.ptr, key.len);
    slot = slot_for(m, key, hash);
    *slot = (struct map_slot){hash, key, value};
    m->count++;
    return OK;
}

/* Closes the gap at `hole`: an entry moves into it unless that would put it before its home slot.
 */
static void close_gap(struct map *m, size_t hole)
{
    size_t mask = m->capacity - 1;

    for (size_t i = (hole + 1) & mask; m->slots[i].value != NULL; i = (i + 1) & mask) {
        size_t from_home = (i - (size_t)m->slots[i].hash) & mask;

        if (from_home >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct map_slot){0};
}

void *map_remove(struct map *m, struct view key)
{
    struct map_slot *slot;
    void *value;

    if (m->count == 0)
        return NULL;
    slot = slot_for(m, key, siphash(m->key, key.ptr, key.len));
    value = slot->value;
    if (value == NULL)
        return NULL;
    m->count--;
    close_gap(m, (size_t)(slot - m->slots));
    return value;
}

void *map_next(const struct map *m, size_t *cursor)
{
    while (*cursor < m->capacity) {
        void *value = m->slots[(*cursor)++].value;

        if (value != NULL)
            return value;
    }
    return NULL;
}
