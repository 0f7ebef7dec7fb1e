/* SPDX-License-Identifier: Apache-2.0 */
/* html_fixtures.h: the inputs of html5lib's published tests, which lie next to the project and are
 * not part of it. Only what goes in is read, not what their parser should make of it. */
#ifndef TESTS_HTML_FIXTURES_H
#define TESTS_HTML_FIXTURES_H

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "message/json.h"
#include "vectors.h"

typedef void html_fixture_take(void *self, struct view input);

/* The JSON string that begins at `at`, as text; `at` without one is passed over. */
static inline void html_fixture_string(const char *at, html_fixture_take *take, void *self)
{
    const char *end = at + 1;
    struct arena arena;
    struct json *root;

    while (*end != '\0' && *end != '"')
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    arena_init(&arena, 4096, 1024 * 1024);
    /* Lone surrogates and the like are no JSON to us: nobody can send them either. */
    if (*at == '"' && *end == '"' &&
        json_parse(&root, view_of(at, (size_t)(end + 1 - at)), NULL, &arena, NULL) == OK)
        take(self, root->text);
    arena_clear(&arena);
}

static inline void html_fixture_file(char *text, html_fixture_take *take, void *self)
{
    for (char *at = strstr(text, "\"input\""); at != NULL; at = strstr(at, "\"input\"")) {
        at += strlen("\"input\"");
        at += strspn(at, ": \t\r\n");
        html_fixture_string(at, take, self);
    }
    for (char *at = strstr(text, "#data\n"); at != NULL; at = strstr(at, "#data\n")) {
        char *end;

        at += strlen("#data\n");
        end = strstr(at, "\n#errors");
        if (end != NULL)
            take(self, view_of(at, (size_t)(end - at)));
    }
}

static inline char *html_fixture_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t cap = 4 * 1024 * 1024;
    char *text = malloc(cap);
    size_t len;

    if (file == NULL || text == NULL) {
        free(text);
        text = NULL;
    } else {
        len = fread(text, 1, cap - 1, file);
        text[len] = '\0';
    }
    if (file != NULL)
        (void)fclose(file);
    return text;
}

/* Every input of every file in `folder` of html5lib-tests; false when there is no such folder. */
static inline bool html_fixtures(const char *folder, html_fixture_take *take, void *self)
{
    char name[256], dir[2048], path[4096];
    struct dirent *entry;
    DIR *files;

    (void)snprintf(name, sizeof(name), "html5lib-tests/%s", folder);
    if (!vectors_path(dir, sizeof(dir), name))
        return false;
    files = opendir(dir);
    if (files == NULL)
        return false;
    while ((entry = readdir(files)) != NULL) {
        char *text;

        if (entry->d_name[0] == '.' || strchr(entry->d_name, '.') == NULL)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        text = html_fixture_read(path);
        if (text != NULL)
            html_fixture_file(text, take, self);
        free(text);
    }
    (void)closedir(files);
    return true;
}

#endif
