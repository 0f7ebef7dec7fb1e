/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check_containers.c: keywords about members and items. Each walks its list once; a look at
 * a member or item is a step, and steps are counted. */
#include "message/schema_run.h"

/* True when there are steps for `count` looks. */
static inline bool take_steps(struct schema_run *r, uint32_t count)
{
    if (r->steps <= count)
        return false;
    r->steps -= count;
    return true;
}

static enum schema_verdict run_member(struct schema_run *r, uint32_t block,
                                      const struct json *member, const struct schema_place *up)
{
    const struct schema_place place = {member, up, 0, false};

    return schema_run_block(r, block, &place, NULL);
}

/* Names in a message differ, so counting those that are wanted is enough. */
enum schema_verdict schema_run_required(struct schema_run *r, const struct schema_op *op,
                                        const struct schema_place *at)
{
    const struct schema_table *t = op->u.table;
    uint32_t found = 0;

    if (!take_steps(r, at->value->count))
        return SCHEMA_ERROR;
    for (const struct json *m = at->value->first; m != NULL && found < t->count; m = m->next)
        found += schema_table_find(t, m->name) != NULL;
    if (found == t->count)
        return SCHEMA_VALID;
    if (r->first == NULL || r->quiet > 0)
        return SCHEMA_INVALID;
    for (uint32_t i = 0; i < t->count; i++) {
        if (json_member(at->value, t->entries[i].name) == NULL)
            return schema_run_missing(r, op, at, t->entries[i].name);
    }
    return SCHEMA_INVALID;
}

static enum schema_verdict all_there(struct schema_run *r, const struct schema_op *op,
                                     const struct schema_table *names,
                                     const struct schema_place *at)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (!take_steps(r, at->value->count))
            return SCHEMA_ERROR;
        if (json_member(at->value, names->entries[i].name) == NULL)
            return schema_run_missing(r, op, at, names->entries[i].name);
    }
    return SCHEMA_VALID;
}

enum schema_verdict schema_run_dependent_required(struct schema_run *r, const struct schema_op *op,
                                                  const struct schema_place *at)
{
    enum schema_verdict v = SCHEMA_VALID;

    if (!take_steps(r, at->value->count))
        return SCHEMA_ERROR;
    for (const struct json *m = at->value->first; m != NULL && v == SCHEMA_VALID; m = m->next) {
        const struct schema_entry *e = schema_table_find(op->u.table, m->name);

        if (e != NULL)
            v = all_there(r, op, e->data, at);
    }
    return v;
}

enum schema_verdict schema_run_dependent(struct schema_run *r, const struct schema_op *op,
                                         const struct schema_place *at, struct schema_marks *marks)
{
    enum schema_verdict v = SCHEMA_VALID;

    if (!take_steps(r, at->value->count))
        return SCHEMA_ERROR;
    for (const struct json *m = at->value->first; m != NULL && v == SCHEMA_VALID; m = m->next) {
        const struct schema_entry *e = schema_table_find(op->u.table, m->name);

        if (e != NULL)
            v = schema_run_block(r, e->value, at, marks);
    }
    return v;
}

/* Every pattern that the name matches has its say. *is_seen: at least one did. */
static enum schema_verdict run_patterns(struct schema_run *r, const struct schema_members *k,
                                        const struct json *member, const struct schema_place *at,
                                        bool *is_seen)
{
    for (uint32_t i = 0; i < k->patterns_count; i++) {
        enum schema_verdict v =
            schema_regex_match(k->patterns[i].regex, member->name, &r->scratch->regex);

        if (v == SCHEMA_ERROR || !take_steps(r, 1))
            return SCHEMA_ERROR;
        if (v == SCHEMA_INVALID)
            continue;
        *is_seen = true;
        v = run_member(r, k->patterns[i].block, member, at);
        if (v != SCHEMA_VALID)
            return v;
    }
    return SCHEMA_VALID;
}

