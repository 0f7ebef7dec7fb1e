/* SPDX-License-Identifier: Apache-2.0 */
/* html_verdict.h: is cleaned text clean? A reader of its own that knows only what may be written:
 * it shares no code with the sanitiser and does not try to be an HTML parser. */
#ifndef TESTS_HTML_VERDICT_H
#define TESTS_HTML_VERDICT_H

#include <stdbool.h>
#include <string.h>

#include "base/view.h"

static inline bool html_has_prefix(struct view v, size_t at, const char *prefix)
{
    return v.len - at >= strlen(prefix) && memcmp(v.ptr + at, prefix, strlen(prefix)) == 0;
}

/* No < or > at all. */
static inline bool html_is_text(struct view v)
{
    return v.len == 0 || (memchr(v.ptr, '<', v.len) == NULL && memchr(v.ptr, '>', v.len) == NULL);
}

/* The whole link tag at `at`, or 0. */
static inline size_t html_link_length(struct view v, size_t at)
{
    static const char *const heads[] = {"<a href=\"https://", "<a href=\"http://",
                                        "<a href=\"mailto:"};
    static const char tail[] = "\" rel=\"noopener noreferrer nofollow\">";

    for (size_t i = 0; i < 3; i++) {
        const char *quote;
        size_t begin = at + strlen(heads[i]);

        if (!html_has_prefix(v, at, heads[i]))
            continue;
        quote = memchr(v.ptr + begin, '"', v.len - begin);
        if (quote == NULL || !html_has_prefix(v, (size_t)(quote - v.ptr), tail) ||
            memchr(v.ptr + begin, '<', (size_t)(quote - v.ptr) - begin) != NULL)
            return 0;
        return (size_t)(quote - v.ptr) + strlen(tail) - at;
    }
    return 0;
}

static inline size_t html_tag_length(struct view v, size_t at)
{
    static const char *const tags[] = {
        "<b>",       "</b>",   "<i>",  "</i>",  "<em>",         "</em>",         "<strong>",
        "</strong>", "<u>",    "</u>", "<s>",   "</s>",         "<code>",        "</code>",
        "<pre>",     "</pre>", "<p>",  "</p>",  "<br>",         "<ul>",          "</ul>",
        "<ol>",      "</ol>",  "<li>", "</li>", "<blockquote>", "</blockquote>", "</a>"};

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (html_has_prefix(v, at, tags[i]))
            return strlen(tags[i]);
    }
    return html_link_length(v, at);
}

/* Are all tags such as may be there, and closed in the order they were opened? */
static inline bool html_is_allowed(struct view v)
{
    size_t open[512];
    size_t depth = 0;

    for (size_t at = 0; at < v.len; at++) {
        size_t len, name = at + 1;

        if (v.ptr[at] == '>')
            return false;
        if (v.ptr[at] != '<')
            continue;
        len = html_tag_length(v, at);
        if (len == 0 || depth == sizeof(open) / sizeof(open[0]))
            return false;
        if (v.ptr[name] != '/') {
            open[depth] = name;
            depth += !html_has_prefix(v, at, "<br>");
        } else if (depth-- == 0 || strncmp(v.ptr + open[depth], v.ptr + name + 1, len - 3) != 0) {
            return false;
        }
        at += len - 1;
    }
    return depth == 0;
}

#endif
