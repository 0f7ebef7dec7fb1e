/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base message */
/* json_fuzz.c: whatever is accepted can be written out again from the tree, and the copy parses to
 * the same tree; counts, views and ceilings hold; the same bytes give the same answer twice. The
 * writer here is the slow and obvious one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "message/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define INPUT_MAX 65536

static char out[INPUT_MAX * 6 + 64]; /* one byte becomes \u00xx at worst */
static size_t out_len;

static void put(const char *bytes, size_t len)
{
    ASSERT(out_len + len <= sizeof(out));
    memcpy(out + out_len, bytes, len);
    out_len += len;
}

static void put_string(struct view v)
{
    put("\"", 1);
    for (size_t i = 0; i < v.len; i++) {
        static const char hex[] = "0123456789abcdef";
        uint8_t c = (uint8_t)v.ptr[i];
        char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

        if (c < 0x20 || c == '"' || c == '\\')
            put(escape, 6);
        else
            put(v.ptr + i, 1);
    }
    put("\"", 1);
}

/* Recursion is fine here: depth has been checked by then. */
static void put_node(const struct json *node, unsigned depth)
{
    bool is_object = node->type == JSON_OBJECT;
    uint32_t count = 0;

    ASSERT(depth <= JSON_DEPTH_MAX);
    if (node->type == JSON_STRING) {
        put_string(node->text);
        return;
    }
    if (node->type != JSON_ARRAY && !is_object) {
        put(node->text.ptr, node->text.len);
        return;
    }
    put(is_object ? "{" : "[", 1);
    for (const struct json *child = node->first; child != NULL; child = child->next) {
        if (count++ > 0)
            put(",", 1);
        if (is_object) {
            put_string(child->name);
            put(":", 1);
        }
        put_node(child, depth + 1);
    }
    put(is_object ? "}" : "]", 1);
    ASSERT(count == node->count);
}

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
        if (!same_tree(x, y) || (a->type == JSON_OBJECT && json_member(a, x->name) != x))
            return false;
        x = x->next;
        y = y->next;
    }
    return x == NULL && y == NULL;
}

static void check_numbers(const struct json *node)
{
    double d;
    int64_t whole;

    for (const struct json *child = node->first; child != NULL; child = child->next)
        check_numbers(child);
    if (node->type != JSON_NUMBER || !json_to_i64(node, &whole))
        return;
    ASSERT(json_to_double(node, &d));
    ASSERT(d == (double)whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena;
    struct json *root = NULL;
    struct json *again = NULL;
    size_t at = SIZE_MAX;
    char *exact;
    int rc;

    if (len > INPUT_MAX)
        return 0;
    exact = malloc(len > 0 ? len : 1); /* its end is poisoned, so that a read behind it shows */
    ASSERT(exact != NULL);
    if (len > 0)
        memcpy(exact, data, len);
    arena_init(&arena, 16384, 64 * 1024 * 1024);
    rc = json_parse(&root, view_of(exact, len), NULL, &arena, &at);
    if (rc != OK) {
        ASSERT((rc == E_INVALID || rc == E_LIMIT) && root == NULL && at <= len);
    } else {
        out_len = 0;
        put_node(root, 0);
        ASSERT(json_parse(&again, view_of(out, out_len), NULL, &arena, NULL) == OK);
        ASSERT(same_tree(root, again));
        check_numbers(root);
    }
    arena_clear(&arena);
    free(exact);
    return 0;
}
