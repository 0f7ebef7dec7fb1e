/* SPDX-License-Identifier: Apache-2.0 */
/* view.h: bytes that belong to someone else. Pure. A view need not end in NUL and may hold any
 * byte. */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
    const char *ptr;
    size_t len;
};

#define VIEW(literal) ((struct view){"" literal, sizeof(literal) - 1})
#define VIEW_FMT      "%.*s" /* printf: "..." VIEW_FMT, VIEW_ARG(v) */
#define VIEW_ARG(v)   (int)(v).len, (v).ptr

static inline struct view view_of(const void *ptr, size_t len)
{
    return (struct view){(const char *)ptr, len};
}

/* `text` may be NULL: then the view is empty. */
struct view view_of_text(const char *text);
bool view_eq(struct view a, struct view b);
/* ASCII letters compare without case; no locale. */
bool view_eq_nocase(struct view a, struct view b);
bool view_starts_with(struct view v, struct view prefix);
/* Splits at the first `separator`: the part before it goes to *head, the rest behind it to *tail.
 * Returns false, with the whole of v in *head and an empty *tail, where there is none. */
bool view_split(struct view v, char separator, struct view *head, struct view *tail);
/* Without leading and trailing SP and HTAB. */
struct view view_trim(struct view v);
/* A NUL-terminated heap copy that the caller frees with free(); NULL when out of memory. */
char *view_dup(struct view v);

#endif
