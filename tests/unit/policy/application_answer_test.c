/* SPDX-License-Identifier: Apache-2.0 */
/* application_answer_test.c: what is clear is obeyed, all else is no answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "policy/application_answer.h"

static int read_text(struct application_answer *a, struct arena *arena, const char *text)
{
    struct json *root;
    size_t at;

    assert_int_equal(json_parse(&root, view_of_text(text), NULL, arena, &at), OK);
    return application_answer_read(a, root);
}

static void clear_answers_are_read(void **state)
{
    struct application_answer a;
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 65536);
    assert_int_equal(read_text(&a, &arena, "{\"action\":\"accept\",\"more\":1}"), OK);
    assert_int_equal(a.action, APPLICATION_ACCEPT);
    assert_null(a.reply);
    assert_int_equal(read_text(&a, &arena, "{\"action\":\"accept\",\"reply\":null}"), OK);
    assert_int_equal(a.reply->type, JSON_NULL);
    assert_int_equal(
        read_text(&a, &arena, "{\"action\":\"replace\",\"message\":{\"a\":1},\"reply\":[2]}"), OK);
    assert_int_equal(a.action, APPLICATION_REPLACE);
    assert_true(view_eq(a.message->text, VIEW("{\"a\":1}")));
    assert_true(view_eq(a.reply->text, VIEW("[2]")));
    assert_int_equal(read_text(&a, &arena, "{\"action\":\"refuse\"}"), OK);
    assert_int_equal(a.action, APPLICATION_REFUSE);
    assert_true(view_eq(a.code, VIEW("refused")) && view_eq(a.text, VIEW("Message refused")));
    assert_int_equal(read_text(&a, &arena,
                               "{\"action\":\"refuse\",\"error\":{\"code\":\"too_late2\","
                               "\"message\":\"Closed\"}}"),
                     OK);
    assert_true(view_eq(a.code, VIEW("too_late2")) && view_eq(a.text, VIEW("Closed")));
    arena_clear(&arena);
}

static void all_else_is_no_answer(void **state)
{
    static const char *const texts[] = {
        "[]",
        "\"accept\"",
        "{}",
        "{\"action\":null}",
        "{\"action\":\"Accept\"}",
        "{\"action\":\"accept \"}",
        "{\"action\":[\"accept\"]}",
        "{\"action\":\"replace\"}",
        "{\"action\":\"replace\",\"message\":\"x\"}",
        "{\"action\":\"replace\",\"message\":[{}]}",
        "{\"action\":\"refuse\",\"error\":\"no\"}",
        "{\"action\":\"refuse\",\"error\":{\"code\":7}}",
        "{\"action\":\"refuse\",\"error\":{\"code\":\"\"}}",
        "{\"action\":\"refuse\",\"error\":{\"code\":\"1st\"}}",
        "{\"action\":\"refuse\",\"error\":{\"code\":\"Not-A-Word\"}}",
        "{\"action\":\"refuse\",\"error\":{\"message\":{}}}",
    };
    struct application_answer a;
    struct arena arena;
    char text[512] = "{\"action\":\"refuse\",\"error\":{\"code\":\"";
    size_t len = strlen(text);

    (void)state;
    arena_init(&arena, 4096, 65536);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(read_text(&a, &arena, texts[i]), E_INVALID);
    memset(text + len, 'a', APPLICATION_CODE_MAX + 1);
    memcpy(text + len + APPLICATION_CODE_MAX + 1, "\"}}", 4);
    assert_int_equal(read_text(&a, &arena, text), E_INVALID);
    memcpy(text + len + APPLICATION_CODE_MAX, "\"}}", 4);
    assert_int_equal(read_text(&a, &arena, text), OK);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clear_answers_are_read),
        cmocka_unit_test(all_else_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
