/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: the tree builder. A loop over an explicit stack of JSON_DEPTH_MAX containers, so no input
 * can grow the C stack; one pass over the text, one look at every byte but for names, which are
 * compared once more when their object closes. Strings and numbers are read in json_string.c and
 * json_number.c. */
#include "message/json.h"

#include <string.h>

#include "base/map.h"
#include "base/random.h"
#include "base/status.h"
#include "message/json_scan.h"

#define NODES_PER_BLOCK 16
#define PAIRWISE_MAX    8 /* members: at most 28 comparisons, cheaper than any hash */

struct parser {
    struct json_scan scan;
    uint32_t nodes_left, depth, depth_max;
    uint32_t spare; /* unused nodes in `block` */
    struct json *block;
    struct json **table; /* of names; one object is checked at a time, so all share it */
    size_t table_cap;
    uint64_t seed[2]; /* drawn once, and only for a text that has a large object */
    bool is_fresh;    /* the innermost container has just been opened */
    struct view name; /* of the member whose value comes next */
    struct json *root;
    struct json *open[JSON_DEPTH_MAX];  /* the containers around us */
    struct json **tail[JSON_DEPTH_MAX]; /* where the next child of each is hung */
};

static inline void skip_blank(struct json_scan *s)
{
    while (s->ptr < s->end &&
           (*s->ptr == ' ' || *s->ptr == '\n' || *s->ptr == '\r' || *s->ptr == '\t'))
        s->ptr++;
}

/* A node hung below the innermost container. */
static int add_node(struct parser *p, struct json **out)
{
    struct json *node;

    if (p->nodes_left == 0)
        return E_LIMIT;
    if (p->spare == 0) {
        p->block = arena_alloc(p->scan.arena, NODES_PER_BLOCK * sizeof(*p->block));
        if (p->block == NULL)
            return E_NOMEM;
        p->spare = NODES_PER_BLOCK;
    }
    node = &p->block[NODES_PER_BLOCK - p->spare--];
    p->nodes_left--;
    node->count = 0;
    node->name = p->name;
    node->first = NULL;
    node->next = NULL;
    if (p->depth == 0) {
        p->root = node;
    } else {
        *p->tail[p->depth - 1] = node;
        p->tail[p->depth - 1] = &node->next;
        p->open[p->depth - 1]->count++;
    }
    *out = node;
    return OK;
}

static int literal(struct parser *p, struct json *node, enum json_type type, struct view word)
{
    struct json_scan *s = &p->scan;

    if ((size_t)(s->end - s->ptr) < word.len || memcmp(s->ptr, word.ptr, word.len) != 0)
        return E_INVALID;
    node->type = type;
    node->text = view_of(s->ptr, word.len);
    s->ptr += word.len;
    return OK;
}

static int open_container(struct parser *p, struct json *node, enum json_type type)
{
    if (p->depth == p->depth_max)
        return E_LIMIT;
    node->type = type;
    node->text = view_of(p->scan.ptr, 1); /* its end is set when it closes */
    p->open[p->depth] = node;
    p->tail[p->depth] = &node->first;
    p->depth++;
    p->is_fresh = true;
    p->scan.ptr++;
    return OK;
}

/* A scalar, or the opening of a container. */
static int begin_value(struct parser *p)
{
    struct json_scan *s = &p->scan;
    struct json *node;
    int rc;

    skip_blank(s);
    if (s->ptr == s->end)
        return E_INVALID;
    rc = add_node(p, &node);
    if (rc != OK)
        return rc;
    switch (*s->ptr) {
    case '"':
        s->ptr++;
        node->type = JSON_STRING;
        return json_scan_string(s, &node->text);
    case '{':
        return open_container(p, node, JSON_OBJECT);
    case '[':
        return open_container(p, node, JSON_ARRAY);
    case 't':
        return literal(p, node, JSON_TRUE, VIEW("true"));
    case 'f':
        return literal(p, node, JSON_FALSE, VIEW("false"));
    case 'n':
        return literal(p, node, JSON_NULL, VIEW("null"));
    default:
        node->type = JSON_NUMBER;
        return json_scan_number(s, &node->text) ? OK : E_INVALID;
    }
}

static inline bool same_name(const struct json *a, const struct json *b)
{
    return a->name.len == b->name.len && memcmp(a->name.ptr, b->name.ptr, a->name.len) == 0;
}

static bool names_differ_pairwise(const struct json *object)
{
    for (const struct json *a = object->first; a != NULL; a = a->next) {
        for (const struct json *b = a->next; b != NULL; b = b->next) {
            if (same_name(a, b))
                return false;
        }
    }
    return true;
}

