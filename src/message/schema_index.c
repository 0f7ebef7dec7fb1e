/* SPDX-License-Identifier: Apache-2.0 */
/* schema_index.c: where schemas are, what they are called, and what a reference means. Only places
 * where the draft puts schemas are searched, so an $id inside an enum is data; a pointer may still
 * name any place. */
#include <stdio.h>

#include "base/status.h"
#include "message/schema_compiler.h"
#include "message/schema_uri.h"

#define DRAFT "https://json-schema.org/draft/2020-12/"

static const char *joined(struct schema_compiler *c, const char *pointer, struct view token)
{
    size_t len = strlen(pointer);
    char *out = schema_alloc(c, len + 2 * token.len + 2);
    char *at = out;

    if (out == NULL)
        return "";
    memcpy(at, pointer, len);
    at += len;
    *at++ = '/';
    for (size_t i = 0; i < token.len; i++) {
        bool is_special = token.ptr[i] == '~' || token.ptr[i] == '/';

        if (is_special)
            *at++ = '~';
        *at++ = token.ptr[i] == '~' ? '0' : is_special ? '1' : token.ptr[i];
    }
    return out;
}

static const char *joined_index(struct schema_compiler *c, const char *pointer, uint32_t index)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", index);
    return joined(c, pointer, view_of_text(text));
}

struct schema_spot *schema_spot_of(struct schema_compiler *c, const struct json *node)
{
    return map_find(&c->spots, view_of(&node, sizeof(node)));
}

static struct schema_spot *spot_add(struct schema_compiler *c, const struct json *node,
                                    struct schema_resource *resource, const char *pointer)
{
    struct schema_spot *spot = schema_alloc(c, sizeof(*spot));
    int rc;

    if (spot == NULL)
        return NULL;
    *spot = (struct schema_spot){node, resource, SCHEMA_BLOCK_NONE, pointer};
    rc = map_put(&c->spots, view_of(&spot->node, sizeof(spot->node)), spot);
    if (rc != OK) {
        schema_fail_rc(c, rc, rc == E_NOMEM ? "out of memory" : "too many schemas");
        return NULL;
    }
    return spot;
}

static void name_add(struct schema_compiler *c, struct map *names, struct view name,
                     struct schema_spot *spot)
{
    int rc = map_put(names, name, spot);

    if (rc == E_EXISTS && map_find(names, name) != spot)
        schema_fail(c, spot, names == &c->uris ? "$id" : "$anchor", spot->node,
                    "another schema has this name already");
    else if (rc != OK && rc != E_EXISTS)
        schema_fail_rc(c, rc, rc == E_NOMEM ? "out of memory" : "too many names");
}

static struct view anchor_key(struct schema_compiler *c, struct view uri, struct view name)
{
    char *key = schema_alloc(c, uri.len + name.len + 1);

    if (key == NULL)
        return VIEW("");
    if (uri.len > 0)
        memcpy(key, uri.ptr, uri.len);
    key[uri.len] = '#';
    memcpy(key + uri.len + 1, name.ptr, name.len);
    return view_of(key, uri.len + name.len + 1);
}

static bool anchor_ok(struct view name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        char lower = (char)(c | 0x20);

        if (!(lower >= 'a' && lower <= 'z') && c != '_' &&
            (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '.')))
            return false;
    }
    return name.len > 0;
}

static void anchor_add(struct schema_compiler *c, struct schema_spot *spot, const char *keyword)
{
    const struct json *value = json_member(spot->node, view_of_text(keyword));
    struct schema_anchor *dynamic;
    struct view name;

    if (value == NULL || c->rc != OK)
        return;
    if (value->type != JSON_STRING || !anchor_ok(value->text)) {
        schema_fail(c, spot, keyword, value, "must be a name of letters, digits, - _ and .");
        return;
    }
    name = schema_keep(c, value->text);
    name_add(c, &c->anchors, anchor_key(c, spot->resource->uri, name), spot);
    if (strcmp(keyword, "$anchor") == 0)
        return;
    dynamic = schema_alloc(c, sizeof(*dynamic));
    if (dynamic == NULL)
        return;
    *dynamic = (struct schema_anchor){c->dynamic_anchors, name, spot};
    c->dynamic_anchors = dynamic;
}

/* The vocabularies that $schema names. A meta-schema nobody handed over is a fault in strict mode:
 * its words could mean anything. */
