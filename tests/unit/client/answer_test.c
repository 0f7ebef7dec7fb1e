/* SPDX-License-Identifier: Apache-2.0 */
/* answer_test.c: answer heads. Every row runs whole and byte by byte, each prefix with its last
 * byte against a guard page, and must get the same verdict both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/answer.h"
#include "three_ways.h"

#define LINE "HTTP/1.1 101 Switching Protocols\r\n"

struct row {
    struct view text;
    enum http1_verdict verdict;
};
#define ROW(text, verdict)                                                                         \
    {                                                                                              \
        {text, sizeof(text) - 1}, verdict                                                          \
    }

static enum http1_verdict parse_whole(struct view text, size_t *head_bytes)
{
    struct guarded g = guarded_copy(text.ptr, text.len);
    struct client_answer answer;
    size_t scanned = 0;
    enum http1_verdict verdict =
        client_answer_parse(&answer, (const char *)g.data, text.len, &scanned, head_bytes);

    guarded_free(&g);
    return verdict;
}

static enum http1_verdict parse_dripped(struct view text, size_t *head_bytes)
{
    enum http1_verdict verdict = HTTP1_MORE;
    size_t scanned = 0;

    for (size_t len = 0; len <= text.len && verdict == HTTP1_MORE; len++) {
        struct guarded g = guarded_copy(text.ptr, len);
        struct client_answer answer;

        verdict = client_answer_parse(&answer, (const char *)g.data, len, &scanned, head_bytes);
        guarded_free(&g);
    }
    return verdict;
}

static void check(struct view text, enum http1_verdict expected)
{
    size_t whole_bytes = 0, dripped_bytes = 0;
    enum http1_verdict whole = parse_whole(text, &whole_bytes);
    enum http1_verdict dripped = parse_dripped(text, &dripped_bytes);

    if (whole != expected || dripped != expected)
        fail_msg("whole %d, dripped %d, expected %d: %.60s", (int)whole, (int)dripped,
                 (int)expected, text.ptr);
    assert_int_equal(whole_bytes, dripped_bytes);
}

static void heads_are_taken_or_refused(void **state)
{
    static const struct row rows[] = {
        ROW("", HTTP1_MORE),
        ROW("HTTP", HTTP1_MORE),
        ROW(LINE "A: b", HTTP1_MORE),
        ROW(LINE "A: b\r\n\r", HTTP1_MORE),
        ROW(LINE "\r\n", HTTP1_DONE),
        ROW(LINE "A: b\r\n\r\n\x81\x00\xff", HTTP1_DONE),
        ROW("HTTP/1.0 404 Not Found\r\nA:b\r\nA:\r\n\r\n", HTTP1_DONE),
        ROW("HTTP/1.1 200 \r\n\r\n", HTTP1_DONE),
        ROW("HTTP/1.1 200\r\n\r\n", HTTP1_DONE),
        ROW("HTTP/1.1 599 \xc3\xa9\t!\r\n\r\n", HTTP1_DONE),
        ROW("HTTP/2 200 OK\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.2 200 OK\r\n\r\n", HTTP1_BAD),
        ROW("http/1.1 200 OK\r\n\r\n", HTTP1_BAD),
        ROW(" HTTP/1.1 200 OK\r\n\r\n", HTTP1_BAD),
        ROW("\r\nHTTP/1.1 200 OK\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.1\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.1 \r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.1 20\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.1 2000 OK\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.1 200OK\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.1  200 OK\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.1\t200 OK\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.1 -01 OK\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.1 099 OK\r\n\r\n", HTTP1_BAD),
        ROW("HTTP/1.1 600 OK\r\n\r\n", HTTP1_BAD),
        ROW(LINE " folded\r\n\r\n", HTTP1_BAD),
        ROW(LINE "A: b\r\n c\r\n\r\n", HTTP1_BAD),
        ROW(LINE "A : b\r\n\r\n", HTTP1_BAD),
        ROW(LINE ": b\r\n\r\n", HTTP1_BAD),
        ROW(LINE "A\r\n\r\n", HTTP1_BAD),
        ROW(LINE "A: b\n\r\n", HTTP1_BAD),
        ROW(LINE "A: b\rC: d\r\n\r\n", HTTP1_BAD),
        ROW(LINE "A: \0\r\n\r\n", HTTP1_BAD),
        ROW(LINE "A: \x1b[2J\r\n\r\n", HTTP1_BAD),
        ROW(LINE "A: \x7f\r\n\r\n", HTTP1_BAD),
        ROW("SSH-2.0-OpenSSH_9.2\r\n", HTTP1_BAD),
        ROW("\x15\x03\x01\x00\x02\x02\x46", HTTP1_BAD),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i].text, rows[i].verdict);
}

static void garbage_is_refused_at_its_first_byte(void **state)
{
    size_t head_bytes;

    (void)state;
    assert_int_equal(parse_whole(VIEW("S"), &head_bytes), HTTP1_BAD);
    assert_int_equal(parse_whole(VIEW("HTTP/2"), &head_bytes), HTTP1_BAD);
    assert_int_equal(parse_whole(VIEW("HTTP/\r"), &head_bytes), HTTP1_BAD);
}

static void parts_are_what_was_said(void **state)
{
    const char text[] = "HTTP/1.0 403  Go away \r\nA:\t b c \t\r\nx-Y: 1\r\nX-y: 2\r\n\r\nrest";
    struct client_answer answer;
    const struct http1_header *first;
    size_t scanned = 0, head_bytes = 0;

    (void)state;
    assert_int_equal(client_answer_parse(&answer, text, sizeof(text) - 1, &scanned, &head_bytes),
                     HTTP1_DONE);
    assert_int_equal(head_bytes, sizeof(text) - 1 - 4);
    assert_int_equal(answer.status, 403);
    assert_int_equal(answer.fields.minor, 0);
    assert_true(view_eq(answer.phrase, VIEW("Go away")));
    assert_int_equal(http1_find(&answer.fields, VIEW("a"), &first), 1);
    assert_true(view_eq(first->value, VIEW("b c")));
    assert_int_equal(http1_find(&answer.fields, VIEW("X-Y"), &first), 2);
    assert_true(view_eq(first->value, VIEW("1")));
}

static void fill(char *text, size_t len, unsigned lines)
{
    size_t at = sizeof(LINE) - 1;

    memcpy(text, LINE, at);
    for (unsigned i = 1; i < lines; i++, at += 6)
        memcpy(text + at, "A: b\r\n", 6);
    memcpy(text + at, "L: ", 3);
    memset(text + at + 3, 'x', len - at - 3 - 4);
    memcpy(text + len - 4, "\r\n\r\n", 4);
}

static void an_endless_head_is_refused_at_the_ceiling(void **state)
{
    static char text[HTTP1_HEAD_MAX + 1];
    size_t head_bytes = 0, scanned = 0;
    struct client_answer answer;

    (void)state;
    fill(text, HTTP1_HEAD_MAX, 1);
    assert_int_equal(parse_whole(view_of(text, HTTP1_HEAD_MAX), &head_bytes), HTTP1_DONE);
    assert_int_equal(head_bytes, HTTP1_HEAD_MAX);
    fill(text, HTTP1_HEAD_MAX + 1, 1);
    assert_int_equal(parse_whole(view_of(text, HTTP1_HEAD_MAX - 1), &head_bytes), HTTP1_MORE);
    assert_int_equal(parse_whole(view_of(text, HTTP1_HEAD_MAX), &head_bytes), HTTP1_TOO_LARGE);
    assert_int_equal(parse_whole(view_of(text, HTTP1_HEAD_MAX + 1), &head_bytes), HTTP1_TOO_LARGE);
    assert_int_equal(client_answer_parse(&answer, text, HTTP1_HEAD_MAX - 1, &scanned, &head_bytes),
                     HTTP1_MORE);
    assert_int_equal(client_answer_parse(&answer, text, HTTP1_HEAD_MAX + 1, &scanned, &head_bytes),
                     HTTP1_TOO_LARGE);
}

static void headers_are_counted(void **state)
{
    char text[1024];
    size_t head_bytes;

    (void)state;
    fill(text, sizeof(text), HTTP1_HEADERS_MAX);
    assert_int_equal(parse_whole(view_of(text, sizeof(text)), &head_bytes), HTTP1_DONE);
    fill(text, sizeof(text), HTTP1_HEADERS_MAX + 1);
    assert_int_equal(parse_whole(view_of(text, sizeof(text)), &head_bytes), HTTP1_TOO_LARGE);
}

static bool length_of(struct view text, uint64_t *bytes)
{
    struct client_answer answer;
    size_t scanned = 0, head_bytes;

    assert_int_equal(client_answer_parse(&answer, text.ptr, text.len, &scanned, &head_bytes),
                     HTTP1_DONE);
    return client_answer_length(&answer, bytes);
}

static void a_length_is_believed_only_when_it_is_one(void **state)
{
    uint64_t bytes = 7;

    (void)state;
    assert_true(length_of(VIEW(LINE "Content-Length: 12\r\n\r\n"), &bytes));
    assert_int_equal(bytes, 12);
    bytes = 7;
    assert_false(length_of(VIEW(LINE "\r\n"), &bytes));
    assert_false(length_of(VIEW(LINE "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), &bytes));
    assert_false(
        length_of(VIEW(LINE "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), &bytes));
    assert_false(length_of(VIEW(LINE "Content-Length: -1\r\n\r\n"), &bytes));
    assert_false(length_of(VIEW(LINE "Content-Length: 1, 1\r\n\r\n"), &bytes));
    assert_false(length_of(VIEW(LINE "Content-Length: 99999999999\r\n\r\n"), &bytes));
    assert_false(length_of(VIEW(LINE "Content-Length:\r\n\r\n"), &bytes));
    assert_int_equal(bytes, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_taken_or_refused),
        cmocka_unit_test(garbage_is_refused_at_its_first_byte),
        cmocka_unit_test(parts_are_what_was_said),
        cmocka_unit_test(an_endless_head_is_refused_at_the_ceiling),
        cmocka_unit_test(headers_are_counted),
        cmocka_unit_test(a_length_is_believed_only_when_it_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
