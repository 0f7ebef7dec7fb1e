/* SPDX-License-Identifier: Apache-2.0 */
/* node.c: libyaml's events made into a tree. Strict on purpose: whatever lets a file say one thing
 * and mean another (anchors, aliases, merge keys, tags, directives, a second document, a key twice)
 * is refused with its place. libyaml ends at its first syntax error; faults of ours are collected
 * and reading goes on. What the values mean is option.c's business. */
#include "config/node.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/code_point.h"
#include "base/map.h"
#include "base/status.h"

#define TEXT_BYTES_MAX (1024 * 1024)
#define DEPTH_MAX      16
#define NODES_MAX      100000
#define ARENA_BYTES_MAX                                                                            \
    ((size_t)64 * 1024 * 1024) /* NODES_MAX nodes and the text once more, with room to spare */

struct document {
    struct arena arena;
    struct node *root;
};

/* One open list or map. */
struct level {
    struct node *node;
    struct node **tail;   /* where the next member goes */
    struct map names;     /* of a map: the keys so far */
    struct node *pending; /* of a map: a member whose key is read and whose value comes next */
    bool is_dropped;      /* pending is a second member of the same name: read, then left out */
};

struct reader {
    struct document *doc;
    struct problems *problems;
    struct view text;
    size_t cursor_chars,
        cursor_bytes; /* events come in order, so finding their bytes costs one walk in all */
    struct level levels[DEPTH_MAX];
    unsigned depth;
    unsigned documents;
    uint32_t nodes;
    bool is_over;  /* the end, or nothing sensible can follow */
    bool is_whole; /* the end of the text was reached: the tree can be read on */
};

static int mark_line(yaml_mark_t m)
{
    return m.line < INT_MAX ? (int)m.line + 1 : INT_MAX;
}

static int mark_column(yaml_mark_t m)
{
    return m.column < INT_MAX ? (int)m.column + 1 : INT_MAX;
}

static void give_up(struct reader *r, yaml_mark_t at, const char *text)
{
    problems_add(r->problems, mark_line(at), mark_column(at), "%s", text);
    r->is_over = true;
}

/* The byte at a mark; libyaml counts characters. 0 at the end. */
static char byte_at(struct reader *r, size_t chars)
{
    while (r->cursor_chars < chars && r->cursor_bytes < r->text.len) {
        r->cursor_bytes++;
        while (r->cursor_bytes < r->text.len &&
               ((unsigned char)r->text.ptr[r->cursor_bytes] & 0xc0) == 0x80)
            r->cursor_bytes++;
        r->cursor_chars++;
    }
    return r->cursor_bytes < r->text.len ? r->text.ptr[r->cursor_bytes] : '\0';
}

static bool is_null_word(struct view v)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (view_eq(v, view_of_text(words[i])))
            return true;
    return false;
}

/* A fresh, zeroed node, or NULL once a ceiling is hit (told, and reading ends). */
static struct node *node_new(struct reader *r, enum node_type type, yaml_mark_t at)
{
    struct node *node = NULL;

    if (r->nodes >= NODES_MAX) {
        give_up(r, at, "too many values: a configuration holds at most 100000");
        return NULL;
    }
    node = arena_alloc(&r->doc->arena, sizeof(*node));
    if (node == NULL) {
        give_up(r, at, "out of memory");
        return NULL;
    }
    memset(node, 0, sizeof(*node));
    r->nodes++;
    node->type = type;
    node->line = mark_line(at);
    node->column = mark_column(at);
    return node;
}

static void append(struct level *level, struct node *node)
{
    *level->tail = node;
    level->tail = &node->next;
    level->node->count++;
}

/* Puts a finished or just opened value where it belongs. */
static void place(struct reader *r, struct node *node)
{
    struct level *level;

    if (r->depth == 0) {
        r->doc->root = node;
        return;
    }
    level = &r->levels[r->depth - 1];
    if (level->node->type == NODE_LIST) {
        append(level, node);
        return;
    }
    node->key = level->pending->key;
    node->key_line = level->pending->key_line;
    node->key_column = level->pending->key_column;
    if (!level->is_dropped)
        append(level, node);
    level->pending = NULL;
}

static bool expects_key(const struct reader *r)
{
    const struct level *level = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;

    return level != NULL && level->node->type == NODE_MAP && level->pending == NULL;
}

