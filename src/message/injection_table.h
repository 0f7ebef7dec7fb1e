/* SPDX-License-Identifier: Apache-2.0 */
/* injection_table.h: the signs that injection_signs knows, for injection_signs.c alone. */
#ifndef MESSAGE_INJECTION_TABLE_H
#define MESSAGE_INJECTION_TABLE_H

#include "message/injection.h"

/* A pattern is in lower case and matches any case. A space in it stands for one or more blanks, and
 * these stand for: */
#define MAYBE  "\1" /* blanks, or none */
#define QUOTE  "\2" /* ' or " */
#define NUMBER "\3" /* decimal digits */
/* A blank is white space, `+`, `%20`, or a comment of SQL. A pattern that begins or ends with a
 * letter matches whole words only. A pattern begins with a character or QUOTE. */

#define INJECTION_SIGNS_MAX 320

struct injection_sign {
    enum injection_family family;
    unsigned weight; /* counts once a text */
    const char *pattern;
};

extern const struct injection_sign injection_table[];
extern const size_t injection_table_count;

#endif
