/* SPDX-License-Identifier: Apache-2.0 */
/* The trick: rules are sorted by shape, that is how many segments they have and which of them are
 * wholly literal. A configuration has many rules but few shapes, and for one shape the literal
 * segments of a name are a key into a hash table. So a decision makes one look-up per shape of the
 * name's length. The hash is not seeded: the table holds the operator's rules and never grows with
 * traffic, and every candidate is compared byte by byte afterwards. */
#include "access/decide_index.h"

#include <stdlib.h>

struct shape {
    uint16_t literal; /* bit n: segment n is literal */
    uint8_t count;
};
struct group {
    uint64_t hash;
    uint32_t first, count; /* in order[]; count 0: an empty slot */
};
struct access_index {
    uint32_t shapes_from[CHANNEL_SEGMENTS_MAX + 2]; /* shapes of n segments: [n] up to [n + 1] */
    struct shape *shapes;
    uint32_t *order; /* rule numbers, the rules of one key side by side */
    struct group *groups;
    uint32_t groups_mask;
};
struct entry {
    uint64_t hash;
    struct shape shape;
    uint32_t rule;
};

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    h ^= h >> 29;
    return h;
}

static uint64_t segment_hash(struct view v)
{
    uint64_t h = v.len * UINT64_C(0x9e3779b97f4a7c15), word;

    while (v.len >= 8) {
        memcpy(&word, v.ptr, 8);
        h = mix(h ^ word);
        v.ptr += 8;
        v.len -= 8;
    }
    word = 0;
    memcpy(&word, v.ptr, v.len);
    return mix(h ^ word);
}

static uint64_t key_start(struct shape shape)
{
    return mix(((uint64_t)shape.count << 16 | shape.literal) + 1);
}

static uint64_t key_add(uint64_t key, uint64_t hash)
{
    return mix((key << 1 | key >> 63) + hash);
}

static void entry_fill(struct entry *e, const struct channel_pattern *p, uint32_t rule)
{
    unsigned i;

    e->rule = rule;
    e->shape = (struct shape){0, (uint8_t)p->count};
    for (i = 0; i < p->count; i++) {
        if (p->segments[i].variable.len == 0)
            e->shape.literal = (uint16_t)(e->shape.literal | 1u << i);
    }
    e->hash = key_start(e->shape);
    for (i = 0; i < p->count; i++) {
        if ((e->shape.literal >> i & 1) != 0)
            e->hash = key_add(e->hash, segment_hash(p->segments[i].before));
    }
}

static int shape_compare(struct shape a, struct shape b)
{
    if (a.count != b.count)
        return a.count < b.count ? -1 : 1;
    if (a.literal != b.literal)
        return a.literal < b.literal ? -1 : 1;
    return 0;
}

static int entry_compare_shape(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    return shape_compare(a->shape, b->shape);
}

/* By hash alone: should two shapes ever share a key, their rules are one group and the match tells
 * them apart. */
static int entry_compare_hash(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

static void shapes_fill(struct access_index *index, const struct entry *entries, uint32_t count)
{
    uint32_t made = 0, i;
    unsigned length = 0;

    for (i = 0; i < count; i++) {
        if (i > 0 && shape_compare(entries[i].shape, entries[i - 1].shape) == 0)
            continue;
        while (length <= entries[i].shape.count)
            index->shapes_from[length++] = made;
        index->shapes[made++] = entries[i].shape;
    }
    while (length < CHANNEL_SEGMENTS_MAX + 2)
        index->shapes_from[length++] = made;
}

static void group_put(struct access_index *index, struct group group)
{
    uint32_t at = (uint32_t)group.hash & index->groups_mask;

    while (index->groups[at].count != 0)
        at = (at + 1) & index->groups_mask;
    index->groups[at] = group;
}

static void groups_fill(struct access_index *index, const struct entry *entries, uint32_t count)
{
    uint32_t first = 0, i;

    for (i = 0; i < count; i++) {
        index->order[i] = entries[i].rule;
        if (i + 1 < count && entries[i + 1].hash == entries[i].hash)
            continue;
        group_put(index, (struct group){entries[i].hash, first, i + 1 - first});
        first = i + 1;
    }
}

struct access_index *access_index_new(const struct access_policy *policy)
{
    struct access_index *index = calloc(1, sizeof(*index));
    uint32_t count = policy->rules_count, slots = 16, i;
    struct entry *entries = calloc((size_t)count + 1, sizeof(*entries));

    while (slots < UINT32_MAX / 4 && slots / 2 < count)
        slots *= 2;
    if (index == NULL || entries == NULL || slots / 2 < count)
        goto failed;
    index->groups_mask = slots - 1;
    index->shapes = calloc((size_t)count + 1, sizeof(*index->shapes));
    index->order = calloc((size_t)count + 1, sizeof(*index->order));
    index->groups = calloc(slots, sizeof(*index->groups));
    if (index->shapes == NULL || index->order == NULL || index->groups == NULL)
        goto failed;
    for (i = 0; i < count; i++)
        entry_fill(&entries[i], &policy->rules[i].pattern, i);
    qsort(entries, count, sizeof(*entries), entry_compare_shape);
    shapes_fill(index, entries, count);
    qsort(entries, count, sizeof(*entries), entry_compare_hash);
    groups_fill(index, entries, count);
    free(entries);
    return index;
failed:
    free(entries);
    access_index_free(index);
    return NULL;
}

void access_index_free(struct access_index *index)
{
    if (index == NULL)
        return;
    free(index->shapes);
    free(index->order);
    free(index->groups);
    free(index);
}

void access_walk_start(struct access_walk *walk, const struct access_index *index,
                       const struct channel_name *name)
{
    unsigned i;

    walk->shape = index->shapes_from[name->count];
    walk->shapes_end = index->shapes_from[name->count + 1];
    walk->next = walk->end = 0;
    if (walk->shape == walk->shapes_end)
        return;
    for (i = 0; i < name->count; i++)
        walk->hashes[i] = segment_hash(name->segments[i]);
}

/* Sets next and end to the group of the walk's shape; an empty range where no rule has that key. */
static void group_find(struct access_walk *walk, const struct access_index *index)
{
    struct shape shape = index->shapes[walk->shape++];
    uint64_t key = key_start(shape);
    unsigned left = shape.literal;
    const struct group *g;
    uint32_t at;

    for (; left != 0; left &= left - 1)
        key = key_add(key, walk->hashes[__builtin_ctz(left)]);
    for (at = (uint32_t)key & index->groups_mask;; at = (at + 1) & index->groups_mask) {
        g = &index->groups[at];
        if (g->count == 0)
            return;
        if (g->hash == key)
            break;
    }
    walk->next = g->first;
    walk->end = g->first + g->count;
}

bool access_walk_next(struct access_walk *walk, const struct access_index *index, uint32_t *rule)
{
    while (walk->next == walk->end) {
        if (walk->shape == walk->shapes_end)
            return false;
        group_find(walk, index);
    }
    *rule = index->order[walk->next++];
    return true;
}
