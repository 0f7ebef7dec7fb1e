/* SPDX-License-Identifier: Apache-2.0 */
/* option.h: options as rows: name, type, bounds, default, help. Parser, --help, docs and (later) reload are made from them. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/node.h"

enum option_type {
    OPTION_BOOL,     /* bool: true | false */
    OPTION_COUNT,    /* uint64_t: decimal, '_' not allowed */
    OPTION_BYTES,    /* uint64_t: 64KiB, 1MiB, 100KB, 512 (bytes) */
    OPTION_MS,       /* uint64_t milliseconds: 500ms, 30s, 5m, 12h, 1d; a bare number is refused with a suggestion */
    OPTION_TEXT,     /* char *, heap, owned by the struct */
    OPTION_ENUM,     /* int: index into choices */
    OPTION_SECTION,  /* a map that other rows (children) describe */
    OPTION_CUSTOM,   /* parsed by `custom` */
    OPTION_LATER     /* of the agreed contract, but not available in this version: any use but `harmless` is an error that says so */
};
struct option {
    const char *name;
    enum option_type type;
    size_t offset;                 /* into the target struct */
    uint64_t min, max;
    const char *fallback;          /* default, in the syntax of the file; NULL = zero */
    const char *help;
    const char *const *choices;    /* OPTION_ENUM, NULL-terminated */
    const struct option *children; /* OPTION_SECTION */
    int (*custom)(struct node *value, void *target, struct problems *problems);
    const char *harmless;          /* OPTION_LATER: a value that changes nothing and is accepted */
};
/* Reads `map` by `rows` (terminated by a row without a name) into target: defaults first, then what is written. Unknown keys
 * are reported with a suggestion. map may be NULL: only defaults. */
void options_read(const struct option *rows, struct node *map, void *target, struct problems *problems);
/* Frees every OPTION_TEXT of the rows. */
void options_clear(const struct option *rows, void *target);
/* One scalar helpers, for custom rows. They report and return false. */
bool option_bytes(struct node *value, uint64_t min, uint64_t max, uint64_t *out, struct problems *problems);
bool option_ms(struct node *value, uint64_t min, uint64_t max, uint64_t *out, struct problems *problems);
bool option_text(struct node *value, char **out, struct problems *problems);
/* "  name  type  default  help" lines for --help and docs/config.md. */
void options_print(const struct option *rows, const char *prefix, FILE *to);

#endif
