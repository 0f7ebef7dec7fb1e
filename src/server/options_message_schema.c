/* SPDX-License-Identifier: Apache-2.0 */
/* options_message_schema.c: the schema of a message type, from a file of JSON or written in the
 * configuration itself. What is written there is turned into JSON text and compiled like a file, so
 * that there is one way to read a schema; a fault is told with the line it stands in. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_out.h"
#include "base/status.h"
#include "message/schema_lint.h"
#include "server/options_messages.h"

#define SCHEMA_BYTES_MAX ((size_t)1024 * 1024)
#define ARENA_MAX        ((size_t)32 * 1024 * 1024)

/* --- the configuration's own lines as JSON --- */

struct writer {
    struct buf text;
    size_t watched;           /* an offset into text */
    const struct node *place; /* the last node that begins at or before it */
    int rc;
};

static void put(struct writer *w, const char *bytes, size_t len)
{
    if (w->rc == OK)
        w->rc = buf_append(&w->text, bytes, len);
}

static void put_string(struct writer *w, struct view v)
{
    struct wr out;

    if (w->rc == OK)
        w->rc = buf_reserve(&w->text, 6 * v.len + 2);
    if (w->rc != OK)
        return;
    out = wr_of(w->text.data + w->text.len, w->text.cap - w->text.len);
    json_out_string(&out, v, 0);
    w->text.len += wr_len(&out);
}

/* JSON's own grammar: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool is_number(struct view v)
{
    const char *at = v.ptr, *end = v.ptr + v.len;
    const char *digits;

    at += at < end && *at == '-';
    digits = at;
    while (at < end && isdigit((unsigned char)*at))
        at++;
    if (at == digits || (*digits == '0' && at - digits > 1))
        return false;
    if (at < end && *at == '.') {
        digits = ++at;
        while (at < end && isdigit((unsigned char)*at))
            at++;
        if (at == digits)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        digits = at;
        while (at < end && isdigit((unsigned char)*at))
            at++;
        if (at == digits)
            return false;
    }
    return at == end;
}

static void put_scalar(struct writer *w, const struct node *node)
{
    bool is_word = view_eq(node->text, VIEW("true")) || view_eq(node->text, VIEW("false")) ||
                   is_number(node->text);

    if (!node->is_quoted && is_word)
        put(w, node->text.ptr, node->text.len);
    else
        put_string(w, node->text);
}

/* The depth of a configuration is bounded, so is the recursion. */
static void put_node(struct writer *w, const struct node *node)
{
    bool is_map = node->type == NODE_MAP;

    if (w->text.len <= w->watched)
        w->place = node;
    if (node->type == NODE_NULL) {
        put(w, "null", 4);
        return;
    }
    if (node->type == NODE_SCALAR) {
        put_scalar(w, node);
        return;
    }
    put(w, is_map ? "{" : "[", 1);
    for (const struct node *item = node->first; item != NULL; item = item->next) {
        if (item != node->first)
            put(w, ",", 1);
        if (is_map) {
            put_string(w, item->key);
            put(w, ":", 1);
        }
        put_node(w, item);
    }
    put(w, is_map ? "}" : "]", 1);
}

/* The node whose text begins last at or before `offset`. */
static const struct node *place_of(const struct node *schema, size_t offset)
{
    struct writer w = {.text = BUF_INIT(8 * SCHEMA_BYTES_MAX), .watched = offset, .place = schema};

    put_node(&w, schema);
    buf_clear(&w.text);
    return w.place;
}

/* --- */

static int line_of(struct view text, size_t offset)
{
    int line = 1;

    for (size_t i = 0; i < offset && i < text.len; i++)
        line += text.ptr[i] == '\n';
    return line;
}

/* One sentence: where in the schema, which keyword, what about it. */
static void tell_fault(const struct schema_fault *fault, char *out, size_t cap)
{
    struct wr w = wr_of(out, cap - 1);

    if (fault->pointer[0] != '\0') {
        wr_text(&w, fault->pointer);
        wr_text(&w, ": ");
    }
    if (fault->keyword[0] != '\0') {
        wr_text(&w, fault->keyword);
        wr_text(&w, ": ");
    }
    wr_text(&w, fault->text);
    out[wr_len(&w)] = '\0';
}

static int compile(struct message_type *type, struct view text, struct schema_fault *fault)
{
    struct schema_options options = {.source = text};
    char open[SCHEMA_LINT_POINTER_MAX];
    struct arena arena;
    struct json *root = NULL;
    int rc;

    memset(fault, 0, sizeof(*fault));
    arena_init(&arena, 64 * (size_t)1024, ARENA_MAX);
    rc = json_parse(&root, text, NULL, &arena, &fault->offset);
    if (rc == OK)
        rc = schema_compile(&type->schema, root, &options, fault);
    else
        strcpy(fault->text, rc == E_INVALID ? "this is no JSON"
                                            : "deeper or of more parts than any sane schema");
    if (rc == OK && schema_find_open(root, open))
        type->open_object = strdup(open); /* a note for `gateward check`, and no more than that */
    arena_clear(&arena);
    if (rc == E_NOMEM && fault->text[0] == '\0')
        strcpy(fault->text, "out of memory");
    return rc;
}

static void compile_inline(struct message_draft *draft, struct problems *problems)
{
    struct writer w = {.text = BUF_INIT(8 * SCHEMA_BYTES_MAX), .place = draft->schema};
    struct schema_fault fault;
    const struct node *place = draft->schema;
    char text[600];

    put_node(&w, draft->schema);
    if (w.rc != OK) {
        problems_add(problems, place->line, place->column, "`schema`: %s", status_text(w.rc));
    } else if (compile(draft->type, buf_view(&w.text), &fault) != OK) {
        place = place_of(draft->schema, fault.offset);
        tell_fault(&fault, text, sizeof(text));
        problems_add(problems, place->line, place->column, "`schema`: %s", text);
    }
    buf_clear(&w.text);
}

static void compile_file(struct message_draft *draft, struct problems *problems)
{
    const struct node *place = node_member(draft->entry, "schema_file");
    struct buf text = BUF_INIT(SCHEMA_BYTES_MAX);
    char *path = options_path(draft->l, draft->schema_file, place, problems);
    struct schema_fault fault;
    char sentence[600];
    int rc;

    if (path == NULL)
        return;
    rc = file_read(&text, path);
    if (rc != OK) {
        problems_add(problems, place->line, place->column, "%s cannot be read: %s",
                     problem_word(view_of_text(draft->schema_file)).text,
                     rc == E_LIMIT ? "a schema has at most 1 MiB" : status_text(rc));
    } else if (compile(draft->type, buf_view(&text), &fault) != OK) {
        tell_fault(&fault, sentence, sizeof(sentence));
        problems_add(problems, place->line, place->column, "%s:%d: %s",
                     problem_word(view_of_text(draft->schema_file)).text,
                     line_of(buf_view(&text), fault.offset), sentence);
    }
    buf_clear(&text);
    free(path);
}

void options_message_schema(struct message_draft *draft, struct problems *problems)
{
    if (draft->schema != NULL && draft->schema_file != NULL)
        problems_add(problems, draft->schema->line, draft->schema->column,
                     "`schema` and `schema_file`: one of them, not both");
    else if (draft->schema != NULL)
        compile_inline(draft, problems);
    else if (draft->schema_file != NULL)
        compile_file(draft, problems);
}
