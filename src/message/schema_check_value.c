/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check_value.c: keywords that look at one value and not into it. */
#include "message/schema_run.h"

/* Does the string have more code points than `limit`? UTF-8 is valid here. */
static bool is_longer(struct view text, uint64_t limit)
{
    uint64_t points = 0;

    if (text.len <= limit)
        return false;
    if (text.len / 4 > limit)
        return true;
    for (size_t i = 0; i < text.len; i++)
        points += ((uint8_t)text.ptr[i] & 0xc0) != 0x80;
    return points > limit;
}

/* The whole numbers of everyday messages: digits only, so no further look is needed. */
static bool is_plain_integer(struct view text)
{
    size_t i = text.ptr[0] == '-';

    while (i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9')
        i++;
    return i == text.len;
}

static enum schema_verdict type(struct schema_run *r, const struct schema_op *op,
                                const struct schema_place *at)
{
    const struct json *v = at->value;
    struct schema_decimal d;

    if ((op->block_or_types & 1U << v->type) != 0)
        return SCHEMA_VALID;
    if (v->type != JSON_NUMBER || (op->block_or_types & SCHEMA_TYPE_INTEGER) == 0)
        return schema_run_fail(r, op, at);
    if (is_plain_integer(v->text))
        return SCHEMA_VALID;
    if (!schema_decimal_read(&d, v->text))
        return SCHEMA_ERROR;
    return schema_decimal_is_integer(&d) ? SCHEMA_VALID : schema_run_fail(r, op, at);
}

static bool order_ok(const struct schema_op *op, int order)
{
    return (op->code == OP_MINIMUM && order >= 0) || (op->code == OP_MAXIMUM && order <= 0) ||
           (op->code == OP_ABOVE && order > 0) || (op->code == OP_BELOW && order < 0);
}

static enum schema_verdict number(struct schema_run *r, const struct schema_op *op,
                                  const struct schema_place *at)
{
    const struct schema_bound *bound = op->u.bound;
    struct schema_decimal d;
    int64_t whole;
    bool is_ok;

    if (op->code != OP_MULTIPLE && bound->is_whole &&
        schema_decimal_whole(at->value->text, &whole)) {
        is_ok = order_ok(op, (whole > bound->whole) - (whole < bound->whole));
        return is_ok ? SCHEMA_VALID : schema_run_fail(r, op, at);
    }
    if (at->value->text.len / 16 >= r->steps || !schema_decimal_read(&d, at->value->text))
        return SCHEMA_ERROR;
    r->steps -= (uint32_t)(at->value->text.len / 16);
    is_ok = op->code == OP_MULTIPLE ? schema_decimal_is_multiple(&d, &bound->number)
                                    : order_ok(op, schema_decimal_compare(&d, &bound->number));
    return is_ok ? SCHEMA_VALID : schema_run_fail(r, op, at);
}

static enum schema_verdict choice(struct schema_run *r, const struct schema_op *op,
                                  const struct schema_place *at)
{
    const struct schema_enum *e = op->u.choice;

    if (at->value->type == JSON_STRING)
        return schema_table_find(e->texts, at->value->text) != NULL ? SCHEMA_VALID
                                                                    : schema_run_fail(r, op, at);
    for (uint32_t i = 0; i < e->others_count; i++) {
        enum schema_verdict v = schema_equal(e->others[i], at->value, &r->steps);

        if (v != SCHEMA_INVALID)
            return v;
    }
    return schema_run_fail(r, op, at);
}

static enum schema_verdict pattern(struct schema_run *r, const struct schema_op *op,
                                   const struct schema_place *at)
{
    enum schema_verdict v = schema_regex_match(op->u.regex, at->value->text, &r->scratch->regex);

    return v == SCHEMA_INVALID ? schema_run_fail(r, op, at) : v;
}

enum schema_verdict schema_run_value(struct schema_run *r, const struct schema_op *op,
                                     const struct schema_place *at)
{
    const struct json *v = at->value;
    enum schema_verdict same;

    switch ((enum schema_code)op->code) {
    case OP_TYPE:
        return type(r, op, at);
    case OP_MIN_LENGTH:
        return op->u.limit == 0 || is_longer(v->text, op->u.limit - 1) ? SCHEMA_VALID
                                                                       : schema_run_fail(r, op, at);
    case OP_MAX_LENGTH:
        return is_longer(v->text, op->u.limit) ? schema_run_fail(r, op, at) : SCHEMA_VALID;
    case OP_PATTERN:
        return pattern(r, op, at);
    case OP_FORMAT:
        return op->u.format(v->text) ? SCHEMA_VALID : schema_run_fail(r, op, at);
    case OP_ENUM:
        return choice(r, op, at);
    case OP_CONST:
        same = schema_equal(op->u.value, v, &r->steps);
        return same == SCHEMA_INVALID ? schema_run_fail(r, op, at) : same;
    case OP_MIN_COUNT:
        return v->count >= op->u.limit ? SCHEMA_VALID : schema_run_fail(r, op, at);
    case OP_MAX_COUNT:
        return v->count <= op->u.limit ? SCHEMA_VALID : schema_run_fail(r, op, at);
    case OP_MULTIPLE:
    case OP_MINIMUM:
    case OP_MAXIMUM:
    case OP_ABOVE:
    case OP_BELOW:
        return number(r, op, at);
    default:
        return SCHEMA_ERROR;
    }
}
