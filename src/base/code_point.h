/* SPDX-License-Identifier: Apache-2.0 */
/* code_point.h: one Unicode code point at a time, for text that people will look at. Pure.
 * Whole-message validation is wire/utf8.h, which is faster and takes splits. */
#ifndef BASE_CODE_POINT_H
#define BASE_CODE_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes (1..4) of the well-formed code point at `bytes` (RFC 3629: no surrogates, no overlong
 * forms, at most U+10FFFF), or 0 if there is none there. left must be at least 1. */
size_t code_point_decode(const uint8_t *bytes, size_t left, uint32_t *value);
/* C0, DEL, C1, U+2028, U+2029 and the bidi controls: what moves or hides the text around it. */
bool code_point_is_control(uint32_t value);

#endif