static void open_level(struct reader *r, enum node_type type, yaml_mark_t at)
{
    struct node *node;
    struct level *level;

    if (expects_key(r)) {
        give_up(r, at, "a key must be a plain word, not a list or a map");
        return;
    }
    if (r->depth >= DEPTH_MAX) {
        give_up(r, at, "nested too deeply: at most 16 levels");
        return;
    }
    node = node_new(r, type, at);
    if (node == NULL)
        return;
    place(r, node);
    level = &r->levels[r->depth++];
    memset(level, 0, sizeof(*level));
    level->node = node;
    level->tail = &node->first;
    map_init(&level->names, NODES_MAX);
}

static void close_level(struct reader *r)
{
    if (r->depth > 0)
        map_clear(&r->levels[--r->depth].names);
}

static void take_key(struct reader *r, struct view text, bool is_plain, yaml_mark_t at)
{
    struct level *level = &r->levels[r->depth - 1];
    struct node *member, *first;
    int rc;

    if (is_plain && view_eq(text, VIEW("<<"))) {
        problems_add(r->problems, mark_line(at), mark_column(at),
                     "merge keys (<<) are not supported: write the members out");
    } else if (text.len == 0) {
        problems_add(r->problems, mark_line(at), mark_column(at), "a key must not be empty");
    }
    member = node_new(r, NODE_NULL, at);
    if (member == NULL)
        return;
    member->key = text;
    member->key_line = mark_line(at);
    member->key_column = mark_column(at);
    level->pending = member;
    level->is_dropped = false;
    rc = map_put(&level->names, text, member);
    if (rc == E_EXISTS) {
        first = map_find(&level->names, text);
        problems_add(r->problems, mark_line(at), mark_column(at),
                     "`%s` stands here a second time (first in line %d)", problem_word(text).text,
                     first != NULL ? first->key_line : 0);
        level->is_dropped = true;
    } else if (rc != 0) {
        give_up(r, at, "out of memory");
    }
}

static void take_scalar(struct reader *r, const yaml_event_t *event)
{
    struct view text = view_of(event->data.scalar.value, event->data.scalar.length);
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    yaml_mark_t at = event->start_mark;
    struct node *node;
    char *copy;

    if (memchr(text.ptr, '\0', text.len) != NULL) {
        give_up(r, at, "a NUL byte inside a value");
        return;
    }
    copy = arena_text(&r->doc->arena, text);
    if (copy == NULL) {
        give_up(r, at, "out of memory");
        return;
    }
    text.ptr = copy;
    if (expects_key(r)) {
        take_key(r, text, is_plain, at);
        return;
    }
    node = node_new(r, is_plain && is_null_word(text) ? NODE_NULL : NODE_SCALAR, at);
    if (node == NULL)
        return;
    node->is_quoted = !is_plain;
    node->text = text;
    place(r, node);
}

static bool event_has_anchor(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor != NULL;
    default:
        return false;
    }
}

static bool event_has_tag(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return e->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.tag != NULL;
    default:
        return false;
    }
}

/* libyaml swallows the tag `!` of `! x`; the value's first byte still shows it. */
static void check_properties(struct reader *r, const yaml_event_t *event)
{
    size_t chars = event->start_mark.index;
    char first = chars >= r->cursor_chars ? byte_at(r, chars) : '\0';
    int line = mark_line(event->start_mark), column = mark_column(event->start_mark);

    if (event_has_anchor(event))
        problems_add(r->problems, line, column,
                     "anchors (&name) are not supported: write the value out");
    if (event_has_tag(event) || first == '!')
        problems_add(r->problems, line, column, "tags (!name) are not supported: remove it");
}

static void start_document(struct reader *r, const yaml_event_t *event)
{
    bool has_tags = event->data.document_start.tag_directives.start !=
                    event->data.document_start.tag_directives.end;

    if (event->data.document_start.version_directive != NULL || has_tags)
        problems_add(r->problems, mark_line(event->start_mark), mark_column(event->start_mark),
                     "directives (%%YAML, %%TAG) are not supported: remove the line");
    if (++r->documents > 1)
        give_up(r, event->start_mark,
                "a second document (---) in one file: a configuration is one document");
}

