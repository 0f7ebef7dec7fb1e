/* SPDX-License-Identifier: Apache-2.0 */
/* flat_test.c: what has changed between two files, and nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "config/flat.h"

static struct flat *flat(const char *text)
{
    struct problems problems;
    struct document *doc = NULL;
    struct flat *f = NULL;

    problems_init(&problems, "t");
    assert_int_equal(document_parse(&doc, view_of_text(text), &problems), OK);
    assert_int_equal(flat_new(&f, document_root(doc)), OK);
    document_free(doc);
    problems_clear(&problems);
    return f;
}

struct seen {
    char text[1024];
    unsigned count, most;
};

static bool see(void *context, const struct flat_change *change)
{
    struct seen *seen = context;
    size_t len = strlen(seen->text);

    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%s: %s -> %s\n", change->path,
                   change->before != NULL ? change->before : "-",
                   change->after != NULL ? change->after : "-");
    return ++seen->count < seen->most;
}

static void assert_changes(const char *before, const char *after, const char *wanted)
{
    struct flat *a = flat(before), *b = flat(after);
    struct seen seen = {.most = 100};

    flat_compare(a, b, see, &seen);
    assert_string_equal(seen.text, wanted);
    flat_free(a);
    flat_free(b);
}

static void the_order_and_the_form_of_keys_do_not_matter(void **state)
{
    (void)state;
    assert_changes("{a: 1, b: {c: 2, d: [x, y]}}", "b:\n  d:\n  - x\n  - \"y\"\n  c: '2'\na: 1\n",
                   "");
}

static void each_change_has_its_line(void **state)
{
    (void)state;
    assert_changes("{a: 1, b: {c: 2}, e: [x, y], g: []}",
                   "{a: 1, b: {c: 3, d: 4}, e: [x], f: null, g: {}}",
                   "b.c: 2 -> 3\nb.d: - -> 4\ne[1]: y -> -\nf: - -> null\ng: [] -> {}\n");
}

static void numbers_of_lists_are_in_order(void **state)
{
    (void)state;
    assert_changes("{l: [a, a, a, a, a, a, a, a, a, a, a]}",
                   "{l: [b, a, b, a, a, a, a, a, a, b, b]}",
                   "l[0]: a -> b\nl[2]: a -> b\nl[9]: a -> b\nl[10]: a -> b\n");
}

static void a_path_has_its_value(void **state)
{
    struct flat *f = flat("{a: 1, b: {c: [x, y]}, d: null}");

    (void)state;
    assert_string_equal(flat_get(f, "b.c[1]"), "y");
    assert_string_equal(flat_get(f, "d"), "null");
    assert_null(flat_get(f, "b"));
    assert_null(flat_get(f, "b.c[2]"));
    flat_free(f);
}

static void whoever_looks_may_stop(void **state)
{
    struct flat *a = flat("{a: 1, b: 2, c: 3}"), *b = flat("{d: 1}");
    struct seen seen = {.most = 2};

    (void)state;
    flat_compare(a, b, see, &seen);
    assert_int_equal(seen.count, 2);
    flat_free(a);
    flat_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_and_the_form_of_keys_do_not_matter),
        cmocka_unit_test(each_change_has_its_line),
        cmocka_unit_test(numbers_of_lists_are_in_order),
        cmocka_unit_test(a_path_has_its_value),
        cmocka_unit_test(whoever_looks_may_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
