/* SPDX-License-Identifier: Apache-2.0 */
/* json_encode.c: one walk that is made twice: first it only counts, then it writes into exactly
 * that many bytes of the arena. The stack of open containers is an array, as in json.c. */
#include "message/json_encode.h"

#include <string.h>

#include "base/status.h"

struct encoder {
    char *to;   /* NULL while counting */
    size_t len; /* written or counted so far */
    bool is_html_safe;
    bool does_point; /* containers get their new text */
};

struct level {
    struct json *node;
    const struct json *child; /* the next one to write */
    size_t start;
};

static void put(struct encoder *e, const char *bytes, size_t len)
{
    if (e->to != NULL && len > 0)
        memcpy(e->to + e->len, bytes, len);
    e->len += len;
}

static void put_escaped(struct encoder *e, unsigned value)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = "\"\"\\\\\nn\tt\rr\bb\ff";
    char out[6] = {
        '\\',           'u', hex[value >> 12 & 15], hex[value >> 8 & 15], hex[value >> 4 & 15],
        hex[value & 15]};

    for (size_t i = 0; i + 1 < sizeof(shorts); i += 2) {
        if ((unsigned char)shorts[i] == value) {
            out[1] = shorts[i + 1];
            put(e, out, 2);
            return;
        }
    }
    put(e, out, sizeof(out));
}

/* How many bytes at `at` must be escaped together (0: none), and as which code point. */
static size_t special(const struct encoder *e, const char *at, size_t left, unsigned *value)
{
    unsigned char c = (unsigned char)*at;

    *value = c;
    if (c < 0x20 || c == '"' || c == '\\')
        return 1;
    if (!e->is_html_safe)
        return 0;
    if (c == '<' || c == '>' || c == '&')
        return 1;
    if (c != 0xe2 || left < 3 || (unsigned char)at[1] != 0x80)
        return 0;
    *value = 0x2000u + ((unsigned char)at[2] & 0x3fu);
    return (unsigned char)at[2] == 0xa8 || (unsigned char)at[2] == 0xa9 ? 3 : 0;
}

static void put_string(struct encoder *e, struct view v)
{
    size_t from = 0;

    put(e, "\"", 1);
    for (size_t i = 0; i < v.len;) {
        unsigned value;
        size_t bytes = special(e, v.ptr + i, v.len - i, &value);

        if (bytes == 0) {
            i++;
            continue;
        }
        put(e, v.ptr + from, i - from);
        put_escaped(e, value);
        i += bytes;
        from = i;
    }
    put(e, v.ptr + from, v.len - from);
    put(e, "\"", 1);
}

static void put_scalar(struct encoder *e, const struct json *node)
{
    switch (node->type) {
    case JSON_TRUE:
        put(e, "true", 4);
        break;
    case JSON_FALSE:
        put(e, "false", 5);
        break;
    case JSON_NUMBER:
        put(e, node->text.ptr, node->text.len);
        break;
    case JSON_STRING:
        put_string(e, node->text);
        break;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        put(e, "null", 4);
        break;
    }
}

static bool is_container(const struct json *node)
{
    return node->type == JSON_ARRAY || node->type == JSON_OBJECT;
}

/* The end of a container that has no more children. */
static void close_level(struct encoder *e, struct level *l)
{
    put(e, l->node->type == JSON_OBJECT ? "}" : "]", 1);
    if (e->does_point && e->to != NULL)
        l->node->text = view_of(e->to + l->start, e->len - l->start);
}

static void open_level(struct encoder *e, struct level *l, struct json *node)
{
    *l = (struct level){node, node->first, e->len};
    put(e, node->type == JSON_OBJECT ? "{" : "[", 1);
}

static int put_tree(struct encoder *e, struct json *root)
{
    struct level levels[JSON_DEPTH_MAX];
    size_t depth = 0;
    struct json *node = root;

    for (;;) {
        struct level *l;

        if (is_container(node) && depth == JSON_DEPTH_MAX)
            return E_LIMIT;
        if (is_container(node))
            open_level(e, &levels[depth++], node);
        else
            put_scalar(e, node);
        while (depth > 0 && levels[depth - 1].child == NULL)
            close_level(e, &levels[--depth]);
        if (depth == 0)
            return OK;
        l = &levels[depth - 1];
        node = (struct json *)l->child;
        l->child = node->next;
        if (node != l->node->first)
            put(e, ",", 1);
        if (l->node->type == JSON_OBJECT) {
            put_string(e, node->name);
            put(e, ":", 1);
        }
    }
}

static int encode(struct encoder *e, struct json *root, struct arena *arena)
{
    size_t bytes;
    int rc = put_tree(e, root);

    if (rc != OK)
        return rc;
    bytes = e->len;
    e->to = arena_alloc(arena, bytes);
    if (e->to == NULL)
        return E_NOMEM;
    e->len = 0;
    return put_tree(e, root);
}

int json_encode(struct view *out, const struct json *root, enum json_style style,
                struct arena *arena)
{
    struct encoder e = {.is_html_safe = style == JSON_STYLE_HTML_SAFE};
    int rc = encode(&e, (struct json *)root, arena); /* it writes only where does_point is set */

    if (rc == OK)
        *out = view_of(e.to, e.len);
    return rc;
}

int json_refresh(struct json *root, enum json_style style, struct arena *arena)
{
    struct encoder e = {.is_html_safe = style == JSON_STYLE_HTML_SAFE, .does_point = true};

    return encode(&e, root, arena);
}
