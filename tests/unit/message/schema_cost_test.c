/* SPDX-License-Identifier: Apache-2.0 */
/* schema_cost_test.c: no message costs more than its length times its schema (SC-57, SC-58). Each
 * family is checked small and eight times as large; linear work takes eight times as long,
 * quadratic 64 times, and we demand less than 24, of the thread's own CPU time and the best of
 * several runs. What could still be quadratic is cut off by the steps, and that is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "schema_tools.h"

#define SMALL 800
#define LARGE (8 * SMALL)
#define RUNS  7

static const struct {
    const char *name, *schema;
    const char *head, *piece, *tail; /* %u in piece: its number, twice at most */
    enum schema_verdict verdict;
} families[] = {
    {"unique integers", "{\"uniqueItems\":true}", "[", "%u", "]", SCHEMA_VALID},
    {"unique numbers written long", "{\"uniqueItems\":true}", "[", "1%u.000e1", "]", SCHEMA_VALID},
    {"unique strings of one beginning", "{\"uniqueItems\":true}", "[",
     "\"all-begin-alike-and-differ-at-the-end-%u\"", "]", SCHEMA_VALID},
    {"unique strings of one end", "{\"uniqueItems\":true}", "[",
     "\"%u-differ-at-the-beginning-and-end-alike\"", "]", SCHEMA_VALID},
    {"unique arrays, the last repeats", "{\"uniqueItems\":true}", "[\"x\",", "%u", ",\"x\"]",
     SCHEMA_INVALID},
    {"unevaluatedProperties behind anyOf",
     "{\"anyOf\":[{\"patternProperties\":{\"^a\":true}},{\"patternProperties\":{\"1$\":true}},"
     "{\"minProperties\":1}],\"unevaluatedProperties\":{\"type\":\"number\"}}",
     "{", "\"a%u\":1", "}", SCHEMA_VALID},
    {"unevaluatedItems behind contains",
     "{\"contains\":{\"multipleOf\":2},\"unevaluatedItems\":{\"multipleOf\":1}}", "[", "%u", "]",
     SCHEMA_VALID},
    {"five patterns for every name",
     "{\"patternProperties\":{\"^a\":true,\"b+$\":true,\"(c|d)*e\":true,\"[0-9]{2}\":true,\"x\":"
     "true},\"additionalProperties\":false}",
     "{", "\"a-name-%u\":1", "}", SCHEMA_VALID},
    {"a name in no table", "{\"properties\":{\"a\":true,\"b\":true},\"required\":[\"last\"]}", "{",
     "\"n%u\":1", ",\"last\":1}", SCHEMA_VALID},
    {"propertyNames", "{\"propertyNames\":{\"pattern\":\"^[a-z0-9]+$\",\"maxLength\":20}}", "{",
     "\"n%u\":1", "}", SCHEMA_VALID},
    {"enum of strings and values", "{\"items\":{\"enum\":[\"a\",\"b\",1,[2],{\"c\":3},null]}}", "[",
     "null", "]", SCHEMA_VALID},
    {"a long chain of references",
     "{\"items\":{\"$ref\":\"#/$defs/a\"},\"$defs\":{\"a\":{\"$ref\":\"#/$defs/"
     "b\"},\"b\":{\"$ref\":"
     "\"#/$defs/c\"},\"c\":{\"allOf\":[{\"$ref\":\"#/$defs/d\"}]},\"d\":{\"type\":\"number\"}}}",
     "[", "%u", "]", SCHEMA_VALID},
    {"trees through dynamic references",
     "{\"$dynamicAnchor\":\"n\",\"items\":{\"$dynamicRef\":\"#n\"}}", "[", "[[[[]]]]", "]",
     SCHEMA_VALID},
    {"dependentRequired that all are met",
     "{\"dependentRequired\":{\"a\":[\"n1\",\"n2\"],\"n3\":[\"n1\"]}}", "{\"a\":1,", "\"n%u\":1",
     "}", SCHEMA_VALID},
    {"oneOf on every item",
     "{\"items\":{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"integer\"},{\"minimum\":1e9}]}}",
     "[", "%u", "]", SCHEMA_VALID},
    {"strings by length", "{\"items\":{\"minLength\":2,\"maxLength\":9}}", "[",
     "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"", "]", SCHEMA_VALID},
};

static char *text;
static struct schema_kit kit;

