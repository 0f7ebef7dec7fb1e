/* SPDX-License-Identifier: Apache-2.0 */
/* schema_test.c: what a message hears when it does not match, what a document hears that is no
 * schema, and ceilings. Keywords are tested in schema_keyword_test.c and schema_suite_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "schema_tools.h"

static const char chat[] =
    "{\"type\":\"object\",\"required\":[\"type\",\"content\"],\"properties\":{"
    "\"type\":{\"const\":\"chat_message\"},"
    "\"content\":{\"type\":\"string\",\"maxLength\":10},"
    "\"room_id\":{\"type\":\"string\",\"pattern\":\"^[a-zA-Z0-9-]+$\"},"
    "\"status\":{\"type\":\"string\",\"enum\":[\"online\",\"away\"]},"
    "\"to\":{\"type\":[\"string\",\"null\"],\"format\":\"email\"},"
    "\"age\":{\"type\":\"integer\",\"minimum\":0},"
    "\"deep\":{\"type\":\"object\",\"required\":[\"a/b\"],\"properties\":{\"list\":{\"type\":"
    "\"array\",\"items\":{\"type\":\"boolean\"},\"maxItems\":2}}}},"
    "\"additionalProperties\":false}";

static const struct {
    const char *message, *text;
} answers[] = {
    {"{\"type\":\"chat_message\"}", "Missing required field: content"},
    {"{\"content\":\"x\",\"room_id\":1}", "Missing required field: type"},
    {"{\"type\":\"chat_message\",\"content\":5}", "Field 'content' must be string"},
    {"{\"type\":\"chat_message\",\"content\":\"12345678901\"}",
     "Field 'content' exceeds max length 10"},
    {"{\"type\":\"chat_message\",\"content\":\"x\",\"room_id\":\"a b\"}",
     "Field 'room_id' has invalid format"},
    {"{\"type\":\"chat_message\",\"content\":\"x\",\"status\":\"busy\"}",
     "Field 'status' has invalid value"},
    {"{\"type\":\"other\",\"content\":\"x\"}", "Field 'type' has invalid value"},
    {"{\"type\":\"chat_message\",\"content\":\"x\",\"to\":\"nobody\"}",
     "Field 'to' has invalid format"},
    {"{\"type\":\"chat_message\",\"content\":\"x\",\"to\":7}", "Field 'to' must be string or null"},
    {"{\"type\":\"chat_message\",\"content\":\"x\",\"age\":1.5}", "Field 'age' must be integer"},
    {"{\"type\":\"chat_message\",\"content\":\"x\",\"age\":-1}", "Field 'age' is too small"},
    {"{\"type\":\"chat_message\",\"content\":\"x\",\"evil\":1}", "Field 'evil' is not allowed"},
    {"{\"type\":\"chat_message\",\"content\":\"x\",\"deep\":{}}",
     "Missing required field: /deep/a/b"},
    {"{\"type\":\"chat_message\",\"content\":\"x\",\"deep\":{\"a/b\":1,\"list\":[true,1]}}",
     "Field '/deep/list/1' must be boolean"},
    {"{\"type\":\"chat_message\",\"content\":\"x\",\"deep\":{\"a/b\":1,\"list\":[true,true,true]}}",
     "Field '/deep/list' exceeds max items 2"},
    {"[]", "Message must be object"},
};

static void a_message_hears_what_is_wrong_in_the_protocols_words(void **state)
{
    struct schema_kit k;
    char brief[64];

    (void)state;
    kit_init(&k);
    assert_int_equal(kit_compile(&k, chat, NULL), OK);
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        assert_int_equal(kit_check(&k, answers[i].message), SCHEMA_INVALID);
        assert_string_equal(k.text, answers[i].text);
        (void)schema_violation_text(brief, sizeof(brief), &k.violation, false);
        assert_string_equal(brief, "Message does not match its schema");
    }
    assert_int_equal(kit_check(&k, "{\"type\":\"chat_message\",\"content\":\"1234567890\",\"to\":"
                                   "null,\"status\":\"away\",\"room_id\":\"lobby-1\",\"age\":1e2}"),
                     SCHEMA_VALID);
    /* Ten code points, twenty bytes. */
    assert_int_equal(kit_check(&k, "{\"type\":\"chat_message\",\"content\":"
                                   "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                   "\xc3\xa9\xc3\xa9\xc3\xa9\"}"),
                     SCHEMA_VALID);
    kit_clear(&k);
}