static void vocabularies(struct schema_compiler *c, struct schema_spot *spot)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } known[] = {{"validation", SCHEMA_VOCABULARY_VALIDATION},
                 {"applicator", SCHEMA_VOCABULARY_APPLICATOR},
                 {"unevaluated", SCHEMA_VOCABULARY_UNEVALUATED},
                 {"core", 0},
                 {"meta-data", 0},
                 {"format-annotation", 0},
                 {"format-assertion", SCHEMA_VOCABULARY_FORMAT},
                 {"content", 0}};
    const struct json *uri = json_member(spot->node, VIEW("$schema"));
    const struct json *list = NULL;
    uint32_t bits = 0;

    if (uri == NULL)
        return;
    if (uri->type == JSON_STRING &&
        (view_eq(uri->text, VIEW(DRAFT "schema")) || view_eq(uri->text, VIEW(DRAFT "schema#"))))
        return;
    for (size_t i = 0; i < c->options->documents_count; i++) {
        if (uri->type == JSON_STRING && view_eq(uri->text, c->options->documents[i].uri))
            list = json_member(c->options->documents[i].root, VIEW("$vocabulary"));
    }
    if (list == NULL || list->type != JSON_OBJECT) {
        if (!c->options->is_lenient || uri->type != JSON_STRING)
            schema_fail(c, spot, "$schema", uri,
                        "must be \"" DRAFT "schema\" or a document at hand that has $vocabulary");
        return;
    }
    for (const struct json *m = list->first; m != NULL; m = m->next) {
        bool is_known = false;

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            char text[96];

            (void)snprintf(text, sizeof(text), DRAFT "vocab/%s", known[i].name);
            if (!view_eq(m->name, view_of_text(text)))
                continue;
            bits |= known[i].bit;
            is_known = true;
        }
        if (!is_known && m->type == JSON_TRUE)
            schema_fail(c, spot, "$schema", uri, "needs a vocabulary that is unknown here");
    }
    spot->resource->vocabularies = bits;
}

static struct schema_resource *resource_new(struct schema_compiler *c, struct view uri,
                                            uint32_t bits)
{
    struct schema_resource *r = schema_alloc(c, sizeof(*r));

    if (r != NULL)
        *r = (struct schema_resource){c->s->resources_count++, bits, uri, false};
    return r;
}

/* A schema with an $id begins a resource of its own. */
static void identify(struct schema_compiler *c, struct schema_spot *spot)
{
    const struct json *id = json_member(spot->node, VIEW("$id"));
    struct schema_uri uri;
    int rc;

    if (id == NULL)
        return;
    if (id->type != JSON_STRING) {
        schema_fail(c, spot, "$id", id, "must be a string");
        return;
    }
    rc = schema_uri_resolve(&uri, &c->s->arena, spot->resource->uri, id->text);
    if (rc != OK || uri.fragment.len > 0) {
        schema_fail(c, spot, "$id", id, "must be a URI without a fragment");
        return;
    }
    spot->resource = resource_new(c, uri.uri, spot->resource->vocabularies);
    if (spot->resource != NULL)
        name_add(c, &c->uris, uri.uri, spot);
}

static void visit(struct schema_compiler *c, const struct json *node,
                  struct schema_resource *resource, const char *pointer);

static void visit_children(struct schema_compiler *c, const struct json *m,
                           struct schema_resource *resource, const char *pointer)
{
    uint32_t index = 0;

    for (const struct json *child = m->first; child != NULL; child = child->next, index++) {
        visit(c, child, resource,
              m->type == JSON_OBJECT ? joined(c, pointer, child->name)
                                     : joined_index(c, pointer, index));
    }
}

static void visit_keywords(struct schema_compiler *c, const struct schema_spot *spot)
{
    for (const struct json *m = spot->node->first; m != NULL && c->rc == OK; m = m->next) {
        const struct schema_keyword *k = schema_keyword_find(m->name);
        const char *below;

        if (k == NULL || k->shape == SHAPE_NONE)
            continue;
        below = joined(c, spot->pointer, m->name);
        if (k->shape == SHAPE_SCHEMA)
            visit(c, m, spot->resource, below);
        else if ((m->type == JSON_ARRAY) == (k->shape == SHAPE_LIST))
            visit_children(c, m, spot->resource, below);
    }
}

/* Recursion as deep as the document, which the parser has bounded. */
static void visit(struct schema_compiler *c, const struct json *node,
                  struct schema_resource *resource, const char *pointer)
{
    struct schema_spot *spot;

