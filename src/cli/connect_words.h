/* SPDX-License-Identifier: Apache-2.0 */
/* connect_words.h: the few words of the native protocol (docs/protocol.md) that `gateward connect`
 * says and knows. Pure. */
#ifndef CLI_CONNECT_WORDS_H
#define CLI_CONNECT_WORDS_H

#include <stdbool.h>

#include "base/buf.h"

#define CONNECT_WORDS_MAX ((size_t)64 * 1024)

/* Each fills an empty `out`. E_LIMIT, E_NOMEM. */
int connect_words_auth(struct buf *out, struct view token);
int connect_words_subscribe(struct buf *out, struct view channel);
/* Is it a JSON object whose type is "welcome"? */
bool connect_words_are_welcome(struct view message);

#endif
