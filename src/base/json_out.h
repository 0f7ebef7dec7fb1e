/* SPDX-License-Identifier: Apache-2.0 */
/* json_out.h: JSON text on a wr. Every byte a stranger chose is escaped: the output is always valid
 * UTF-8 JSON on one line. Invalid UTF-8 becomes U+FFFD; C0 controls, DEL, C1, U+2028, U+2029 and
 * the bidi controls (U+061C, U+200E/F, U+202A-E, U+2066-9) become \uXXXX; `<`, `>` and `&` become
 * \u00xx so that the text is safe inside HTML too. Pure. */
#ifndef BASE_JSON_OUT_H
#define BASE_JSON_OUT_H

#include <stdint.h>

#include "base/wr.h"

/* A quoted string. At most `max_bytes` bytes of v are taken (cut on a code point, then "..." is
 * added); 0 means all. */
void json_out_string(struct wr *w, struct view v, size_t max_bytes);
/* `"key":` with a comma before it unless it is the first member of its object. `key` is ours and
 * needs no escaping. */
void json_out_key(struct wr *w, const char *key);
void json_out_member(struct wr *w, const char *key, struct view value);
void json_out_member_u64(struct wr *w, const char *key, uint64_t value);
void json_out_open(struct wr *w);  /* { */
void json_out_close(struct wr *w); /* } */

#endif