static void a_violation_names_value_and_keyword(void **state)
{
    struct schema_kit k;
    struct schema_violation v;

    (void)state;
    kit_init(&k);
    assert_int_equal(kit_compile(&k,
                                 "{\"properties\":{\"a~/b\":{\"items\":{\"$ref\":\"#/$defs/n\"}}},"
                                 "\"$defs\":{\"n\":{\"maximum\":4}}}",
                                 NULL),
                     OK);
    assert_int_equal(kit_check(&k, "{\"a~/b\":[1,2,7]}"), SCHEMA_INVALID);
    v = k.violation;
    assert_string_equal(v.pointer, "/a~0~1b/2");
    assert_string_equal(v.keyword, "maximum");
    assert_string_equal(v.schema_pointer, "/$defs/n/maximum");
    assert_int_equal(v.depth, 2);
    assert_int_equal(schema_check(k.schema, kit_json(&k, "{\"a~/b\":[9]}"), k.scratch, NULL),
                     SCHEMA_INVALID);
    kit_clear(&k);
}

static void long_names_are_cut_between_code_points(void **state)
{
    struct schema_kit k;
    char small[40];
    size_t len;

    (void)state;
    kit_init(&k);
    assert_int_equal(
        kit_compile(&k, "{\"additionalProperties\":{\"additionalProperties\":false}}", NULL), OK);
    assert_int_equal(
        kit_check(&k, "{\"a\":{\"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2"
                      "\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82"
                      "\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                      "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\":1}}"),
        SCHEMA_INVALID);
    assert_int_equal(strlen(k.violation.pointer), 3 + 63); /* 64 bytes would split the last sign */
    for (size_t cap = 1; cap < sizeof(small); cap++) {
        len = schema_violation_text(small, cap, &k.violation, true);
        assert_true(len < cap && small[len] == '\0');
        assert_true(len == 0 || ((uint8_t)small[len - 1] & 0x80) == 0 || len < 3 ||
                    ((uint8_t)small[len - 3] & 0xf0) == 0xe0);
    }
    kit_clear(&k);
}

static void a_way_too_long_to_write_loses_its_beginning(void **state)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    struct schema_kit k;
    char text[4096] = "";

    (void)state;
    kit_init(&k);
    assert_int_equal(kit_compile(&k, "{\"anyOf\":[{\"type\":\"number\",\"maximum\":1}]}", NULL),
                     OK);
    assert_int_equal(kit_compile(&k,
                                 "{\"type\":[\"object\",\"null\"],\"additionalProperties\":"
                                 "{\"$ref\":\"#\"}}",
                                 NULL),
                     OK);
    for (int i = 0; i < 12; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "{\"%s\":", name);
    (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "5");
    for (int i = 0; i < 12; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "}");
    assert_int_equal(kit_check(&k, text), SCHEMA_INVALID);
    assert_int_equal(k.violation.depth, 12);
    assert_int_equal(k.violation.pointer[0], '/');
    assert_int_equal(strlen(k.violation.pointer) % (sizeof(name)), 0);
    kit_clear(&k);
}

static const struct {
    const char *schema, *pointer, *keyword, *says;
} faults[] = {
    {"{\"properties\":{\"a\":{\"maxlength\":3}}}", "/properties/a", "maxlength",
     "did you mean maxLength?"},
    {"{\"definitions\":{}}", "", "definitions", "did you mean $defs?"},
    {"{\"format\":\"emial\"}", "", "format", "did you mean email?"},
    {"{\"$defs\":{\"a\":{\"type\":\"strnig\"}}}", "/$defs/a", "type", "must be null"},
    {"{\"type\":[\"string\",\"string\"]}", "", "type", "different types"},
    {"{\"type\":[]}", "", "type", "must be"},
    {"{\"maxLength\":-1}", "", "maxLength", "whole number"},
    {"{\"minItems\":1.5}", "", "minItems", "whole number"},
    {"{\"maxProperties\":\"1\"}", "", "maxProperties", "whole number"},
    {"{\"pattern\":\"(\"}", "", "pattern", "closing parenthesis"},
    {"{\"pattern\":\"a++\"}", "", "pattern", "nothing to repeat"},
    {"{\"pattern\":\"(?i)a\"}", "", "pattern", "unknown"},
    {"{\"patternProperties\":{\"[\":true}}", "", "patternProperties", "closing bracket"},
    {"{\"enum\":1}", "", "enum", "list of values"},
    {"{\"enum\":[]}", "", "enum", "list of values"},
    {"{\"required\":[\"a\",\"a\"]}", "", "required", "different names"},
    {"{\"required\":\"a\"}", "", "required", "list of names"},
    {"{\"dependentRequired\":{\"a\":[1]}}", "", "dependentRequired", "different names"},
    {"{\"properties\":[]}", "", "properties", "object of schemas"},
    {"{\"properties\":{\"a\":1}}", "/properties/a", "", "a schema is"},
    {"{\"items\":[true]}", "", "items", "prefixItems"},
    {"{\"prefixItems\":[]}", "", "prefixItems", "must not be empty"},
    {"{\"uniqueItems\":1}", "", "uniqueItems", "true or false"},
    {"{\"allOf\":[]}", "", "allOf", "list of schemas"},
    {"{\"multipleOf\":0}", "", "multipleOf", "greater than 0"},
    {"{\"multipleOf\":1.234567890123456789012}", "", "multipleOf", "18 digits"},
    {"{\"minimum\":\"1\"}", "", "minimum", "must be a number"},
    {"{\"minimum\":1e9999999999999999999}", "", "minimum", "must be a number"},
    {"{\"$ref\":\"https://example.com/other.json\"}", "", "$ref", "not at hand"},
    {"{\"$ref\":\"#/$defs/nothing\"}", "", "$ref", "does not exist"},
    {"{\"$ref\":\"#nothing\"}", "", "$ref", "does not exist"},
    {"{\"$ref\":\"#\"}", "", "$ref", "without end"},
    {"{\"anyOf\":[{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"not\":{\"$ref\":\"#\"}}}}", "",
     "$ref", "without end"},
    {"{\"$anchor\":\"1a\"}", "", "$anchor", "name of letters"},
    {"{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}", "/$defs/b", "$anchor",
     "already"},
    {"{\"$id\":\"https://example.com/#a\"}", "", "$id", "without a fragment"},
    {"{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", "", "$schema", "2020-12"},
    {"{\"then\":{\"type\":\"x\"}}", "/then", "type", "must be null"},
    {"{\"minContains\":-1}", "", "minContains", "whole number"},
    {"{\"title\":1}", "", "title", "must be a string"},
    {"{\"examples\":1}", "", "examples", "must be an array"},
    {"7", "", "", "a schema is"},
};

