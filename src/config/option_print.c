/* SPDX-License-Identifier: Apache-2.0 */
/* option_print.c: the rows as lines for people. What the reference says and what the program reads come from one table. */
#include "config/option.h"

#include <stdio.h>

#define NAME_BYTES_MAX 128

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
        return row->children != NULL ? "list" : "see meaning";
    case OPTION_LATER:
        return "not yet";
    case OPTION_ENUM:
    case OPTION_SECTION:
        break;
    }
    return "";
}

static void print_type(const struct option *row, FILE *to)
{
    char text[64];
    size_t used = 0;

    if (row->type != OPTION_ENUM) {
        (void)fprintf(to, "  %-14s", type_text(row));
        return;
    }
    text[0] = '\0';
    for (size_t i = 0; row->choices[i] != NULL && used < sizeof(text); i++) {
        int n = snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " | " : "", row->choices[i]);

        used += n > 0 ? (size_t)n : 0;
    }
    (void)fprintf(to, "  %-14s", text);
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
        (void)fprintf(to, "  %-32s", name);
        print_type(row, to);
        (void)fprintf(to, "  %-10s  %s\n", row->fallback != NULL ? row->fallback : "-", row->help != NULL ? row->help : "");
        if (row->type == OPTION_CUSTOM && row->children != NULL) {
            (void)snprintf(name, sizeof(name), "%s%s[].", prefix, row->name);
            options_print(row->children, name, to);
        }
    }
}
