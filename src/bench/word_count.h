/* SPDX-License-Identifier: Apache-2.0 */
/* word_count.h: how often a word comes in a stream that is cut anywhere. For servers that put
 * several messages into one frame, or send messages of their own in between. Pure. */
#ifndef BENCH_WORD_COUNT_H
#define BENCH_WORD_COUNT_H

#include <stdint.h>

#include "base/view.h"

#define WORD_COUNT_BYTES_MAX 64

/* The end of what has come, one byte shorter than the word at most. All zero at first. */
struct word_count {
    uint8_t len;
    char tail[WORD_COUNT_BYTES_MAX - 1];
};

/* Occurrences that end in `bytes`, which follow what came before. They do not overlap. word: 1 to
 * WORD_COUNT_BYTES_MAX bytes, always the same. */
uint64_t word_count_feed(struct word_count *w, struct view word, struct view bytes);

#endif
