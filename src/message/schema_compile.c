/* SPDX-License-Identifier: Apache-2.0 */
/* schema_compile.c: from documents to a program. Schemas are compiled from a queue, one after
 * another, so that the instructions of one lie together and no document can grow the C stack. Only
 * what the root can reach is compiled. */
#include <stdio.h>
#include <stdlib.h>

#include "base/code_point.h"
#include "base/random.h"
#include "base/status.h"
#include "message/schema_compiler.h"

#define ARENA_BYTES_MAX (64UL * 1024 * 1024)
#define EDGES_MAX       (1024 * 1024)
#define SPOTS_MAX       262144

/* The text up to cap, without what would move a terminal's cursor. */
static void copy_text(char *out, size_t cap, const char *text)
{
    size_t len = strlen(text);
    size_t at = 0;

    len = len < cap ? len : cap - 1;
    while (at < len) {
        uint32_t point;
        size_t step = code_point_decode((const uint8_t *)text + at, len - at, &point);

        if (step == 0)
            break;
        if (code_point_is_control(point))
            memset(out + at, '?', step);
        else
            memcpy(out + at, text + at, step);
        at += step;
    }
    out[at] = '\0';
}

void schema_fail(struct schema_compiler *c, const struct schema_spot *spot, const char *keyword,
                 const struct json *node, const char *text)
{
    struct schema_fault *f = c->fault;
    const char *source = c->options->source.ptr;

    if (c->rc != OK)
        return;
    c->rc = E_INVALID;
    f->offset = 0;
    copy_text(f->pointer, sizeof(f->pointer), spot != NULL ? spot->pointer : "");
    copy_text(f->keyword, sizeof(f->keyword), keyword);
    copy_text(f->text, sizeof(f->text), text);
    if (node == NULL && spot != NULL)
        node = spot->node;
    if (node != NULL && source != NULL && node->text.ptr >= source &&
        node->text.ptr <= source + c->options->source.len)
        f->offset = (size_t)(node->text.ptr - source);
}

void schema_fail_rc(struct schema_compiler *c, int rc, const char *text)
{
    if (c->rc != OK)
        return;
    schema_fail(c, c->spot, "", NULL, text);
    c->rc = rc;
}

void *schema_alloc(struct schema_compiler *c, size_t bytes)
{
    void *out = c->rc == OK ? arena_alloc(&c->s->arena, bytes) : NULL;

    if (out != NULL)
        memset(out, 0, bytes);
    else
        schema_fail_rc(c, E_NOMEM, "out of memory");
    return out;
}

bool schema_room(struct schema_compiler *c, void **array, uint32_t count, uint32_t *cap,
                 size_t item)
{
    uint32_t wanted = *cap == 0 ? 64 : *cap * 2;
    void *bigger;

    if (c->rc != OK)
        return false;
    if (count < *cap)
        return true;
    bigger = realloc(*array, wanted * item);
    if (bigger == NULL) {
        schema_fail_rc(c, E_NOMEM, "out of memory");
        return false;
    }
    *array = bigger;
    *cap = wanted;
    return true;
}

uint32_t schema_block_at(struct schema_compiler *c, struct schema_spot *spot)
{
    struct schema *s = c->s;

    if (c->rc != OK || spot->block != SCHEMA_BLOCK_NONE)
        return spot->block;
    if (s->blocks_count == SCHEMA_BLOCKS_MAX) {
        schema_fail_rc(c, E_LIMIT, "too many schemas");
        return 0;
    }
    if (!schema_room(c, (void **)&s->blocks, s->blocks_count, &s->blocks_cap, sizeof(*s->blocks)) ||
        !schema_room(c, (void **)&c->queue, c->queue_count, &c->queue_cap,
                     sizeof(struct schema_spot *)))
        return 0;
    spot->block = s->blocks_count++;
    s->blocks[spot->block] = (struct schema_block){0, 0, spot->resource->id, false};
    spot->resource->is_entered = true;
    c->queue[c->queue_count++] = spot;
    return spot->block;
}

uint32_t schema_block_of(struct schema_compiler *c, const struct json *node)
{
    struct schema_spot *spot = schema_spot_of(c, node);

    if (spot == NULL) {
        schema_fail(c, c->spot, "", node, "no schema is expected here");
        return 0;
    }
    return schema_block_at(c, spot);
}

const struct json *schema_kw(struct schema_compiler *c, const char *keyword)
{
    return c->rc == OK ? json_member(c->spot->node, view_of_text(keyword)) : NULL;
}

