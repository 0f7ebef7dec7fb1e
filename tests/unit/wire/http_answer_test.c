/* SPDX-License-Identifier: Apache-2.0 */
/* http_answer_test.c: small answers, byte by byte what goes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/http_answer.h"

static void assert_encodes(const struct http_answer *answer, const char *expected)
{
    uint8_t bytes[1024];
    struct wr w = wr_of(bytes, sizeof(bytes));

    http_answer_encode(&w, answer);
    assert_false(w.failed);
    assert_int_equal(wr_len(&w), strlen(expected));
    assert_memory_equal(bytes, expected, wr_len(&w));
}

static void page(void **state)
{
    const struct http_answer answer = {.status = 200,
                                       .phrase = "OK",
                                       .content_type = "text/html; charset=utf-8",
                                       .extra_headers = "A: b\r\nC: d\r\n",
                                       .body = VIEW("<p>hi"),
                                       .is_tls = true};

    (void)state;
    assert_encodes(&answer, "HTTP/1.1 200 OK\r\n"
                            "Connection: close\r\n"
                            "Content-Type: text/html; charset=utf-8\r\n"
                            "Content-Length: 5\r\n"
                            "X-Content-Type-Options: nosniff\r\n"
                            "Strict-Transport-Security: max-age=31536000\r\n"
                            "A: b\r\nC: d\r\n"
                            "\r\n<p>hi");
}

static void nothing_to_say(void **state)
{
    const struct http_answer answer = {.status = 404, .phrase = "Not Found"};

    (void)state;
    assert_encodes(&answer, "HTTP/1.1 404 Not Found\r\n"
                            "Connection: close\r\n"
                            "Content-Length: 0\r\n"
                            "X-Content-Type-Options: nosniff\r\n\r\n");
}

static void upgrade_is_offered_in_connection_too(void **state)
{
    const struct http_answer answer = {
        .status = 426, .phrase = "Upgrade Required", .offers_upgrade = true};

    (void)state;
    assert_encodes(&answer, "HTTP/1.1 426 Upgrade Required\r\n"
                            "Upgrade: websocket\r\n"
                            "Connection: Upgrade, close\r\n"
                            "Content-Length: 0\r\n"
                            "X-Content-Type-Options: nosniff\r\n\r\n");
}

static void no_room_is_noticed(void **state)
{
    const struct http_answer answer = {.status = 200, .phrase = "OK", .body = VIEW("12345")};
    uint8_t bytes[1024];
    struct wr w = wr_of(bytes, sizeof(bytes));
    size_t needed, room;

    (void)state;
    http_answer_encode(&w, &answer);
    needed = wr_len(&w);
    for (room = 0; room <= needed; room++) {
        w = wr_of(bytes, room);
        http_answer_encode(&w, &answer);
        assert_int_equal(w.failed, room < needed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page),
        cmocka_unit_test(nothing_to_say),
        cmocka_unit_test(upgrade_is_offered_in_connection_too),
        cmocka_unit_test(no_room_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
