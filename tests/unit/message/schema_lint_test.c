/* SPDX-License-Identifier: Apache-2.0 */
/* schema_lint_test.c: objects that let in what nobody named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "message/schema_lint.h"

static struct arena arena;

static bool find(const char *text, char pointer[SCHEMA_LINT_POINTER_MAX])
{
    struct json *root = NULL;
    size_t error_at;

    arena_reset(&arena);
    assert_int_equal(json_parse(&root, view_of_text(text), NULL, &arena, &error_at), OK);
    return schema_find_open(root, pointer);
}

static void open_objects_are_found_by_their_place(void **state)
{
    static const struct {
        const char *schema, *pointer;
    } rows[] = {
        {"{}", ""},
        {"{\"type\":\"object\"}", ""},
        {"{\"properties\":{\"a\":{}}}", ""},
        {"{\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":[\"null\",\"object\"]}}}",
         "/properties/a"},
        {"{\"additionalProperties\":false,\"properties\":{\"a~/b\":{\"properties\":{}}}}",
         "/properties/a~0~1b"},
        {"{\"unevaluatedProperties\":false,\"properties\":{\"a\":{\"items\":{\"required\":[]}}}}",
         "/properties/a/items"},
        {"{\"additionalProperties\":false,\"properties\":{\"a\":{\"prefixItems\":[{\"type\":"
         "\"object\"}]}}}",
         "/properties/a/prefixItems/*"},
    };
    char pointer[SCHEMA_LINT_POINTER_MAX];

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(find(rows[i].schema, pointer));
        assert_string_equal(pointer, rows[i].pointer);
    }
}

static void what_was_thought_of_is_not_told(void **state)
{
    static const char *const rows[] = {
        "true",
        "false",
        "{\"additionalProperties\":false}",
        "{\"additionalProperties\":true}",
        "{\"additionalProperties\":{\"type\":\"string\"}}",
        "{\"unevaluatedProperties\":false,\"allOf\":[{\"type\":\"object\"}]}",
        "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"object\"}}}",
        "{\"oneOf\":[{\"type\":\"object\"}]}",
        "{\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":\"string\"}}}",
        "{\"additionalProperties\":false,\"properties\":{\"b\":{},\"d\":{\"items\":false}}}",
    };
    char pointer[SCHEMA_LINT_POINTER_MAX];

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(find(rows[i], pointer));
}

static void a_long_place_is_cut(void **state)
{
    char text[2048], pointer[SCHEMA_LINT_POINTER_MAX], name[400];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(text, sizeof(text),
                   "{\"additionalProperties\":false,\"properties\":{\"%s\":{\"type\":\"object\"}}}",
                   name);
    assert_true(find(text, pointer));
    assert_true(strlen(pointer) < SCHEMA_LINT_POINTER_MAX);
    assert_string_equal(pointer + strlen(pointer) - 3, "...");
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 65536);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_objects_are_found_by_their_place),
        cmocka_unit_test(what_was_thought_of_is_not_told),
        cmocka_unit_test(a_long_place_is_cut),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
