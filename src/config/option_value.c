/* SPDX-License-Identifier: Apache-2.0 */
/* option_value.c: one scalar at a time: booleans, numbers, sizes, times, words. A value that could
 * be read in two ways is refused with what to write instead; nothing is guessed. */
#include "config/option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

struct unit {
    const char *name;
    uint64_t factor;
};
static const struct unit byte_units[] = {
    {"B", 1},      {"KB", 1000},         {"MB", 1000 * 1000},         {"GB", 1000 * 1000 * 1000},
    {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}, {NULL, 0},
};
static const struct unit time_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 60 * 60 * 1000},
    {NULL, 0},
};

static struct problem_word name_of(const struct node *value)
{
    return problem_word(value->key.len > 0 ? value->key : VIEW("value"));
}

/* A scalar is wanted; anything else is told apart. */
static bool is_scalar(const struct node *value, const char *wanted, struct problems *problems)
{
    static const char *const found[] = {[NODE_NULL] = "nothing (null)",
                                        [NODE_SCALAR] = "text",
                                        [NODE_LIST] = "a list",
                                        [NODE_MAP] = "a map"};

    if (value->type == NODE_SCALAR)
        return true;
    problems_add(problems, value->line, value->column, "`%s` must be %s, not %s",
                 name_of(value).text, wanted, found[value->type]);
    return false;
}

static bool refuse(const struct node *value, const char *what, const char *hint,
                   struct problems *problems)
{
    if (value->key.len > 0)
        problems_add(problems, value->line, value->column, "`%s`: `%s` is not %s%s",
                     name_of(value).text, problem_word(value->text).text, what, hint);
    else
        problems_add(problems, value->line, value->column, "`%s` is not %s%s",
                     problem_word(value->text).text, what, hint);
    return false;
}

bool option_bool(struct node *value, bool *out, struct problems *problems)
{
    static const char *const yes[] = {"yes",  "Yes",  "YES", "on", "On", "ON",
                                      "True", "TRUE", "y",   "1",  NULL};
    static const char *const no[] = {"no",    "No",    "NO", "off", "Off", "OFF",
                                     "False", "FALSE", "n",  "0",   NULL};
    const char *hint = ": write true or false";

    if (!is_scalar(value, "true or false", problems))
        return false;
    if (!value->is_quoted &&
        (view_eq(value->text, VIEW("true")) || view_eq(value->text, VIEW("false")))) {
        *out = view_eq(value->text, VIEW("true"));
        return true;
    }
    for (size_t i = 0; yes[i] != NULL; i++)
        if (view_eq(value->text, view_of_text(yes[i])))
            hint = " (did you mean `true`?)";
    for (size_t i = 0; no[i] != NULL; i++)
        if (view_eq(value->text, view_of_text(no[i])))
            hint = " (did you mean `false`?)";
    if (value->is_quoted)
        hint = ": write true or false, without quotes";
    return refuse(value, "a truth value", hint, problems);
}

/* The biggest unit that divides the number, so that a bound reads as it would be written: 1048576
 * -> 1MiB. */
static void unit_text(char *out, size_t out_bytes, uint64_t number, const struct unit *units)
{
    const struct unit *best = NULL;

    for (const struct unit *u = units; u != NULL && u->name != NULL; u++)
        if (number > 0 && number % u->factor == 0 && (best == NULL || u->factor > best->factor))
            best = u;
    if (best == NULL && units != NULL)
        best = &units[units == time_units ? 1 : 0];
    (void)snprintf(out, out_bytes, "%" PRIu64 "%s",
                   best != NULL && number > 0 ? number / best->factor : number,
                   best != NULL && best->factor != 0 ? best->name : "");
}

static bool in_range(const struct node *value, uint64_t number, const struct option *bounds,
                     const struct unit *units, struct problems *problems)
{
    char least[32], most[32];

    if (number >= bounds->min && (bounds->max == 0 || number <= bounds->max))
        return true;
    unit_text(least, sizeof(least), bounds->min, units);
    unit_text(most, sizeof(most), bounds->max, units);
    if (bounds->max != 0)
        problems_add(problems, value->line, value->column, "`%s`: %s is out of range: %s to %s",
                     name_of(value).text, problem_word(value->text).text, least, most);
    else
        problems_add(problems, value->line, value->column, "`%s`: %s is too small: at least %s",
                     name_of(value).text, problem_word(value->text).text, least);
    return false;
}

bool option_count(struct node *value, uint64_t min, uint64_t max, uint64_t *out,
                  struct problems *problems)
{
    struct option bounds = {.min = min, .max = max};
    uint64_t number = 0;

    if (!is_scalar(value, "a whole number", problems))
        return false;
    if (value->is_quoted)
        return refuse(value, "a number", ": remove the quotes", problems);
    if (!num_parse_u64(value->text, UINT64_MAX, &number))
        return refuse(value, "a whole number", ": digits only", problems);
    if (!in_range(value, number, &bounds, NULL, problems))
        return false;
    *out = number;
    return true;
}

