/* SPDX-License-Identifier: Apache-2.0 */
/* schema_emit_containers.c: instructions for keywords about members and items. */
#include "base/status.h"
#include "message/schema_compiler.h"

static bool is_off(const struct schema_compiler *c, uint32_t vocabulary)
{
    return (c->spot->resource->vocabularies & vocabulary) == 0;
}

static const struct json *kw_of_type(struct schema_compiler *c, const char *keyword,
                                     enum json_type type, const char *text)
{
    const struct json *value = schema_kw(c, keyword);

    if (value != NULL && value->type != type)
        schema_fail(c, c->spot, keyword, value, text);
    return c->rc == OK ? value : NULL;
}

static struct schema_table *table_new(struct schema_compiler *c, uint32_t cap)
{
    struct schema_table *t = c->rc == OK ? schema_table_new(&c->s->arena, cap) : NULL;

    if (t == NULL)
        schema_fail_rc(c, E_NOMEM, "out of memory");
    return t;
}

static void emit_count(struct schema_compiler *c, const char *keyword, enum schema_code code,
                       enum json_type type)
{
    struct schema_op *op;
    uint64_t limit;

    if (!schema_kw_count(c, keyword, &limit))
        return;
    op = schema_op_add(c, code, TYPE_BIT(type), keyword);
    if (op != NULL)
        op->u.limit = limit;
}

/* A list of different strings as a table in the same order. */
static struct schema_table *names(struct schema_compiler *c, const struct json *list,
                                  const char *keyword)
{
    struct schema_table *t;

    if (list->type != JSON_ARRAY) {
        schema_fail(c, c->spot, keyword, list, "must be a list of names");
        return NULL;
    }
    t = table_new(c, list->count);
    for (const struct json *name = list->first; name != NULL && t != NULL; name = name->next) {
        uint32_t before = t->count;

        if (name->type == JSON_STRING)
            (void)schema_table_add(t, schema_keep(c, name->text), 0);
        if (t->count == before) {
            schema_fail(c, c->spot, keyword, name, "must be a list of different names");
            return NULL;
        }
    }
    return t;
}

static void emit_required(struct schema_compiler *c)
{
    const struct json *list = schema_kw(c, "required");
    struct schema_table *t;
    struct schema_op *op;

    if (list == NULL)
        return;
    t = names(c, list, "required");
    if (t == NULL || t->count == 0)
        return;
    op = schema_op_add(c, OP_REQUIRED, TYPE_BIT(JSON_OBJECT), "required");
    if (op != NULL)
        op->u.table = t;
}

static void emit_dependent_required(struct schema_compiler *c)
{
    const struct json *map =
        kw_of_type(c, "dependentRequired", JSON_OBJECT, "must be an object of lists of names");
    struct schema_table *t;
    struct schema_op *op;

    if (map == NULL)
        return;
    t = table_new(c, map->count);
    for (const struct json *m = map->first; m != NULL && c->rc == OK; m = m->next)
        schema_table_add(t, schema_keep(c, m->name), 0)->data = names(c, m, "dependentRequired");
    op = schema_op_add(c, OP_DEPENDENT_REQUIRED, TYPE_BIT(JSON_OBJECT), "dependentRequired");
    if (op != NULL)
        op->u.table = t;
}

static struct schema_table *schema_map(struct schema_compiler *c, const char *keyword)
{
    const struct json *map = kw_of_type(c, keyword, JSON_OBJECT, "must be an object of schemas");
    struct schema_table *t = table_new(c, map == NULL ? 0 : map->count);

    for (const struct json *m = map == NULL ? NULL : map->first; m != NULL && c->rc == OK;
         m = m->next)
        (void)schema_table_add(t, schema_keep(c, m->name), schema_block_of(c, m));
    return t;
}

static void emit_dependent_schemas(struct schema_compiler *c)
{
    struct schema_table *t;
    struct schema_op *op;

    if (schema_kw(c, "dependentSchemas") == NULL)
        return;
    t = schema_map(c, "dependentSchemas");
    for (uint32_t i = 0; c->rc == OK && i < t->count; i++)
        schema_edge_add(c, t->entries[i].value);
    op = schema_op_add(c, OP_DEPENDENT, TYPE_BIT(JSON_OBJECT), "dependentSchemas");
    if (op != NULL)
        op->u.table = t;
}

static void pattern_rows(struct schema_compiler *c, struct schema_members *out)
{
    const struct json *map =
        kw_of_type(c, "patternProperties", JSON_OBJECT, "must be an object of schemas");
    struct schema_pattern_row *rows;

    if (map == NULL)
        return;
    rows = schema_alloc(c, (map->count + 1) * sizeof(*rows));
    for (const struct json *m = map->first; m != NULL && c->rc == OK; m = m->next) {
        rows[out->patterns_count].regex = schema_pattern(c, m->name, "patternProperties", m);
        rows[out->patterns_count++].block = schema_block_of(c, m);
    }
    out->patterns = rows;
}

