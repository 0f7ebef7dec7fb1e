/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base message */
/* json_encode_fuzz.c: what json_parse accepts is written in both styles and parses to the same
 * tree; the text that a refreshed tree's containers carry is theirs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "message/json_encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Recursion is fine here: the parser has checked the depth. */
static bool same_tree(const struct json *a, const struct json *b)
{
    bool is_container = a->type == JSON_ARRAY || a->type == JSON_OBJECT;
    const struct json *x = a->first;
    const struct json *y = b->first;

    if (a->type != b->type || a->count != b->count || !view_eq(a->name, b->name))
        return false;
    if (!is_container && !view_eq(a->text, b->text))
        return false;
    while (x != NULL && y != NULL) {
        if (!same_tree(x, y))
            return false;
        x = x->next;
        y = y->next;
    }
    return x == NULL && y == NULL;
}

static void check_text(const struct json *tree, const struct json *reparsed)
{
    bool is_container = tree->type == JSON_ARRAY || tree->type == JSON_OBJECT;
    const struct json *b = reparsed->first;

    ASSERT(!is_container || view_eq(tree->text, reparsed->text));
    for (const struct json *a = tree->first; a != NULL; a = a->next, b = b->next)
        check_text(a, b);
}

static struct json *again(struct view text, struct arena *arena)
{
    struct json *root = NULL;

    ASSERT(json_parse(&root, text, NULL, arena, NULL) == OK);
    return root;
}

static void check_style(struct json *root, enum json_style style, struct arena *arena)
{
    struct view text;
    struct json *copy;

    ASSERT(json_encode(&text, root, style, arena) == OK);
    copy = again(text, arena);
    ASSERT(same_tree(root, copy));
    ASSERT(style == JSON_STYLE_PLAIN || memchr(text.ptr, '<', text.len) == NULL);
    ASSERT(json_refresh(root, style, arena) == OK);
    check_text(root, copy);
    ASSERT(same_tree(root, copy));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct json *root = NULL;
    struct arena arena;

    if (len > 65536)
        return 0;
    arena_init(&arena, 65536, 64 * 1024 * 1024);
    if (json_parse(&root, view_of((const char *)data, len), NULL, &arena, NULL) == OK) {
        check_style(root, JSON_STYLE_PLAIN, &arena);
        check_style(root, JSON_STYLE_HTML_SAFE, &arena);
    }
    arena_clear(&arena);
    return 0;
}