    if (c->rc != OK || schema_spot_of(c, node) != NULL)
        return;
    spot = spot_add(c, node, resource, pointer);
    if (spot == NULL || node->type != JSON_OBJECT)
        return;
    identify(c, spot);
    if (c->rc != OK)
        return;
    vocabularies(c, spot);
    anchor_add(c, spot, "$anchor");
    anchor_add(c, spot, "$dynamicAnchor");
    visit_keywords(c, spot);
}

struct schema_spot *schema_index_document(struct schema_compiler *c, const struct json *root,
                                          struct view uri, bool is_main)
{
    struct view kept = schema_keep(c, uri);
    struct schema_resource *resource = resource_new(c, kept, SCHEMA_VOCABULARY_ALL);
    struct schema_spot *spot;
    char *prefix = schema_alloc(c, uri.len + 2);

    if (resource == NULL || prefix == NULL)
        return NULL;
    if (!is_main)
        (void)snprintf(prefix, uri.len + 2, "%.*s#", (int)uri.len, uri.ptr);
    visit(c, root, resource, prefix);
    spot = schema_spot_of(c, root);
    if (c->rc != OK || spot == NULL)
        return NULL;
    name_add(c, &c->uris, kept, spot);
    return c->rc == OK ? spot : NULL;
}

static const struct json *child_of(const struct json *at, struct view token, char *name)
{
    size_t len = 0;
    uint32_t index = 0;

    for (size_t i = 0; i < token.len; i++, len++) {
        name[len] = token.ptr[i];
        if (token.ptr[i] != '~')
            continue;
        if (++i == token.len || (token.ptr[i] != '0' && token.ptr[i] != '1'))
            return NULL;
        name[len] = token.ptr[i] == '0' ? '~' : '/';
    }
    if (at->type == JSON_OBJECT)
        return json_member(at, view_of(name, len));
    if (at->type != JSON_ARRAY || len == 0 || len > 6)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return NULL;
        index = index * 10 + (uint32_t)(name[i] - '0');
    }
    for (at = at->first; at != NULL && index > 0; index--)
        at = at->next;
    return at;
}

/* The schema a JSON pointer leads to. On the way the resource may change: an $id below the root is
 * the base of what lies below it. */
static struct schema_spot *pointed(struct schema_compiler *c, struct schema_spot *root,
                                   struct view pointer)
{
    struct schema_resource *resource = root->resource;
    const struct json *at = root->node;
    const char *where = root->pointer;
    char *name = schema_alloc(c, pointer.len + 1);
    struct view rest = view_of(pointer.ptr + 1, pointer.len - 1);
    bool has_more = true;

    while (has_more && at != NULL && name != NULL) {
        struct schema_spot *spot;
        struct view token;

        has_more = view_split(rest, '/', &token, &rest);
        at = child_of(at, token, name);
        if (at == NULL)
            return NULL;
        where = at->name.len > 0 ? joined(c, where, at->name) : joined(c, where, token);
        spot = schema_spot_of(c, at);
        if (spot != NULL)
            resource = spot->resource;
    }
    if (at == NULL || name == NULL)
        return NULL;
    visit(c, at, resource, where);
    return c->rc == OK ? schema_spot_of(c, at) : NULL;
}

struct schema_spot *schema_refer(struct schema_compiler *c, struct view reference,
                                 const struct json *node, struct view *anchor)
{
    struct schema_spot *from = c->spot;
    struct schema_spot *found;
    struct schema_uri to;

    *anchor = VIEW("");
    if (schema_uri_resolve(&to, &c->s->arena, from->resource->uri, reference) != OK) {
        schema_fail(c, from, node->name.len > 0 ? "$ref" : "", node, "is no reference");
        return NULL;
    }
    found = map_find(&c->uris, to.uri);
    if (found == NULL) {
        schema_fail(c, from, "$ref", node,
                    "refers to a document that is not at hand; nothing is fetched");
        return NULL;
    }
    if (to.fragment.len == 0)
        return found;
    if (to.fragment.ptr[0] == '/') {
        found = pointed(c, found, to.fragment);
    } else {
        *anchor = to.fragment;
        found = map_find(&c->anchors, anchor_key(c, found->resource->uri, to.fragment));
    }
    if (found == NULL && c->rc == OK)
        schema_fail(c, from, "$ref", node, "refers to a place that does not exist");
    return found;
}
