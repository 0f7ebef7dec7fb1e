/* SPDX-License-Identifier: Apache-2.0 */
/* json_encode.h: a tree back to JSON text, compact, in the order of the tree. Numbers keep their
 * exact text. For trees that were changed after json_parse, whose source text is no longer theirs.
 * Pure; memory from an arena; no recursion. */
#ifndef MESSAGE_JSON_ENCODE_H
#define MESSAGE_JSON_ENCODE_H

#include "base/arena.h"
#include "message/json.h"

enum json_style {
    JSON_STYLE_PLAIN,    /* escaped is what RFC 8259 section 7 demands: `"`, `\` and C0 controls */
    JSON_STYLE_HTML_SAFE /* `<`, `>`, `&`, U+2028 and U+2029 too: fit for a <script> in a page */
};

/* The text of the tree. E_LIMIT (deeper than JSON_DEPTH_MAX), E_NOMEM (arena ceiling). */
int json_encode(struct view *out, const struct json *root, enum json_style style,
                struct arena *arena);
/* Writes the tree anew and makes the `text` of every array and object in it a view into that, so
 * that whoever copies the text of a container copies what the tree says now. Errors as above;
 * nothing changes then. */
int json_refresh(struct json *root, enum json_style style, struct arena *arena);

#endif
