/* SPDX-License-Identifier: Apache-2.0 */
/* schema_suite_test.c: JSON-Schema-Test-Suite, draft 2020-12, when it lies next to the project. All
 * required tests must pass; of the optional ones the numbers below, which docs/json-schema.md
 * publishes, no more and no fewer. The remote documents are at hand, as is the meta-schema; format
 * is an assertion for optional/format and an annotation elsewhere, as the suite wants it. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "schema_tools.h"
#include "vectors.h"

#define REMOTE_ROOT   "http://localhost:1234/"
#define DOCUMENTS_MAX 64

struct suite {
    struct schema_kit kit;
    struct schema_document documents[DOCUMENTS_MAX];
    size_t documents_count;
    unsigned passed, failed;
};

static const struct json *load(struct suite *s, const char *path)
{
    struct buf text = BUF_INIT(1024 * 1024);
    struct json *root = NULL;
    char *kept;

    if (file_read(&text, path) != OK)
        fail_msg("%s: cannot be read", path);
    kept = arena_text(&s->kit.arena, buf_view(&text));
    assert_non_null(kept);
    if (json_parse(&root, view_of(kept, text.len), NULL, &s->kit.arena, NULL) != OK)
        fail_msg("%s: no JSON to us", path);
    buf_clear(&text);
    return root;
}

static void add_document(struct suite *s, const char *uri, const struct json *root)
{
    assert_true(s->documents_count < DOCUMENTS_MAX);
    s->documents[s->documents_count].uri =
        view_of_text(arena_text(&s->kit.arena, view_of_text(uri)));
    s->documents[s->documents_count++].root = root;
}

/* Every file below remotes/, by the address the suite gives it. */
static void load_remotes(struct suite *s, const char *dir, const char *uri)
{
    DIR *open_dir = opendir(dir);
    struct dirent *entry;

    assert_non_null(open_dir);
    while ((entry = readdir(open_dir)) != NULL) {
        char path[1024], name[512];
        size_t len = strlen(entry->d_name);

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        (void)snprintf(name, sizeof(name), "%s%s", uri, entry->d_name);
        if (len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0) {
            add_document(s, name, load(s, path));
        } else {
            (void)snprintf(name, sizeof(name), "%s%s/", uri, entry->d_name);
            load_remotes(s, path, name);
        }
    }
    (void)closedir(open_dir);
}

static struct view member_text(const struct json *object, const char *name)
{
    struct view v = VIEW("");

    (void)json_member_string(object, view_of_text(name), &v);
    return v;
}

static void try_group(struct suite *s, const char *file, const struct json *group, bool is_format)
{
    struct schema_options options = {.is_lenient = true,
                                     .is_format_off = !is_format,
                                     .documents = s->documents,
                                     .documents_count = s->documents_count};
    struct view title = member_text(group, "description");
    int rc = kit_compile_json(&s->kit, json_member(group, VIEW("schema")), &options);
    const struct json *test = json_member(group, VIEW("tests"))->first;

    for (; test != NULL; test = test->next) {
        bool is_valid = json_member(test, VIEW("valid"))->type == JSON_TRUE;
        enum schema_verdict v = SCHEMA_ERROR;

        if (rc == OK)
            v = kit_check_json(&s->kit, json_member(test, VIEW("data")));
        if (v == (is_valid ? SCHEMA_VALID : SCHEMA_INVALID)) {
            s->passed++;
            continue;
        }
        s->failed++;
        print_message("# differs: %s: %.*s: %.*s: verdict %d (%s %s)\n", file, VIEW_ARG(title),
                      VIEW_ARG(member_text(test, "description")), (int)v, s->kit.fault.pointer,
                      s->kit.fault.text);
    }
}

static void try_folder(struct suite *s, const char *dir, bool is_format)
{
    DIR *open_dir = opendir(dir);
    struct dirent *entry;

    assert_non_null(open_dir);
    while ((entry = readdir(open_dir)) != NULL) {
        size_t len = strlen(entry->d_name);
        char path[1024];

        if (len < 6 || strcmp(entry->d_name + len - 5, ".json") != 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        for (const struct json *g = load(s, path)->first; g != NULL; g = g->next)
            try_group(s, entry->d_name, g, is_format);
    }
    (void)closedir(open_dir);
}

static void run_folder(const char *name, bool is_format, unsigned passed, unsigned failed)
{
    struct suite *s = calloc(1, sizeof(*s));
    char dir[768];

    if (!vectors_path(dir, sizeof(dir), "JSON-Schema-Test-Suite/remotes")) {
        print_message("# skipped: the suite is not here\n");
        free(s);
        skip();
    }
    assert_non_null(s);
    kit_init(&s->kit);
    load_remotes(s, dir, REMOTE_ROOT);
    add_document(s, META_URI, kit_json(&s->kit, META_TEXT));
    assert_non_null(s->documents[s->documents_count - 1].root);
    assert_true(vectors_path(dir, sizeof(dir), name));
    try_folder(s, dir, is_format);
    print_message("# %s: %u of %u\n", name, s->passed, s->passed + s->failed);
    kit_clear(&s->kit);
    if (s->passed != passed || s->failed != failed)
        fail_msg("%u passed and %u failed", s->passed, s->failed);
    free(s);
}

#define FOLDER "JSON-Schema-Test-Suite/tests/draft2020-12"

static void all_required_tests_pass(void **state)
{
    (void)state;
    run_folder(FOLDER, false, 1299, 0);
}

static void the_optional_tests_pass_but_for_those_published(void **state)
{
    (void)state;
    run_folder(FOLDER "/optional", false, 147, 15);
}

static void all_tests_of_formats_pass(void **state)
{
    (void)state;
    run_folder(FOLDER "/optional/format", true, 764, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_required_tests_pass),
        cmocka_unit_test(the_optional_tests_pass_but_for_those_published),
        cmocka_unit_test(all_tests_of_formats_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
