/* SPDX-License-Identifier: Apache-2.0 */
/* http1_test.c: request heads. Every row of a table runs whole, byte by byte (each prefix with its
 * last byte against a guard page), and must get the same verdict both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "three_ways.h"
#include "wire/http1.h"

#define PAGE 4096

struct row {
    struct view text;
    enum http1_verdict verdict;
};
#define ROW(text, verdict)                                                                         \
    {                                                                                              \
        {text, sizeof(text) - 1}, verdict                                                          \
    }

static enum http1_verdict parse_whole(struct http1_request *request, struct view text,
                                      size_t *head_bytes)
{
    size_t scanned = 0;

    return http1_parse(request, text.ptr, text.len, &scanned, head_bytes);
}

/* Answers at the first prefix that is not MORE; *used says how long it was. */
static enum http1_verdict parse_dripped(struct view text, size_t *used, size_t *head_bytes)
{
    struct http1_request request;
    enum http1_verdict verdict = HTTP1_MORE;
    size_t scanned = 0, len;

    for (len = 0; len <= text.len && verdict == HTTP1_MORE; len++) {
        struct guarded g = guarded_copy(text.ptr, len);

        verdict = http1_parse(&request, (const char *)g.data, len, &scanned, head_bytes);
        *used = len;
        guarded_free(&g);
    }
    return verdict;
}

static void check(struct view text, enum http1_verdict expected)
{
    struct http1_request request;
    size_t whole_bytes = 0, dripped_bytes = 0, used = 0;
    struct guarded g = guarded_copy(text.ptr, text.len);
    enum http1_verdict whole, dripped;

    whole = parse_whole(&request, view_of(g.data, text.len), &whole_bytes);
    guarded_free(&g);
    dripped = parse_dripped(text, &used, &dripped_bytes);
    if (whole != expected || dripped != expected)
        fail_msg("whole %d, dripped %d, expected %d: %.*s", (int)whole, (int)dripped, (int)expected,
                 text.len > 200 ? 200 : (int)text.len, text.ptr);
    assert_int_equal(whole_bytes, dripped_bytes);
    if (expected == HTTP1_DONE)
        assert_int_equal(used, whole_bytes);
}

static void check_rows(const struct row *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        check(rows[i].text, rows[i].verdict);
}

static void assert_view(struct view got, const char *expected)
{
    if (!view_eq(got, view_of_text(expected)))
        fail_msg("got \"%.*s\", expected \"%s\"", (int)got.len, got.ptr, expected);
}

static void browser_request_is_read(void **state)
{
    static const char text[] = "GET /ws?room=1&x=%2e HTTP/1.1\r\n"
                               "Host: example.com:8443\r\n"
                               "Connection: keep-alive, Upgrade\r\n"
                               "Empty:\r\n"
                               "User-Agent: Mozilla/5.0 (X11)\t\xc3\xa9 \r\n"
                               "\r\n\x81\x80next";
    struct http1_request r;
    size_t head_bytes = 0;

    (void)state;
    check(view_of(text, sizeof(text) - 1), HTTP1_DONE);
    assert_int_equal(parse_whole(&r, view_of(text, sizeof(text) - 1), &head_bytes), HTTP1_DONE);
    assert_int_equal(head_bytes, sizeof(text) - 1 - 6);
    assert_view(r.method, "GET");
    assert_view(r.target, "/ws?room=1&x=%2e");
    assert_view(r.path, "/ws");
    assert_view(r.query, "room=1&x=%2e");
    assert_null(r.authority.ptr);
    assert_int_equal(r.minor, 1);
    assert_int_equal(r.headers_count, 4);
    assert_view(r.headers[0].name, "Host");
    assert_view(r.headers[0].value, "example.com:8443");
    assert_view(r.headers[2].value, "");
    assert_view(r.headers[3].value, "Mozilla/5.0 (X11)\t\xc3\xa9");
    assert_false(r.headers[0].has_odd_space);
    assert_false(r.headers[2].has_odd_space);
    assert_true(r.headers[3].has_odd_space);
}

#define LINE(line, verdict) ROW(line "\r\nHost: a\r\n\r\n", verdict)

