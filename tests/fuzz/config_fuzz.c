/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base config */
/* config_fuzz.c: any bytes as a configuration: the tree and the table reader, on a sample table
 * that opens no file. What is taken must be within its bounds, a refusal must say why, and the same
 * bytes must give the same answer twice. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "config/option.h"

struct sample {
    bool is_on;
    uint64_t count, bytes, ms;
    char *text;
    int word;
    uint32_t entries;
};

static const char *const words[] = {"red", "green", NULL};
static const struct option row_rows[] = {
    {.name = "text", .type = OPTION_TEXT, .offset = offsetof(struct sample, text)},
    {.name = "later", .type = OPTION_LATER, .harmless = "off"},
    {0},
};

static int read_list(struct node *value, void *target, struct problems *problems)
{
    struct sample *s = target, row = {0};

    if (!option_is_list(value, 100, problems))
        return E_INVALID;
    for (struct node *entry = value->first; entry != NULL; entry = entry->next) {
        options_read(row_rows, entry, &row, problems);
        options_clear(row_rows, &row);
        s->entries++;
    }
    return OK;
}

static const struct option inner_rows[] = {
    {.name = "bytes",
     .type = OPTION_BYTES,
     .offset = offsetof(struct sample, bytes),
     .min = 16,
     .max = 1 << 20,
     .fallback = "64KiB"},
    {.name = "ms",
     .type = OPTION_MS,
     .offset = offsetof(struct sample, ms),
     .min = 10,
     .max = 3600000,
     .fallback = "30s"},
    {0},
};
static const struct option rows[] = {
    {.name = "is_on",
     .type = OPTION_BOOL,
     .offset = offsetof(struct sample, is_on),
     .fallback = "false"},
    {.name = "count",
     .type = OPTION_COUNT,
     .offset = offsetof(struct sample, count),
     .min = 1,
     .max = 64,
     .fallback = "3"},
    {.name = "text", .type = OPTION_TEXT, .offset = offsetof(struct sample, text), .fallback = "x"},
    {.name = "word",
     .type = OPTION_ENUM,
     .offset = offsetof(struct sample, word),
     .choices = words,
     .fallback = "red"},
    {.name = "inner", .type = OPTION_SECTION, .children = inner_rows},
    {.name = "list", .type = OPTION_CUSTOM, .custom = read_list, .children = row_rows},
    {.name = "later", .type = OPTION_LATER, .harmless = "[]"},
    {0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tree(const struct node *node, unsigned depth)
{
    uint32_t count = 0;

    ASSERT(depth <= 17);
    ASSERT(node->line >= 1 && node->column >= 1);
    ASSERT(node->text.len == 0 || memchr(node->text.ptr, '\0', node->text.len) == NULL);
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        ASSERT(node->type == NODE_MAP || node->type == NODE_LIST);
        ASSERT((node->type == NODE_MAP) == (child->key_line > 0));
        check_tree(child, depth + 1);
        count++;
    }
    ASSERT(count == node->count);
}

static unsigned run(struct view text, struct sample *s)
{
    struct problems problems;
    struct document *doc = NULL;
    unsigned errors;

    memset(s, 0, sizeof(*s));
    problems_init(&problems, "fuzz");
    if (document_parse(&doc, text, &problems) == OK) {
        ASSERT(problems.errors == 0);
        check_tree(document_root(doc), 0);
        options_read(rows, document_root(doc), s, &problems);
        ASSERT(s->count >= 1 && s->count <= 64);
        ASSERT(s->bytes >= 16 && s->bytes <= 1 << 20);
        ASSERT(s->ms >= 10 && s->ms <= 3600000);
        ASSERT(s->word == 0 || s->word == 1);
        ASSERT(s->text != NULL && s->text[0] != '\0' && s->entries <= 100);
    } else {
        ASSERT(problems.errors > 0);
    }
    for (unsigned i = 0; i < problems.count; i++)
        ASSERT(problems.items[i].text[0] != '\0' &&
               strpbrk(problems.items[i].text, "\x1b\n\r\t") == NULL);
    errors = problems.errors;
    document_free(doc);
    options_clear(rows, s);
    problems_clear(&problems);
    return errors;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sample first, second;
    unsigned errors = run(view_of(data, size), &first);

    ASSERT(run(view_of(data, size), &second) == errors);
    ASSERT(memcmp(&first, &second, sizeof(first)) == 0);
    return 0;
}
