/* SPDX-License-Identifier: Apache-2.0 */
/* schema_program.h: what schema_compile makes and schema_check runs. For the files schema*.c alone.
 * A block is one schema: a run of instructions in `ops`. All but the two arrays lies in one arena.
 */
#ifndef MESSAGE_SCHEMA_PROGRAM_H
#define MESSAGE_SCHEMA_PROGRAM_H

#include "base/arena.h"
#include "message/schema.h"
#include "message/schema_operand.h"

#define SCHEMA_BLOCKS_MAX   16384
#define SCHEMA_OPS_MAX      65536
#define SCHEMA_BLOCK_NONE   UINT32_MAX
#define SCHEMA_UNIQUE_PAIR  8    /* items: at most 28 comparisons, cheaper than any hash */
#define SCHEMA_UNIQUE_BYTES 1024 /* of the array's text, or the comparisons are not cheap */

enum schema_code {
    OP_FALSE,
    OP_TYPE,
    OP_MIN_LENGTH,
    OP_MAX_LENGTH,
    OP_PATTERN,
    OP_FORMAT,
    OP_ENUM,
    OP_CONST,
    OP_MULTIPLE,
    OP_MINIMUM,
    OP_MAXIMUM,
    OP_ABOVE,
    OP_BELOW,
    OP_MIN_COUNT, /* properties or items */
    OP_MAX_COUNT,
    OP_REQUIRED,
    OP_DEPENDENT_REQUIRED,
    OP_NAMES,
    OP_MEMBERS,
    OP_ITEMS,
    OP_UNIQUE,
    OP_CONTAINS,
    OP_DEPENDENT,
    OP_REF,
    OP_DYNAMIC,
    OP_ALL,
    OP_ANY,
    OP_ONE,
    OP_NOT,
    OP_IF,
    OP_UNEVALUATED /* members or items: always last in their block */
};

struct schema_op {
    uint8_t code;  /* enum schema_code */
    uint8_t types; /* 1 << enum json_type of the values it looks at */
    uint16_t has_fraction;
    uint32_t block_or_types;
    union {
        uint64_t limit;
        const struct schema_bound *bound;
        const struct schema_regex *regex;
        schema_format_fn *format;
        const struct schema_enum *choice;
        const struct json *value;
        const struct schema_table *table;
        const struct schema_members *members;
        const struct schema_items *items;
        const struct schema_contains *contains;
        const struct schema_ids *blocks;
        const struct schema_if *branch;
        const struct schema_dynamic *dynamic;
    } u;
    const char *keyword;
    const char *where; /* JSON pointer of the keyword */
};

struct schema_block {
    uint32_t first, count; /* in ops */
    uint32_t resource;
    bool has_unevaluated;
};

/* Which block a dynamic anchor means in each resource; SCHEMA_BLOCK_NONE where it has none. */
struct schema_dynamic_name {
    struct view name;
    uint32_t *blocks; /* one a resource */
};

struct schema {
    struct arena arena;
    struct schema_block *blocks;
    struct schema_op *ops;
    uint32_t blocks_count, blocks_cap, ops_count, ops_cap, root;
    struct schema_dynamic_name *dynamic;
    uint32_t dynamic_count, resources_count;
    struct schema_regex *regexes; /* a list, for those who must be freed */
    uint32_t steps, depth;
    uint32_t regex_positions; /* of the largest pattern */
    bool has_unique, has_unevaluated;
    uint64_t seed[2];
    char ignored[256];
};

/* The memory of one check; the stack is given back in order. */
struct schema_scratch {
    uint8_t *stack;
    size_t used, cap;
    struct schema_regex_scratch regex;
};

/* Zeroed, 16-byte aligned; NULL where the scratch is too small. Give back by restoring `used`. */
void *schema_scratch_take(struct schema_scratch *scratch, size_t bytes);

/* Equality of values as the draft has it: numbers by value, members in any order. Takes its steps
 * from *steps and answers SCHEMA_ERROR when there are none left. */
enum schema_verdict schema_equal(const struct json *a, const struct json *b, uint32_t *steps);
/* Do all items differ? */
enum schema_verdict schema_unique(const struct schema *s, const struct json *array,
                                  struct schema_scratch *scratch, uint32_t *steps);

#endif