static void take_event(struct reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        start_document(r, event);
        break;
    case YAML_SCALAR_EVENT:
        check_properties(r, event);
        take_scalar(r, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        check_properties(r, event);
        open_level(r, NODE_LIST, event->start_mark);
        break;
    case YAML_MAPPING_START_EVENT:
        check_properties(r, event);
        open_level(r, NODE_MAP, event->start_mark);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_level(r);
        break;
    case YAML_ALIAS_EVENT:
        give_up(r, event->start_mark, "aliases (*name) are not supported: write the value out");
        break;
    case YAML_STREAM_END_EVENT:
        r->is_over = true;
        r->is_whole = true;
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

/* libyaml's own words, put more plainly where people meet them most. */
static void report_syntax(struct reader *r, const yaml_parser_t *parser)
{
    yaml_mark_t at = parser->problem_mark;
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";

    if (parser->error == YAML_MEMORY_ERROR) {
        give_up(r, at, "out of memory");
        return;
    }
    if (parser->error == YAML_SCANNER_ERROR && byte_at(r, at.index) == '\t')
        problem = "a tab where YAML wants spaces";
    else if (strstr(problem, "mapping values are not allowed") != NULL)
        problem = "a `:` here makes no sense: look at the indentation, or put the value in quotes";
    if (parser->context != NULL)
        problems_add(r->problems, mark_line(at), mark_column(at), "not YAML: %s (%s)", problem,
                     parser->context);
    else
        problems_add(r->problems, mark_line(at), mark_column(at), "not YAML: %s", problem);
    r->is_over = true;
}

/* What libyaml would let pass, or report without a place: bytes that are no UTF-8, NUL and other
 * control characters, byte order marks in the middle, and the invisible characters that turn text
 * around them. */
static bool check_bytes(struct view text, struct problems *problems)
{
    const uint8_t *bytes = (const uint8_t *)text.ptr;
    int line = 1, column = 1;
    size_t step;

    for (size_t i = 0; i < text.len; i += step, column++) {
        uint32_t c = 0;

        step = code_point_decode(bytes + i, text.len - i, &c);
        if (step == 0) {
            problems_add(problems, line, column, "this byte (0x%02x) is not UTF-8", bytes[i]);
            return false;
        }
        if (c == '\n' || (c == '\r' && (i + 1 == text.len || bytes[i + 1] != '\n'))) {
            line++;
            column = 0;
        } else if (c == 0xfeff || (code_point_is_control(c) && c != '\t' && c != '\r')) {
            problems_add(problems, line, column, "an invisible character (U+%04X): remove it",
                         (unsigned)c);
            return false;
        }
    }
    return true;
}

static void read_events(struct reader *r)
{
    yaml_parser_t parser;
    yaml_event_t event;

    if (!yaml_parser_initialize(&parser)) {
        problems_add(r->problems, 0, 0, "out of memory");
        return;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)r->text.ptr, r->text.len);
    while (!r->is_over) {
        if (!yaml_parser_parse(&parser, &event)) {
            report_syntax(r, &parser);
            break;
        }
        take_event(r, &event);
        yaml_event_delete(&event);
    }
    while (r->depth > 0)
        close_level(r);
    yaml_parser_delete(&parser);
}

int document_parse(struct document **out, struct view text, struct problems *problems)
{
    struct reader reader = {.problems = problems};
    unsigned errors_before = problems->errors;
    struct document *doc;

    if (text.len > TEXT_BYTES_MAX) {
        problems_add(problems, 0, 0, "too big: a configuration has at most 1 MiB");
        return E_INVALID;
    }
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        text = view_of(text.ptr + 3, text.len - 3);
    if (!check_bytes(text, problems))
        return E_INVALID;
    doc = calloc(1, sizeof(*doc));
    if (doc == NULL) {
        problems_add(problems, 0, 0, "out of memory");
        return E_INVALID;
    }
    arena_init(&doc->arena, (size_t)64 * 1024, ARENA_BYTES_MAX);
    reader.doc = doc;
    reader.text = text.len > 0 ? text : VIEW("");
    read_events(&reader);
    if (doc->root == NULL && problems->errors == errors_before)
        doc->root = node_new(&reader, NODE_NULL, (yaml_mark_t){0, 0, 0});
    if (!reader.is_whole || doc->root == NULL) {
        document_free(doc);
        return E_INVALID;
    }
    *out = doc;
    return problems->errors == errors_before ? OK : E_INVALID;
}

void document_free(struct document *doc)
{
    if (doc == NULL)
        return;
    arena_clear(&doc->arena);
    free(doc);
}

struct node *document_root(struct document *doc)
{
    return doc->root;
}

struct node *node_member(struct node *map, const char *key)
{
    struct view wanted = view_of_text(key);

    if (map == NULL || map->type != NODE_MAP)
        return NULL;
    for (struct node *member = map->first; member != NULL; member = member->next) {
        if (view_eq(member->key, wanted)) {
            member->is_used = true;
            return member;
        }
    }
    return NULL;
}
