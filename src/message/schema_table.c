/* SPDX-License-Identifier: Apache-2.0 */
/* schema_table.c: chains in buckets, twice as many as names. */
#include "message/schema_table.h"

struct schema_table *schema_table_new(struct arena *arena, uint32_t cap)
{
    struct schema_table *t = arena_alloc(arena, sizeof(*t));
    size_t buckets = 4;

    while (buckets < (size_t)cap * 2)
        buckets *= 2;
    if (t == NULL)
        return NULL;
    t->buckets = arena_alloc(arena, buckets * sizeof(t->buckets[0]));
    t->entries = arena_alloc(arena, (size_t)cap * sizeof(t->entries[0]));
    if (t->buckets == NULL || t->entries == NULL)
        return NULL;
    memset(t->buckets, 0, buckets * sizeof(t->buckets[0]));
    t->mask = (uint32_t)buckets - 1;
    t->count = 0;
    t->cap = cap;
    return t;
}

struct schema_entry *schema_table_add(struct schema_table *t, struct view name, uint32_t value)
{
    const struct schema_entry *known = schema_table_find(t, name);
    uint32_t hash = schema_name_hash(name);
    struct schema_entry *e;

    if (known != NULL)
        return &t->entries[known - t->entries];
    e = &t->entries[t->count++];
    *e = (struct schema_entry){name, hash, value, NULL, t->buckets[hash & t->mask]};
    t->buckets[hash & t->mask] = e;
    return e;
}
