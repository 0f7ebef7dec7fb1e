/* SPDX-License-Identifier: Apache-2.0 */
/* option_print_test.c: the listing names every row of a table, with sections and list entries as a
 * path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/option.h"

static const char *const words[] = {"red", "green", NULL};
static const char *const long_words[] = {"first", "second", "third", NULL};

static int nothing(struct node *value, void *target, struct problems *problems)
{
    (void)value;
    (void)target;
    (void)problems;
    return 0;
}

static const struct option inner_rows[] = {
    {.name = "bytes", .type = OPTION_BYTES, .fallback = "1KiB", .help = "how big"},
    {0},
};
static const struct option rows[] = {
    {.name = "is_on", .type = OPTION_BOOL, .fallback = "true", .help = "whether"},
    {.name = "word", .type = OPTION_ENUM, .choices = words, .fallback = "green"},
    {.name = "inner", .type = OPTION_SECTION, .children = inner_rows},
    {.name = "list",
     .type = OPTION_CUSTOM,
     .custom = nothing,
     .children = inner_rows,
     .help = "several"},
    {.name = "own", .type = OPTION_CUSTOM, .custom = nothing, .help = "as told"},
    {.name = "long",
     .type = OPTION_ENUM,
     .choices = long_words,
     .fallback = "first",
     .help = "one"},
    {.name = "map",
     .type = OPTION_CUSTOM,
     .custom = nothing,
     .fallback = "{a: b, c: d}",
     .help = "a map"},
    {.name = "later", .type = OPTION_LATER, .help = "some day"},
    {0},
};

static void every_row_is_one_line(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    (void)state;
    assert_non_null(to);
    options_print(rows, "x.", to);
    (void)fclose(to);
    assert_string_equal(
        text, "  x.is_on                           true | false    true         whether\n"
              "  x.word                            red | green     green        \n"
              "  x.inner.bytes                     size            1KiB         how big\n"
              "  x.list                            list            -            several\n"
              "  x.list[].bytes                    size            1KiB         how big\n"
              "  x.own                             see meaning     -            as told\n"
              "  x.long                            word            first        first | second | "
              "third: one\n"
              "  x.map                             see meaning     see meaning  a map; absent: {a: "
              "b, c: d}\n"
              "  x.later                           not yet         -            some day\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_is_one_line)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
