/* SPDX-License-Identifier: Apache-2.0 */
/* problems_test.c: collecting, ordering and counting faults; finding the word that was meant;
 * showing strangers' bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/problems.h"

static char *printed(struct problems *p)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    assert_non_null(to);
    problems_print(p, to);
    (void)fclose(to);
    return text;
}

static void faults_are_printed_in_order_of_their_place(void **state)
{
    struct problems p;
    char *text;

    (void)state;
    problems_init(&p, "a.yaml");
    problems_add(&p, 9, 1, "late");
    problems_add(&p, 2, 7, "second");
    problems_add(&p, 2, 3, "first %d", 1);
    problems_add(&p, 0, 0, "whole file");
    text = printed(&p);
    assert_string_equal(
        text, "a.yaml: whole file\na.yaml:2:3: first 1\na.yaml:2:7: second\na.yaml:9:1: late\n");
    assert_int_equal(p.errors, 4);
    free(text);
    problems_clear(&p);
    problems_clear(&p);
    assert_int_equal(p.count, 0);
}

static void an_empty_list_prints_nothing(void **state)
{
    struct problems p;
    char *text;

    (void)state;
    problems_init(&p, "a.yaml");
    text = printed(&p);
    assert_string_equal(text, "");
    free(text);
    problems_clear(&p);
}

static void faults_past_the_ceiling_are_counted(void **state)
{
    struct problems p;
    char *text;

    (void)state;
    problems_init(&p, "a.yaml");
    for (int i = 1; i <= PROBLEMS_MAX + 5; i++)
        problems_add(&p, i, 1, "x");
    assert_int_equal(p.count, PROBLEMS_MAX);
    assert_int_equal(p.errors, PROBLEMS_MAX + 5);
    text = printed(&p);
    assert_non_null(strstr(text, "a.yaml: and 5 more\n"));
    free(text);
    problems_clear(&p);
}

static void long_faults_are_cut(void **state)
{
    struct problems p;
    char big[2000];

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    problems_init(&p, "a.yaml");
    problems_add(&p, 1, 1, "%s", big);
    assert_int_equal(strlen(p.items[0].text), sizeof(p.items[0].text) - 1);
    problems_clear(&p);
}

static const char *nearest(const char *word)
{
    static const char *const names[] = {"message_size", "messages", "listen", "limits",
                                        "pong",         "",         NULL};

    return problems_nearest(word, strlen(word), names);
}

static void the_nearest_word_is_found(void **state)
{
    (void)state;
    assert_string_equal(nearest("message_sise"), "message_size");
    assert_string_equal(nearest("mesages"), "messages");
    assert_string_equal(nearest("Listen"), "listen");
    assert_string_equal(nearest("lsiten"), "listen"); /* a swap is one edit */
    assert_string_equal(nearest("limit"), "limits");
    assert_string_equal(nearest("pnog"), "pong");
}

static void far_words_are_not_guessed(void **state)
{
    char big[200];

    (void)state;
    assert_null(nearest("zebra"));
    assert_null(nearest("x"));
    assert_null(nearest(""));
    memset(big, 'm', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_null(nearest(big));
}

static void suggestions_are_part_of_a_sentence(void **state)
{
    static const char *const names[] = {"listen", NULL};

    (void)state;
    assert_string_equal(problems_suggestion(VIEW("listn"), names).text,
                        " (did you mean `listen`?)");
    assert_string_equal(problems_suggestion(VIEW("qqqqqq"), names).text, "");
}

static void shown_words_hold_no_control_bytes(void **state)
{
    char big[200];

    (void)state;
    assert_string_equal(problem_word(VIEW("a\x1b[31mb\n\x7f")).text, "a?[31mb??");
    assert_string_equal(problem_word(VIEW("\xc2\x9b"
                                          "x"))
                            .text,
                        "??x"); /* C1 */
    assert_string_equal(problem_word(VIEW("\xe2\x80\xae"
                                          "x"))
                            .text,
                        "???x"); /* turns the direction of the line */
    assert_string_equal(problem_word(VIEW("\xff\xc3")).text, "??");
    assert_string_equal(problem_word(VIEW("caf\xc3\xa9")).text, "caf\xc3\xa9");
    assert_string_equal(problem_word(view_of(NULL, 0)).text, "");
    memset(big, 'x', sizeof(big));
    assert_int_equal(strlen(problem_word(view_of(big, sizeof(big))).text), 63);
    memcpy(big + 58, "\xe2\x82\xac", 3); /* a code point across the cut is left out whole */
    assert_int_equal(strlen(problem_word(view_of(big, sizeof(big))).text), 61);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_printed_in_order_of_their_place),
        cmocka_unit_test(an_empty_list_prints_nothing),
        cmocka_unit_test(faults_past_the_ceiling_are_counted),
        cmocka_unit_test(long_faults_are_cut),
        cmocka_unit_test(the_nearest_word_is_found),
        cmocka_unit_test(far_words_are_not_guessed),
        cmocka_unit_test(suggestions_are_part_of_a_sentence),
        cmocka_unit_test(shown_words_hold_no_control_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
