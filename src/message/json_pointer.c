/* SPDX-License-Identifier: Apache-2.0 */
/* Walks from token to token. */
#include "message/json_pointer.h"

bool json_pointer_ok(struct view pointer)
{
    if (pointer.len > 0 && pointer.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < pointer.len; i++) {
        if (pointer.ptr[i] != '~')
            continue;
        if (i + 1 >= pointer.len || (pointer.ptr[i + 1] != '0' && pointer.ptr[i + 1] != '1'))
            return false;
    }
    return true;
}

/* Is `name` what the token says once ~1 is / and ~0 is ~? */
static bool is_named(struct view name, struct view token)
{
    size_t at = 0;

    for (size_t i = 0; i < token.len; i++, at++) {
        char c = token.ptr[i];

        if (c == '~')
            c = token.ptr[++i] == '0' ? '~' : '/';
        if (at >= name.len || name.ptr[at] != c)
            return false;
    }
    return at == name.len;
}

static const struct json *element(const struct json *array, struct view token)
{
    const struct json *at = array->first;
    uint32_t index = 0;

    if (token.len == 0 || token.len > 9 || (token.ptr[0] == '0' && token.len > 1))
        return NULL;
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] < '0' || token.ptr[i] > '9')
            return NULL;
        index = index * 10 + (uint32_t)(token.ptr[i] - '0');
    }
    if (index >= array->count)
        return NULL;
    while (index-- > 0)
        at = at->next;
    return at;
}

const struct json *json_pointer_get(const struct json *root, struct view pointer)
{
    const struct json *at = root;

    if (!json_pointer_ok(pointer))
        return NULL;
    while (at != NULL && pointer.len > 0) {
        struct view token, rest;
        bool has_more;

        pointer = view_of(pointer.ptr + 1, pointer.len - 1);
        has_more = view_split(pointer, '/', &token, &rest);
        pointer = has_more ? view_of(rest.ptr - 1, rest.len + 1) : view_of(NULL, 0);
        if (at->type == JSON_ARRAY) {
            at = element(at, token);
            continue;
        }
        if (at->type != JSON_OBJECT)
            return NULL;
        for (at = at->first; at != NULL && !is_named(at->name, token);)
            at = at->next;
    }
    return at;
}

const struct json *json_claim(const struct json *claims, struct view name_or_pointer)
{
    if (name_or_pointer.len > 0 && name_or_pointer.ptr[0] == '/')
        return json_pointer_get(claims, name_or_pointer);
    return json_member(claims, name_or_pointer);
}
