/* SPDX-License-Identifier: Apache-2.0 */
/* schema_equal.c: equal values, and items that all differ. Items are thrown into a table by a hash
 * under a secret seed that does not care how a number is written nor in which order members stand;
 * only what falls together is compared. So uniqueItems is linear in the array's text, and nobody
 * can choose items that collide. */
#include "base/map.h"
#include "message/schema_program.h"

static enum schema_verdict numbers_equal(struct view a, struct view b)
{
    struct schema_decimal x, y;

    if (view_eq(a, b))
        return SCHEMA_VALID;
    if (!schema_decimal_read(&x, a) || !schema_decimal_read(&y, b))
        return SCHEMA_ERROR;
    return schema_decimal_compare(&x, &y) == 0 ? SCHEMA_VALID : SCHEMA_INVALID;
}

/* The member of b called like m. The next in line is tried first: equal objects mostly stand in the
 * same order. */
static const struct json *twin(const struct json *m, const struct json *b, const struct json *hint,
                               uint32_t *steps)
{
    const struct json *found = hint != NULL && view_eq(hint->name, m->name) ? hint : NULL;

    for (const struct json *n = b->first; found == NULL && n != NULL && *steps > 0; n = n->next) {
        (*steps)--;
        if (view_eq(n->name, m->name))
            found = n;
    }
    return found;
}

static enum schema_verdict children_equal(const struct json *a, const struct json *b,
                                          uint32_t *steps)
{
    const struct json *y = b->first;

    if (a->count != b->count)
        return SCHEMA_INVALID;
    for (const struct json *x = a->first; x != NULL; x = x->next) {
        enum schema_verdict v;

        if (a->type == JSON_OBJECT)
            y = twin(x, b, y, steps);
        if (y == NULL)
            return *steps > 0 ? SCHEMA_INVALID : SCHEMA_ERROR;
        v = schema_equal(x, y, steps);
        if (v != SCHEMA_VALID)
            return v;
        y = y->next;
    }
    return SCHEMA_VALID;
}

enum schema_verdict schema_equal(const struct json *a, const struct json *b, uint32_t *steps)
{
    if (*steps == 0)
        return SCHEMA_ERROR;
    (*steps)--;
    if (a->type != b->type)
        return SCHEMA_INVALID;
    switch (a->type) {
    case JSON_NUMBER:
        return numbers_equal(a->text, b->text);
    case JSON_STRING:
        return view_eq(a->text, b->text) ? SCHEMA_VALID : SCHEMA_INVALID;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return children_equal(a, b, steps);
    default:
        return SCHEMA_VALID;
    }
}

static bool hash_number(const uint64_t seed[2], struct view text, uint64_t *hash)
{
    struct schema_decimal d;
    uint64_t sum;
    const char *at;

    if (!schema_decimal_read(&d, text))
        return false;
    sum = (uint64_t)d.exponent * 2 + d.is_negative;
    at = d.digits;
    for (uint32_t i = 0; i < d.count;) {
        uint8_t chunk[32];
        uint64_t key[2] = {seed[0] ^ sum, seed[1]};
        uint32_t fill = 0;

        for (; i < d.count && fill < sizeof(chunk); at++) {
            if (*at == '.')
                continue;
            chunk[fill++] = (uint8_t)*at;
            i++;
        }
        sum = siphash(key, chunk, fill);
    }
    *hash = siphash(seed, &sum, sizeof(sum));
    return true;
}

/* Where *steps runs out or a number is beyond us, false. */
static bool hash_value(const uint64_t seed[2], const struct json *v, uint32_t *steps,
                       uint64_t *hash)
{
    uint64_t word[2] = {(uint64_t)v->type, v->count};
    uint64_t child;

    if (*steps == 0)
        return false;
    (*steps)--;
    if (v->type == JSON_NUMBER)
        return hash_number(seed, v->text, hash);
    if (v->type == JSON_STRING) {
        uint64_t key[2] = {seed[0] ^ 1, seed[1]};

        *hash = siphash(key, v->text.ptr, v->text.len);
        return true;
    }
    for (const struct json *c = v->first; c != NULL; c = c->next) {
        uint64_t pair[2] = {word[1], 0};

        if (!hash_value(seed, c, steps, &child))
            return false;
        pair[1] = child;
        if (v->type == JSON_OBJECT) {
            pair[0] = siphash(seed, c->name.ptr, c->name.len);
            word[1] += siphash(seed, pair, sizeof(pair)); /* any order gives the same sum */
        } else {
            word[1] = siphash(seed, pair, sizeof(pair));
        }
    }
    *hash = siphash(seed, word, sizeof(word));
    return true;
}

static enum schema_verdict unique_pairwise(const struct json *array, uint32_t *steps)
{
    for (const struct json *a = array->first; a != NULL; a = a->next) {
        for (const struct json *b = a->next; b != NULL; b = b->next) {
            enum schema_verdict v = schema_equal(a, b, steps);

            if (v != SCHEMA_INVALID)
                return v == SCHEMA_VALID ? SCHEMA_INVALID : SCHEMA_ERROR;
        }
    }
    return SCHEMA_VALID;
}

struct slot {
    uint64_t hash;
    const struct json *item;
};

static enum schema_verdict unique_hashed(const uint64_t seed[2], const struct json *array,
                                         struct slot *slots, uint32_t *steps)
{
    size_t mask = 16;

    while (mask < (size_t)array->count * 2)
        mask *= 2;
    mask--;
    for (const struct json *item = array->first; item != NULL; item = item->next) {
        uint64_t hash;
        size_t at;

        if (!hash_value(seed, item, steps, &hash))
            return SCHEMA_ERROR;
        for (at = hash & mask; slots[at].item != NULL; at = (at + 1) & mask) {
            enum schema_verdict v = SCHEMA_INVALID;

            if (slots[at].hash == hash)
                v = schema_equal(slots[at].item, item, steps);
            if (v != SCHEMA_INVALID)
                return v == SCHEMA_VALID ? SCHEMA_INVALID : SCHEMA_ERROR;
        }
        slots[at] = (struct slot){hash, item};
    }
    return SCHEMA_VALID;
}

enum schema_verdict schema_unique(const struct schema *s, const struct json *array,
                                  struct schema_scratch *scratch, uint32_t *steps)
{
    size_t mark = scratch->used;
    size_t slots = 16;
    struct slot *table;
    enum schema_verdict v;

    if (array->count <= SCHEMA_UNIQUE_PAIR && array->text.len <= SCHEMA_UNIQUE_BYTES)
        return unique_pairwise(array, steps);
    while (slots < (size_t)array->count * 2)
        slots *= 2;
    table = schema_scratch_take(scratch, slots * sizeof(*table));
    if (table == NULL)
        return SCHEMA_ERROR;
    v = unique_hashed(s->seed, array, table, steps);
    scratch->used = mark;
    return v;
}