const char *schema_where(struct schema_compiler *c, const char *keyword)
{
    size_t len = strlen(c->spot->pointer) + strlen(keyword) + 2;
    char *out = schema_alloc(c, len);

    if (out == NULL)
        return "";
    (void)snprintf(out, len, "%s/%s", c->spot->pointer, keyword);
    return out;
}

struct schema_op *schema_op_add(struct schema_compiler *c, enum schema_code code, uint32_t types,
                                const char *keyword)
{
    struct schema *s = c->s;
    const char *where = schema_where(c, keyword);

    if (s->ops_count == SCHEMA_OPS_MAX)
        schema_fail_rc(c, E_LIMIT, "too many keywords");
    if (!schema_room(c, (void **)&s->ops, s->ops_count, &s->ops_cap, sizeof(*s->ops)))
        return NULL;
    s->ops[s->ops_count] = (struct schema_op){
        .code = (uint8_t)code, .types = (uint8_t)types, .keyword = keyword, .where = where};
    return &s->ops[s->ops_count++];
}

void schema_edge_add(struct schema_compiler *c, uint32_t to)
{
    if (c->edges_count == EDGES_MAX)
        schema_fail_rc(c, E_LIMIT, "too many keywords");
    if (schema_room(c, (void **)&c->edges, c->edges_count, &c->edges_cap, sizeof(*c->edges)))
        c->edges[c->edges_count++] = (struct schema_edge){c->spot->block, to};
}

struct schema_regex *schema_pattern(struct schema_compiler *c, struct view text,
                                    const char *keyword, const struct json *node)
{
    struct schema_regex_fault why = {"", 0};
    struct schema_regex *regex;
    char sentence[160];
    int rc;

    if (c->rc != OK)
        return NULL;
    rc = schema_regex_compile(&regex, &c->s->arena, text, &why);
    if (rc == E_NOMEM) {
        schema_fail_rc(c, rc, "out of memory");
        return NULL;
    }
    if (rc != OK) {
        (void)snprintf(sentence, sizeof(sentence), "%s (byte %zu of the pattern)", why.text,
                       why.at);
        schema_fail(c, c->spot, keyword, node, sentence);
        return NULL;
    }
    *schema_regex_next(regex) = c->s->regexes;
    c->s->regexes = regex;
    return regex;
}

struct view schema_keep(struct schema_compiler *c, struct view text)
{
    char *copy = schema_alloc(c, text.len + 1);

    if (copy == NULL)
        return VIEW("");
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return view_of(copy, text.len);
}

/* Recursion as deep as the document. */
const struct json *schema_keep_json(struct schema_compiler *c, const struct json *node)
{
    struct json *copy = schema_alloc(c, sizeof(*copy));
    const struct json **tail;

    if (copy == NULL)
        return NULL;
    *copy = *node;
    copy->next = copy->first = NULL;
    copy->text = schema_keep(c, node->text);
    copy->name = schema_keep(c, node->name);
    tail = (const struct json **)&copy->first;
    for (const struct json *child = node->first; child != NULL && c->rc == OK;
         child = child->next) {
        *tail = schema_keep_json(c, child);
        if (*tail != NULL)
            tail = (const struct json **)&((struct json *)*tail)->next;
    }
    return copy;
}

/* What a stranger to the draft has written: a fault, or in lenient mode a note. */
static void unknown(struct schema_compiler *c, const struct json *member)
{
    char sentence[160] = "is no keyword of draft 2020-12";
    size_t len = strlen(sentence);
    char *name;

    if (member->name.len >= 2 && memcmp(member->name.ptr, "x-", 2) == 0)
        return;
    name = schema_alloc(c, member->name.len + 1);
    if (name == NULL)
        return;
    memcpy(name, member->name.ptr, member->name.len);
    if (!c->options->is_lenient) {
        schema_suggest(sentence + len, sizeof(sentence) - len, member->name, false);
        schema_fail(c, c->spot, name, member, sentence);
        return;
    }
    len = strlen(c->s->ignored);
    if (len + member->name.len + 3 < sizeof(c->s->ignored))
        (void)snprintf(c->s->ignored + len, sizeof(c->s->ignored) - len, "%s%s",
                       len > 0 ? ", " : "", name);
}

