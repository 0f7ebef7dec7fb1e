/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h: is it UTF-8 (RFC 3629)? Incremental, fail-fast at the first byte that can no longer
 * become valid. Pure. */
#ifndef WIRE_UTF8_H
#define WIRE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_ACCEPT 0u /* state between code points; also the start state */

/* Feeds bytes; false as soon as they are invalid. *state is UTF8_ACCEPT if the text may end here.
 */
bool utf8_feed(uint32_t *state, const uint8_t *bytes, size_t len);
bool utf8_ok(const uint8_t *bytes, size_t len); /* whole text */
/* The longest prefix of at most `max` bytes that cuts no code point. `bytes` must be valid. */
size_t utf8_cut(const uint8_t *bytes, size_t len, size_t max);

#endif
