/* SPDX-License-Identifier: Apache-2.0 */
/* schema_regex_automaton.h: positions of an expression and what may follow each, as sets of bits.
 * For the files schema_regex*.c alone. */
#ifndef MESSAGE_SCHEMA_REGEX_AUTOMATON_H
#define MESSAGE_SCHEMA_REGEX_AUTOMATON_H

#include "message/schema_regex_ast.h"

#define REGEX_POSITIONS_MAX 16384

struct regex_wide {
    const struct regex_range *ranges;
    uint32_t count, position;
};

struct regex_automaton {
    uint32_t positions, words; /* words of 64 bits in a set of positions */
    bool is_always;            /* matches every text */
    uint32_t restart_words;    /* of `restart`, up to the last that is not empty */
    uint64_t *ascii;           /* for each byte below 128 the positions that take it */
    uint64_t *start;           /* what waits for the first code point */
    uint64_t *restart;         /* what waits everywhere */
    uint64_t *final;           /* once one of these has taken something, the text matches */
    uint64_t *end_final;       /* the same, for those that wait for the end */
    uint8_t *is_final;
    uint32_t *follow_at; /* where each position's list begins in `follow`; one more at the end */
    uint16_t *follow;
    uint64_t *follow_bits;   /* the lists as sets, where there is one word only */
    struct regex_wide *wide; /* positions that take more than ASCII */
    uint32_t wide_count;
};

#endif
