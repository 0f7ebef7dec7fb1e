/* SPDX-License-Identifier: Apache-2.0 */
/* error.h: a text for a human, with the place it speaks of. For configuration and start-up only. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

struct error {
    char text[512];
    int line, column; /* 1-based; 0 where there is no place */
};

/* Formats into e->text (truncating) and clears the place. `e` may be NULL: then nothing happens. */
void error_set(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