static void request_lines(void **state)
{
    static const struct row rows[] = {
        LINE("GET / HTTP/1.1", HTTP1_DONE),
        LINE("GET / HTTP/1.0", HTTP1_DONE),
        LINE("get / HTTP/1.1", HTTP1_DONE), /* a token; not the method GET */
        LINE("M-SEARCH / HTTP/1.1", HTTP1_DONE),
        LINE("GET / HTTP/1.2", HTTP1_VERSION),
        LINE("GET / HTTP/1.10", HTTP1_VERSION),
        LINE("GET / HTTP/01.1", HTTP1_VERSION),
        LINE("GET / HTTP/0.9", HTTP1_VERSION),
        LINE("GET / HTTP/2.0", HTTP1_VERSION),
        LINE("GET / HTTP/2", HTTP1_VERSION),
        LINE("PRI * HTTP/2.0", HTTP1_VERSION),
        LINE("GET / HTTP/", HTTP1_BAD),
        LINE("GET / HTTP/1.1x", HTTP1_BAD),
        LINE("GET / HTTP/x", HTTP1_BAD),
        LINE("GET / http/1.1", HTTP1_BAD),
        LINE("GET / HTTPS/1.1", HTTP1_BAD),
        LINE("GET / ICY/1.1", HTTP1_BAD),
        LINE("GET /", HTTP1_BAD),
        LINE("GET / ", HTTP1_BAD),
        LINE("GET", HTTP1_BAD),
        LINE("GET  / HTTP/1.1", HTTP1_BAD),
        LINE("GET /  HTTP/1.1", HTTP1_BAD),
        LINE("GET / HTTP/1.1 ", HTTP1_BAD),
        LINE("GET\t/ HTTP/1.1", HTTP1_BAD),
        LINE("GET /\tHTTP/1.1", HTTP1_BAD),
        LINE("GET /\t HTTP/1.1", HTTP1_BAD),
        LINE("GET / HTTP/1.1\t", HTTP1_BAD),
        LINE(" GET / HTTP/1.1", HTTP1_BAD),
        LINE("\r\nGET / HTTP/1.1", HTTP1_BAD),
        LINE("\nGET / HTTP/1.1", HTTP1_BAD),
        LINE("G(T / HTTP/1.1", HTTP1_BAD),
        LINE("G\xc9T / HTTP/1.1", HTTP1_BAD),
        LINE("GET / a HTTP/1.1", HTTP1_BAD),
        LINE("\x16\x03\x01\x02", HTTP1_BAD), /* a TLS ClientHello on a plain port */
        ROW("GET / HTTP/1.1\r\n\r\n", HTTP1_DONE),
        ROW("\r\n\r\n", HTTP1_BAD),
        ROW("", HTTP1_MORE),
        ROW("GET / HTTP/1.1\r\nHost: a\r\n", HTTP1_MORE),
        ROW("GET / HTTP/1.1\r\nHost: a\r\n\r", HTTP1_MORE),
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void targets(void **state)
{
    static const struct row rows[] = {
        LINE("GET /a/../b//./c;d=%zz?x|y HTTP/1.1",
             HTTP1_DONE), /* taken as it is, never resolved */
        LINE("GET //evil.example/ws HTTP/1.1", HTTP1_DONE),
        LINE("GET /ws# HTTP/1.1", HTTP1_BAD),
        LINE("GET /ws?a#b HTTP/1.1", HTTP1_BAD),
        LINE("GET /\xc3\xa9 HTTP/1.1", HTTP1_BAD),
        LINE("GET /\x7f HTTP/1.1", HTTP1_BAD),
        LINE("GET ws HTTP/1.1", HTTP1_BAD),
        LINE("GET ?a HTTP/1.1", HTTP1_BAD),
        LINE("GET * HTTP/1.1", HTTP1_BAD),
        LINE("OPTIONS * HTTP/1.1", HTTP1_DONE),
        LINE("GET a.example:443 HTTP/1.1", HTTP1_BAD),
        LINE("CONNECT a.example:443 HTTP/1.1", HTTP1_DONE),
        LINE("CONNECT a.example HTTP/1.1", HTTP1_BAD),
        LINE("CONNECT / HTTP/1.1", HTTP1_BAD),
        LINE("GET http://a.example/ws HTTP/1.1", HTTP1_DONE),
        LINE("GET HTTPS://a.example:8443/ws HTTP/1.1", HTTP1_DONE),
        LINE("GET https://[::1]:8443/ws HTTP/1.1", HTTP1_DONE),
        LINE("GET http:// HTTP/1.1", HTTP1_BAD),
        LINE("GET http:///ws HTTP/1.1", HTTP1_BAD),
        LINE("GET http:/a HTTP/1.1", HTTP1_BAD),
        LINE("GET http HTTP/1.1", HTTP1_BAD),
        LINE("GET ws://a.example/ws HTTP/1.1", HTTP1_BAD),
        LINE("GET wss://a.example/ws HTTP/1.1", HTTP1_BAD),
        LINE("GET ftp://a.example/ws HTTP/1.1", HTTP1_BAD),
        LINE("GET http://me:pw@a.example/ws HTTP/1.1", HTTP1_BAD),
        LINE("GET http://a.example:0/ws HTTP/1.1", HTTP1_BAD),
        LINE("GET http://a_b/ws HTTP/1.1", HTTP1_BAD),
        LINE("GET http://2130706433/ws HTTP/1.1", HTTP1_BAD),
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void target_parts(void **state)
{
    static const struct {
        const char *target, *authority, *path, *query;
    } rows[] = {
        {"/", NULL, "/", NULL},        {"/?", NULL, "/", ""},
        {"/a?b?c", NULL, "/a", "b?c"}, {"http://h", "h", "/", NULL},
        {"http://h?q", "h", "/", "q"}, {"https://h:81/a/b?q", "h:81", "/a/b", "q"},
    };
    char text[256];
    struct http1_request r;
    size_t head_bytes, i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n\r\n", rows[i].target);

        assert_int_equal(parse_whole(&r, view_of(text, (size_t)len), &head_bytes), HTTP1_DONE);
        assert_view(r.target, rows[i].target);
        assert_view(r.path, rows[i].path);
        assert_int_equal(r.query.ptr == NULL, rows[i].query == NULL);
        assert_view(r.query, rows[i].query);
        assert_int_equal(r.authority.ptr == NULL, rows[i].authority == NULL);
        assert_view(r.authority, rows[i].authority);
    }
}

#define HEAD(lines, verdict) ROW("GET / HTTP/1.1\r\n" lines "\r\n", verdict)

static void header_lines(void **state)
{
    static const struct row rows[] = {
        HEAD("a:b\r\n", HTTP1_DONE),
        HEAD("a: b\r\n", HTTP1_DONE),
        HEAD("a:\t b\t \r\n", HTTP1_DONE),
        HEAD("a:\r\n", HTTP1_DONE),
        HEAD("!#$%&'*+-.^_`|~0aZ: b:c\r\n", HTTP1_DONE),
        HEAD("X_Forwarded_User: root\r\n", HTTP1_DONE),
        HEAD("a : b\r\n", HTTP1_BAD),
        HEAD("a\t: b\r\n", HTTP1_BAD),
        HEAD(": b\r\n", HTTP1_BAD),
        HEAD("b\r\n", HTTP1_BAD),
        HEAD("a b: c\r\n", HTTP1_BAD),
        HEAD("a(b): c\r\n", HTTP1_BAD),
        HEAD("\"a\": c\r\n", HTTP1_BAD),
        HEAD("a\xe9: c\r\n", HTTP1_BAD),
        HEAD("Host: a\r\n b\r\n", HTTP1_BAD),
        HEAD("Host: a\r\n\tb\r\n", HTTP1_BAD),
        HEAD(" Host: a\r\n", HTTP1_BAD),
        HEAD("\tHost: a\r\n", HTTP1_BAD),
        HEAD("a: b\nc: d\r\n", HTTP1_BAD),
        HEAD("a: b\rc: d\r\n", HTTP1_BAD),
        HEAD("a: b\r\r\n", HTTP1_BAD),
        HEAD("a: b\n\r\n", HTTP1_BAD),
        ROW("GET / HTTP/1.1\nHost: a\n\n", HTTP1_BAD),
        ROW("GET / HTTP/1.1\r\nHost: a\r\n\n", HTTP1_BAD),
        ROW("GET / HTTP/1.1\r\nHost: a\r\n\rX", HTTP1_BAD),
        ROW("GET / HTTP/1.1\r\nHost: a\n\r\n", HTTP1_BAD),
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* Where '@' stands, each of the 256 bytes in turn. */
static enum http1_verdict with_byte(const char *pattern, unsigned byte)
{
    struct http1_request r;
    char text[128];
    size_t len = strlen(pattern), head_bytes = 0;
    char *at;

    memcpy(text, pattern, len + 1);
    at = memchr(text, '@', len);
    assert_non_null(at);
    *at = (char)byte;
    return parse_whole(&r, view_of(text, len), &head_bytes);
}

static void each_byte_in_each_place(void **state)
{
    unsigned b;

    (void)state;
    for (b = 0; b < 256; b++) {
        bool is_visible = b > 0x20 && b < 0x7f;
        bool is_token = is_visible && strchr("\"(),/:;<=>?@[\\]{}", (int)b) == NULL;

        assert_int_equal(with_byte("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", b) == HTTP1_DONE, is_token);
        assert_int_equal(with_byte("GET /a@b HTTP/1.1\r\nHost: a\r\n\r\n", b) == HTTP1_DONE,
                         is_visible && b != '#');
        assert_int_equal(with_byte("GET / HTTP/1.1\r\na@b: c\r\n\r\n", b) == HTTP1_DONE,
                         is_token || b == ':');
        assert_int_equal(with_byte("GET / HTTP/1.1\r\na: b@c\r\n\r\n", b) == HTTP1_DONE,
                         is_visible || b == ' ' || b == '\t' || b >= 0x80);
        assert_int_equal(with_byte("GET / HTTP/1.@\r\na: b\r\n\r\n", b) == HTTP1_DONE,
                         b == '0' || b == '1');
    }
}

/* These heads are not complete and are refused all the same, at their last byte and not before. */
static void refused_before_the_end(void **state)
{
    static const struct view rows[] = {
        {"\r", 1},
        {"\x16", 1},
        {" ", 1},
        {"GET / HTTP/1.1\n", 15},
        {"GET / HTTP/1.1\rX", 16},
        {"GET / HT\0", 9},
        {"GET / HTTP/1.1\r\n ", 17},
        {"GET / HTTP/1.1\r\n\t", 17},
        {"GET / HTTP/1.1\r\n:", 17},
        {"GET / HTTP/1.1\r\na: b\r\n ", 23},
        {"GET / HTTP/1.1\r\na: b\r\r", 22},
        {"GET / HTTP/1.1\r\na: \x1b", 20},
    };
    size_t i, used = 0, head_bytes;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check(rows[i], HTTP1_BAD);
        (void)parse_dripped(rows[i], &used, &head_bytes);
        assert_int_equal(used, rows[i].len);
    }
}

static enum http1_verdict with_headers(unsigned count)
{
    struct http1_request r;
    static char text[HTTP1_HEAD_MAX];
    size_t len = (size_t)sprintf(text, "GET / HTTP/1.1\r\n"), head_bytes;
    enum http1_verdict verdict;
    unsigned i;

    for (i = 0; i < count; i++)
        len += (size_t)sprintf(text + len, "h%u: v\r\n", i);
    len += (size_t)sprintf(text + len, "\r\n");
    verdict = parse_whole(&r, view_of(text, len), &head_bytes);
    if (verdict == HTTP1_DONE)
        assert_int_equal(r.headers_count, count);
    return verdict;
}

static void header_count_has_a_ceiling(void **state)
{
    (void)state;
    assert_int_equal(with_headers(HTTP1_HEADERS_MAX), HTTP1_DONE);
    assert_int_equal(with_headers(HTTP1_HEADERS_MAX + 1), HTTP1_TOO_LARGE);
    assert_int_equal(with_headers(1000), HTTP1_TOO_LARGE);
}

/* A head of exactly `len` bytes with one long header. The caller frees it. */
static char *head_of(size_t len)
{
    static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    char *text = malloc(len);

    assert_non_null(text);
    memset(text, 'v', len);
    memcpy(text, start, sizeof(start) - 1);
    memcpy(text + len - 4, "\r\n\r\n", 4);
    return text;
}

static void head_size_has_a_ceiling(void **state)
{
    char *fits = head_of(HTTP1_HEAD_MAX), *too_long = head_of(HTTP1_HEAD_MAX + 1);
    char *endless = malloc(100000);
    size_t used = 0, head_bytes = 0;

    (void)state;
    check(view_of(fits, HTTP1_HEAD_MAX), HTTP1_DONE);
    check(view_of(too_long, HTTP1_HEAD_MAX + 1), HTTP1_TOO_LARGE);
    /* It is known as soon as 16 KiB are there without an end. */
    check(view_of(fits, HTTP1_HEAD_MAX - 1), HTTP1_MORE);
    (void)parse_dripped(view_of(too_long, HTTP1_HEAD_MAX + 1), &used, &head_bytes);
    assert_int_equal(used, HTTP1_HEAD_MAX);
    /* A header name of more than 65,536 bytes (CVE-2021-40346). */
    memset(endless, 'n', 100000);
    memcpy(endless, "GET / HTTP/1.1\r\n", 16);
    check(view_of(endless, 100000), HTTP1_TOO_LARGE);
    free(fits);
    free(too_long);
    free(endless);
}

static size_t head_with_target(char *text, size_t target_bytes)
{
    memcpy(text, "GET /", 5);
    memset(text + 5, 'a', target_bytes - 1);
    memcpy(text + 4 + target_bytes, " HTTP/1.1\r\nHost: a\r\n\r\n", 22);
    return 4 + target_bytes + 22;
}

static void target_has_a_ceiling(void **state)
{
    static char text[HTTP1_HEAD_MAX * 2];
    size_t len = head_with_target(text, HTTP1_TARGET_MAX), used = 0, head_bytes;

    (void)state;
    check(view_of(text, len), HTTP1_DONE);
    len = head_with_target(text, HTTP1_TARGET_MAX + 1);
    check(view_of(text, len), HTTP1_TARGET_TOO_LONG);
    len = head_with_target(text, 16000);
    check(view_of(text, len), HTTP1_TARGET_TOO_LONG);
    /* Long before the head is full. */
    (void)parse_dripped(view_of(text, len), &used, &head_bytes);
    assert_in_range(used, HTTP1_TARGET_MAX, HTTP1_TARGET_MAX + 100);
    /* A control byte behind the point of refusal changes nothing. */
    text[5000] = '\0';
    check(view_of(text, len), HTTP1_TARGET_TOO_LONG);
    /* A method without an end is no long target. */
    memset(text, 'G', 5000);
    check(view_of(text, 5000), HTTP1_BAD);
    memcpy(text + 33, " / HTTP/1.1\r\n\r\n", 15);
    check(view_of(text, 33 + 15), HTTP1_BAD);
    check(view_of(text + 1, 32 + 15), HTTP1_DONE);
}

/* The longest request line whose end arrives at every possible place around the one check of its
 * length: every split gets the same answer. */
static void line_length_does_not_depend_on_the_split(void **state)
{
    static char text[HTTP1_HEAD_MAX];
    size_t bytes, len, cut, scanned, head_bytes;
    struct http1_request r;

    (void)state;
    for (bytes = HTTP1_TARGET_MAX - 40; bytes < HTTP1_TARGET_MAX + 60; bytes++) {
        enum http1_verdict expected =
            bytes <= HTTP1_TARGET_MAX ? HTTP1_DONE : HTTP1_TARGET_TOO_LONG;

        len = head_with_target(text, bytes);
        for (cut = HTTP1_TARGET_MAX - 20; cut <= len; cut++) {
            enum http1_verdict verdict;

            scanned = 0;
            verdict = http1_parse(&r, text, cut, &scanned, &head_bytes);
            if (verdict == HTTP1_MORE)
                verdict = http1_parse(&r, text, len, &scanned, &head_bytes);
            assert_int_equal(verdict, expected);
        }
    }
}

/* The proof that dripping is linear has two halves. A call begins where the last one ended, at most
 * one byte (a CR that waits) behind the end: so all calls together look at no more than two bytes
 * for each byte that arrives. And they do not look back: pages that lie behind are taken away. */
static void dripped_bytes_are_looked_at_once(void **state)
{
    struct http1_request r;
    char *head = head_of(HTTP1_HEAD_MAX);
    struct guarded g = guarded_copy(head, HTTP1_HEAD_MAX);
    size_t scanned = 0, head_bytes = 0, steps = 0, steps_half = 0, len;

    (void)state;
    assert_int_equal((uintptr_t)g.data % PAGE, 0);
    for (len = 1; len < HTTP1_HEAD_MAX; len++) {
        size_t before = scanned;

        if (len > 8192 && len % PAGE == 1)
            assert_int_equal(mprotect(g.data + len - 1 - 2 * PAGE, PAGE, PROT_NONE), 0);
        assert_int_equal(http1_parse(&r, (char *)g.data, len, &scanned, &head_bytes), HTTP1_MORE);
        assert_in_range(scanned, len - 1, len);
        assert_true(scanned >= before);
        steps += len - before;
        if (len == HTTP1_HEAD_MAX / 2)
            steps_half = steps;
    }
    assert_int_equal(mprotect(g.data, 4 * PAGE, PROT_READ), 0);
    assert_int_equal(http1_parse(&r, (char *)g.data, len, &scanned, &head_bytes), HTTP1_DONE);
    assert_int_equal(head_bytes, HTTP1_HEAD_MAX);
    assert_true(steps < HTTP1_HEAD_MAX + 16);
    assert_true(steps * 10 <= steps_half * 22);
    guarded_free(&g);
    free(head);
}

static void odd_space(void **state)
{
    static const struct {
        const char *line;
        bool is_odd;
    } rows[] = {
        {"o:x", false},  {"o: x", false}, {"o:", false},     {"o: ", false},
        {"o:  x", true}, {"o:\tx", true}, {"o:x ", true},    {"o:x\t", true},
        {"o:\t", true},  {"o:  ", true},  {"o: x y", false},
    };
    char text[64];
    struct http1_request r;
    size_t head_bytes, i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n\r\n", rows[i].line);

        assert_int_equal(parse_whole(&r, view_of(text, (size_t)len), &head_bytes), HTTP1_DONE);
        if (r.headers[0].has_odd_space != rows[i].is_odd)
            fail_msg("%s", rows[i].line);
    }
}

static void find_and_lists(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\n"
                               "X-Real: 1\r\n"
                               "x_real: 2\r\n"
                               "x-REAL: 3\r\n"
                               "Connection: keep-alive ,\tuPgRaDe\r\n"
                               "connection: , close,,\r\n"
                               "Upgrade: websockets, web socket, \"websocket\", websocket/13\r\n"
                               "\r\n";
    const struct http1_header *first = NULL;
    struct http1_request r;
    size_t head_bytes;

    (void)state;
    assert_int_equal(parse_whole(&r, view_of(text, sizeof(text) - 1), &head_bytes), HTTP1_DONE);
    assert_int_equal(http1_find(&r, VIEW("x-real"), &first), 2);
    assert_view(first->value, "1");
    assert_int_equal(http1_find(&r, VIEW("x-none"), &first), 0);
    assert_view(first->value, "1");
    assert_int_equal(http1_find(&r, VIEW("X_Real"), NULL), 1);
    assert_true(http1_has_token(&r, VIEW("Connection"), VIEW("Upgrade")));
    assert_true(http1_has_token(&r, VIEW("Connection"), VIEW("keep-alive")));
    assert_true(http1_has_token(&r, VIEW("Connection"), VIEW("close")));
    assert_false(http1_has_token(&r, VIEW("Connection"), VIEW("alive")));
    assert_false(http1_has_token(&r, VIEW("Upgrade"), VIEW("websocket")));
    assert_false(http1_has_token(&r, VIEW("Missing"), VIEW("websocket")));
    assert_false(http1_is_token(VIEW("")));
    assert_false(http1_is_token(VIEW("a b")));
    assert_true(http1_is_token(VIEW("v1.chat")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(browser_request_is_read),
        cmocka_unit_test(request_lines),
        cmocka_unit_test(targets),
        cmocka_unit_test(target_parts),
        cmocka_unit_test(header_lines),
        cmocka_unit_test(each_byte_in_each_place),
        cmocka_unit_test(refused_before_the_end),
        cmocka_unit_test(header_count_has_a_ceiling),
        cmocka_unit_test(head_size_has_a_ceiling),
        cmocka_unit_test(target_has_a_ceiling),
        cmocka_unit_test(line_length_does_not_depend_on_the_split),
        cmocka_unit_test(dripped_bytes_are_looked_at_once),
        cmocka_unit_test(odd_space),
        cmocka_unit_test(find_and_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
