/* SPDX-License-Identifier: Apache-2.0 */
/* handshake_test.c: the request, and what a 101 must say. The key and the accept value are those of
 * RFC 6455 section 1.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/status.h"
#include "client/handshake.h"

#define KEY     "dGhlIHNhbXBsZSBub25jZQ=="
#define STATUS  "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONN    "Connection: Upgrade\r\n"
#define ACCEPT  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define ALL     STATUS UPGRADE CONN ACCEPT
#define PMD     "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"
#define PROTO   "Sec-WebSocket-Protocol: "

static const char *check(const char *text, const char *protocol, bool offers_deflate, bool *is_on)
{
    struct client_request request = {.protocol = protocol, .offers_deflate = offers_deflate};
    struct ws_deflate_params deflate = {.is_on = false};
    struct client_answer answer;
    const char *fault = NULL;
    size_t scanned = 0, head_bytes;

    memcpy(request.key, KEY, sizeof(request.key));
    assert_int_equal(client_answer_parse(&answer, text, strlen(text), &scanned, &head_bytes),
                     HTTP1_DONE);
    if (client_answer_check(&deflate, &answer, &request, &fault) == OK)
        assert_null(fault);
    else
        assert_non_null(fault);
    *is_on = deflate.is_on;
    return fault;
}

static void answers_we_asked_for_are_accepted(void **state)
{
    bool is_on;

    (void)state;
    assert_null(check(ALL "\r\n", NULL, false, &is_on));
    assert_false(is_on);
    assert_null(check(STATUS "upgrade: WebSocket\r\nconnection: keep-alive, UPGRADE\r\n" ACCEPT
                             "Server: x\r\n\r\n",
                      NULL, false, &is_on));
    assert_null(check(ALL "\r\n", NULL, true, &is_on));
    assert_false(is_on);
    assert_null(check(ALL PMD "\r\n", NULL, true, &is_on));
    assert_true(is_on);
    assert_null(check(ALL PROTO "chat.v1\r\n\r\n", "chat.v1", false, &is_on));
}

static void answers_we_did_not_ask_for_are_refused(void **state)
{
    static const struct {
        const char *text, *protocol;
        bool offers_deflate;
        const char *reason;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n" UPGRADE CONN ACCEPT "\r\n", NULL, false, "not 101"},
        {"HTTP/1.0 101 X\r\n" UPGRADE CONN ACCEPT "\r\n", NULL, false, "HTTP/1.1"},
        {STATUS CONN ACCEPT "\r\n", NULL, false, "websocket"},
        {STATUS UPGRADE UPGRADE CONN ACCEPT "\r\n", NULL, false, "websocket"},
        {STATUS "Upgrade: h2c\r\n" CONN ACCEPT "\r\n", NULL, false, "websocket"},
        {STATUS "Upgrade: websocket, h2c\r\n" CONN ACCEPT "\r\n", NULL, false, "websocket"},
        {STATUS UPGRADE ACCEPT "\r\n", NULL, false, "Connection"},
        {STATUS UPGRADE "Connection: close\r\n" ACCEPT "\r\n", NULL, false, "Connection"},
        {STATUS UPGRADE CONN "\r\n", NULL, false, "one Sec-WebSocket-Accept"},
        {STATUS UPGRADE CONN ACCEPT ACCEPT "\r\n", NULL, false, "one Sec-WebSocket-Accept"},
        {STATUS UPGRADE CONN "Sec-WebSocket-Accept: \r\n\r\n", NULL, false, "our key"},
        {STATUS UPGRADE CONN "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n\r\n", NULL,
         false, "our key"},
        {STATUS UPGRADE CONN "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", NULL,
         false, "our key"},
        {STATUS UPGRADE CONN "Sec-WebSocket-Accept: " KEY "\r\n\r\n", NULL, false, "our key"},
        {ALL PROTO "chat.v1\r\n\r\n", NULL, false, "did not ask"},
        {ALL PROTO "\r\n\r\n", NULL, false, "did not ask"},
        {ALL PROTO "chat.v2\r\n\r\n", "chat.v1", false, "did not ask"},
        {ALL PROTO "Chat.v1\r\n\r\n", "chat.v1", false, "did not ask"},
        {ALL PROTO "chat.v1\r\n" PROTO "chat.v1\r\n\r\n", "chat.v1", false, "did not ask"},
        {ALL "\r\n", "chat.v1", false, "does not speak"},
        {ALL PMD "\r\n", NULL, false, "extension"},
        {ALL PMD PMD "\r\n", NULL, true, "extension"},
        {ALL "Sec-WebSocket-Extensions: x-other\r\n\r\n", NULL, true, "extension"},
        {ALL "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10; "
             "server_no_context_takeover\r\n\r\n",
         NULL, true, "extension"},
        {ALL "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", NULL, true, "extension"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_on;
        const char *fault = check(rows[i].text, rows[i].protocol, rows[i].offers_deflate, &is_on);

        if (fault == NULL || strstr(fault, rows[i].reason) == NULL)
            fail_msg("row %zu: %s", i, fault == NULL ? "accepted" : fault);
        assert_false(is_on);
    }
}

static void a_request_says_what_it_must(void **state)
{
    struct ws_url url;
    const char *fault;
    struct client_request request = {.url = &url};
    char text[CLIENT_REQUEST_MAX + 1];
    struct wr w = wr_of(text, sizeof(text));

    (void)state;
    assert_int_equal(ws_url_parse(&url, VIEW("wss://[::1]:8443/ws?a=b"), &fault), OK);
    memcpy(request.key, KEY, sizeof(request.key));
    client_request_encode(&w, &request);
    wr_u8(&w, 0);
    assert_false(w.failed);
    assert_string_equal(
        text,
        "GET /ws?a=b HTTP/1.1\r\nHost: [::1]:8443\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n");
    request.origin = "https://a.example";
    request.protocol = "chat.v1";
    request.headers = "X-A: 1\r\nX-B: 2\r\n";
    request.offers_deflate = true;
    w = wr_of(text, sizeof(text));
    client_request_encode(&w, &request);
    wr_u8(&w, 0);
    assert_non_null(
        strstr(text, "\r\nOrigin: https://a.example\r\nSec-WebSocket-Protocol: chat.v1\r\n"
                     "Sec-WebSocket-Extensions: " WS_DEFLATE_OFFER "\r\nX-A: 1\r\nX-B: 2\r\n\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_we_asked_for_are_accepted),
        cmocka_unit_test(answers_we_did_not_ask_for_are_refused),
        cmocka_unit_test(a_request_says_what_it_must),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
