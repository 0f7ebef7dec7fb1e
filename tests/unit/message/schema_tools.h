/* SPDX-License-Identifier: Apache-2.0 */
/* schema_tools.h: schemas and values from text, for the tests of schemas. */
#ifndef TESTS_SCHEMA_TOOLS_H
#define TESTS_SCHEMA_TOOLS_H

#include <string.h>

#include "base/status.h"
#include "message/schema.h"

/* The draft's meta-schema as one document, written for these tests from the text of the draft: what
 * it accepts is what the nine published files accept together. */
#define META_URI "https://json-schema.org/draft/2020-12/schema"
#define META_TEXT                                                                                  \
    "{\"$id\":\"" META_URI "\",\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boolean\"],"     \
    "\"properties\":{"                                                                             \
    "\"$id\":{\"type\":\"string\",\"pattern\":\"^[^#]*#?$\"},\"$schema\":{\"type\":\"string\"},"   \
    "\"$ref\":{\"type\":\"string\"},\"$anchor\":{\"$ref\":\"#/$defs/anchor\"},"                    \
    "\"$dynamicRef\":{\"type\":\"string\"},\"$dynamicAnchor\":{\"$ref\":\"#/$defs/anchor\"},"      \
    "\"$vocabulary\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"boolean\"}},"       \
    "\"$comment\":{\"type\":\"string\"},\"$defs\":{\"$ref\":\"#/$defs/map\"},"                     \
    "\"prefixItems\":{\"$ref\":\"#/$defs/list\"},\"items\":{\"$dynamicRef\":\"#meta\"},"           \
    "\"contains\":{\"$dynamicRef\":\"#meta\"},"                                                    \
    "\"additionalProperties\":{\"$dynamicRef\":\"#meta\"},"                                        \
    "\"properties\":{\"$ref\":\"#/$defs/map\"},\"patternProperties\":{\"$ref\":\"#/$defs/map\"},"  \
    "\"dependentSchemas\":{\"$ref\":\"#/$defs/map\"},"                                             \
    "\"propertyNames\":{\"$dynamicRef\":\"#meta\"},\"if\":{\"$dynamicRef\":\"#meta\"},"            \
    "\"then\":{\"$dynamicRef\":\"#meta\"},\"else\":{\"$dynamicRef\":\"#meta\"},"                   \
    "\"allOf\":{\"$ref\":\"#/$defs/list\"},\"anyOf\":{\"$ref\":\"#/$defs/list\"},"                 \
    "\"oneOf\":{\"$ref\":\"#/$defs/list\"},\"not\":{\"$dynamicRef\":\"#meta\"},"                   \
    "\"unevaluatedItems\":{\"$dynamicRef\":\"#meta\"},"                                            \
    "\"unevaluatedProperties\":{\"$dynamicRef\":\"#meta\"},"                                       \
    "\"type\":{\"anyOf\":[{\"$ref\":\"#/$defs/type\"},{\"type\":\"array\",\"items\":"              \
    "{\"$ref\":\"#/$defs/type\"},\"minItems\":1,\"uniqueItems\":true}]},\"const\":true,"           \
    "\"enum\":{\"type\":\"array\"},\"multipleOf\":{\"type\":\"number\",\"exclusiveMinimum\":0},"   \
    "\"maximum\":{\"type\":\"number\"},\"exclusiveMaximum\":{\"type\":\"number\"},"                \
    "\"minimum\":{\"type\":\"number\"},\"exclusiveMinimum\":{\"type\":\"number\"},"                \
    "\"maxLength\":{\"$ref\":\"#/$defs/count\"},\"minLength\":{\"$ref\":\"#/$defs/count\"},"       \
    "\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},"                                      \
    "\"maxItems\":{\"$ref\":\"#/$defs/count\"},\"minItems\":{\"$ref\":\"#/$defs/count\"},"         \
    "\"uniqueItems\":{\"type\":\"boolean\"},\"maxContains\":{\"$ref\":\"#/$defs/count\"},"         \
    "\"minContains\":{\"$ref\":\"#/$defs/count\"},\"maxProperties\":{\"$ref\":\"#/$defs/count\"}," \
    "\"minProperties\":{\"$ref\":\"#/$defs/count\"},\"required\":{\"$ref\":\"#/$defs/names\"},"    \
    "\"dependentRequired\":{\"type\":\"object\",\"additionalProperties\":"                         \
    "{\"$ref\":\"#/$defs/names\"}},\"format\":{\"type\":\"string\"}},"                             \
    "\"$defs\":{\"anchor\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$\"},"      \
    "\"map\":{\"type\":\"object\",\"additionalProperties\":{\"$dynamicRef\":\"#meta\"}},"          \
    "\"list\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"$dynamicRef\":\"#meta\"}},"          \
    "\"count\":{\"type\":\"integer\",\"minimum\":0},"                                              \
    "\"names\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"uniqueItems\":true},"         \
    "\"type\":{\"enum\":[\"array\",\"boolean\",\"integer\",\"null\",\"number\",\"object\","        \
    "\"string\"]}}}"

/* What a test holds; clear it at its end. */
struct schema_kit {
    struct arena arena;
    struct schema *schema;
    struct schema_scratch *scratch;
    struct schema_fault fault;
    struct schema_violation violation;
    char text[512]; /* of the last violation */
};

static inline void kit_init(struct schema_kit *k)
{
    memset(k, 0, sizeof(*k));
    arena_init(&k->arena, 65536, 64 * 1024 * 1024);
}

static inline void kit_clear(struct schema_kit *k)
{
    schema_free(k->schema);
    schema_scratch_free(k->scratch);
    arena_clear(&k->arena);
}

static inline const struct json *kit_json(struct schema_kit *k, const char *text)
{
    struct json *root = NULL;

    return json_parse(&root, view_of_text(text), NULL, &k->arena, NULL) == OK ? root : NULL;
}

/* Compiles in place of what the kit had before. */
static inline int kit_compile_json(struct schema_kit *k, const struct json *document,
                                   const struct schema_options *options)
{
    int rc;

    schema_free(k->schema);
    k->schema = NULL;
    memset(&k->fault, 0, sizeof(k->fault));
    rc = schema_compile(&k->schema, document, options, &k->fault);
    if (rc == OK && k->scratch == NULL)
        rc = schema_scratch_new(&k->scratch);
    return rc == OK ? schema_scratch_fit(k->scratch, k->schema) : rc;
}

static inline int kit_compile(struct schema_kit *k, const char *text,
                              const struct schema_options *options)
{
    struct schema_options o = options != NULL ? *options : (struct schema_options){.steps = 0};
    const struct json *document = kit_json(k, text);

    if (document == NULL)
        return E_INVALID;
    o.source = view_of_text(text);
    return kit_compile_json(k, document, &o);
}

static inline enum schema_verdict kit_check_json(struct schema_kit *k, const struct json *value)
{
    enum schema_verdict v = schema_check(k->schema, value, k->scratch, &k->violation);

    k->text[0] = '\0';
    if (v == SCHEMA_INVALID)
        (void)schema_violation_text(k->text, sizeof(k->text), &k->violation, true);
    return v;
}

static inline enum schema_verdict kit_check(struct schema_kit *k, const char *text)
{
    const struct json *value = kit_json(k, text);

    return value == NULL ? SCHEMA_ERROR : kit_check_json(k, value);
}

#endif
