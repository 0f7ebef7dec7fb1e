/* SPDX-License-Identifier: Apache-2.0 */
/* schema_emit_values.c: instructions for keywords that look at the value alone. Their order is the
 * order in which a message hears of its faults: type, length, pattern, format, enum, numbers. */
#include <stdio.h>

#include "base/status.h"
#include "message/schema_compiler.h"

static const struct {
    const char *name;
    uint32_t bits;
} types[] = {
    {"null", TYPE_BIT(JSON_NULL)},     {"boolean", TYPE_BIT(JSON_TRUE) | TYPE_BIT(JSON_FALSE)},
    {"number", TYPE_BIT(JSON_NUMBER)}, {"integer", SCHEMA_TYPE_INTEGER},
    {"string", TYPE_BIT(JSON_STRING)}, {"array", TYPE_BIT(JSON_ARRAY)},
    {"object", TYPE_BIT(JSON_OBJECT)},
};

bool schema_kw_count(struct schema_compiler *c, const char *keyword, uint64_t *out)
{
    const struct json *value = schema_kw(c, keyword);
    int64_t number;

    if (value == NULL)
        return false;
    if (!json_to_i64(value, &number) || number < 0) {
        schema_fail(c, c->spot, keyword, value, "must be a whole number of at least 0");
        return false;
    }
    *out = (uint64_t)number;
    return true;
}

static uint32_t type_bits(const struct json *name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (name->type == JSON_STRING && view_eq(name->text, view_of_text(types[i].name)))
            return types[i].bits;
    }
    return 0;
}

static void emit_type(struct schema_compiler *c)
{
    const struct json *value = schema_kw(c, "type");
    uint32_t sum = 0;
    struct schema_op *op;

    if (value == NULL)
        return;
    if (value->type == JSON_ARRAY) {
        for (const struct json *name = value->first; name != NULL; name = name->next) {
            uint32_t bits = type_bits(name);

            if (bits == 0 || (sum & bits) != 0)
                schema_fail(c, c->spot, "type", name, "must list different types by name");
            sum |= bits;
        }
    } else {
        sum = type_bits(value);
    }
    if (sum == 0)
        schema_fail(c, c->spot, "type", value,
                    "must be null, boolean, number, integer, string, array, object, or a list");
    op = schema_op_add(c, OP_TYPE, TYPES_ALL, "type");
    if (op != NULL)
        op->block_or_types = sum;
}

static void emit_lengths(struct schema_compiler *c)
{
    struct schema_op *op;
    uint64_t limit;

    if (schema_kw_count(c, "minLength", &limit)) {
        op = schema_op_add(c, OP_MIN_LENGTH, TYPE_BIT(JSON_STRING), "minLength");
        if (op != NULL)
            op->u.limit = limit;
    }
    if (schema_kw_count(c, "maxLength", &limit)) {
        op = schema_op_add(c, OP_MAX_LENGTH, TYPE_BIT(JSON_STRING), "maxLength");
        if (op != NULL)
            op->u.limit = limit;
    }
}

static void emit_pattern(struct schema_compiler *c)
{
    const struct json *value = schema_kw(c, "pattern");
    struct schema_regex *regex;
    struct schema_op *op;

    if (value == NULL)
        return;
    if (value->type != JSON_STRING) {
        schema_fail(c, c->spot, "pattern", value, "must be a string");
        return;
    }
    regex = schema_pattern(c, value->text, "pattern", value);
    op = schema_op_add(c, OP_PATTERN, TYPE_BIT(JSON_STRING), "pattern");
    if (op != NULL)
        op->u.regex = regex;
}

