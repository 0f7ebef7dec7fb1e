/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.h: the tokens of JSON, for json.c alone. On failure `ptr` stands at the fault. */
#ifndef MESSAGE_JSON_SCAN_H
#define MESSAGE_JSON_SCAN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/view.h"

struct json_scan {
    const char *start, *ptr, *end;
    struct arena *arena;
    char *decoded; /* where the next string with escapes is written; NULL until the first one */
};

/* The string whose opening quote is just behind us, up to and over the closing one. E_INVALID,
 * E_NOMEM. */
int json_scan_string(struct json_scan *s, struct view *out);
/* RFC 8259 section 6; false when there is no number here. */
bool json_scan_number(struct json_scan *s, struct view *out);

#endif
