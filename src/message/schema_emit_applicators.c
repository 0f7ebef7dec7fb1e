/* SPDX-License-Identifier: Apache-2.0 */
/* schema_emit_applicators.c: instructions that try further schemas on the same value, references,
 * and last of all what looks at whatever the others have left. */
#include <stdlib.h>

#include "base/status.h"
#include "message/schema_compiler.h"

static void emit_block(struct schema_compiler *c, enum schema_code code, const char *keyword,
                       uint32_t block)
{
    struct schema_op *op = schema_op_add(c, code, TYPES_ALL, keyword);

    if (op != NULL)
        op->block_or_types = block;
    schema_edge_add(c, block);
}

static void emit_ref(struct schema_compiler *c)
{
    const struct json *value = schema_kw(c, "$ref");
    struct schema_spot *to;
    struct view anchor;

    if (value == NULL)
        return;
    if (value->type != JSON_STRING) {
        schema_fail(c, c->spot, "$ref", value, "must be a string");
        return;
    }
    to = schema_refer(c, value->text, value, &anchor);
    if (to != NULL)
        emit_block(c, OP_REF, "$ref", schema_block_at(c, to));
}

/* The row of a dynamic anchor's name. */
static uint32_t dynamic_row(struct schema_compiler *c, struct view name)
{
    struct schema *s = c->s;
    void *bigger;

    for (uint32_t i = 0; i < s->dynamic_count; i++) {
        if (view_eq(s->dynamic[i].name, name))
            return i;
    }
    bigger = realloc(s->dynamic, (s->dynamic_count + 1) * sizeof(*s->dynamic));
    if (bigger == NULL) {
        schema_fail_rc(c, E_NOMEM, "out of memory");
        return 0;
    }
    s->dynamic = bigger;
    s->dynamic[s->dynamic_count] = (struct schema_dynamic_name){schema_keep(c, name), NULL};
    return s->dynamic_count++;
}

static bool has_dynamic_anchor(const struct schema_compiler *c, const struct schema_spot *spot,
                               struct view name)
{
    for (const struct schema_anchor *a = c->dynamic_anchors; a != NULL; a = a->next) {
        if (a->spot == spot && view_eq(a->name, name))
            return true;
    }
    return false;
}

static void emit_dynamic_ref(struct schema_compiler *c)
{
    const struct json *value = schema_kw(c, "$dynamicRef");
    struct schema_dynamic *d;
    struct schema_spot *to;
    struct schema_op *op;
    struct view anchor;

    if (value == NULL)
        return;
    if (value->type != JSON_STRING) {
        schema_fail(c, c->spot, "$dynamicRef", value, "must be a string");
        return;
    }
    to = schema_refer(c, value->text, value, &anchor);
    if (to == NULL)
        return;
    /* Only a name that is a dynamic anchor where it is first found can be overridden. */
    if (anchor.len == 0 || !has_dynamic_anchor(c, to, anchor)) {
        emit_block(c, OP_REF, "$dynamicRef", schema_block_at(c, to));
        return;
    }
    d = schema_alloc(c, sizeof(*d));
    if (d == NULL)
        return;
    *d = (struct schema_dynamic){dynamic_row(c, anchor), schema_block_at(c, to)};
    op = schema_op_add(c, OP_DYNAMIC, TYPES_ALL, "$dynamicRef");
    if (op != NULL)
        op->u.dynamic = d;
}

static void emit_list(struct schema_compiler *c, const char *keyword, enum schema_code code)
{
    const struct json *list = schema_kw(c, keyword);
    struct schema_ids *ids;
    uint32_t *blocks;
    struct schema_op *op;

    if (list == NULL)
        return;
    if (list->type != JSON_ARRAY || list->count == 0) {
        schema_fail(c, c->spot, keyword, list, "must be a list of schemas");
        return;
    }
    ids = schema_alloc(c, sizeof(*ids));
    blocks = schema_alloc(c, list->count * sizeof(*blocks));
    if (ids == NULL || blocks == NULL)
        return;
    ids->at = blocks;
    for (const struct json *m = list->first; m != NULL && c->rc == OK; m = m->next) {
        blocks[ids->count++] = schema_block_of(c, m);
        schema_edge_add(c, blocks[ids->count - 1]);
    }
    op = schema_op_add(c, code, TYPES_ALL, keyword);
    if (op != NULL)
        op->u.blocks = ids;
}

static uint32_t optional_block(struct schema_compiler *c, const char *keyword)
{
    const struct json *schema = schema_kw(c, keyword);
    uint32_t block;

    if (schema == NULL)
        return SCHEMA_BLOCK_NONE;
    block = schema_block_of(c, schema);
    schema_edge_add(c, block);
    return block;
}

static void emit_if(struct schema_compiler *c)
{
    struct schema_if *branch;
    struct schema_op *op;

    if (schema_kw(c, "if") == NULL)
        return;
    branch = schema_alloc(c, sizeof(*branch));
    if (branch == NULL)
        return;
    branch->condition = optional_block(c, "if");
    branch->then = optional_block(c, "then");
    branch->otherwise = optional_block(c, "else");
    op = schema_op_add(c, OP_IF, TYPES_ALL, "if");
    if (op != NULL)
        op->u.branch = branch;
}

static void emit_unevaluated(struct schema_compiler *c, const char *keyword, enum json_type type)
{
    const struct json *schema = schema_kw(c, keyword);
    struct schema_op *op;
    uint32_t block;

    if (schema == NULL)
        return;
    block = schema_block_of(c, schema);
    op = schema_op_add(c, OP_UNEVALUATED, TYPE_BIT(type), keyword);
    if (op == NULL)
        return;
    op->block_or_types = block;
    c->s->blocks[c->spot->block].has_unevaluated = true;
    c->s->has_unevaluated = true;
}

void schema_emit_applicators(struct schema_compiler *c)
{
    uint32_t vocabularies = c->spot->resource->vocabularies;
    const struct json *schema;

    emit_ref(c);
    emit_dynamic_ref(c);
    if ((vocabularies & SCHEMA_VOCABULARY_APPLICATOR) != 0) {
        emit_list(c, "allOf", OP_ALL);
        emit_list(c, "anyOf", OP_ANY);
        emit_list(c, "oneOf", OP_ONE);
        schema = schema_kw(c, "not");
        if (schema != NULL)
            emit_block(c, OP_NOT, "not", schema_block_of(c, schema));
        emit_if(c);
    }
    if ((vocabularies & SCHEMA_VOCABULARY_UNEVALUATED) != 0) {
        emit_unevaluated(c, "unevaluatedItems", JSON_ARRAY);
        emit_unevaluated(c, "unevaluatedProperties", JSON_OBJECT);
    }
}
