/* SPDX-License-Identifier: Apache-2.0 */
/* api_answer_test.c: every row is a whole answer with what its status demands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_answer.h"

static const char *encode(enum api_result result, struct view body)
{
    static char text[API_ANSWER_BYTES_MAX + 1];
    struct wr w = wr_of(text, API_ANSWER_BYTES_MAX);

    api_answer_encode(&w, result, body);
    assert_false(w.failed);
    text[wr_len(&w)] = '\0';
    return text;
}

static void every_answer_is_whole_and_closes(void **state)
{
    char line[128];

    (void)state;
    for (int i = 0; i < API_RESULT_COUNT; i++) {
        const struct api_result_row *row = api_result_get((enum api_result)i);
        const char *text = encode((enum api_result)i, VIEW("{\"ok\":true}\n"));
        const char *body = strstr(text, "\r\n\r\n") + 4;

        assert_non_null(row->code);
        (void)snprintf(line, sizeof(line), "HTTP/1.1 %u %s\r\n", row->status, row->phrase);
        assert_int_equal(strncmp(text, line, strlen(line)), 0);
        assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
        assert_non_null(strstr(text, "\r\nCache-Control: no-store\r\n"));
        (void)snprintf(line, sizeof(line), "\r\nContent-Length: %zu\r\n", strlen(body));
        assert_non_null(strstr(text, line));
        (void)snprintf(line, sizeof(line), "{\"error\":{\"code\":\"%s\",", row->code);
        if (i == API_RESULT_OK || i == API_RESULT_OK_TEXT || i == API_RESULT_RELOAD_REFUSED)
            assert_string_equal(body, "{\"ok\":true}\n");
        else
            assert_int_equal(strncmp(body, line, strlen(line)), 0);
        assert_int_equal(row->status == 401, strstr(text, "WWW-Authenticate: Bearer") != NULL);
        assert_int_equal(row->status == 405, strstr(text, "\r\nAllow: ") != NULL);
        assert_int_equal(row->status == 503, strstr(text, "\r\nRetry-After: ") != NULL);
    }
}

/* Without words of its own it has those of the table. */
static void a_refused_reload_says_why_or_what(void **state)
{
    (void)state;
    assert_non_null(strstr(encode(API_RESULT_RELOAD_REFUSED, VIEW("")), "\"reload_refused\""));
    assert_non_null(strstr(encode(API_RESULT_RELOAD_REFUSED, VIEW("{\"error\":{}}")),
                           "\r\n\r\n{\"error\":{}}"));
}

static void an_allowed_method_is_named(void **state)
{
    (void)state;
    assert_non_null(strstr(encode(API_RESULT_METHOD_GET, VIEW("")), "\r\nAllow: GET\r\n"));
    assert_non_null(strstr(encode(API_RESULT_METHOD_POST, VIEW("")), "\r\nAllow: POST\r\n"));
}

static void what_is_no_row_is_an_internal_error(void **state)
{
    (void)state;
    assert_int_equal(api_result_get((enum api_result)9999)->status, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_whole_and_closes),
        cmocka_unit_test(a_refused_reload_says_why_or_what),
        cmocka_unit_test(an_allowed_method_is_named),
        cmocka_unit_test(what_is_no_row_is_an_internal_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
