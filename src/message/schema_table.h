/* SPDX-License-Identifier: Apache-2.0 */
/* schema_table.h: names known at compile time, found by strangers' names. The keys are the
 * schema's, so chains are as long as the schema makes them, whatever is looked up. */
#ifndef MESSAGE_SCHEMA_TABLE_H
#define MESSAGE_SCHEMA_TABLE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/view.h"

struct schema_entry {
    struct view name;
    uint32_t hash, value;
    const void *data;
    const struct schema_entry *next;
};

struct schema_table {
    const struct schema_entry **buckets;
    struct schema_entry *entries; /* in the order they were added */
    uint32_t mask, count, cap;
};

/* NULL when out of memory. Room for `cap` names. */
struct schema_table *schema_table_new(struct arena *arena, uint32_t cap);
/* The new entry, or the one that has the name already. The name is not copied. */
struct schema_entry *schema_table_add(struct schema_table *t, struct view name, uint32_t value);

/* Length and up to sixteen bytes: enough to tell the names of a schema apart. */
static inline uint32_t schema_name_hash(struct view name)
{
    const char *p = name.ptr;
    uint64_t a = 0, b = 0;

    if (name.len >= 8) {
        memcpy(&a, p, 8);
        memcpy(&b, p + name.len - 8, 8);
    } else if (name.len >= 4) {
        uint32_t head, tail;

        memcpy(&head, p, 4);
        memcpy(&tail, p + name.len - 4, 4);
        a = head;
        b = tail;
    } else if (name.len > 0) {
        a = (uint8_t)p[0];
        b = (uint64_t)(uint8_t)p[name.len / 2] << 8 | (uint8_t)p[name.len - 1];
    }
    a = (a ^ name.len) * 0x9e3779b97f4a7c15U;
    a ^= (b ^ a >> 29) * 0xbf58476d1ce4e5b9U;
    return (uint32_t)(a >> 32 ^ a);
}

static inline const struct schema_entry *schema_table_find(const struct schema_table *t,
                                                           struct view name)
{
    uint32_t hash = schema_name_hash(name);
    const struct schema_entry *e = t->buckets[hash & t->mask];

    while (e != NULL && (e->hash != hash || e->name.len != name.len ||
                         memcmp(e->name.ptr, name.ptr, name.len) != 0))
        e = e->next;
    return e;
}

#endif