static void a_document_hears_why_it_is_no_schema(void **state)
{
    struct schema_kit k;

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        kit_init(&k);
        if (kit_compile(&k, faults[i].schema, NULL) != E_INVALID)
            fail_msg("accepted: %s", faults[i].schema);
        assert_null(k.schema);
        assert_string_equal(k.fault.keyword, faults[i].keyword);
        if (strstr(k.fault.text, faults[i].says) == NULL)
            fail_msg("%s: %s", faults[i].schema, k.fault.text);
        if (faults[i].pointer[0] != '\0')
            assert_string_equal(k.fault.pointer, faults[i].pointer);
        kit_clear(&k);
    }
}

static void a_fault_has_a_place_in_the_source(void **state)
{
    static const char text[] = "\n {\"type\":\"object\",\n  \"maxProperties\": -1}";
    struct schema_kit k;

    (void)state;
    kit_init(&k);
    assert_int_equal(kit_compile(&k, text, NULL), E_INVALID);
    assert_int_equal(k.fault.offset, strstr(text, "-1") - text);
    kit_clear(&k);
}

static void lenient_schemas_ignore_and_report(void **state)
{
    const struct schema_options lenient = {.is_lenient = true};
    struct schema_kit k;

    (void)state;
    kit_init(&k);
    assert_int_equal(kit_compile(&k, "{\"colour\":1,\"format\":\"shoe-size\",\"x-y\":2}", &lenient),
                     OK);
    assert_string_equal(schema_ignored(k.schema), "colour, format shoe-size");
    assert_int_equal(kit_check(&k, "\"a\""), SCHEMA_VALID);
    assert_int_equal(kit_compile(&k, "{\"x-html\":\"strip\"}", NULL), OK);
    assert_string_equal(schema_ignored(k.schema), "");
    kit_clear(&k);
}

static void documents_at_hand_are_referred_to_by_uri(void **state)
{
    struct schema_document document;
    const struct schema_options options = {.documents = &document, .documents_count = 1};
    struct schema_kit k;

    (void)state;
    kit_init(&k);
    document.uri = VIEW("https://example.com/schemas/name.json");
    document.root = kit_json(&k, "{\"$defs\":{\"short\":{\"$anchor\":\"s\",\"maxLength\":2}}}");
    assert_int_equal(kit_compile(&k,
                                 "{\"$id\":\"https://example.com/schemas/chat.json\","
                                 "\"properties\":{\"a\":{\"$ref\":\"name.json#/$defs/short\"},"
                                 "\"b\":{\"$ref\":\"../schemas/./name.json#s\"}}}",
                                 &options),
                     OK);
    assert_int_equal(kit_check(&k, "{\"a\":\"12\",\"b\":\"12\"}"), SCHEMA_VALID);
    assert_int_equal(kit_check(&k, "{\"a\":\"123\"}"), SCHEMA_INVALID);
    assert_int_equal(kit_check(&k, "{\"b\":\"123\"}"), SCHEMA_INVALID);
    assert_string_equal(k.violation.schema_pointer,
                        "https://example.com/schemas/name.json#/$defs/short/maxLength");
    kit_clear(&k);
}

