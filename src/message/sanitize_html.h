/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize_html.h: the two kinds that need an HTML parser, for sanitize.c alone. */
#ifndef MESSAGE_SANITIZE_HTML_H
#define MESSAGE_SANITIZE_HTML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/view.h"

/* strip, or allow with `does_allow`. Errors as sanitize_text. */
int sanitize_html(struct view *out, struct view text, bool does_allow, struct arena *arena);

/* May a link lead to `url`, as it is once references are decoded? Absolute http, https or mailto,
 * no blanks, controls, quotes, brackets or backslashes, no user before the host. *scheme is ours,
 * in lower case with its colon; *rest is what follows it. */
bool sanitize_link(struct view url, struct view *scheme, struct view *rest);

/* Controls (but tab, newline, form feed and return) and noncharacters: the parser turns them into
 * U+FFFD when they stand in a text, but not when a reference names them. */
bool sanitize_is_odd(uint32_t code_point);

/* Is the text within what the parser handles in bounded time? */
bool sanitize_is_modest(struct view text);

#endif
