/* SPDX-License-Identifier: Apache-2.0 */
/* schema_lint.h: what a JSON Schema forgets to say. Pure. */
#ifndef MESSAGE_SCHEMA_LINT_H
#define MESSAGE_SCHEMA_LINT_H

#include "message/json.h"

#define SCHEMA_LINT_POINTER_MAX 256

/* The first object of a message that may have members which the schema does not name, as it has
 * neither `additionalProperties` nor `unevaluatedProperties`: its place in the schema, as a JSON
 * pointer ("" is the message itself; a long one ends in "..."). Objects that are put together by
 * $ref, allOf and the like are not judged. */
bool schema_find_open(const struct json *schema, char pointer[SCHEMA_LINT_POINTER_MAX]);

#endif
