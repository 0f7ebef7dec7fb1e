/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize.c: the quick answer for plain text, escaping, and the walk over a JSON tree. What needs
 * an HTML parser is in sanitize_html.c. */
#include "message/sanitize.h"

#include <string.h>

#include "base/num.h"
#include "base/status.h"
#include "message/json_encode.h"
#include "message/json_pointer.h"
#include "message/sanitize_html.h"

#define BLOCK 16

static const struct {
    const char *name;
    enum sanitize_kind kind;
} kinds[] = {{"escape", SANITIZE_ESCAPE}, {"strip", SANITIZE_STRIP}, {"allow", SANITIZE_ALLOW}};

bool sanitize_kind_of(struct view word, enum sanitize_kind *kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (view_eq(word, view_of_text(kinds[i].name))) {
            *kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

const char *sanitize_kind_name(enum sanitize_kind kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].kind == kind)
            return kinds[i].name;
    }
    return "?";
}

static const struct view *entity_of(char c)
{
    static const struct view entities[] = {VIEW("&amp;"), VIEW("&lt;"), VIEW("&gt;"),
                                           VIEW("&quot;"), VIEW("&#39;")};

    switch (c) {
    case '&':
        return &entities[0];
    case '<':
        return &entities[1];
    case '>':
        return &entities[2];
    case '"':
        return &entities[3];
    case '\'':
        return &entities[4];
    default:
        return NULL;
    }
}

/* Sixteen bytes at a time, in whatever registers the machine has. */
typedef unsigned char block __attribute__((vector_size(BLOCK)));

static bool has_special(struct view text, size_t at)
{
    uint64_t halves[2];
    block b;

    memcpy(&b, text.ptr + at, sizeof(b));
    b = (block)((b == '&') | (b == '<') | (b == '>') | (b == '"') | (b == '\''));
    memcpy(halves, &b, sizeof(halves));
    return (halves[0] | halves[1]) != 0;
}

bool sanitize_is_plain(struct view text)
{
    size_t at = 0;

    for (; text.len - at >= BLOCK; at += BLOCK) {
        if (has_special(text, at))
            return false;
    }
    for (; at < text.len; at++) {
        if (entity_of(text.ptr[at]) != NULL)
            return false;
    }
    return true;
}

/* An & that begins one of our own five references is no bare &: that makes escaping idempotent. */
static bool is_entity(struct view text)
{
    static const char chars[] = "&<>\"'";

    if (text.len < 4 || strchr("algq#", text.ptr[1]) == NULL)
        return false;
    for (size_t i = 0; i + 1 < sizeof(chars); i++) {
        if (view_starts_with(text, *entity_of(chars[i])))
            return true;
    }
    return false;
}

/* Writes the escaped text to `to`, or only counts where that is NULL. */
static size_t escape_into(char *to, struct view text)
{
    size_t len = 0; /* at most six times a length that is in memory, see escape */
    size_t from = 0;

    for (size_t i = 0; i <= text.len; i++) {
        const struct view *entity = i < text.len ? entity_of(text.ptr[i]) : NULL;

        if (i < text.len && entity == NULL)
            continue;
        if (i < text.len && text.ptr[i] == '&' && is_entity(view_of(text.ptr + i, text.len - i)))
            continue;
        if (to != NULL)
            memcpy(to + len, text.ptr + from, i - from);
        len += i - from;
        from = i + 1;
        if (to != NULL && entity != NULL)
            memcpy(to + len, entity->ptr, entity->len);
        len += entity != NULL ? entity->len : 0;
    }
    return len;
}

static int escape(struct view *out, struct view text, struct arena *arena)
{
    size_t len, ceiling;
    char *to;

    if (!size_mul(text.len, 6, &ceiling))
        return E_LIMIT;
    len = escape_into(NULL, text);
    if (len == text.len) {
        *out = text;
        return OK;
    }
    to = arena_alloc(arena, len);
    if (to == NULL)
        return E_NOMEM;
    *out = view_of(to, escape_into(to, text));
    return OK;
}

int sanitize_text(struct view *out, struct view text, enum sanitize_kind kind, struct arena *arena)
{
    if (sanitize_is_plain(text)) {
        *out = text;
        return OK;
    }
    switch (kind) {
    case SANITIZE_ESCAPE:
        return escape(out, text, arena);
    case SANITIZE_STRIP:
        return sanitize_html(out, text, false, arena);
    case SANITIZE_ALLOW:
        return sanitize_html(out, text, true, arena);
    }
    return E_INVALID;
}

static int clean_node(struct json *node, enum sanitize_kind kind, struct arena *arena,
                      bool *has_changed)
{
    struct view clean;
    int rc;

    if (node->type != JSON_STRING)
        return OK;
    rc = sanitize_text(&clean, node->text, kind, arena);
    if (rc != OK)
        return rc;
    if (clean.ptr != node->text.ptr || clean.len != node->text.len)
        *has_changed = true;
    node->text = clean;
    return OK;
}

/* All below `top`, with an array for the ways back instead of recursion. */
static int clean_below(struct json *top, enum sanitize_kind kind, struct arena *arena,
                       bool *has_changed)
{
    struct json *open[JSON_DEPTH_MAX];
    struct json *node = top;
    size_t depth = 0;
    int rc;

    for (;;) {
        rc = depth > 0 && !sanitize_is_plain(node->name) ? E_DENIED : OK;
        if (rc == OK)
            rc = clean_node(node, kind, arena, has_changed);
        if (rc == OK && node->first != NULL && depth == JSON_DEPTH_MAX)
            rc = E_LIMIT;
        if (rc != OK)
            return rc;
        if (node->first != NULL) {
            open[depth++] = node;
            node = node->first;
            continue;
        }
        while (depth > 0 && node->next == NULL)
            node = open[--depth];
        if (depth == 0)
            return OK;
        node = node->next;
    }
}

int sanitize_json(struct json *root, const struct sanitize_rule *rules, size_t count,
                  struct arena *arena)
{
    bool has_changed = false;

    for (size_t i = 0; i < count; i++) {
        struct json *top;
        int rc;

        if (!json_pointer_ok(rules[i].pointer))
            return E_INVALID;
        top = (struct json *)json_pointer_get(root, rules[i].pointer);
        rc = top == NULL ? OK : clean_below(top, rules[i].kind, arena, &has_changed);
        if (rc != OK)
            return rc;
    }
    return has_changed ? json_refresh(root, JSON_STYLE_PLAIN, arena) : OK;
}
