/* SPDX-License-Identifier: Apache-2.0 */
/* api_request_test.c: requests whole, byte by byte and against a guard page; framing said twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_request.h"
#include "three_ways.h"

#define HEAD "POST /api/x HTTP/1.1\r\nHost: localhost\r\n"

struct outcome {
    enum api_step step;
    enum api_fault fault;
    size_t body_bytes;
    bool had_head;
};

/* Feeds all bytes in pieces of `piece`, as a connection would. */
static struct outcome feed(const void *bytes, size_t len, size_t piece)
{
    struct api_request r;
    struct outcome o = {API_MORE, API_OK, 0, false};

    api_request_init(&r);
    for (size_t at = 0; at < len && o.step == API_MORE; at += piece) {
        o.step =
            api_request_take(&r, (const uint8_t *)bytes + at, len - at < piece ? len - at : piece);
        if (o.step == API_HEAD) {
            o.had_head = true;
            o.step = api_request_take(&r, NULL, 0);
        }
    }
    o.fault = r.fault;
    o.body_bytes = o.step == API_DONE ? r.body.len : 0;
    api_request_clear(&r);
    return o;
}

static void expect(const char *text, enum api_step step, enum api_fault fault)
{
    size_t len = strlen(text);
    struct guarded g = guarded_copy(text, len);
    struct outcome whole = feed(g.data, len, len), bytewise = feed(g.data, len, 1);

    assert_int_equal(whole.step, step);
    assert_int_equal(whole.fault, fault);
    assert_int_equal(bytewise.step, step);
    assert_int_equal(bytewise.fault, fault);
    assert_int_equal(whole.body_bytes, bytewise.body_bytes);
    guarded_free(&g);
}

static void good_requests_are_done_in_any_split(void **state)
{
    (void)state;
    expect("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", API_DONE, API_OK);
    expect("GET /health/live HTTP/1.1\r\nHost: [::1]:9443\r\nContent-Length: 0\r\n\r\n", API_DONE,
           API_OK);
    expect(HEAD "Content-Length: 0\r\n\r\n", API_DONE, API_OK);
    expect(HEAD "Content-Length: 5\r\n\r\n{\"a\":", API_DONE, API_OK);
}

static void every_cut_of_a_good_request_waits_for_more(void **state)
{
    const char *text = HEAD "Content-Length: 9\r\n\r\n{\"a\":123}";

    (void)state;
    for (size_t cut = 1; cut < strlen(text); cut++) {
        struct guarded g = guarded_copy(text, cut);

        assert_int_equal(feed(g.data, cut, cut).step, API_MORE);
        assert_int_equal(feed(g.data, cut, 1).step, API_MORE);
        guarded_free(&g);
    }
    assert_int_equal(feed(text, strlen(text), strlen(text)).body_bytes, 9);
}

static void a_length_said_twice_or_badly_is_refused(void **state)
{
    static const char *const bad[] = {
        "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "Content-Length: 5, 5\r\n\r\n",
        "Content-Length: +5\r\n\r\n",
        "Content-Length: -5\r\n\r\n",
        "Content-Length: 05\r\n\r\n",
        "Content-Length: 0x5\r\n\r\n",
        "Content-Length: 5 5\r\n\r\n",
        "Content-Length: \r\n\r\n",
        "Content-Length: 99999999999999999999\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n",
        "transfer-ENCODING: xchunked\r\n\r\n",
        " Content-Length: 5\r\n\r\n",
        "Content-Length : 5\r\n\r\n",
    };
    char text[512];

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), HEAD "%s", bad[i]);
        expect(text, API_BAD, API_BAD_REQUEST);
    }
}

static void a_body_needs_a_length_and_a_get_has_none(void **state)
{
    (void)state;
    expect(HEAD "\r\n", API_BAD, API_LENGTH_REQUIRED);
    expect("GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n", API_BAD,
           API_BAD_REQUEST);
}

static void the_ceiling_of_a_body_is_exact(void **state)
{
    (void)state;
    expect(HEAD "Content-Length: 65537\r\n\r\n", API_BAD, API_BODY_TOO_LARGE);
    expect(HEAD "Content-Length: 65536\r\n\r\n", API_MORE, API_OK);
}

static void bytes_behind_the_body_are_refused(void **state)
{
    const char *text = HEAD "Content-Length: 2\r\n\r\n{}GET /health/live HTTP/1.1\r\n";
    struct outcome o = feed(text, strlen(text), strlen(text));

    (void)state;
    assert_int_equal(o.step, API_BAD);
    assert_int_equal(o.fault, API_BAD_REQUEST);
}

static void hosts_versions_and_targets_are_checked(void **state)
{
    (void)state;
    expect("GET /a HTTP/1.1\r\n\r\n", API_BAD, API_HOST_INVALID);
    expect("GET /a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", API_BAD, API_HOST_INVALID);
    expect("GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n", API_BAD, API_HOST_INVALID);
    expect("GET /a HTTP/1.0\r\nHost: a\r\n\r\n", API_BAD, API_HTTP_VERSION);
    expect("GET http://localhost/a HTTP/1.1\r\nHost: localhost\r\n\r\n", API_BAD, API_BAD_REQUEST);
    expect("CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", API_BAD, API_BAD_REQUEST);
    expect("GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", API_BAD, API_BAD_REQUEST);
    expect("GET /a\nHTTP/1.1\r\n", API_BAD, API_BAD_REQUEST);
}

static void nothing_is_taken_after_a_refusal(void **state)
{
    struct api_request r;

    (void)state;
    api_request_init(&r);
    assert_int_equal(api_request_take(&r, "\n", 1), API_BAD);
    assert_int_equal(api_request_take(&r, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27), API_BAD);
    api_request_clear(&r);
}

static void expect_continue_is_seen(void **state)
{
    const char *text = HEAD "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    struct api_request r;

    (void)state;
    api_request_init(&r);
    assert_int_equal(api_request_take(&r, text, strlen(text)), API_HEAD);
    assert_true(r.wants_continue);
    assert_int_equal(api_request_take(&r, NULL, 0), API_MORE);
    assert_int_equal(api_request_take(&r, "{}", 2), API_DONE);
    api_request_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_are_done_in_any_split),
        cmocka_unit_test(every_cut_of_a_good_request_waits_for_more),
        cmocka_unit_test(a_length_said_twice_or_badly_is_refused),
        cmocka_unit_test(a_body_needs_a_length_and_a_get_has_none),
        cmocka_unit_test(the_ceiling_of_a_body_is_exact),
        cmocka_unit_test(bytes_behind_the_body_are_refused),
        cmocka_unit_test(hosts_versions_and_targets_are_checked),
        cmocka_unit_test(nothing_is_taken_after_a_refusal),
        cmocka_unit_test(expect_continue_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