static void emit_format(struct schema_compiler *c)
{
    const struct json *value = schema_kw(c, "format");
    schema_format_fn *check;
    char sentence[160] = "is unknown";
    struct schema_op *op;
    size_t len;
    bool is_off;

    if (value == NULL)
        return;
    if (value->type != JSON_STRING) {
        schema_fail(c, c->spot, "format", value, "must be a string");
        return;
    }
    check = schema_format_find(value->text);
    if (check == NULL && !c->options->is_lenient) {
        schema_suggest(sentence + strlen(sentence), sizeof(sentence) - strlen(sentence),
                       value->text, true);
        schema_fail(c, c->spot, "format", value, sentence);
        return;
    }
    len = strlen(c->s->ignored);
    if (check == NULL && len + value->text.len + 12 < sizeof(c->s->ignored))
        (void)snprintf(c->s->ignored + len, sizeof(c->s->ignored) - len, "%sformat %.*s",
                       len > 0 ? ", " : "", VIEW_ARG(value->text));
    is_off = c->options->is_format_off &&
             (c->spot->resource->vocabularies & SCHEMA_VOCABULARY_FORMAT) == 0;
    if (check == NULL || is_off)
        return;
    op = schema_op_add(c, OP_FORMAT, TYPE_BIT(JSON_STRING), "format");
    if (op != NULL)
        op->u.format = check;
}

static void emit_enum(struct schema_compiler *c)
{
    const struct json *list = schema_kw(c, "enum");
    struct schema_enum *e;
    struct schema_table *texts;
    const struct json **others;
    struct schema_op *op;

    if (list == NULL)
        return;
    if (list->type != JSON_ARRAY || (list->count == 0 && !c->options->is_lenient)) {
        schema_fail(c, c->spot, "enum", list, "must be a list of values");
        return;
    }
    e = schema_alloc(c, sizeof(*e));
    texts = schema_table_new(&c->s->arena, list->count);
    others = schema_alloc(c, (list->count + 1) * sizeof(*others));
    if (e == NULL || texts == NULL || others == NULL) {
        schema_fail_rc(c, E_NOMEM, "out of memory");
        return;
    }
    *e = (struct schema_enum){texts, others, 0};
    for (const struct json *v = list->first; v != NULL; v = v->next) {
        if (v->type == JSON_STRING)
            (void)schema_table_add(texts, schema_keep(c, v->text), 0);
        else
            others[e->others_count++] = schema_keep_json(c, v);
    }
    op = schema_op_add(c, OP_ENUM, TYPES_ALL, "enum");
    if (op != NULL)
        op->u.choice = e;
}

static void emit_const(struct schema_compiler *c)
{
    const struct json *value = schema_kw(c, "const");
    const struct json *kept;
    struct schema_op *op;

    if (value == NULL)
        return;
    kept = schema_keep_json(c, value);
    op = schema_op_add(c, OP_CONST, TYPES_ALL, "const");
    if (op != NULL)
        op->u.value = kept;
}

static void emit_number(struct schema_compiler *c, const char *keyword, enum schema_code code)
{
    const struct json *value = schema_kw(c, keyword);
    struct schema_bound *bound;
    struct schema_op *op;
    struct view text;

    if (value == NULL)
        return;
    bound = schema_alloc(c, sizeof(*bound));
    text = schema_keep(c, value->text);
    if (c->rc != OK)
        return;
    if (value->type != JSON_NUMBER || !schema_decimal_read(&bound->number, text)) {
        schema_fail(c, c->spot, keyword, value, "must be a number");
        return;
    }
    bound->is_whole = schema_decimal_whole(text, &bound->whole);
    if (code == OP_MULTIPLE && (bound->number.count == 0 || bound->number.is_negative))
        schema_fail(c, c->spot, keyword, value, "must be greater than 0");
    if (code == OP_MULTIPLE && bound->number.small == 0)
        schema_fail(c, c->spot, keyword, value, "may have 18 digits at most");
    op = schema_op_add(c, code, TYPE_BIT(JSON_NUMBER), keyword);
    if (op != NULL)
        op->u.bound = bound;
}

void schema_emit_values(struct schema_compiler *c)
{
    if ((c->spot->resource->vocabularies & SCHEMA_VOCABULARY_VALIDATION) == 0) {
        emit_format(c);
        return;
    }
    emit_type(c);
    emit_lengths(c);
    emit_pattern(c);
    emit_format(c);
    emit_enum(c);
    emit_const(c);
    emit_number(c, "multipleOf", OP_MULTIPLE);
    emit_number(c, "minimum", OP_MINIMUM);
    emit_number(c, "maximum", OP_MAXIMUM);
    emit_number(c, "exclusiveMinimum", OP_ABOVE);
    emit_number(c, "exclusiveMaximum", OP_BELOW);
}
