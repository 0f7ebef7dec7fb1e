/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize_tool.c: the sanitiser for the browser test, one JSON value a line.
 *   sanitize_tool payloads COUNT   that many generated payloads, and html5lib's inputs if they are
 *                                  at hand: JSON strings
 *   sanitize_tool clean            reads JSON strings, writes arrays [escape, strip, allow], with
 *                                  null for a refusal */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "html_fixtures.h"
#include "message/json_encode.h"
#include "message/sanitize.h"
#include "xss_shapes.h"

#define ARENA_BYTES ((size_t)1024 * 1024)

static bool put_string(struct view text, struct arena *arena)
{
    struct json string = {.type = JSON_STRING, .text = text};
    struct view out;

    if (json_encode(&out, &string, JSON_STYLE_HTML_SAFE, arena) != OK)
        return false;
    return fwrite(out.ptr, 1, out.len, stdout) == out.len;
}

/* A line for one payload. What the JSON parser would not take, no client can send. */
static void put_payload(void *self, struct view text)
{
    struct arena *arena = self;

    arena_reset(arena);
    if (put_string(text, arena))
        (void)putchar('\n');
}

static int payloads(size_t count, struct arena *arena)
{
    char bytes[XSS_PAYLOAD_MAX];

    for (size_t i = 0; i < count; i++)
        put_payload(arena, view_of(bytes, xss_payload(i, bytes)));
    (void)html_fixtures("tokenizer", put_payload, arena);
    (void)html_fixtures("tree-construction", put_payload, arena);
    return ferror(stdout);
}

static bool clean_line(struct view line, struct arena *arena)
{
    struct json *root;

    arena_reset(arena);
    if (json_parse(&root, line, NULL, arena, NULL) != OK || root->type != JSON_STRING)
        return false;
    for (int kind = SANITIZE_ESCAPE; kind <= SANITIZE_ALLOW; kind++) {
        struct view out;
        int rc = sanitize_text(&out, root->text, (enum sanitize_kind)kind, arena);

        (void)putchar(kind == SANITIZE_ESCAPE ? '[' : ',');
        if (rc == E_LIMIT)
            (void)fputs("null", stdout);
        else if (rc != OK || !put_string(out, arena))
            return false;
    }
    (void)fputs("]\n", stdout);
    return true;
}

static int clean(struct arena *arena)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int code = 0;

    while (code == 0 && (len = getline(&line, &cap, stdin)) > 0) {
        if (!clean_line(view_of(line, (size_t)len), arena)) {
            (void)fprintf(stderr, "sanitize_tool: no JSON string: %s", line);
            code = 1;
        }
    }
    free(line);
    return code;
}

int main(int argc, char **argv)
{
    struct arena arena;
    int code = 2;

    arena_init(&arena, ARENA_BYTES, ARENA_BYTES);
    if (argc == 3 && strcmp(argv[1], "payloads") == 0)
        code = payloads((size_t)strtoul(argv[2], NULL, 10), &arena);
    else if (argc == 2 && strcmp(argv[1], "clean") == 0)
        code = clean(&arena);
    else
        (void)fputs("usage: sanitize_tool payloads COUNT | clean\n", stderr);
    arena_clear(&arena);
    return code;
}