static void fill(size_t family, unsigned pieces)
{
    size_t cap = 1024 * 1024;
    size_t len = (size_t)snprintf(text, cap, "%s", families[family].head);

    for (unsigned i = 1; i <= pieces; i++) {
        len += (size_t)snprintf(text + len, cap - len, families[family].piece, i, i);
        if (i < pieces)
            text[len++] = ',';
    }
    (void)snprintf(text + len, cap - len, "%s", families[family].tail);
}

static double cpu_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The best of several runs over what stands in `text`. */
static double cost(enum schema_verdict expected)
{
    const struct json *value = kit_json(&kit, text);
    double best = 1e9;

    assert_non_null(value);
    for (int run = 0; run < RUNS; run++) {
        double begin = cpu_s();
        double took;

        for (int i = 0; i < 4; i++)
            assert_int_equal(schema_check(kit.schema, value, kit.scratch, NULL), expected);
        took = cpu_s() - begin;
        best = took < best ? took : best;
    }
    return best;
}

static int setup(void **state)
{
    (void)state;
    text = malloc(1024 * 1024);
    return text != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(text);
    return 0;
}

static void eight_times_the_message_is_not_sixty_four_times_the_work(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        unsigned large_pieces = strstr(families[i].piece, "[[") != NULL ? LARGE / 4 : LARGE;
        double small, large;

        kit_init(&kit);
        if (kit_compile(&kit, families[i].schema, NULL) != OK)
            fail_msg("%s: %s", families[i].name, kit.fault.text);
        fill(i, large_pieces / 8);
        small = cost(families[i].verdict);
        fill(i, large_pieces);
        large = cost(families[i].verdict);
        /* Below 20 us the clock's own grain decides; no family that short can be quadratic. */
        if (large > 20e-6 && large > 24 * small)
            fail_msg("%s: %.1f us became %.1f us", families[i].name, small * 1e6, large * 1e6);
        kit_clear(&kit);
    }
}

/* Two equal objects, one written backwards, make the search for members quadratic; the steps end
 * it. Either way the message is refused. */
static void equal_objects_written_backwards_are_cut_off(void **state)
{
    size_t len = 0, cap = 1024 * 1024;
    double begin;

    (void)state;
    kit_init(&kit);
    assert_int_equal(kit_compile(&kit, "{\"uniqueItems\":true}", NULL), OK);
    len += (size_t)snprintf(text + len, cap - len, "[{");
    for (unsigned i = 0; i < 4000; i++)
        len += (size_t)snprintf(text + len, cap - len, "%s\"n%u\":1", i > 0 ? "," : "", i);
    len += (size_t)snprintf(text + len, cap - len, "},{");
    for (unsigned i = 4000; i-- > 0;)
        len += (size_t)snprintf(text + len, cap - len, "\"n%u\":1%s", i, i > 0 ? "," : "");
    (void)snprintf(text + len, cap - len, "}]");
    begin = cpu_s();
    assert_int_equal(kit_check(&kit, text), SCHEMA_ERROR);
    assert_true(cpu_s() - begin < 0.5);
    kit_clear(&kit);
}

/* A number of 60,000 digits, and branches that multiply: 2^20 ways through one value. */
static void long_numbers_and_doubling_branches_are_bounded(void **state)
{
    char schema[4096];
    size_t len = 0;
    double begin;

    (void)state;
    kit_init(&kit);
    assert_int_equal(kit_compile(&kit, "{\"multipleOf\":0.07,\"maximum\":1e70000}", NULL), OK);
    memset(text, '7', 60000);
    text[60000] = '\0';
    begin = cpu_s();
    assert_int_equal(kit_check(&kit, text), SCHEMA_VALID);
    assert_true(cpu_s() - begin < 0.1);
    len += (size_t)snprintf(schema, sizeof(schema), "{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
    for (unsigned i = 0; i < 20; i++)
        len += (size_t)snprintf(schema + len, sizeof(schema) - len,
                                "\"d%u\":{\"allOf\":[{\"$ref\":\"#/$defs/d%u\"},{\"$ref\":"
                                "\"#/$defs/d%u\"}]},",
                                i, i + 1, i + 1);
    (void)snprintf(schema + len, sizeof(schema) - len, "\"d20\":{\"type\":\"number\"}}}");
    assert_int_equal(kit_compile(&kit, schema, NULL), OK);
    begin = cpu_s();
    assert_int_equal(kit_check(&kit, "1"), SCHEMA_ERROR);
    assert_true(cpu_s() - begin < 0.5);
    kit_clear(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_times_the_message_is_not_sixty_four_times_the_work),
        cmocka_unit_test(equal_objects_written_backwards_are_cut_off),
        cmocka_unit_test(long_numbers_and_doubling_branches_are_bounded),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
