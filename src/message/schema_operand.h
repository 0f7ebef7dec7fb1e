/* SPDX-License-Identifier: Apache-2.0 */
/* schema_operand.h: what instructions that need more than a number point to. For the files
 * schema*.c alone. */
#ifndef MESSAGE_SCHEMA_OPERAND_H
#define MESSAGE_SCHEMA_OPERAND_H

#include "message/schema_decimal.h"
#include "message/schema_format.h"
#include "message/schema_regex.h"
#include "message/schema_table.h"

struct schema_ids { /* block numbers, or whatever a keyword lists */
    const uint32_t *at;
    uint32_t count;
};

struct schema_pattern_row {
    const struct schema_regex *regex;
    uint32_t block;
};

/* properties, patternProperties, additionalProperties: one walk over the members. */
struct schema_members {
    const struct schema_table *table; /* value: block */
    const struct schema_pattern_row *patterns;
    uint32_t patterns_count;
    uint32_t additional; /* block, or SCHEMA_BLOCK_NONE where nothing is said */
};

/* What a number is compared with, also as an integer where it is a small one. */
struct schema_bound {
    struct schema_decimal number;
    int64_t whole;
    bool is_whole;
};

struct schema_items {
    struct schema_ids prefix;
    uint32_t rest;
};

struct schema_contains {
    uint32_t block;
    uint64_t min, max;
    const char *max_where;
};

struct schema_if {
    uint32_t condition, then, otherwise;
};

/* The names that must be there once `trigger`, the name of the table's entry, is. */
struct schema_names {
    const struct view *at;
    uint32_t count;
};

struct schema_dynamic {
    uint32_t name;     /* row of schema.dynamic */
    uint32_t fallback; /* what the reference means where nobody has overridden it */
};

struct schema_enum {
    const struct schema_table *texts; /* of the strings among the values */
    const struct json *const *others;
    uint32_t others_count;
};

#endif
