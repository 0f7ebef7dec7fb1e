/* SPDX-License-Identifier: Apache-2.0 */
/* option.h: options as rows: name, type, bounds, default, help. Parser, --help, docs and (later)
 * reload are made from them. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/node.h"

enum option_type {
    OPTION_BOOL,  /* bool: true | false */
    OPTION_COUNT, /* uint64_t: decimal, '_' not allowed */
    OPTION_BYTES, /* uint64_t: 64KiB, 1MiB, 100KB, 512 (bytes) */
    OPTION_MS,    /* uint64_t milliseconds: 500ms, 30s, 5m, 12h, 1d; a bare number is refused with a
                     suggestion */
    OPTION_TEXT,  /* char *, heap, owned by the struct */
    OPTION_ENUM,  /* int: index into choices */
    OPTION_SECTION, /* a map that other rows (children) describe */
    OPTION_CUSTOM,  /* parsed by `custom` */
    OPTION_LATER    /* of the agreed contract, but not available in this version: any use but
                       `harmless` is an error that says so */
};
struct option {
    const char *name;
    enum option_type type;
    size_t offset;        /* into the target struct */
    uint64_t min, max;    /* of numbers, sizes, times; max 0: no upper bound */
    const char *fallback; /* default, in the syntax of the file; NULL = zero */
    const char *help;
    const char *const *choices;    /* OPTION_ENUM, NULL-terminated */
    const struct option *children; /* OPTION_SECTION: same target. OPTION_CUSTOM: the rows of one
                                      list entry, for the listing */
    /* OPTION_CUSTOM: reports its faults itself. target is the struct, not a field of it. Called
     * once: with the fallback, if there is one, when the key is absent; nodes do not outlive the
     * call then. */
    int (*custom)(struct node *value, void *target, struct problems *problems);
    bool is_map;          /* OPTION_CUSTOM with children: its entries have names, for the listing */
    const char *harmless; /* OPTION_LATER: a value that changes nothing and is accepted */
};
/* Reads `map` by `rows` (terminated by a row without a name) into target: defaults first, then what
 * is written. Unknown keys are reported with a suggestion. map may be NULL: only defaults. */
void options_read(const struct option *rows, struct node *map, void *target,
                  struct problems *problems);
/* Frees every OPTION_TEXT of the rows. */
void options_clear(const struct option *rows, void *target);
/* One scalar each, for custom rows: they report and return false, and leave *out alone then. max 0:
 * no upper bound. */
bool option_bool(struct node *value, bool *out, struct problems *problems);
bool option_count(struct node *value, uint64_t min, uint64_t max, uint64_t *out,
                  struct problems *problems);
bool option_bytes(struct node *value, uint64_t min, uint64_t max, uint64_t *out,
                  struct problems *problems);
bool option_ms(struct node *value, uint64_t min, uint64_t max, uint64_t *out,
               struct problems *problems);
/* A heap copy, never empty, without control characters; at most OPTION_TEXT_MAX bytes. */
#define OPTION_TEXT_MAX 4096
bool option_text(struct node *value, char **out, struct problems *problems);
bool option_choice(struct node *value, const char *const *choices, int *out,
                   struct problems *problems);
/* A list of at most `max` entries, or a report that says how one is written. */
bool option_is_list(const struct node *value, uint32_t max, struct problems *problems);
/* "  name  type  default  help" lines for --help and docs/config.md. */
void options_print(const struct option *rows, const char *prefix, FILE *to);

#endif