static void emit_members(struct schema_compiler *c)
{
    const struct json *additional = schema_kw(c, "additionalProperties");
    const char *keyword = schema_kw(c, "properties") != NULL          ? "properties"
                          : schema_kw(c, "patternProperties") != NULL ? "patternProperties"
                                                                      : "additionalProperties";
    struct schema_members *m;
    struct schema_op *op;

    if (schema_kw(c, keyword) == NULL)
        return;
    m = schema_alloc(c, sizeof(*m));
    if (m == NULL)
        return;
    m->table = schema_map(c, "properties");
    pattern_rows(c, m);
    m->additional = additional != NULL ? schema_block_of(c, additional) : SCHEMA_BLOCK_NONE;
    op = schema_op_add(c, OP_MEMBERS, TYPE_BIT(JSON_OBJECT), keyword);
    if (op != NULL)
        op->u.members = m;
}

static void emit_names(struct schema_compiler *c)
{
    const struct json *schema = schema_kw(c, "propertyNames");
    struct schema_op *op;
    uint32_t block;

    if (schema == NULL)
        return;
    block = schema_block_of(c, schema);
    op = schema_op_add(c, OP_NAMES, TYPE_BIT(JSON_OBJECT), "propertyNames");
    if (op != NULL)
        op->block_or_types = block;
}

static void emit_items(struct schema_compiler *c)
{
    const struct json *prefix =
        kw_of_type(c, "prefixItems", JSON_ARRAY, "must be a list of schemas");
    const struct json *rest = schema_kw(c, "items");
    struct schema_items *items;
    uint32_t *blocks;
    struct schema_op *op;

    if (prefix == NULL && rest == NULL)
        return;
    if (prefix != NULL && prefix->count == 0)
        schema_fail(c, c->spot, "prefixItems", prefix, "must not be empty");
    if (rest != NULL && rest->type == JSON_ARRAY)
        schema_fail(c, c->spot, "items", rest, "must be one schema; a list goes to prefixItems");
    items = schema_alloc(c, sizeof(*items));
    blocks = schema_alloc(c, ((prefix != NULL ? prefix->count : 0) + 1) * sizeof(*blocks));
    if (items == NULL || blocks == NULL)
        return;
    items->prefix.at = blocks;
    for (const struct json *p = prefix != NULL ? prefix->first : NULL; p != NULL; p = p->next)
        blocks[items->prefix.count++] = schema_block_of(c, p);
    items->rest = rest != NULL ? schema_block_of(c, rest) : SCHEMA_BLOCK_NONE;
    op = schema_op_add(c, OP_ITEMS, TYPE_BIT(JSON_ARRAY), prefix != NULL ? "prefixItems" : "items");
    if (op != NULL)
        op->u.items = items;
}

static void emit_unique(struct schema_compiler *c)
{
    const struct json *value = schema_kw(c, "uniqueItems");

    if (value == NULL || value->type == JSON_FALSE)
        return;
    if (value->type != JSON_TRUE)
        schema_fail(c, c->spot, "uniqueItems", value, "must be true or false");
    (void)schema_op_add(c, OP_UNIQUE, TYPE_BIT(JSON_ARRAY), "uniqueItems");
    c->s->has_unique = true;
}

static void emit_contains(struct schema_compiler *c)
{
    const struct json *schema = schema_kw(c, "contains");
    struct schema_contains *k;
    struct schema_op *op;
    uint64_t min = 1, max = UINT64_MAX;

    if (!is_off(c, SCHEMA_VOCABULARY_VALIDATION)) {
        (void)schema_kw_count(c, "minContains", &min);
        (void)schema_kw_count(c, "maxContains", &max);
    }
    if (schema == NULL)
        return;
    k = schema_alloc(c, sizeof(*k));
    if (k == NULL)
        return;
    *k = (struct schema_contains){schema_block_of(c, schema), min, max,
                                  schema_where(c, "maxContains")};
    op = schema_op_add(c, OP_CONTAINS, TYPE_BIT(JSON_ARRAY), min == 1 ? "contains" : "minContains");
    if (op != NULL)
        op->u.contains = k;
}

void schema_emit_containers(struct schema_compiler *c)
{
    if (!is_off(c, SCHEMA_VOCABULARY_VALIDATION)) {
        emit_required(c);
        emit_dependent_required(c);
        emit_count(c, "minProperties", OP_MIN_COUNT, JSON_OBJECT);
        emit_count(c, "maxProperties", OP_MAX_COUNT, JSON_OBJECT);
        emit_count(c, "minItems", OP_MIN_COUNT, JSON_ARRAY);
        emit_count(c, "maxItems", OP_MAX_COUNT, JSON_ARRAY);
    }
    if (!is_off(c, SCHEMA_VOCABULARY_APPLICATOR)) {
        emit_names(c);
        emit_members(c);
        emit_items(c);
        emit_contains(c);
    }
    if (!is_off(c, SCHEMA_VOCABULARY_VALIDATION))
        emit_unique(c);
    if (!is_off(c, SCHEMA_VOCABULARY_APPLICATOR))
        emit_dependent_schemas(c);
}
