/* SPDX-License-Identifier: Apache-2.0 */
/* problems.c: the list of faults, and the search for the word that somebody meant. Nothing here
 * knows YAML. */
#include "config/problems.h"

#include <stdlib.h>
#include <string.h>

#include "base/code_point.h"

#define WORD_BYTES_MAX                                                                             \
    48 /* longer words get no suggestion: the search is quadratic in their length */
#define SHOWN_BYTES_MAX 60

void problems_init(struct problems *p, const char *file)
{
    p->file = file;
    p->items = NULL;
    p->count = 0;
    p->errors = 0;
}

void problems_clear(struct problems *p)
{
    free(p->items);
    p->items = NULL;
    p->count = 0;
    p->errors = 0;
}

void problems_add(struct problems *p, int line, int column, const char *format, ...)
{
    struct problem *item;
    va_list args;

    p->errors++;
    if (p->items == NULL)
        p->items = calloc(PROBLEMS_MAX, sizeof(*p->items));
    if (p->items == NULL || p->count >= PROBLEMS_MAX)
        return; /* still counted: the file is refused either way */
    item = &p->items[p->count++];
    item->line = line;
    item->column = column;
    va_start(args, format);
    (void)vsnprintf(item->text, sizeof(item->text), format, args);
    va_end(args);
}

static int problem_order(const void *a, const void *b)
{
    const struct problem *x = a, *y = b;

    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->text, y->text);
}

void problems_print(struct problems *p, FILE *to)
{
    const char *file = p->file != NULL ? p->file : "configuration";

    if (p->count > 0)
        qsort(p->items, p->count, sizeof(*p->items), problem_order);
    for (unsigned i = 0; i < p->count; i++) {
        const struct problem *item = &p->items[i];

        if (item->line > 0)
            (void)fprintf(to, "%s:%d:%d: %s\n", file, item->line, item->column, item->text);
        else
            (void)fprintf(to, "%s: %s\n", file, item->text);
    }
    if (p->errors > p->count)
        (void)fprintf(to, "%s: and %u more\n", file, p->errors - p->count);
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

/* Edits between two words: insert, delete, replace, or swap two neighbours (optimal string
 * alignment). */
static unsigned distance(struct view a, struct view b)
{
    unsigned rows[3][WORD_BYTES_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *spare = before;

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned cost = lower(a.ptr[i - 1]) == lower(b.ptr[j - 1]) ? 0 : 1;

            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && lower(a.ptr[i - 1]) == lower(b.ptr[j - 2]) &&
                lower(a.ptr[i - 2]) == lower(b.ptr[j - 1]) && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[b.len];
}

const char *problems_nearest(const char *word, size_t word_bytes, const char *const *names)
{
    const char *best = NULL;
    unsigned best_edits = 0;

    if (word_bytes == 0 || word_bytes > WORD_BYTES_MAX)
        return NULL;
    for (size_t i = 0; names[i] != NULL; i++) {
        struct view name = view_of_text(names[i]);
        size_t longer = name.len > word_bytes ? name.len : word_bytes;
        unsigned edits;

        if (name.len == 0 || name.len > WORD_BYTES_MAX)
            continue;
        edits = distance(view_of(word, word_bytes), name);
        /* A third of the letters may be wrong, and at least one of them right. */
        if (edits > (longer + 2) / 3 || edits >= longer)
            continue;
        if (best == NULL || edits < best_edits) {
            best = names[i];
            best_edits = edits;
        }
    }
    return best;
}

struct problem_word problem_word(struct view v)
{
    struct problem_word word;
    size_t len = v.len > SHOWN_BYTES_MAX ? SHOWN_BYTES_MAX : v.len;

    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t step = code_point_decode((const uint8_t *)v.ptr + i, v.len - i, &c);

        if (i + step > len) {
            len = i; /* never half a code point */
        } else if (step == 0 || code_point_is_control(c)) {
            for (size_t end = i + (step > 0 ? step : 1); i < end; i++)
                word.text[i] = '?';
        } else {
            memcpy(word.text + i, v.ptr + i, step);
            i += step;
        }
    }
    word.text[len] = '\0';
    if (len < v.len)
        memcpy(word.text + len, "...", 4);
    return word;
}

struct problem_word problems_suggestion(struct view word, const char *const *names)
{
    const char *near = problems_nearest(word.ptr, word.len, names);
    struct problem_word text = {""};

    if (near != NULL)
        (void)snprintf(text.text, sizeof(text.text), " (did you mean `%s`?)", near);
    return text;
}
