/* SPDX-License-Identifier: Apache-2.0 */
/* json_string_test.c: escapes, UTF-8, surrogates, and every special byte at every place of an eight
 * byte step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/json.h"
#include "three_ways.h"

/* Parses `text` and compares with `want` (NULL: must be refused). */
static void check(struct view text, const struct view *want)
{
    struct guarded g = guarded_copy(text.ptr, text.len);
    struct arena arena;
    struct json *root = NULL;
    int rc;

    arena_init(&arena, 4096, 1024 * 1024);
    rc = json_parse(&root, view_of(g.data, text.len), NULL, &arena, NULL);
    if (want == NULL) {
        assert_int_equal(rc, E_INVALID);
    } else {
        assert_int_equal(rc, OK);
        assert_int_equal(root->type, JSON_STRING);
        assert_int_equal(root->text.len, want->len);
        assert_memory_equal(root->text.ptr, want->ptr, want->len);
    }
    arena_clear(&arena);
    guarded_free(&g);
}

static void escapes_decode(void **state)
{
    static const struct {
        struct view text, want;
    } rows[] = {
        {VIEW("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), VIEW("\"\\/\b\f\n\r\t")},
        {VIEW("\"\\u0041\\u00e9\\u20AC\\uD83D\\uDE00\""),
         VIEW("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")},
        {VIEW("\"a\\u0000b\""), VIEW("a\0b")},
        {VIEW("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\""),
         VIEW("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
        {VIEW("\"\\ud800\\udc00\\udbff\\udfff\""), VIEW("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
        {VIEW("\"plain then \\n escape then plain again, longer than eight\""),
         VIEW("plain then \n escape then plain again, longer than eight")},
        {VIEW("\"\x7f\""), VIEW("\x7f")}, /* DEL is no control byte to RFC 8259 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i].text, &rows[i].want);
}

static void bad_escapes_and_lone_surrogates_are_refused(void **state)
{
    static const struct view rows[] = {
        VIEW("\"\\a\""),
        VIEW("\"\\\""),
        VIEW("\"\\u\""),
        VIEW("\"\\u12\""),
        VIEW("\"\\u123g\""),
        VIEW("\"\\U0041\""),
        VIEW("\"\\x41\""),
        VIEW("\"\\'\""),
        VIEW("\"\\ud800\""),
        VIEW("\"\\udc00\""),
        VIEW("\"\\ud800\\ud800\""),
        VIEW("\"\\ud800\\n\""),
        VIEW("\"\\ud800x\""),
        VIEW("\"\\ud800\\u0041\""),
        VIEW("\"\\udc00\\ud800\""),
        VIEW("\"\\ud800\\udc0\""),
        VIEW("\"\\\0\""),
        VIEW("\"\\u00 1\""),
        VIEW("\"\\"),
        VIEW("\"abc\\u004"),
        VIEW("\"\\u+041\""),
        VIEW("\"\\ud800"),
        VIEW("\""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i], NULL);
}

static void invalid_utf8_is_refused(void **state)
{
    static const struct view rows[] = {
        VIEW("\"\x80\""),
        VIEW("\"\xc0\x80\""),
        VIEW("\"\xc1\xbf\""),
        VIEW("\"\xe0\x80\x80\""),
        VIEW("\"\xed\xa0\x80\""),
        VIEW("\"\xf0\x80\x80\x80\""),
        VIEW("\"\xf4\x90\x80\x80\""),
        VIEW("\"\xf5\x80\x80\x80\""),
        VIEW("\"\xc3\""),
        VIEW("\"\xe2\x82\""),
        VIEW("\"\xf0\x9f\x98\""),
        VIEW("\"\xff\""),
        VIEW("\"\xc3"),
        VIEW("\"\\n\xc3\""),
        VIEW("\"12345678\xff\""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i], NULL);
}

/* The eight byte step must see each byte exactly where the byte step would. */
static void every_byte_at_every_place_of_a_step(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < 20; place++) {
            char text[24];
            struct view inside = view_of(text + 1, 20);

            memset(text, 'x', sizeof(text));
            text[0] = '"';
            text[21] = '"';
            text[1 + place] = (char)byte;
            if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\')
                check(view_of(text, 22), &inside);
            else
                check(view_of(text, 22),
                      NULL); /* a quote ends the string early; "\x" is no escape */
        }
    }
}

static void many_strings_with_escapes_share_their_memory(void **state)
{
    static char text[60000];
    struct arena arena;
    struct json *root;
    size_t len = 0;

    (void)state;
    text[len++] = '[';
    while (len < sizeof(text) - 16) {
        memcpy(text + len, "\"\\n\",", 5);
        len += 5;
        if (len > 5 * 8000)
            break;
    }
    text[len - 1] = ']';
    /* Nodes take 64 bytes each; the decoded strings together at most the length of the text. */
    arena_init(&arena, 4096, 8001 * 64 + 2 * sizeof(text));
    assert_int_equal(json_parse(&root, view_of(text, len), NULL, &arena, NULL), OK);
    for (const struct json *e = root->first; e != NULL; e = e->next)
        assert_true(view_eq(e->text, VIEW("\n")));
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_decode),
        cmocka_unit_test(bad_escapes_and_lone_surrogates_are_refused),
        cmocka_unit_test(invalid_utf8_is_refused),
        cmocka_unit_test(every_byte_at_every_place_of_a_step),
        cmocka_unit_test(many_strings_with_escapes_share_their_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
