/* SPDX-License-Identifier: Apache-2.0 */
/* One line a scalar. Numbers inside a path compare as numbers, so that [10] comes after [9]. */
#include "config/flat.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"

#define PATH_BYTES_MAX 4096

struct line {
    char *path, *value;
};
struct flat {
    struct line *lines;
    uint32_t count, room;
};

static int add_line(struct flat *f, struct view path, struct view value)
{
    struct line line = {view_dup(path), view_dup(value)};

    if (f->count == f->room) {
        uint32_t room = f->room > 0 ? 2 * f->room : 64;
        struct line *more = realloc(f->lines, room * sizeof(*more));

        if (more != NULL) {
            f->lines = more;
            f->room = room;
        }
    }
    if (line.path == NULL || line.value == NULL || f->count == f->room) {
        free(line.path);
        free(line.value);
        return E_NOMEM;
    }
    f->lines[f->count++] = line;
    return OK;
}

static int append_step(struct buf *path, const struct node *parent, const struct node *child,
                       uint32_t index)
{
    char number[16];
    size_t len;

    if (parent->type == NODE_LIST) {
        len = (size_t)snprintf(number, sizeof(number), "[%u]", index);
        return buf_append(path, number, len);
    }
    if (path->len > 0 && buf_append(path, ".", 1) != OK)
        return E_NOMEM;
    return buf_append(path, child->key.ptr, child->key.len);
}

/* The depth of a document is bounded where it is parsed. */
static int add_node(struct flat *f, struct buf *path, const struct node *node)
{
    size_t had = path->len;
    uint32_t index = 0;
    int rc = OK;

    if (node->type == NODE_NULL)
        return add_line(f, buf_view(path), VIEW("null"));
    if (node->type == NODE_SCALAR)
        return add_line(f, buf_view(path), node->text);
    if (node->first == NULL)
        return add_line(f, buf_view(path), node->type == NODE_LIST ? VIEW("[]") : VIEW("{}"));
    for (const struct node *child = node->first; child != NULL && rc == OK; child = child->next) {
        rc = append_step(path, node, child, index++);
        if (rc == OK)
            rc = add_node(f, path, child);
        path->len = had;
    }
    return rc;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int compare_paths(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (is_digit(*a) && is_digit(*b)) {
            unsigned long x = strtoul(a, (char **)(uintptr_t)&a, 10);
            unsigned long y = strtoul(b, (char **)(uintptr_t)&b, 10);

            if (x != y)
                return x < y ? -1 : 1;
            continue;
        }
        if (*a != *b)
            break;
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static int compare_lines(const void *a, const void *b)
{
    return compare_paths(((const struct line *)a)->path, ((const struct line *)b)->path);
}

int flat_new(struct flat **out, const struct node *root)
{
    struct buf path = BUF_INIT(PATH_BYTES_MAX);
    struct flat *f = calloc(1, sizeof(*f));
    int rc = f != NULL ? add_node(f, &path, root) : E_NOMEM;

    buf_clear(&path);
    if (rc != OK) {
        flat_free(f);
        return E_NOMEM;
    }
    qsort(f->lines, f->count, sizeof(f->lines[0]), compare_lines);
    *out = f;
    return OK;
}

void flat_free(struct flat *f)
{
    for (uint32_t i = 0; f != NULL && i < f->count; i++) {
        free(f->lines[i].path);
        free(f->lines[i].value);
    }
    if (f != NULL)
        free(f->lines);
    free(f);
}

const char *flat_get(const struct flat *f, const char *path)
{
    struct line wanted = {.path = (char *)(uintptr_t)path};
    const struct line *found =
        f->count > 0 ? bsearch(&wanted, f->lines, f->count, sizeof(f->lines[0]), compare_lines)
                     : NULL;

    return found != NULL ? found->value : NULL;
}

void flat_compare(const struct flat *before, const struct flat *after,
                  bool (*visit)(void *context, const struct flat_change *change), void *context)
{
    uint32_t i = 0, k = 0;

    while (i < before->count || k < after->count) {
        const struct line *a = i < before->count ? &before->lines[i] : NULL;
        const struct line *b = k < after->count ? &after->lines[k] : NULL;
        int order = a == NULL ? 1 : b == NULL ? -1 : compare_lines(a, b);
        struct flat_change change = {.path = order <= 0 ? a->path : b->path};

        if (order <= 0) {
            change.before = a->value;
            i++;
        }
        if (order >= 0) {
            change.after = b->value;
            k++;
        }
        if (order == 0 && strcmp(change.before, change.after) == 0)
            continue;
        if (!visit(context, &change))
            return;
    }
}