/* An empty table at most half full in the end: a power of two from twice the members on. */
static int table_prepare(struct parser *p, uint32_t members, size_t *cap)
{
    *cap = 32;
    while (*cap < (size_t)members * 2)
        *cap *= 2;
    if (*cap > p->table_cap) {
        p->table = arena_alloc(p->scan.arena, *cap * sizeof(struct json *));
        if (p->table == NULL)
            return E_NOMEM;
        p->table_cap = *cap;
    }
    if (p->seed[0] == 0 && p->seed[1] == 0)
        random_bytes(p->seed, sizeof(p->seed));
    memset(p->table, 0, *cap * sizeof(struct json *));
    return OK;
}

/* The seed is random and never leaves this parse, so nobody can choose names that fall on one
 * another (C-H1). */
static int names_differ_hashed(struct parser *p, struct json *object)
{
    size_t cap;
    int rc;

    rc = table_prepare(p, object->count, &cap);
    if (rc != OK)
        return rc;
    for (struct json *m = object->first; m != NULL; m = m->next) {
        size_t at = (size_t)siphash(p->seed, m->name.ptr, m->name.len) & (cap - 1);

        while (p->table[at] != NULL && !same_name(p->table[at], m))
            at = (at + 1) & (cap - 1);
        if (p->table[at] != NULL)
            return E_INVALID;
        p->table[at] = m;
    }
    return OK;
}

static int close_container(struct parser *p)
{
    struct json *node = p->open[p->depth - 1];

    p->scan.ptr++;
    p->depth--;
    p->is_fresh = false;
    node->text.len = (size_t)(p->scan.ptr - node->text.ptr);
    if (node->type == JSON_ARRAY)
        return OK;
    if (node->count > PAIRWISE_MAX)
        return names_differ_hashed(p, node);
    return names_differ_pairwise(node) ? OK : E_INVALID;
}

static int member_name(struct parser *p)
{
    struct json_scan *s = &p->scan;
    int rc;

    skip_blank(s);
    if (s->ptr == s->end || *s->ptr != '"')
        return E_INVALID;
    s->ptr++;
    rc = json_scan_string(s, &p->name);
    if (rc != OK)
        return rc;
    skip_blank(s);
    if (s->ptr == s->end || *s->ptr != ':')
        return E_INVALID;
    s->ptr++;
    return OK;
}

/* Commas and closings behind a value, up to where the next value is due or nothing is open any
 * more. */
static int after_value(struct parser *p)
{
    struct json_scan *s = &p->scan;
    int rc = OK;

    while (p->depth > 0 && rc == OK) {
        bool is_object = p->open[p->depth - 1]->type == JSON_OBJECT;

        skip_blank(s);
        if (s->ptr == s->end)
            return E_INVALID;
        if (*s->ptr == (is_object ? '}' : ']')) {
            rc = close_container(p);
            continue;
        }
        if (!p->is_fresh && *s->ptr++ != ',') {
            s->ptr--;
            return E_INVALID;
        }
        p->is_fresh = false;
        p->name = VIEW("");
        return is_object ? member_name(p) : OK;
    }
    return rc;
}

static uint32_t ceiling(uint32_t asked, uint32_t max)
{
    return asked == 0 || asked > max ? max : asked;
}

int json_parse(struct json **root, struct view text, const struct json_limits *limits,
               struct arena *arena, size_t *error_at)
{
    struct parser p; /* the two stacks are written before they are read, so only the rest is set */
    int rc;

    p.scan = (struct json_scan){text.ptr, text.ptr, text.len > 0 ? text.ptr + text.len : text.ptr,
                                arena, NULL};
    p.nodes_left = ceiling(limits == NULL ? 0 : limits->nodes, JSON_NODES_MAX);
    p.depth_max = ceiling(limits == NULL ? 0 : limits->depth, JSON_DEPTH_MAX);
    p.depth = p.spare = 0;
    p.block = p.root = NULL;
    p.table = NULL;
    p.table_cap = 0;
    p.seed[0] = p.seed[1] = 0;
    p.is_fresh = false;
    p.name = VIEW("");
    do {
        rc = begin_value(&p);
        if (rc == OK)
            rc = after_value(&p);
    } while (rc == OK && p.depth > 0);
    if (rc == OK) {
        skip_blank(&p.scan);
        if (p.scan.ptr != p.scan.end)
            rc = E_INVALID;
    }
    if (rc == OK)
        *root = p.root;
    else if (error_at != NULL)
        *error_at = (size_t)(p.scan.ptr - p.scan.start);
    return rc;
}

const struct json *json_member(const struct json *object, struct view name)
{
    const struct json *m;

    if (object == NULL || object->type != JSON_OBJECT)
        return NULL;
    for (m = object->first; m != NULL; m = m->next) {
        if (m->name.len == name.len && memcmp(m->name.ptr, name.ptr, name.len) == 0)
            return m;
    }
    return NULL;
}

bool json_member_string(const struct json *object, struct view name, struct view *value)
{
    const struct json *m = json_member(object, name);

    if (m == NULL || m->type != JSON_STRING)
        return false;
    *value = m->text;
    return true;
}