enum schema_verdict schema_run_members(struct schema_run *r, const struct schema_op *op,
                                       const struct schema_place *at, struct schema_marks *marks)
{
    const struct schema_members *k = op->u.members;
    uint32_t index = 0;

    if (!take_steps(r, at->value->count))
        return SCHEMA_ERROR;
    for (const struct json *m = at->value->first; m != NULL; m = m->next, index++) {
        const struct schema_entry *e = schema_table_find(k->table, m->name);
        bool is_seen = e != NULL;
        enum schema_verdict v = is_seen ? run_member(r, e->value, m, at) : SCHEMA_VALID;

        if (v == SCHEMA_VALID && k->patterns_count > 0)
            v = run_patterns(r, k, m, at, &is_seen);
        if (v == SCHEMA_VALID && !is_seen && k->additional != SCHEMA_BLOCK_NONE) {
            is_seen = true;
            v = run_member(r, k->additional, m, at);
        }
        if (v != SCHEMA_VALID)
            return v;
        if (is_seen)
            schema_mark(marks, index);
    }
    return SCHEMA_VALID;
}

enum schema_verdict schema_run_names(struct schema_run *r, const struct schema_op *op,
                                     const struct schema_place *at)
{
    for (const struct json *m = at->value->first; m != NULL; m = m->next) {
        const struct json name = {JSON_STRING, 0, m->name, m->name, NULL, NULL};
        const struct schema_place place = {&name, at, 0, true};
        enum schema_verdict v = schema_run_block(r, op->block_or_types, &place, NULL);

        if (v != SCHEMA_VALID)
            return v;
    }
    return SCHEMA_VALID;
}

enum schema_verdict schema_run_items(struct schema_run *r, const struct schema_op *op,
                                     const struct schema_place *at, struct schema_marks *marks)
{
    const struct schema_items *k = op->u.items;
    struct schema_place place = {at->value->first, at, 0, false};

    for (; place.value != NULL; place.value = place.value->next, place.index++) {
        uint32_t block = place.index < k->prefix.count ? k->prefix.at[place.index] : k->rest;
        enum schema_verdict v;

        if (block == SCHEMA_BLOCK_NONE)
            break;
        v = schema_run_block(r, block, &place, NULL);
        if (v != SCHEMA_VALID)
            return v;
        schema_mark(marks, place.index);
    }
    return SCHEMA_VALID;
}

enum schema_verdict schema_run_contains(struct schema_run *r, const struct schema_op *op,
                                        const struct schema_place *at, struct schema_marks *marks)
{
    const struct schema_contains *k = op->u.contains;
    struct schema_place place = {at->value->first, at, 0, false};
    uint64_t found = 0;

    for (; place.value != NULL; place.value = place.value->next, place.index++) {
        enum schema_verdict v = schema_run_quiet(r, k->block, &place);

        if (v == SCHEMA_ERROR)
            return v;
        if (v == SCHEMA_INVALID)
            continue;
        schema_mark(marks, place.index);
        if (++found >= k->min && k->max == UINT64_MAX && marks == NULL)
            return SCHEMA_VALID;
    }
    if (found > k->max) {
        struct schema_op max = *op;

        max.keyword = "maxContains";
        max.where = k->max_where;
        return schema_run_fail(r, &max, at);
    }
    return found >= k->min ? SCHEMA_VALID : schema_run_fail(r, op, at);
}

enum schema_verdict schema_run_unevaluated(struct schema_run *r, const struct schema_op *op,
                                           const struct schema_place *at,
                                           struct schema_marks *marks)
{
    struct schema_place place = {at->value->first, at, 0, false};

    for (; place.value != NULL; place.value = place.value->next, place.index++) {
        enum schema_verdict v;

        if ((marks->bits[place.index / 64] >> (place.index % 64) & 1) != 0)
            continue;
        v = schema_run_block(r, op->block_or_types, &place, NULL);
        if (v != SCHEMA_VALID)
            return v;
        schema_mark(marks, place.index);
    }
    return SCHEMA_VALID;
}
