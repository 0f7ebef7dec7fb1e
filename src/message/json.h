/* SPDX-License-Identifier: Apache-2.0 */
/* json.h: one strict parser for messages, claims and API bodies (RFC 8259 + RFC 7493 I-JSON). Pure;
 * memory from an arena. Refused: duplicate member names, invalid UTF-8, lone surrogates (also as \u
 * escapes), a BOM, NaN and friends, control bytes in strings, anything behind the value, depth over
 * JSON_DEPTH_MAX, nodes over the given cap. Numbers keep their text. Linear in the input; names of
 * one object are compared by a seeded hash once it has many. */
#ifndef MESSAGE_JSON_H
#define MESSAGE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/view.h"

#define JSON_DEPTH_MAX 32
#define JSON_NODES_MAX 8192

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_type type;
    uint32_t count; /* elements or members */
    struct view
        text; /* string: decoded bytes; number: its exact text; array/object: the source text */
    struct view name;   /* decoded member name, when this node is a member */
    struct json *first; /* first element or member */
    struct json *next;  /* next sibling */
};

struct json_limits {
    uint32_t depth, nodes; /* 0: the maxima above */
};

/* Parses the whole of `text`. Views point into `text` or into the arena; both must outlive the
 * tree. E_INVALID (*error_at = byte offset of the fault), E_LIMIT (depth, nodes), E_NOMEM (arena
 * ceiling). */
int json_parse(struct json **root, struct view text, const struct json_limits *limits,
               struct arena *arena, size_t *error_at);

/* The member called `name`, or NULL (also when `object` is NULL or no object). */
const struct json *json_member(const struct json *object, struct view name);
/* The member as a string: false when absent or of another type. */
bool json_member_string(const struct json *object, struct view name, struct view *value);
/* A JSON number that is an integer in the range of int64 (fraction or exponent allowed if it
 * denotes one exactly). */
bool json_to_i64(const struct json *number, int64_t *value);
/* A finite double; false for overflow. */
bool json_to_double(const struct json *number, double *value);

#endif
