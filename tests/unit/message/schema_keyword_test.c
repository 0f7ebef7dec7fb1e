/* SPDX-License-Identifier: Apache-2.0 */
/* schema_keyword_test.c: every keyword both ways, for machines without the published suite; the
 * words themselves, by what is said about a slip in each; and the meta-schema, run by our engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "schema_tools.h"

static const struct {
    const char *keyword, *schema, *valid, *invalid;
} rows[] = {
    {"type", "{\"type\":\"integer\"}", "1.0", "1.1"},
    {"type", "{\"type\":[\"null\",\"array\"]}", "[]", "{}"},
    {"type", "{\"type\":\"boolean\"}", "false", "0"},
    {"enum", "{\"enum\":[\"a\",1,null,{\"b\":[2]}]}", "{\"b\":[2.0]}", "{\"b\":[2,2]}"},
    {"enum", "{\"enum\":[\"a\",1]}", "\"a\"", "\"b\""},
    {"const", "{\"const\":{\"a\":1,\"b\":[]}}", "{\"b\":[],\"a\":1e0}", "{\"a\":1}"},
    {"multipleOf", "{\"multipleOf\":0.01}", "19.99", "19.999"},
    {"maximum", "{\"maximum\":10}", "10", "10.000000000000000000001"},
    {"maximum", "{\"maximum\":10}", "-1", "11"},
    {"exclusiveMaximum", "{\"exclusiveMaximum\":10}", "9.99", "10"},
    {"minimum", "{\"minimum\":0.5}", "0.5", "0.4"},
    {"exclusiveMinimum", "{\"exclusiveMinimum\":0}", "1e-300", "-0"},
    {"maxLength", "{\"maxLength\":2}", "\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"", "\"abc\""},
    {"minLength", "{\"minLength\":2}", "\"ab\"", "\"\xf0\x9f\x98\x80\""},
    {"pattern", "{\"pattern\":\"^a+$\"}", "\"aa\"", "\"ab\""},
    {"format", "{\"format\":\"ipv4\"}", "\"192.0.2.1\"", "\"192.0.2\""},
    {"maxItems", "{\"maxItems\":1}", "[1]", "[1,2]"},
    {"minItems", "{\"minItems\":1}", "[1]", "[]"},
    {"uniqueItems", "{\"uniqueItems\":true}", "[1,true,\"1\",[1],{\"a\":1}]", "[1,2,1.0]"},
    {"uniqueItems", "{\"uniqueItems\":true}", "[0,1,2,3,4,5,6,7,8,9]", "[0,1,2,3,4,5,6,7,8,0e5]"},
    {"contains", "{\"contains\":{\"const\":1}}", "[0,1]", "[0]"},
    {"maxContains", "{\"contains\":{\"const\":1},\"maxContains\":1}", "[0,1]", "[1,1]"},
    {"minContains", "{\"contains\":{\"const\":1},\"minContains\":2}", "[1,1]", "[1]"},
    {"maxProperties", "{\"maxProperties\":1}", "{\"a\":1}", "{\"a\":1,\"b\":1}"},
    {"minProperties", "{\"minProperties\":1}", "{\"a\":1}", "{}"},
    {"required", "{\"required\":[\"a\",\"b\"]}", "{\"b\":1,\"a\":1}", "{\"a\":1,\"c\":1}"},
    {"dependentRequired", "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"b\":1}", "{\"a\":1}"},
    {"dependentSchemas", "{\"dependentSchemas\":{\"a\":{\"maxProperties\":1}}}", "{\"a\":1}",
     "{\"a\":1,\"b\":1}"},
    {"properties", "{\"properties\":{\"a\":{\"type\":\"null\"}}}", "{\"b\":1}", "{\"a\":1}"},
    {"patternProperties", "{\"patternProperties\":{\"^a\":{\"type\":\"null\"}}}", "{\"ba\":1}",
     "{\"ab\":1}"},
    {"additionalProperties",
     "{\"properties\":{\"a\":true},\"patternProperties\":{\"^x\":true},"
     "\"additionalProperties\":false}",
     "{\"a\":1,\"xy\":1}", "{\"a\":1,\"b\":1}"},
    {"propertyNames", "{\"propertyNames\":{\"maxLength\":2}}", "{\"ab\":1}", "{\"abc\":1}"},
    {"prefixItems", "{\"prefixItems\":[{\"const\":1},{\"const\":2}]}", "[1]", "[1,1]"},
    {"items", "{\"prefixItems\":[true],\"items\":{\"const\":2}}", "[1,2,2]", "[1,2,1]"},
    {"unevaluatedItems", "{\"allOf\":[{\"prefixItems\":[true]}],\"unevaluatedItems\":false}", "[1]",
     "[1,2]"},
    {"unevaluatedItems", "{\"contains\":{\"const\":1},\"unevaluatedItems\":{\"const\":2}}",
     "[1,2,1]", "[1,3]"},
    {"unevaluatedProperties",
     "{\"if\":{\"required\":[\"a\"],\"properties\":{\"a\":true}},\"then\":{\"properties\":{\"b\":"
     "true}},\"else\":{\"properties\":{\"c\":true}},\"unevaluatedProperties\":false}",
     "{\"a\":1,\"b\":1}", "{\"b\":1}"},
    {"unevaluatedProperties",
     "{\"anyOf\":[{\"properties\":{\"a\":{\"const\":1}}},{\"properties\":{\"b\":true}}],"
     "\"unevaluatedProperties\":false}",
     "{\"a\":1,\"b\":1}", "{\"a\":2,\"b\":1}"},
    {"allOf", "{\"allOf\":[{\"minimum\":1},{\"maximum\":2}]}", "1.5", "3"},
    {"anyOf", "{\"anyOf\":[{\"const\":1},{\"const\":2}]}", "2", "3"},
    {"oneOf", "{\"oneOf\":[{\"minimum\":1},{\"maximum\":2}]}", "5", "1.5"},
    {"not", "{\"not\":{\"type\":\"string\"}}", "1", "\"1\""},
    {"if", "{\"if\":{\"minimum\":5},\"then\":{\"multipleOf\":2}}", "6", "7"},
    {"then", "{\"then\":false}", "1", NULL},
    {"else", "{\"if\":{\"minimum\":5},\"else\":{\"multipleOf\":2}}", "7", "3"},
    {"$ref", "{\"$ref\":\"#/$defs/a\",\"maximum\":9,\"$defs\":{\"a\":{\"minimum\":1}}}", "5", "0"},
    {"$defs", "{\"$ref\":\"#/$defs/a~1b%25\",\"$defs\":{\"a/b%\":{\"minimum\":1}}}", "5", "0"},
    {"$anchor", "{\"$ref\":\"#here\",\"$defs\":{\"a\":{\"$anchor\":\"here\",\"const\":1}}}", "1",
     "2"},
    {"$id",
     "{\"$id\":\"http://e.com/a/b\",\"$ref\":\"c\",\"$defs\":{\"x\":{\"$id\":\"/a/"
     "c\",\"const\":1}}}",
     "1", "2"},
    {"$dynamicRef",
     "{\"$id\":\"http://e.com/r\",\"$ref\":\"l\",\"$defs\":{\"s\":{\"$dynamicAnchor\":\"i\","
     "\"type\":\"string\"},\"l\":{\"$id\":\"l\",\"items\":{\"$dynamicRef\":\"#i\"},\"$defs\":{"
     "\"d\":"
     "{\"$dynamicAnchor\":\"i\"}}}}}",
     "[\"a\"]", "[1]"},
    {"$dynamicAnchor",
     "{\"$ref\":\"#i\",\"$defs\":{\"s\":{\"$dynamicAnchor\":\"i\",\"type\":\"string\"}}}", "\"a\"",
     "1"},
    {"$schema", "{\"$schema\":\"" META_URI "\",\"const\":1}", "1", "2"},
    {"$comment", "{\"$comment\":\"c\",\"title\":\"t\",\"x-note\":[],\"const\":1}", "1", "2"},
    {"", "false", NULL, "1"},
    {"", "true", "1", NULL},
};

static void every_keyword_works_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct schema_kit k;

        kit_init(&k);
        if (kit_compile(&k, rows[i].schema, NULL) != OK)
            fail_msg("%s: %s", rows[i].schema, k.fault.text);
        if (rows[i].valid != NULL && kit_check(&k, rows[i].valid) != SCHEMA_VALID)
            fail_msg("%s refuses %s: %s", rows[i].schema, rows[i].valid, k.text);
        if (rows[i].invalid != NULL && kit_check(&k, rows[i].invalid) != SCHEMA_INVALID)
            fail_msg("%s lets %s pass", rows[i].schema, rows[i].invalid);
        kit_clear(&k);
    }
}

/* A slip in any keyword is found, and the right word offered: so each is known. */
static void a_slip_in_any_keyword_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct schema_kit k;
        char schema[96], says[96];

        if (strlen(rows[i].keyword) < 3)
            continue;
        kit_init(&k);
        (void)snprintf(schema, sizeof(schema), "{\"%sx\":true}", rows[i].keyword);
        (void)snprintf(says, sizeof(says), "is no keyword of draft 2020-12; did you mean %s?",
                       rows[i].keyword);
        assert_int_equal(kit_compile(&k, schema, NULL), E_INVALID);
        assert_string_equal(k.fault.text, says);
        kit_clear(&k);
    }
}

static void the_meta_schema_judges_schemas(void **state)
{
    struct schema_kit k;

    (void)state;
    kit_init(&k);
    assert_int_equal(kit_compile(&k, META_TEXT, NULL), OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(kit_check(&k, rows[i].schema), SCHEMA_VALID);
    assert_int_equal(kit_check(&k, META_TEXT), SCHEMA_VALID);
    assert_int_equal(kit_check(&k, "{\"properties\":{\"a\":{\"items\":{\"type\":\"x\"}}}}"),
                     SCHEMA_INVALID);
    assert_string_equal(k.violation.pointer, "/properties/a/items/type");
    kit_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_keyword_works_both_ways),
        cmocka_unit_test(a_slip_in_any_keyword_is_found),
        cmocka_unit_test(the_meta_schema_judges_schemas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
