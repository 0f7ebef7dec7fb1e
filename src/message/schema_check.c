/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check.c: the loop over instructions, schemas inside schemas, and who has looked at which
 * member (for unevaluatedProperties and unevaluatedItems). A schema that has such a keyword gets a
 * set of marks of its own; what stands beside or above it on the same value shares that set, and a
 * branch that may fail (anyOf, oneOf, if) collects in a set of its own until it has not. Recursion
 * is as deep as r->depth allows. */
#include <stdlib.h>

#include "base/status.h"
#include "message/schema_run.h"

#define STACK_BYTES (64 * 1024) /* for marks */

void *schema_scratch_take(struct schema_scratch *scratch, size_t bytes)
{
    size_t rounded = (bytes + 15) & ~(size_t)15;
    void *out = scratch->stack + scratch->used;

    if (rounded > scratch->cap - scratch->used)
        return NULL;
    scratch->used += rounded;
    memset(out, 0, bytes);
    return out;
}

static size_t marks_words(const struct json *value)
{
    return (value->count + 63) / 64 + 1;
}

static bool marks_begin(struct schema_run *r, const struct json *value, struct schema_marks *marks)
{
    marks->bits = schema_scratch_take(r->scratch, marks_words(value) * sizeof(uint64_t));
    return marks->bits != NULL;
}

static void marks_join(struct schema_marks *into, const struct schema_marks *from,
                       const struct json *value)
{
    for (size_t i = 0; into != NULL && i < marks_words(value); i++)
        into->bits[i] |= from->bits[i];
}

enum schema_verdict schema_run_quiet(struct schema_run *r, uint32_t block,
                                     const struct schema_place *at)
{
    enum schema_verdict v;

    r->quiet++;
    v = schema_run_block(r, block, at, NULL);
    r->quiet--;
    return v;
}

/* A branch whose failure is no failure yet; its marks count only if it holds. */
static enum schema_verdict run_branch(struct schema_run *r, uint32_t block,
                                      const struct schema_place *at, struct schema_marks *marks)
{
    size_t used = r->scratch != NULL ? r->scratch->used : 0;
    struct schema_marks own;
    enum schema_verdict v;

    if (marks == NULL)
        return schema_run_quiet(r, block, at);
    if (!marks_begin(r, at->value, &own))
        return SCHEMA_ERROR;
    r->quiet++;
    v = schema_run_block(r, block, at, &own);
    r->quiet--;
    if (v == SCHEMA_VALID)
        marks_join(marks, &own, at->value);
    r->scratch->used = used;
    return v;
}

static enum schema_verdict run_all(struct schema_run *r, const struct schema_op *op,
                                   const struct schema_place *at, struct schema_marks *marks)
{
    enum schema_verdict v = SCHEMA_VALID;

    for (uint32_t i = 0; i < op->u.blocks->count && v == SCHEMA_VALID; i++)
        v = schema_run_block(r, op->u.blocks->at[i], at, marks);
    return v;
}

/* anyOf and oneOf. Where marks are wanted every branch of anyOf is tried, for what it has seen. */
static enum schema_verdict run_some(struct schema_run *r, const struct schema_op *op,
                                    const struct schema_place *at, struct schema_marks *marks)
{
    uint32_t valid = 0;

    for (uint32_t i = 0; i < op->u.blocks->count; i++) {
        enum schema_verdict v = run_branch(r, op->u.blocks->at[i], at, marks);

        if (v == SCHEMA_ERROR)
            return v;
        valid += v == SCHEMA_VALID;
        if (op->code == OP_ANY && valid > 0 && marks == NULL)
            return SCHEMA_VALID;
        if (op->code == OP_ONE && valid > 1)
            break;
    }
    return valid == 1 || (valid > 0 && op->code == OP_ANY) ? SCHEMA_VALID
                                                           : schema_run_fail(r, op, at);
}

static enum schema_verdict run_if(struct schema_run *r, const struct schema_op *op,
                                  const struct schema_place *at, struct schema_marks *marks)
{
    const struct schema_if *branch = op->u.branch;
    enum schema_verdict v = run_branch(r, branch->condition, at, marks);
    uint32_t next = v == SCHEMA_VALID ? branch->then : branch->otherwise;

    if (v == SCHEMA_ERROR)
        return v;
    return next == SCHEMA_BLOCK_NONE ? SCHEMA_VALID : schema_run_block(r, next, at, marks);
}

/* The outermost resource that has a dynamic anchor of this name decides. */
static enum schema_verdict run_dynamic(struct schema_run *r, const struct schema_op *op,
                                       const struct schema_place *at, struct schema_marks *marks)
{
    const uint32_t *blocks = r->s->dynamic[op->u.dynamic->name].blocks;
    uint32_t block = op->u.dynamic->fallback;

    for (const struct schema_scope *scope = r->scope; scope != NULL; scope = scope->up) {
        if (blocks[scope->resource] != SCHEMA_BLOCK_NONE)
            block = blocks[scope->resource];
    }
    return schema_run_block(r, block, at, marks);
}

static enum schema_verdict run_not(struct schema_run *r, const struct schema_op *op,
                                   const struct schema_place *at)
{
    enum schema_verdict v = schema_run_quiet(r, op->block_or_types, at);

    if (v == SCHEMA_ERROR)
        return v;
    return v == SCHEMA_INVALID ? SCHEMA_VALID : schema_run_fail(r, op, at);
}

