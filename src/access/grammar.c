/* SPDX-License-Identifier: Apache-2.0 */
/* The byte classes as a table: one load a byte on the message path, and nothing that a locale could
 * change. */
#include "access/grammar.h"

#define BOTH (GRAMMAR_ID | GRAMMAR_SEGMENT)

const uint8_t grammar_table[256] = {
    ['0' ... '9'] = BOTH, ['A' ... 'Z'] = BOTH, ['a' ... 'z'] = BOTH,
    ['_'] = BOTH,         ['-'] = BOTH,         ['.'] = GRAMMAR_SEGMENT,
};

bool grammar_is_id(struct view v)
{
    size_t i;

    for (i = 0; i < v.len; i++) {
        if (!grammar_has(v.ptr[i], GRAMMAR_ID))
            return false;
    }
    return true;
}
