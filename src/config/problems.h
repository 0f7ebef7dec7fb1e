/* SPDX-License-Identifier: Apache-2.0 */
/* problems.h: every fault of a configuration, collected so that all are told at once, as
 * file:line:col: text. */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/view.h"

#define PROBLEMS_MAX 100
struct problem {
    int line, column;
    char text[400];
};
struct problems {
    const char *file;
    struct problem *items;
    unsigned count, errors; /* errors counts past PROBLEMS_MAX too */
};
/* `file` is only printed and must outlive p. */
void problems_init(struct problems *p, const char *file);
void problems_clear(struct problems *p);
void problems_add(struct problems *p, int line, int column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Sorted by line; "file:line:col: text\n" each. */
void problems_print(struct problems *p, FILE *to);
/* The entry of `names` (NULL-terminated) nearest to `word`, or NULL if none is near: for "did you
 * mean ...?". */
const char *problems_nearest(const char *word, size_t word_bytes, const char *const *names);

/* Words of a file inside a message: at most 60 bytes, no control bytes. problem_word(v).text lives
 * as long as the expression's statement. */
struct problem_word {
    char text[80];
};
struct problem_word problem_word(struct view v);
/* " (did you mean `x`?)" or "". */
struct problem_word problems_suggestion(struct view word, const char *const *names);

#endif
