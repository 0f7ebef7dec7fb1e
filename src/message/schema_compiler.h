/* SPDX-License-Identifier: Apache-2.0 */
/* schema_compiler.h: what the files of the compiler share. Faults are sticky: once c->rc is not OK,
 * everything further is a quiet no-op, so that emitters need not check each step. */
#ifndef MESSAGE_SCHEMA_COMPILER_H
#define MESSAGE_SCHEMA_COMPILER_H

#include "base/map.h"
#include "message/schema_program.h"

#define SCHEMA_VOCABULARY_VALIDATION  1U
#define SCHEMA_VOCABULARY_APPLICATOR  2U
#define SCHEMA_VOCABULARY_UNEVALUATED 4U
#define SCHEMA_VOCABULARY_ALL         7U
#define SCHEMA_VOCABULARY_FORMAT      8U /* format is an assertion whatever the options say */

#define TYPE_BIT(type) (1U << (type))
#define TYPES_ALL      0x7fU

/* A schema with an $id, or a whole document: what relative references are relative to. */
struct schema_resource {
    uint32_t id, vocabularies;
    struct view uri;
    bool is_entered; /* some block of it exists */
};

/* A place in a document where a schema is. */
struct schema_spot {
    const struct json *node;
    struct schema_resource *resource;
    uint32_t block;
    const char *pointer; /* with the document's URI when it is not the main one */
};

struct schema_anchor {
    struct schema_anchor *next;
    struct view name;
    struct schema_spot *spot;
};

struct schema_edge { /* block `to` looks at the very value that `from` looks at */
    uint32_t from, to;
};

struct schema_compiler {
    struct schema *s;
    const struct schema_options *options;
    struct schema_fault *fault;
    struct map spots;   /* address of a node: struct schema_spot */
    struct map uris;    /* of resources */
    struct map anchors; /* "uri#name" */
    struct schema_anchor *dynamic_anchors;
    struct schema_spot **queue; /* spots whose blocks are yet to be compiled */
    uint32_t queue_at, queue_count, queue_cap;
    struct schema_edge *edges;
    uint32_t edges_count, edges_cap;
    struct schema_spot *spot; /* being compiled, with its block */
    int rc;
};

/* How a keyword holds further schemas. */
enum schema_shape { SHAPE_NONE, SHAPE_SCHEMA, SHAPE_LIST, SHAPE_MAP };

struct schema_keyword {
    const char *name;
    enum schema_shape shape;
};
/* NULL where unknown. */
const struct schema_keyword *schema_keyword_find(struct view name);
/* Writes "; did you mean ...?" for an unknown keyword or format, or nothing. */
void schema_suggest(char *out, size_t cap, struct view name, bool is_format);

/* Sets the fault, the first one only. `node` gives the offset and may be NULL. */
void schema_fail(struct schema_compiler *c, const struct schema_spot *spot, const char *keyword,
                 const struct json *node, const char *text);
/* The same for memory and ceilings. */
void schema_fail_rc(struct schema_compiler *c, int rc, const char *text);
/* Memory in the schema's arena, zeroed; NULL with the fault set. */
void *schema_alloc(struct schema_compiler *c, size_t bytes);
/* Grows a heap array to hold one more item; false with the fault set. */
bool schema_room(struct schema_compiler *c, void **array, uint32_t count, uint32_t *cap,
                 size_t item);

/* Finds all schemas, ids and anchors of a document. The root's spot, or NULL with the fault set. */
struct schema_spot *schema_index_document(struct schema_compiler *c, const struct json *root,
                                          struct view uri, bool is_main);
/* The schema a reference means, or NULL with the fault set. *anchor: the plain name it was found
 * by, empty for pointers. */
struct schema_spot *schema_refer(struct schema_compiler *c, struct view reference,
                                 const struct json *node, struct view *anchor);
struct schema_spot *schema_spot_of(struct schema_compiler *c, const struct json *node);

/* The block of the schema at this place, compiled now or later. */
uint32_t schema_block_at(struct schema_compiler *c, struct schema_spot *spot);
uint32_t schema_block_of(struct schema_compiler *c, const struct json *node);
/* Emits the instructions of c->spot. */
void schema_emit_values(struct schema_compiler *c);      /* about the value itself */
void schema_emit_containers(struct schema_compiler *c);  /* about members and items */
void schema_emit_applicators(struct schema_compiler *c); /* about the same value again */

/* For emitters: the keyword's value, or NULL. */
const struct json *schema_kw(struct schema_compiler *c, const char *keyword);
struct schema_op *schema_op_add(struct schema_compiler *c, enum schema_code code, uint32_t types,
                                const char *keyword);
void schema_edge_add(struct schema_compiler *c, uint32_t to);
struct schema_regex *schema_pattern(struct schema_compiler *c, struct view text,
                                    const char *keyword, const struct json *node);
const char *schema_where(struct schema_compiler *c, const char *keyword);
/* A copy in the schema's arena that outlives the document. */
const struct json *schema_keep_json(struct schema_compiler *c, const struct json *node);
struct view schema_keep(struct schema_compiler *c, struct view text);
/* A whole number of at least 0; false when absent, or with the fault set. */
bool schema_kw_count(struct schema_compiler *c, const char *keyword, uint64_t *out);

#endif
