/* SPDX-License-Identifier: Apache-2.0 */
/* schema_violation.c: what was wrong, as data and as a sentence. The sentences about a message's
 * own fields are the protocol's (docs/protocol.md); everything else names a place and a keyword. */
#include <stdarg.h>
#include <stdio.h>

#include "base/code_point.h"
#include "base/wr.h"
#include "message/schema_run.h"

#define NAME_BYTES_MAX 64

/* Of a name not more than this many bytes, cut between code points. */
static struct view cut(struct view text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max > 0 && ((uint8_t)text.ptr[max] & 0xc0) == 0x80)
        max--;
    return view_of(text.ptr, max);
}

/* One token of a JSON pointer, written in front of what stands at w's end. */
struct tail {
    char *bytes;
    size_t at; /* the pointer grows from the end of the buffer to its front */
    bool is_full;
};

static void push_front(struct tail *t, const char *text, size_t len)
{
    if (t->is_full || len > t->at) {
        t->is_full = true;
        return;
    }
    t->at -= len;
    memcpy(t->bytes + t->at, text, len);
}

static void push_name(struct tail *t, struct view name)
{
    name = cut(name, NAME_BYTES_MAX);
    for (size_t i = name.len; i-- > 0;) {
        if (name.ptr[i] == '~')
            push_front(t, "~0", 2);
        else if (name.ptr[i] == '/')
            push_front(t, "~1", 2);
        else
            push_front(t, name.ptr + i, 1);
    }
    push_front(t, "/", 1);
}

static uint32_t put_pointer(char *out, size_t cap, const struct schema_place *at)
{
    struct tail t = {out, cap - 1, false};
    uint32_t depth = 0;
    char number[16];

    for (; at->up != NULL; at = at->up, depth++) {
        if (at->up->value->type == JSON_OBJECT) {
            push_name(&t, at->value->name);
        } else {
            int len = snprintf(number, sizeof(number), "/%u", at->index);

            push_front(&t, number, (size_t)len);
        }
    }
    /* A way too long to write loses its beginning, at a whole token. */
    while (t.is_full && t.at < cap - 1 && out[t.at] != '/')
        t.at++;
    memmove(out, out + t.at, cap - 1 - t.at);
    out[cap - 1 - t.at] = '\0';
    return depth;
}

enum schema_verdict schema_run_missing(struct schema_run *r, const struct schema_op *op,
                                       const struct schema_place *at, struct view name)
{
    struct schema_violation *v = r->first;

    if (v == NULL || r->quiet > 0)
        return SCHEMA_INVALID;
    v->keyword = op->keyword;
    v->schema_pointer = op->where;
    v->depth = put_pointer(v->pointer, sizeof(v->pointer), at);
    v->field = name;
    v->limit = 0;
    v->types = op->code == OP_TYPE ? op->block_or_types : 0;
    if (op->code == OP_MIN_LENGTH || op->code == OP_MAX_LENGTH || op->code == OP_MIN_COUNT ||
        op->code == OP_MAX_COUNT)
        v->limit = op->u.limit;
    return SCHEMA_INVALID;
}

enum schema_verdict schema_run_fail(struct schema_run *r, const struct schema_op *op,
                                    const struct schema_place *at)
{
    bool is_member = at->up != NULL && at->up->value->type == JSON_OBJECT;

    return schema_run_missing(r, op, at, is_member ? at->value->name : VIEW(""));
}

/* "string", "string or null", ... */
static void put_types(struct wr *w, uint32_t types)
{
    static const struct {
        uint32_t bits;
        const char *name;
    } names[] = {
        {1U << JSON_STRING, "string"}, {SCHEMA_TYPE_INTEGER, "integer"},
        {1U << JSON_NUMBER, "number"}, {1U << JSON_TRUE, "boolean"},
        {1U << JSON_OBJECT, "object"}, {1U << JSON_ARRAY, "array"},
        {1U << JSON_NULL, "null"},
    };
    bool is_first = true;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((types & names[i].bits) == 0)
            continue;
        wr_text(w, is_first ? " must be " : " or ");
        wr_text(w, names[i].name);
        is_first = false;
    }
}

static const struct {
    const char *keyword, *says; /* behind "Field 'x'" */
    bool has_limit;
} sentences[] = {
    {"maxLength", " exceeds max length ", true},
    {"minLength", " is below min length ", true},
    {"pattern", " has invalid format", false},
    {"format", " has invalid format", false},
    {"enum", " has invalid value", false},
    {"const", " has invalid value", false},
    {"maxItems", " exceeds max items ", true},
    {"minItems", " is below min items ", true},
    {"maxProperties", " exceeds max properties ", true},
    {"minProperties", " is below min properties ", true},
    {"minimum", " is too small", false},
    {"exclusiveMinimum", " is too small", false},
    {"maximum", " is too large", false},
    {"exclusiveMaximum", " is too large", false},
    {"multipleOf", " has invalid value", false},
    {"uniqueItems", " must not repeat items", false},
    {"", " is not allowed", false},
};

/* "Field 'x'" for a member of the message itself; its way in the message for what lies deeper. */
static void put_subject(struct wr *w, const struct schema_violation *v)
{
    if (v->depth == 0) {
        wr_text(w, "Message");
    } else if (v->depth == 1 && v->field.len > 0) {
        wr_text(w, "Field '");
        wr_view(w, cut(v->field, NAME_BYTES_MAX));
        wr_text(w, "'");
    } else {
        wr_text(w, "Field '");
        wr_text(w, v->pointer);
        wr_text(w, "'");
    }
}

static void put_missing(struct wr *w, const struct schema_violation *v)
{
    wr_text(w, "Missing required field: ");
    if (v->depth > 0) {
        wr_text(w, v->pointer);
        wr_text(w, "/");
    }
    wr_view(w, cut(v->field, NAME_BYTES_MAX));
}

static void put_sentence(struct wr *w, const struct schema_violation *v)
{
    if (strcmp(v->keyword, "required") == 0 || strcmp(v->keyword, "dependentRequired") == 0) {
        put_missing(w, v);
        return;
    }
    put_subject(w, v);
    if (v->types != 0) {
        put_types(w, v->types);
        return;
    }
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        if (strcmp(v->keyword, sentences[i].keyword) != 0)
            continue;
        wr_text(w, sentences[i].says);
        if (sentences[i].has_limit)
            wr_dec(w, v->limit);
        return;
    }
    wr_text(w, " does not match ");
    wr_text(w, v->keyword);
}

size_t schema_violation_text(char *buf, size_t cap, const struct schema_violation *violation,
                             bool is_detailed)
{
    char text[1024];
    struct wr w = wr_of(text, sizeof(text));
    struct view v;

    if (cap == 0)
        return 0;
    if (is_detailed)
        put_sentence(&w, violation);
    else
        wr_text(&w, "Message does not match its schema");
    v = cut(view_of(text, wr_len(&w)), cap - 1);
    memcpy(buf, v.ptr, v.len);
    buf[v.len] = '\0';
    return v.len;
}
