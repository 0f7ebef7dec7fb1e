/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h: RFC 4648. Pure. Decoding accepts no blank, no line end, nothing behind the end. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

#define BASE64_BYTES(n) (((n) + 2) / 3 * 4)

/* Standard alphabet, padded. out holds BASE64_BYTES(len). Returns the length written. No NUL is
 * added. */
size_t base64_encode(char *out, const void *bytes, size_t len);
/* URL alphabet without padding. */
size_t base64url_encode(char *out, const void *bytes, size_t len);
/* Strict URL alphabet, no padding, canonical trailing bits (RFC 7515 section 2). out must hold 3 *
 * (text.len / 4) + 3. Returns the bytes decoded or E_INVALID. */
long base64url_decode(void *out, struct view text);
/* Standard alphabet with padding; trailing bits need not be zero (the key of RFC 6455 section 4.1
 * is not canonical). */
long base64_decode(void *out, struct view text);

#endif