static enum schema_verdict run_op(struct schema_run *r, const struct schema_op *op,
                                  const struct schema_place *at, struct schema_marks *marks)
{
    enum schema_verdict v;

    switch ((enum schema_code)op->code) {
    case OP_FALSE:
        return schema_run_fail(r, op, at);
    case OP_REQUIRED:
        return schema_run_required(r, op, at);
    case OP_DEPENDENT_REQUIRED:
        return schema_run_dependent_required(r, op, at);
    case OP_NAMES:
        return schema_run_names(r, op, at);
    case OP_MEMBERS:
        return schema_run_members(r, op, at, marks);
    case OP_ITEMS:
        return schema_run_items(r, op, at, marks);
    case OP_UNIQUE:
        v = schema_unique(r->s, at->value, r->scratch, &r->steps);
        return v == SCHEMA_INVALID ? schema_run_fail(r, op, at) : v;
    case OP_CONTAINS:
        return schema_run_contains(r, op, at, marks);
    case OP_DEPENDENT:
        return schema_run_dependent(r, op, at, marks);
    case OP_REF:
        return schema_run_block(r, op->block_or_types, at, marks);
    case OP_DYNAMIC:
        return run_dynamic(r, op, at, marks);
    case OP_ALL:
        return run_all(r, op, at, marks);
    case OP_ANY:
    case OP_ONE:
        return run_some(r, op, at, marks);
    case OP_NOT:
        return run_not(r, op, at);
    case OP_IF:
        return run_if(r, op, at, marks);
    case OP_UNEVALUATED:
        return schema_run_unevaluated(r, op, at, marks);
    default:
        return schema_run_value(r, op, at);
    }
}

static enum schema_verdict run_ops(struct schema_run *r, const struct schema_block *b,
                                   const struct schema_place *at, struct schema_marks *marks)
{
    const struct schema_op *op = r->s->ops + b->first;
    const struct schema_op *end = op + b->count;
    enum schema_verdict v = SCHEMA_VALID;
    uint32_t type = 1U << at->value->type;

    for (; op < end && v == SCHEMA_VALID; op++) {
        if (op->code == OP_TYPE && (op->block_or_types & type) != 0)
            continue; /* the commonest instruction by far, and its commonest outcome */
        if ((op->types & type) != 0)
            v = run_op(r, op, at, marks);
    }
    return v;
}

static enum schema_verdict run_marked(struct schema_run *r, const struct schema_block *b,
                                      const struct schema_place *at, struct schema_marks *marks)
{
    size_t used = r->scratch->used;
    struct schema_marks own;
    enum schema_verdict v;

    if (!marks_begin(r, at->value, &own))
        return SCHEMA_ERROR;
    v = run_ops(r, b, at, &own);
    if (v == SCHEMA_VALID)
        marks_join(marks, &own, at->value);
    r->scratch->used = used;
    return v;
}

enum schema_verdict schema_run_block(struct schema_run *r, uint32_t block,
                                     const struct schema_place *at, struct schema_marks *marks)
{
    const struct schema_block *b = &r->s->blocks[block];
    const struct schema_scope here = {b->resource, r->scope};
    bool is_entering =
        r->s->dynamic_count > 0 && (r->scope == NULL || r->scope->resource != b->resource);
    enum schema_verdict v;

    if (r->steps <= b->count + 1 || r->depth == 0)
        return SCHEMA_ERROR;
    r->steps -= b->count + 1;
    if (b->count == 0) /* true, or nothing but annotations */
        return SCHEMA_VALID;
    r->depth--;
    if (is_entering)
        r->scope = &here;
    v = b->has_unevaluated && at->value->type >= JSON_ARRAY ? run_marked(r, b, at, marks)
                                                            : run_ops(r, b, at, marks);
    r->scope = is_entering ? here.up : r->scope;
    r->depth++;
    return v;
}

enum schema_verdict schema_check(const struct schema *s, const struct json *value,
                                 struct schema_scratch *scratch, struct schema_violation *first)
{
    struct schema_run run = {s, scratch, first, NULL, s->steps, s->depth, 0};
    const struct schema_place root = {value, NULL, 0, false};

    scratch->used = 0;
    return schema_run_block(&run, s->root, &root, NULL);
}

int schema_scratch_new(struct schema_scratch **out)
{
    *out = calloc(1, sizeof(**out));
    return *out != NULL ? OK : E_NOMEM;
}

void schema_scratch_free(struct schema_scratch *scratch)
{
    if (scratch == NULL)
        return;
    schema_regex_scratch_clear(&scratch->regex);
    free(scratch->stack);
    free(scratch);
}

int schema_scratch_fit(struct schema_scratch *scratch, const struct schema *s)
{
    size_t bytes = 0;
    uint8_t *stack;
    int rc = OK;

    for (struct schema_regex *re = s->regexes; re != NULL && rc == OK; re = *schema_regex_next(re))
        rc = schema_regex_scratch_fit(&scratch->regex, re);
    if (s->has_unevaluated)
        bytes += STACK_BYTES;
    if (s->has_unique) /* slots for every node of the largest message */
        bytes += (size_t)JSON_NODES_MAX * 2 * 2 * sizeof(uint64_t);
    if (rc != OK || bytes <= scratch->cap)
        return rc;
    stack = malloc(bytes);
    if (stack == NULL)
        return E_NOMEM;
    free(scratch->stack);
    scratch->stack = stack;
    scratch->cap = bytes;
    return OK;
}
