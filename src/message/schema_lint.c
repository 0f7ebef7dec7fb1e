/* SPDX-License-Identifier: Apache-2.0 */
/* schema_lint.c: only what a message itself holds is looked at, by way of properties and items; the
 * depth of a JSON text is bounded, so is the recursion. Either keyword with any value counts as
 * said: somebody has thought of it. */
#include "message/schema_lint.h"

#include "base/wr.h"

struct place {
    const struct place *above;
    struct view name;
};

static bool has(const struct json *schema, const char *keyword)
{
    return json_member(schema, view_of_text(keyword)) != NULL;
}

static bool is_put_together(const struct json *schema)
{
    static const char *const keywords[] = {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if"};

    for (unsigned i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (has(schema, keywords[i]))
            return true;
    }
    return false;
}

static bool is_of_objects(const struct json *schema)
{
    const struct json *type = json_member(schema, VIEW("type"));

    if (type != NULL && type->type == JSON_STRING)
        return view_eq(type->text, VIEW("object"));
    if (type != NULL && type->type == JSON_ARRAY) {
        for (const struct json *one = type->first; one != NULL; one = one->next) {
            if (one->type == JSON_STRING && view_eq(one->text, VIEW("object")))
                return true;
        }
        return false;
    }
    return has(schema, "properties") || has(schema, "required");
}

static void put_place(struct wr *w, const struct place *place)
{
    if (place->above == NULL)
        return;
    put_place(w, place->above);
    wr_u8(w, '/');
    for (size_t i = 0; i < place->name.len; i++) { /* RFC 6901 section 3 */
        if (place->name.ptr[i] == '~')
            wr_text(w, "~0");
        else if (place->name.ptr[i] == '/')
            wr_text(w, "~1");
        else
            wr_u8(w, (uint8_t)place->name.ptr[i]);
    }
}

static void write_place(char out[SCHEMA_LINT_POINTER_MAX], const struct place *place)
{
    struct wr w = wr_of(out, SCHEMA_LINT_POINTER_MAX - 4);

    put_place(&w, place);
    memcpy(out + wr_len(&w), w.failed ? "..." : "", w.failed ? 4 : 1);
}

static bool find_open(const struct json *schema, const struct place *at, char *out);

static bool find_in_members(const struct json *schema, const char *keyword, const struct place *at,
                            char *out)
{
    const struct json *members = json_member(schema, view_of_text(keyword));
    struct place under = {at, view_of_text(keyword)};

    if (members == NULL || (members->type != JSON_OBJECT && members->type != JSON_ARRAY))
        return false;
    for (const struct json *one = members->first; one != NULL; one = one->next) {
        struct place here = {&under, members->type == JSON_OBJECT ? one->name : VIEW("*")};

        if (find_open(one, &here, out))
            return true;
    }
    return false;
}

/* The message itself is an object, whatever its schema says. */
static bool find_open(const struct json *schema, const struct place *at, char *out)
{
    const struct json *items;
    struct place under = {at, VIEW("items")};

    if (schema->type != JSON_OBJECT)
        return false;
    if ((at->above == NULL || is_of_objects(schema)) && !has(schema, "additionalProperties") &&
        !has(schema, "unevaluatedProperties") && !is_put_together(schema)) {
        write_place(out, at);
        return true;
    }
    if (find_in_members(schema, "properties", at, out) ||
        find_in_members(schema, "prefixItems", at, out))
        return true;
    items = json_member(schema, VIEW("items"));
    return items != NULL && find_open(items, &under, out);
}

bool schema_find_open(const struct json *schema, char pointer[SCHEMA_LINT_POINTER_MAX])
{
    const struct place top = {NULL, {NULL, 0}};

    return find_open(schema, &top, pointer);
}
