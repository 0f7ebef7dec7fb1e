/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h: bytes of strangers on a terminal. Control bytes and what moves or hides the text
 * around it are written as \x1b or \u202e, bytes that are not UTF-8 as \xff, so that no server
 * drives the terminal. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdio.h>

#include "base/view.h"

void terminal_put(FILE *to, struct view text);
/* The same, with `secret` (may be empty) shown as [redacted] wherever it stands. */
void terminal_put_redacted(FILE *to, struct view text, struct view secret);

#endif
