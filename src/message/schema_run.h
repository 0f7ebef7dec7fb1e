/* SPDX-License-Identifier: Apache-2.0 */
/* schema_run.h: one check under way. For the files schema_check*.c alone. */
#ifndef MESSAGE_SCHEMA_RUN_H
#define MESSAGE_SCHEMA_RUN_H

#include "message/schema_program.h"

/* A value and the way to it; lives on the stack of the check. */
struct schema_place {
    const struct json *value;
    const struct schema_place *up;
    uint32_t index; /* among its parent's items */
    bool is_name;   /* value is the name of a member, not its value */
};

/* Members or items of one value that some keyword has looked at: one bit each. */
struct schema_marks {
    uint64_t *bits;
};

/* The resources entered on the way, innermost first. */
struct schema_scope {
    uint32_t resource;
    const struct schema_scope *up;
};

struct schema_run {
    const struct schema *s;
    struct schema_scratch *scratch;
    struct schema_violation *first; /* NULL once nobody asks */
    const struct schema_scope *scope;
    uint32_t steps, depth;
    uint32_t quiet; /* inside something whose failure need not be one */
};

enum schema_verdict schema_run_block(struct schema_run *r, uint32_t block,
                                     const struct schema_place *at, struct schema_marks *marks);
/* The same, but neither its violations nor its marks count. */
enum schema_verdict schema_run_quiet(struct schema_run *r, uint32_t block,
                                     const struct schema_place *at);
/* Notes the violation, if it is the first one, and answers SCHEMA_INVALID. */
enum schema_verdict schema_run_fail(struct schema_run *r, const struct schema_op *op,
                                    const struct schema_place *at);
/* The same, with the name of a member that is missing. */
enum schema_verdict schema_run_missing(struct schema_run *r, const struct schema_op *op,
                                       const struct schema_place *at, struct view name);

static inline void schema_mark(struct schema_marks *marks, uint32_t index)
{
    if (marks != NULL)
        marks->bits[index / 64] |= 1ULL << (index % 64);
}

enum schema_verdict schema_run_required(struct schema_run *r, const struct schema_op *op,
                                        const struct schema_place *at);
enum schema_verdict schema_run_dependent_required(struct schema_run *r, const struct schema_op *op,
                                                  const struct schema_place *at);
enum schema_verdict schema_run_dependent(struct schema_run *r, const struct schema_op *op,
                                         const struct schema_place *at, struct schema_marks *marks);
enum schema_verdict schema_run_members(struct schema_run *r, const struct schema_op *op,
                                       const struct schema_place *at, struct schema_marks *marks);
enum schema_verdict schema_run_names(struct schema_run *r, const struct schema_op *op,
                                     const struct schema_place *at);
enum schema_verdict schema_run_items(struct schema_run *r, const struct schema_op *op,
                                     const struct schema_place *at, struct schema_marks *marks);
enum schema_verdict schema_run_contains(struct schema_run *r, const struct schema_op *op,
                                        const struct schema_place *at, struct schema_marks *marks);
enum schema_verdict schema_run_unevaluated(struct schema_run *r, const struct schema_op *op,
                                           const struct schema_place *at,
                                           struct schema_marks *marks);
/* Keywords about strings, numbers, types and values. */
enum schema_verdict schema_run_value(struct schema_run *r, const struct schema_op *op,
                                     const struct schema_place *at);

#endif