static void the_schema_outlives_its_document(void **state)
{
    struct schema_kit k;
    struct arena arena;
    char text[] = "{\"enum\":[\"red\",{\"a\":[1,null]}],\"properties\":{\"a\":true},"
                  "\"required\":[\"a\"]}";
    struct json *root = NULL;

    (void)state;
    kit_init(&k);
    arena_init(&arena, 4096, 65536);
    assert_int_equal(json_parse(&root, view_of_text(text), NULL, &arena, NULL), OK);
    assert_int_equal(kit_compile_json(&k, root, NULL), OK);
    arena_clear(&arena);
    memset(text, 'x', sizeof(text) - 1);
    assert_int_equal(kit_check(&k, "\"red\""), SCHEMA_VALID);
    assert_int_equal(kit_check(&k, "{\"a\":[1.0,null]}"), SCHEMA_VALID);
    assert_int_equal(kit_check(&k, "{\"b\":[1.0,null]}"), SCHEMA_INVALID);
    kit_clear(&k);
}

static void a_ceiling_is_an_error_and_never_valid(void **state)
{
    const struct schema_options few = {.steps = 20};
    const struct schema_options flat = {.depth = 4};
    struct schema_kit k;

    (void)state;
    kit_init(&k);
    assert_int_equal(kit_compile(&k, "{\"items\":{\"type\":\"number\"}}", &few), OK);
    assert_int_equal(kit_check(&k, "[1,2,3]"), SCHEMA_VALID);
    assert_int_equal(kit_check(&k, "[1,2,3,4,5,6,7,8,9,10,11,12]"), SCHEMA_ERROR);
    assert_int_equal(kit_compile(&k, "{\"not\":{\"items\":{\"type\":\"number\"}}}", &few), OK);
    assert_int_equal(kit_check(&k, "[1,2,3,4,5,6,7,8,9,10,11,12]"), SCHEMA_ERROR);
    assert_int_equal(kit_compile(&k, "{\"anyOf\":[{\"const\":[[[1]]]},true]}", &few), OK);
    assert_int_equal(kit_check(&k, "[[[1]]]"), SCHEMA_VALID);
    assert_int_equal(kit_compile(&k, "{\"items\":{\"$ref\":\"#\"}}", &flat), OK);
    assert_int_equal(kit_check(&k, "[[]]"), SCHEMA_VALID);
    assert_int_equal(kit_check(&k, "[[[[[]]]]]"), SCHEMA_ERROR);
    assert_int_equal(kit_compile(&k, "{\"type\":\"integer\"}", NULL), OK);
    assert_int_equal(kit_check(&k, "1e99999999999999999999"), SCHEMA_ERROR);
    kit_clear(&k);
}

static void without_a_fitted_scratch_there_is_no_verdict(void **state)
{
    struct schema_kit k;
    struct schema_scratch *bare = NULL;
    const struct json *items;

    (void)state;
    kit_init(&k);
    items = kit_json(&k, "[1,2,3,4,5,6,7,8,9,10]");
    assert_int_equal(schema_scratch_new(&bare), OK);
    assert_int_equal(kit_compile(&k, "{\"uniqueItems\":true}", NULL), OK);
    assert_int_equal(schema_check(k.schema, items, bare, NULL), SCHEMA_ERROR);
    assert_int_equal(schema_check(k.schema, items, k.scratch, NULL), SCHEMA_VALID);
    assert_int_equal(kit_compile(&k, "{\"unevaluatedItems\":true}", NULL), OK);
    assert_int_equal(schema_check(k.schema, items, bare, NULL), SCHEMA_ERROR);
    assert_int_equal(kit_compile(&k, "{\"items\":{\"pattern\":\"(?=a)\"}}", NULL), OK);
    items = kit_json(&k, "[\"a\"]");
    assert_int_equal(schema_check(k.schema, items, bare, NULL), SCHEMA_ERROR);
    assert_int_equal(schema_check(k.schema, items, k.scratch, NULL), SCHEMA_VALID);
    schema_scratch_free(bare);
    kit_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_hears_what_is_wrong_in_the_protocols_words),
        cmocka_unit_test(a_violation_names_value_and_keyword),
        cmocka_unit_test(long_names_are_cut_between_code_points),
        cmocka_unit_test(a_way_too_long_to_write_loses_its_beginning),
        cmocka_unit_test(a_document_hears_why_it_is_no_schema),
        cmocka_unit_test(a_fault_has_a_place_in_the_source),
        cmocka_unit_test(lenient_schemas_ignore_and_report),
        cmocka_unit_test(documents_at_hand_are_referred_to_by_uri),
        cmocka_unit_test(the_schema_outlives_its_document),
        cmocka_unit_test(a_ceiling_is_an_error_and_never_valid),
        cmocka_unit_test(without_a_fitted_scratch_there_is_no_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
