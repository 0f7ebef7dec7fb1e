/* SPDX-License-Identifier: Apache-2.0 */
/* option_print.c: the rows as lines for people. What the reference says and what the program reads
 * come from one table. */
#include "config/option.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX 128
#define TYPE_BYTES     14
#define FALLBACK_BYTES 11

static const char *type_text(const struct option *row)
{
    switch (row->type) {
    case OPTION_BOOL:
        return "true | false";
    case OPTION_COUNT:
        return "number";
    case OPTION_BYTES:
        return "size";
    case OPTION_MS:
        return "time";
    case OPTION_TEXT:
        return "text";
    case OPTION_CUSTOM:
        return row->is_map ? "map" : row->children != NULL ? "list" : "see meaning";
    case OPTION_LATER:
        return "not yet";
    case OPTION_ENUM:
    case OPTION_SECTION:
        break;
    }
    return "";
}

/* "read | write" */
static void choices_text(char *out, size_t out_bytes, const char *const *choices)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; choices[i] != NULL && used < out_bytes; i++) {
        int n = snprintf(out + used, out_bytes - used, "%s%s", i > 0 ? " | " : "", choices[i]);

        used += n > 0 ? (size_t)n : 0;
    }
}

/* What is too long for its column stands in the last one. */
static void print_row(const char *name, const struct option *row, FILE *to)
{
    const char *type = type_text(row), *fallback = row->fallback != NULL ? row->fallback : "-";
    bool is_long_type = false, is_long_fallback = strlen(fallback) > FALLBACK_BYTES;
    char choices[128] = "";

    if (row->type == OPTION_ENUM) {
        choices_text(choices, sizeof(choices), row->choices);
        is_long_type = strlen(choices) > TYPE_BYTES;
        type = is_long_type ? "word" : choices;
    }
    (void)fprintf(to, "  %-32s  %-*s  %-*s  ", name, TYPE_BYTES, type, FALLBACK_BYTES,
                  is_long_fallback ? "see meaning" : fallback);
    if (is_long_type)
        (void)fprintf(to, "%s: ", choices);
    (void)fputs(row->help != NULL ? row->help : "", to);
    if (is_long_fallback)
        (void)fprintf(to, "; absent: %s", fallback);
    (void)fputc('\n', to);
}

void options_print(const struct option *rows, const char *prefix, FILE *to)
{
    char name[NAME_BYTES_MAX];

    for (const struct option *row = rows; row->name != NULL; row++) {
        if (row->type == OPTION_SECTION) {
            (void)snprintf(name, sizeof(name), "%s%s.", prefix, row->name);
            options_print(row->children, name, to);
            continue;
        }
        (void)snprintf(name, sizeof(name), "%s%s", prefix, row->name);
        print_row(name, row, to);
        if (row->type == OPTION_CUSTOM && row->children != NULL) {
            (void)snprintf(name, sizeof(name), row->is_map ? "%s%s.<name>." : "%s%s[].", prefix,
                           row->name);
            options_print(row->children, name, to);
        }
    }
}
