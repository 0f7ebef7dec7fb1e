/* SPDX-License-Identifier: Apache-2.0 */
/* json_pointer.h: RFC 6901. Pure, no allocation: what is compared is unescaped on the way. */
#ifndef MESSAGE_JSON_POINTER_H
#define MESSAGE_JSON_POINTER_H

#include "message/json.h"

/* "" or reference tokens with a / before each; ~ only as ~0 and ~1. */
bool json_pointer_ok(struct view pointer);
/* The value `pointer` names in the document, or NULL: no such place, or no pointer. An array's
 * index has no leading zeros; "-" names nothing. */
const struct json *json_pointer_get(const struct json *root, struct view pointer);
/* A claim of the configuration: a member's name, or a pointer where it begins with a slash. */
const struct json *json_claim(const struct json *claims, struct view name_or_pointer);

#endif
