/* SPDX-License-Identifier: Apache-2.0 */
/* grammar.h: the byte classes of ids and channel names. Private to access/. Pure, no locale. */
#ifndef ACCESS_GRAMMAR_H
#define ACCESS_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum grammar_class {
    GRAMMAR_ID = 1,     /* [A-Za-z0-9_-]: user ids, role names, what a variable binds */
    GRAMMAR_SEGMENT = 2 /* [A-Za-z0-9_.-]: one segment of a channel name */
};

/* One byte of enum grammar_class bits for each input byte. */
extern const uint8_t grammar_table[256];

static inline bool grammar_has(char c, enum grammar_class wanted)
{
    return (grammar_table[(uint8_t)c] & wanted) != 0;
}

/* Whether every byte is of GRAMMAR_ID. True for the empty view: the length is the caller's
 * question. */
bool grammar_is_id(struct view v);

#endif
