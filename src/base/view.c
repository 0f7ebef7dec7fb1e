/* SPDX-License-Identifier: Apache-2.0 */
/* view.c: comparing and cutting bytes that belong to someone else. No locale: only ASCII letters
 * have a case. */
#include "base/view.h"

#include <stdlib.h>

struct view view_of_text(const char *text)
{
    return view_of(text, text != NULL ? strlen(text) : 0);
}

bool view_eq(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static unsigned lower(char c)
{
    unsigned value = (unsigned char)c;

    return value >= 'A' && value <= 'Z' ? value | 0x20 : value;
}

bool view_eq_nocase(struct view a, struct view b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool view_starts_with(struct view v, struct view prefix)
{
    return v.len >= prefix.len && view_eq(view_of(v.ptr, prefix.len), prefix);
}

bool view_split(struct view v, char separator, struct view *head, struct view *tail)
{
    const char *at = v.len > 0 ? memchr(v.ptr, separator, v.len) : NULL;

    if (at == NULL) {
        *head = v;
        *tail = view_of(v.len > 0 ? v.ptr + v.len : v.ptr, 0);
        return false;
    }
    *head = view_of(v.ptr, (size_t)(at - v.ptr));
    *tail = view_of(at + 1, v.len - head->len - 1);
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct view view_trim(struct view v)
{
    while (v.len > 0 && is_blank(v.ptr[0])) {
        v.ptr++;
        v.len--;
    }
    while (v.len > 0 && is_blank(v.ptr[v.len - 1]))
        v.len--;
    return v;
}

char *view_dup(struct view v)
{
    char *copy;

    if (v.len == SIZE_MAX)
        return NULL;
    copy = malloc(v.len + 1);
    if (copy == NULL)
        return NULL;
    if (v.len > 0)
        memcpy(copy, v.ptr, v.len);
    copy[v.len] = '\0';
    return copy;
}
