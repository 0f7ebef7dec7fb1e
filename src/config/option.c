/* SPDX-License-Identifier: Apache-2.0 */
/* option.c: walks a table of rows and a map side by side. Values of single scalars are in
 * option_value.c, the listing for people in option_print.c. */
#include "config/option.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

#define ROWS_MAX 64 /* of one table; ours */

static void report_unknown(const struct option *rows, const struct node *member,
                           struct problems *problems)
{
    const char *names[ROWS_MAX + 1] = {NULL};
    size_t count = 0;

    for (const struct option *row = rows; row->name != NULL && count < ROWS_MAX; row++)
        names[count++] = row->name;
    problems_add(problems, member->key_line, member->key_column, "unknown key `%s`%s",
                 problem_word(member->key).text, problems_suggestion(member->key, names).text);
}

static bool is_harmless(const struct option *row, const struct node *value)
{
    if (row->harmless == NULL)
        return false;
    if (strcmp(row->harmless, "[]") == 0)
        return value->type == NODE_LIST && value->count == 0;
    return value->type == NODE_SCALAR && view_eq(value->text, view_of_text(row->harmless));
}

static void read_later(const struct option *row, const struct node *value,
                       struct problems *problems)
{
    if (is_harmless(row, value))
        return;
    problems_add(problems, value->key_line, value->key_column,
                 "`%s` is not available in this version%s%s", row->name,
                 row->harmless != NULL ? "; the only value it takes is " : ": remove it",
                 row->harmless != NULL ? row->harmless : "");
}

static void read_count(const struct option *row, struct node *value, void *field,
                       struct problems *problems)
{
    uint64_t number = 0;

    if (option_count(value, row->min, row->max, &number, problems))
        *(uint64_t *)field = number;
}

static void read_text(struct node *value, char **field, struct problems *problems)
{
    char *text = NULL;

    if (!option_text(value, &text, problems))
        return;
    free(*field);
    *field = text;
}

static void read_value(const struct option *row, struct node *value, void *target,
                       struct problems *problems)
{
    void *field = (char *)target + row->offset;

    switch (row->type) {
    case OPTION_BOOL:
        (void)option_bool(value, field, problems);
        break;
    case OPTION_COUNT:
        read_count(row, value, field, problems);
        break;
    case OPTION_BYTES:
        (void)option_bytes(value, row->min, row->max, field, problems);
        break;
    case OPTION_MS:
        (void)option_ms(value, row->min, row->max, field, problems);
        break;
    case OPTION_TEXT:
        read_text(value, field, problems);
        break;
    case OPTION_ENUM:
        (void)option_choice(value, row->choices, field, problems);
        break;
    case OPTION_SECTION:
        options_read(row->children, value, target, problems);
        break;
    case OPTION_CUSTOM:
        (void)row->custom(value, target, problems);
        break;
    case OPTION_LATER:
        read_later(row, value, problems);
        break;
    }
}

/* A default is read like a line of the file, so it cannot drift away from what the file would mean.
 */
static void read_fallback(const struct option *row, void *target, struct problems *problems)
{
    struct document *doc = NULL;

    if (row->type == OPTION_SECTION) {
        options_read(row->children, NULL, target, problems);
        return;
    }
    if (row->fallback == NULL || row->type == OPTION_LATER)
        return;
    if (document_parse(&doc, view_of_text(row->fallback), problems) == OK)
        read_value(row, document_root(doc), target, problems);
    document_free(doc);
}

void options_read(const struct option *rows, struct node *map, void *target,
                  struct problems *problems)
{
    if (map != NULL && map->type != NODE_MAP) {
        problems_add(problems, map->line, map->column, "`%s` must hold `key: value` lines%s",
                     map->key.len > 0 ? problem_word(map->key).text : "this",
                     map->type == NODE_NULL ? "; it is empty: fill it or remove it" : "");
        map = NULL;
    }
    for (const struct option *row = rows; row->name != NULL; row++) {
        struct node *value = node_member(map, row->name);

        /* What is written replaces a scalar, but a custom row may collect: then only one of the two
         * may run. */
        if (value == NULL || (row->type != OPTION_SECTION && row->type != OPTION_CUSTOM))
            read_fallback(row, target, problems);
        if (value != NULL)
            read_value(row, value, target, problems);
    }
    if (map == NULL)
        return;
    for (const struct node *member = map->first; member != NULL; member = member->next)
        if (!member->is_used)
            report_unknown(rows, member, problems);
}

void options_clear(const struct option *rows, void *target)
{
    for (const struct option *row = rows; row->name != NULL; row++) {
        if (row->type == OPTION_SECTION) {
            options_clear(row->children, target);
        } else if (row->type == OPTION_TEXT) {
            char **field = (char **)(void *)((char *)target + row->offset);

            free(*field);
            *field = NULL;
        }
    }
}