/* Keywords that say nothing about validity: only their types are checked. */
static void check_annotations(struct schema_compiler *c)
{
    static const struct {
        const char *name;
        uint32_t types;
        const char *text;
    } rows[] = {
        {"$comment", TYPE_BIT(JSON_STRING), "must be a string"},
        {"title", TYPE_BIT(JSON_STRING), "must be a string"},
        {"description", TYPE_BIT(JSON_STRING), "must be a string"},
        {"contentEncoding", TYPE_BIT(JSON_STRING), "must be a string"},
        {"contentMediaType", TYPE_BIT(JSON_STRING), "must be a string"},
        {"deprecated", TYPE_BIT(JSON_TRUE) | TYPE_BIT(JSON_FALSE), "must be true or false"},
        {"readOnly", TYPE_BIT(JSON_TRUE) | TYPE_BIT(JSON_FALSE), "must be true or false"},
        {"writeOnly", TYPE_BIT(JSON_TRUE) | TYPE_BIT(JSON_FALSE), "must be true or false"},
        {"examples", TYPE_BIT(JSON_ARRAY), "must be an array"},
        {"$defs", TYPE_BIT(JSON_OBJECT), "must be an object of schemas"},
        {"$vocabulary", TYPE_BIT(JSON_OBJECT), "must be an object"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct json *value = schema_kw(c, rows[i].name);

        if (value != NULL && (TYPE_BIT(value->type) & rows[i].types) == 0)
            schema_fail(c, c->spot, rows[i].name, value, rows[i].text);
    }
}

/* Definitions nobody refers to and branches without a condition are read too: a fault in them is a
 * fault today, not on the day of the first use. */
static void enqueue_unused(struct schema_compiler *c)
{
    static const char *const branches[] = {"then", "else", "contentSchema"};
    const struct json *defs = schema_kw(c, "$defs");

    if (c->options->is_lenient)
        return;
    for (size_t i = 0; i < sizeof(branches) / sizeof(branches[0]); i++) {
        const struct json *schema = schema_kw(c, branches[i]);

        if (schema != NULL)
            (void)schema_block_of(c, schema);
    }
    if (defs == NULL || defs->type != JSON_OBJECT)
        return;
    for (const struct json *d = defs->first; d != NULL && c->rc == OK; d = d->next)
        (void)schema_block_of(c, d);
}

static void compile_block(struct schema_compiler *c, struct schema_spot *spot)
{
    struct schema_block *b = &c->s->blocks[spot->block];
    const struct json *node = spot->node;

    b->first = c->s->ops_count;
    c->spot = spot;
    if (node->type == JSON_FALSE) {
        struct schema_op *op = schema_op_add(c, OP_FALSE, TYPES_ALL, "");

        if (op != NULL)
            op->where = spot->pointer;
    } else if (node->type != JSON_OBJECT && node->type != JSON_TRUE) {
        schema_fail(c, spot, "", node, "a schema is an object, true or false");
    } else if (node->type == JSON_OBJECT) {
        for (const struct json *m = node->first; m != NULL && c->rc == OK; m = m->next) {
            if (schema_keyword_find(m->name) == NULL)
                unknown(c, m);
        }
        check_annotations(c);
        schema_emit_values(c);
        schema_emit_containers(c);
        schema_emit_applicators(c);
        enqueue_unused(c);
    }
    b = &c->s->blocks[spot->block]; /* the array may have moved */
    b->count = c->s->ops_count - b->first;
}

/* Blocks for the dynamic anchors that can be met: those in resources some block of which exists.
 * Compiling them may enter more resources, so this goes on until nothing is new. */
static bool compile_dynamic(struct schema_compiler *c)
{
    bool is_new = false;

    for (uint32_t i = 0; i < c->s->dynamic_count && c->rc == OK; i++) {
        struct schema_dynamic_name *name = &c->s->dynamic[i];

        for (struct schema_anchor *a = c->dynamic_anchors; a != NULL; a = a->next) {
            if (!view_eq(a->name, name->name) || !a->spot->resource->is_entered ||
                a->spot->block != SCHEMA_BLOCK_NONE)
                continue;
            (void)schema_block_at(c, a->spot);
            is_new = true;
        }
    }
    return is_new && c->rc == OK;
}

static void compile_queue(struct schema_compiler *c)
{
    do {
        while (c->queue_at < c->queue_count && c->rc == OK)
            compile_block(c, c->queue[c->queue_at++]);
    } while (c->rc == OK && (compile_dynamic(c) || c->queue_at < c->queue_count));
    c->spot = NULL;
}

/* The table from which $dynamicRef reads what a name means in a resource. */
static void fill_dynamic(struct schema_compiler *c)
{
    for (uint32_t i = 0; i < c->s->dynamic_count && c->rc == OK; i++) {
        struct schema_dynamic_name *name = &c->s->dynamic[i];

        name->blocks = schema_alloc(c, c->s->resources_count * sizeof(uint32_t));
        if (name->blocks == NULL)
            return;
        memset(name->blocks, 0xff, c->s->resources_count * sizeof(uint32_t));
        for (struct schema_anchor *a = c->dynamic_anchors; a != NULL; a = a->next) {
            if (view_eq(a->name, name->name))
                name->blocks[a->spot->resource->id] = a->spot->block;
        }
    }
}

struct walk {
    uint32_t block, edge;
};

/* The edges lie sorted by `from`, because blocks are compiled in order. */
static uint32_t first_edge(const struct schema_compiler *c, uint32_t block)
{
    uint32_t low = 0;
    uint32_t high = c->edges_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (c->edges[middle].from < block)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A schema that leads back to itself without a step into the value would never end: found here, by
 * a depth-first walk with a stack of its own. */
static void refuse_loops(struct schema_compiler *c)
{
    uint32_t blocks = c->s->blocks_count;
    uint8_t *state = calloc(blocks + 1, 1); /* 1: on the way, 2: done */
    struct walk *stack = calloc(blocks + 1, sizeof(*stack));
    uint32_t depth = 0;

    if (state == NULL || stack == NULL)
        schema_fail_rc(c, E_NOMEM, "out of memory");
    for (uint32_t b = 0; b < blocks && c->rc == OK; b++) {
        if (state[b] != 0)
            continue;
        stack[depth++] = (struct walk){b, first_edge(c, b)};
        state[b] = 1;
        while (depth > 0 && c->rc == OK) {
            struct walk *w = &stack[depth - 1];
            bool has_edge = w->edge < c->edges_count && c->edges[w->edge].from == w->block;
            uint32_t to = has_edge ? c->edges[w->edge++].to : 0;

            if (!has_edge) {
                state[w->block] = 2;
                depth--;
            } else if (state[to] == 1) {
                schema_fail(c, c->queue[to], "$ref", NULL, "refers to itself without end");
            } else if (state[to] == 0) {
                state[to] = 1;
                stack[depth++] = (struct walk){to, first_edge(c, to)};
            }
        }
    }
    free(state);
    free(stack);
}

static void compile_documents(struct schema_compiler *c, const struct json *document)
{
    struct schema_spot *root = schema_index_document(c, document, c->options->base_uri, true);

    for (size_t i = 0; i < c->options->documents_count && c->rc == OK; i++) {
        const struct schema_document *d = &c->options->documents[i];

        if (!view_eq(d->uri, c->options->base_uri))
            (void)schema_index_document(c, d->root, d->uri, false);
    }
    if (c->rc != OK)
        return;
    c->s->root = schema_block_at(c, root);
    compile_queue(c);
    fill_dynamic(c);
    if (c->rc == OK)
        refuse_loops(c);
}

static struct schema *schema_new(const struct schema_options *o)
{
    struct schema *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    arena_init(&s->arena, 16384, ARENA_BYTES_MAX);
    s->steps = o->steps != 0 ? o->steps : SCHEMA_STEPS_DEFAULT;
    s->depth = o->depth != 0 ? o->depth : SCHEMA_DEPTH_DEFAULT;
    random_bytes(s->seed, sizeof(s->seed));
    return s;
}

int schema_compile(struct schema **out, const struct json *document,
                   const struct schema_options *options, struct schema_fault *fault)
{
    static const struct schema_options strict = {.steps = 0};
    struct schema_compiler c = {.options = options != NULL ? options : &strict, .fault = fault};

    c.s = schema_new(c.options);
    if (c.s == NULL)
        return E_NOMEM;
    map_init(&c.spots, SPOTS_MAX);
    map_init(&c.uris, SPOTS_MAX);
    map_init(&c.anchors, SPOTS_MAX);
    compile_documents(&c, document);
    map_clear(&c.spots);
    map_clear(&c.uris);
    map_clear(&c.anchors);
    free(c.queue);
    free(c.edges);
    if (c.rc == OK)
        *out = c.s;
    else
        schema_free(c.s);
    return c.rc;
}

void schema_free(struct schema *s)
{
    if (s == NULL)
        return;
    for (struct schema_regex *r = s->regexes; r != NULL; r = *schema_regex_next(r))
        schema_regex_free(r);
    free(s->dynamic);
    free(s->blocks);
    free(s->ops);
    arena_clear(&s->arena);
    free(s);
}

const char *schema_ignored(const struct schema *s)
{
    return s->ignored;
}
