/* SPDX-License-Identifier: Apache-2.0 */
/* Words in a stream: the same number however it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/word_count.h"

static uint64_t count_in_pieces(struct view word, struct view text, size_t piece)
{
    struct word_count w = {0, {0}};
    uint64_t found = 0;

    for (size_t at = 0; at < text.len; at += piece)
        found += word_count_feed(
            &w, word, view_of(text.ptr + at, text.len - at < piece ? text.len - at : piece));
    return found;
}

static void expect(struct view word, struct view text, uint64_t count)
{
    for (size_t piece = 1; piece <= text.len + 1; piece++)
        assert_int_equal(count_in_pieces(word, text, piece), count);
}

static void words_are_found_however_the_stream_is_cut(void **state)
{
    (void)state;
    expect(VIEW("\"push\""), VIEW("{\"push\":1}\n{\"push\":2}{\"pus\":3}\"push\""), 3);
    expect(VIEW("x"), VIEW("axxbx"), 3);
    expect(VIEW("abcabd"), VIEW("abcabcabd"), 1);
    expect(VIEW("nothing"), VIEW("of the kind"), 0);
}

static void words_do_not_overlap(void **state)
{
    (void)state;
    expect(VIEW("aa"), VIEW("aaaaa"), 2);
    expect(VIEW("aba"), VIEW("ababa"), 1);
}

static void an_empty_piece_changes_nothing(void **state)
{
    struct word_count w = {0, {0}};

    (void)state;
    assert_int_equal(word_count_feed(&w, VIEW("word"), VIEW("wo")), 0);
    assert_int_equal(word_count_feed(&w, VIEW("word"), VIEW("")), 0);
    assert_int_equal(word_count_feed(&w, VIEW("word"), VIEW("rd")), 1);
}

static void the_longest_word_fits(void **state)
{
    char text[2 * WORD_COUNT_BYTES_MAX];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[WORD_COUNT_BYTES_MAX - 1] = text[2 * WORD_COUNT_BYTES_MAX - 1] = 'b';
    expect(view_of(text, WORD_COUNT_BYTES_MAX), view_of(text, sizeof(text)), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_found_however_the_stream_is_cut),
        cmocka_unit_test(words_do_not_overlap),
        cmocka_unit_test(an_empty_piece_changes_nothing),
        cmocka_unit_test(the_longest_word_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