/* "64KiB" -> 65536. A number without a unit is taken as it is where allows_bare; 0 needs none. */
static bool parse_united(struct view text, const struct unit *units, bool allows_bare,
                         uint64_t *out)
{
    size_t digits = 0;
    struct view unit;
    uint64_t number = 0;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    if (!num_parse_u64(view_of(text.ptr, digits), UINT64_MAX, &number))
        return false;
    unit = view_of(text.ptr + digits, text.len - digits);
    if (unit.len == 0 && number != 0 && !allows_bare)
        return false;
    if (unit.len == 0) {
        *out = number;
        return true;
    }
    for (const struct unit *u = units; u->name != NULL; u++) {
        if (!view_eq(unit, view_of_text(u->name)))
            continue;
        if (number > UINT64_MAX / u->factor)
            return false;
        *out = number * u->factor;
        return true;
    }
    return false;
}

bool option_bytes(struct node *value, uint64_t min, uint64_t max, uint64_t *out,
                  struct problems *problems)
{
    struct option bounds = {.min = min, .max = max};
    uint64_t number = 0;

    if (!is_scalar(value, "a size such as 64KiB", problems))
        return false;
    if (!parse_united(value->text, byte_units, true, &number))
        return refuse(value, "a size",
                      ": write 64KiB, 1MiB (1024s), 100KB, 1MB (1000s), or plain bytes", problems);
    if (!in_range(value, number, &bounds, byte_units, problems))
        return false;
    *out = number;
    return true;
}

bool option_ms(struct node *value, uint64_t min, uint64_t max, uint64_t *out,
               struct problems *problems)
{
    struct option bounds = {.min = min, .max = max};
    uint64_t number = 0;
    char hint[64];

    if (!is_scalar(value, "a time such as 30s", problems))
        return false;
    if (num_parse_u64(value->text, UINT32_MAX, &number) && number != 0) {
        (void)snprintf(hint, sizeof(hint), ": the unit is missing (did you mean `%" PRIu64 "s`?)",
                       number);
        return refuse(value, "a time", hint, problems);
    }
    if (!parse_united(value->text, time_units, false, &number))
        return refuse(value, "a time", ": write 500ms, 30s, 5m, 12h or 1d", problems);
    if (!in_range(value, number, &bounds, time_units, problems))
        return false;
    *out = number;
    return true;
}

bool option_text(struct node *value, char **out, struct problems *problems)
{
    char *copy;

    if (!is_scalar(value, "text", problems))
        return false;
    if (value->text.len == 0)
        return refuse(value, "a value", ": it is empty", problems);
    if (value->text.len > OPTION_TEXT_MAX)
        return refuse(value, "short enough", ": at most 4096 bytes", problems);
    for (size_t i = 0; i < value->text.len; i++) {
        unsigned char c = (unsigned char)value->text.ptr[i];

        if (c < 0x20 || c == 0x7f)
            return refuse(value, "one line of text", ": it holds a control character", problems);
    }
    copy = view_dup(value->text);
    if (copy == NULL) {
        problems_add(problems, value->line, value->column, "out of memory");
        return false;
    }
    *out = copy;
    return true;
}

/* "a, b or c" of a choice list. */
static void choices_text(char *out, size_t out_bytes, const char *const *choices)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; choices[i] != NULL && used < out_bytes; i++) {
        const char *between = i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ";
        int n = snprintf(out + used, out_bytes - used, "%s%s", between, choices[i]);

        used += n > 0 ? (size_t)n : 0;
    }
}

bool option_choice(struct node *value, const char *const *choices, int *out,
                   struct problems *problems)
{
    char list[160];
    char hint[280];

    choices_text(list, sizeof(list), choices);
    if (!is_scalar(value, list, problems))
        return false;
    for (int i = 0; choices[i] != NULL; i++) {
        if (view_eq(value->text, view_of_text(choices[i]))) {
            *out = i;
            return true;
        }
    }
    (void)snprintf(hint, sizeof(hint), ": %s%s", list,
                   problems_suggestion(value->text, choices).text);
    return refuse(value, "one of the choices", hint, problems);
}

bool option_is_list(const struct node *value, uint32_t max, struct problems *problems)
{
    if (value->type != NODE_LIST) {
        problems_add(problems, value->line, value->column,
                     "`%s` must be a list: [a, b], or lines that begin with `- `",
                     name_of(value).text);
        return false;
    }
    if (value->count > max) {
        problems_add(problems, value->line, value->column,
                     "`%s` has %" PRIu32 " entries: at most %" PRIu32, name_of(value).text,
                     value->count, max);
        return false;
    }
    return true;
}
