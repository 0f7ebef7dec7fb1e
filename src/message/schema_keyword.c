/* SPDX-License-Identifier: Apache-2.0 */
/* schema_keyword.c: the words of the draft, and what someone may have meant who wrote another. */
#include <stdio.h>

#include "message/schema_compiler.h"

static const struct schema_keyword keywords[] = {
    {"$schema", SHAPE_NONE},
    {"$vocabulary", SHAPE_NONE},
    {"$id", SHAPE_NONE},
    {"$anchor", SHAPE_NONE},
    {"$dynamicAnchor", SHAPE_NONE},
    {"$ref", SHAPE_NONE},
    {"$dynamicRef", SHAPE_NONE},
    {"$defs", SHAPE_MAP},
    {"$comment", SHAPE_NONE},
    {"type", SHAPE_NONE},
    {"enum", SHAPE_NONE},
    {"const", SHAPE_NONE},
    {"multipleOf", SHAPE_NONE},
    {"maximum", SHAPE_NONE},
    {"exclusiveMaximum", SHAPE_NONE},
    {"minimum", SHAPE_NONE},
    {"exclusiveMinimum", SHAPE_NONE},
    {"maxLength", SHAPE_NONE},
    {"minLength", SHAPE_NONE},
    {"pattern", SHAPE_NONE},
    {"format", SHAPE_NONE},
    {"maxItems", SHAPE_NONE},
    {"minItems", SHAPE_NONE},
    {"uniqueItems", SHAPE_NONE},
    {"maxContains", SHAPE_NONE},
    {"minContains", SHAPE_NONE},
    {"maxProperties", SHAPE_NONE},
    {"minProperties", SHAPE_NONE},
    {"required", SHAPE_NONE},
    {"dependentRequired", SHAPE_NONE},
    {"properties", SHAPE_MAP},
    {"patternProperties", SHAPE_MAP},
    {"additionalProperties", SHAPE_SCHEMA},
    {"propertyNames", SHAPE_SCHEMA},
    {"dependentSchemas", SHAPE_MAP},
    {"prefixItems", SHAPE_LIST},
    {"items", SHAPE_SCHEMA},
    {"contains", SHAPE_SCHEMA},
    {"unevaluatedItems", SHAPE_SCHEMA},
    {"unevaluatedProperties", SHAPE_SCHEMA},
    {"allOf", SHAPE_LIST},
    {"anyOf", SHAPE_LIST},
    {"oneOf", SHAPE_LIST},
    {"not", SHAPE_SCHEMA},
    {"if", SHAPE_SCHEMA},
    {"then", SHAPE_SCHEMA},
    {"else", SHAPE_SCHEMA},
    {"title", SHAPE_NONE},
    {"description", SHAPE_NONE},
    {"default", SHAPE_NONE},
    {"deprecated", SHAPE_NONE},
    {"readOnly", SHAPE_NONE},
    {"writeOnly", SHAPE_NONE},
    {"examples", SHAPE_NONE},
    {"contentEncoding", SHAPE_NONE},
    {"contentMediaType", SHAPE_NONE},
    {"contentSchema", SHAPE_SCHEMA},
};

#define KEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

/* Words of other drafts. */
static const struct {
    const char *old, *now;
} successors[] = {
    {"definitions", "$defs"},
    {"dependencies", "dependentRequired or dependentSchemas"},
    {"additionalItems", "items (and prefixItems for what was items)"},
    {"id", "$id"},
    {"ref", "$ref"},
    {"$recursiveRef", "$dynamicRef"},
    {"$recursiveAnchor", "$dynamicAnchor"},
    {"divisibleBy", "multipleOf"},
    {"extends", "allOf"},
};

const struct schema_keyword *schema_keyword_find(struct view name)
{
    for (size_t i = 0; i < KEYWORDS; i++) {
        if (view_eq(name, view_of_text(keywords[i].name)))
            return &keywords[i];
    }
    return NULL;
}

#define WORD_MAX 32

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Insertions, deletions and exchanges of letters between two short words; case counts for nothing.
 */
static unsigned distance(struct view a, struct view b)
{
    unsigned row[WORD_MAX + 1];

    if (a.len > WORD_MAX || b.len > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            bool is_same = (a.ptr[i - 1] | 0x20) == (b.ptr[j - 1] | 0x20);
            unsigned above = row[j];

            row[j] = least(above + 1, row[j - 1] + 1, diagonal + !is_same);
            diagonal = above;
        }
    }
    return row[b.len];
}

void schema_suggest(char *out, size_t cap, struct view name, bool is_format)
{
    const char *best = NULL;
    unsigned nearest = 3; /* further away is no slip of the pen */

    out[0] = '\0';
    for (size_t i = 0; !is_format && i < sizeof(successors) / sizeof(successors[0]); i++) {
        if (view_eq(name, view_of_text(successors[i].old))) {
            best = successors[i].now;
            nearest = 0;
        }
    }
    for (size_t i = 0; is_format ? schema_format_name(i) != NULL : i < KEYWORDS; i++) {
        const char *word = is_format ? schema_format_name(i) : keywords[i].name;
        unsigned d = distance(name, view_of_text(word));

        if (d < nearest) {
            nearest = d;
            best = word;
        }
    }
    if (best != NULL)
        (void)snprintf(out, cap, "; did you mean %s?", best);
}
