/* SPDX-License-Identifier: Apache-2.0 */
/* refusal_test.c: the status table of the handshake: status, code and headers of every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "wire/handshake.h"

#define ANSWER_MAX 2048

static const char *answer_of(enum refusal why, bool is_tls)
{
    static char bytes[ANSWER_MAX + 1];
    struct wr w = wr_of(bytes, ANSWER_MAX);

    refusal_answer(&w, why, 17, is_tls);
    assert_false(w.failed);
    bytes[wr_len(&w)] = '\0';
    assert_int_equal(strlen(bytes), wr_len(&w));
    return bytes;
}

static bool says(enum refusal why, const char *line)
{
    const char *answer = answer_of(why, false);
    const char *end = strstr(answer, "\r\n\r\n");
    char wanted[256];
    const char *at;

    (void)snprintf(wanted, sizeof(wanted), "\r\n%s\r\n", line);
    at = strstr(answer, wanted);
    return at != NULL && at < end;
}

static const struct {
    enum refusal why;
    unsigned status;
    const char *code;
} table[] = {
    {REFUSE_MALFORMED, 400, "bad_request"},
    {REFUSE_TARGET_TOO_LONG, 414, "uri_too_long"},
    {REFUSE_HEADERS_TOO_LARGE, 431, "headers_too_large"},
    {REFUSE_HTTP_VERSION, 505, "http_version"},
    {REFUSE_METHOD, 405, "method_not_allowed"},
    {REFUSE_METHOD_POST, 405, "method_not_allowed"},
    {REFUSE_BODY, 400, "body_not_allowed"},
    {REFUSE_HOST_MISSING, 400, "host_invalid"},
    {REFUSE_HOST_UNKNOWN, 421, "host_unknown"},
    {REFUSE_HOST_OTHER, 421, "host_misdirected"},
    {REFUSE_NOT_FOUND, 404, "not_found"},
    {REFUSE_NOT_UPGRADE, 426, "upgrade_required"},
    {REFUSE_WS_VERSION, 426, "ws_version"},
    {REFUSE_WS_VERSION_MISSING, 400, "ws_version_missing"},
    {REFUSE_WS_KEY, 400, "ws_key"},
    {REFUSE_WS_PROTOCOL, 400, "ws_protocol"},
    {REFUSE_WS_EXTENSIONS, 400, "ws_extensions"},
    {REFUSE_ORIGIN, 403, "origin_not_allowed"},
    {REFUSE_ORIGIN_MISSING, 403, "origin_missing"},
    {REFUSE_CREDENTIALS, 401, "invalid_token"},
    {REFUSE_NO_CREDENTIALS, 401, "credentials_missing"},
    {REFUSE_TICKET, 401, "invalid_ticket"},
    {REFUSE_SESSION, 401, "invalid_session"},
    {REFUSE_CREDENTIALS_REPEATED, 400, "credentials_repeated"},
    {REFUSE_COOKIE, 400, "cookie_invalid"},
    {REFUSE_CSRF, 403, "csrf_token_invalid"},
    {REFUSE_SCOPE, 403, "insufficient_scope"},
    {REFUSE_AUTH_UNAVAILABLE, 503, "auth_unavailable"},
    {REFUSE_TIMEOUT, 408, "handshake_timeout"},
    {REFUSE_RATE, 429, "too_many_handshakes"},
    {REFUSE_PER_IP, 429, "too_many_connections"},
    {REFUSE_BANNED, 429, "banned"},
    {REFUSE_FULL, 503, "server_full"},
    {REFUSE_MEMORY, 503, "memory_full"},
    {REFUSE_LISTENER_FULL, 503, "listener_full"},
    {REFUSE_ROUTE_FULL, 503, "route_full"},
    {REFUSE_DRAINING, 503, "draining"},
};

static void status_and_code_of_each(void **state)
{
    size_t i;
    char start[64], body[64];

    (void)state;
    assert_int_equal(sizeof(table) / sizeof(table[0]), REFUSE_COUNT - 1);
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct refusal_row *row = refusal_get(table[i].why);
        const char *answer;

        assert_int_equal(table[i].why, i + 1);
        assert_int_equal(row->status, table[i].status);
        assert_string_equal(row->code, table[i].code);
        assert_true(strlen(row->phrase) > 0 && strlen(row->message) > 0);
        (void)snprintf(start, sizeof(start), "HTTP/1.1 %u %s\r\n", row->status, row->phrase);
        (void)snprintf(body, sizeof(body), "\r\n\r\n{\"error\":{\"code\":\"%s\",\"message\":\"",
                       row->code);
        answer = answer_of(table[i].why, false);
        assert_memory_equal(answer, start, strlen(start));
        assert_non_null(strstr(answer, body));
        assert_non_null(strstr(answer, row->message));
        assert_string_equal(answer + strlen(answer) - 4, "\"}}\n");
    }
}

static void headers_that_a_status_demands(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        enum refusal why = table[i].why;
        unsigned status = table[i].status;

        assert_int_equal(says(why, "Connection: close"), status != 426);
        assert_int_equal(says(why, "Connection: Upgrade, close"), status == 426);
        assert_int_equal(says(why, "Upgrade: websocket"), status == 426);
        assert_int_equal(says(why, "Sec-WebSocket-Version: 13"),
                         status == 426 || why == REFUSE_WS_VERSION_MISSING);
        assert_int_equal(says(why, "Allow: GET"), why == REFUSE_METHOD);
        assert_int_equal(says(why, "Allow: POST, OPTIONS"), why == REFUSE_METHOD_POST);
        assert_int_equal(says(why, "Retry-After: 17"), status == 429 || status == 503);
        if (status == 401)
            assert_non_null(strstr(answer_of(why, false), "\r\nWWW-Authenticate: Bearer realm="));
        assert_true(says(why, "Cache-Control: no-store"));
        assert_true(says(why, "X-Content-Type-Options: nosniff"));
        assert_true(says(why, "Content-Type: application/json"));
        assert_null(strstr(answer_of(why, false), "Server:"));
        assert_null(strstr(answer_of(why, false), "Location:"));
        assert_null(strstr(answer_of(why, false), "Strict-Transport-Security"));
        assert_non_null(
            strstr(answer_of(why, true), "\r\nStrict-Transport-Security: max-age=31536000\r\n"));
    }
}

/* RFC 6750 section 3.1: which error a challenge names, and that it names none where no token was
 * shown. */
static void challenges(void **state)
{
    static const struct {
        enum refusal why;
        const char *error;
    } cases[] = {
        {REFUSE_CREDENTIALS, ", error=\"invalid_token\""},
        {REFUSE_NO_CREDENTIALS, ""},
        {REFUSE_TICKET, ", error=\"invalid_token\""},
        {REFUSE_SESSION, ""},
        {REFUSE_CREDENTIALS_REPEATED, ", error=\"invalid_request\""},
        {REFUSE_SCOPE, ", error=\"insufficient_scope\""},
    };
    char line[128];
    unsigned challenged = 0;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(line, sizeof(line), "WWW-Authenticate: Bearer realm=\"gateward\"%s",
                       cases[i].error);
        assert_true(says(cases[i].why, line));
    }
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        challenged += strstr(answer_of(table[i].why, true), "WWW-Authenticate") != NULL;
    assert_int_equal(challenged, sizeof(cases) / sizeof(cases[0]));
}

static void content_length_is_true(void **state)
{
    size_t i;
    unsigned length;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *answer = answer_of(table[i].why, true);
        const char *at = strstr(answer, "Content-Length: ");
        const char *body = strstr(answer, "\r\n\r\n");

        assert_non_null(at);
        assert_non_null(body);
        assert_int_equal(sscanf(at, "Content-Length: %u", &length), 1);
        assert_int_equal(strlen(body + 4), length);
    }
}

static void unknown_reasons_are_refused_too(void **state)
{
    (void)state;
    assert_int_equal(refusal_get(REFUSE_NONE)->status, 400);
    assert_int_equal(refusal_get(REFUSE_COUNT)->status, 400);
    assert_int_equal(refusal_get((enum refusal)1000)->status, 400);
}

static void no_room_is_noticed(void **state)
{
    char bytes[100];
    struct wr w = wr_of(bytes, sizeof(bytes));

    (void)state;
    refusal_answer(&w, REFUSE_MALFORMED, 0, false);
    assert_true(w.failed);
}

/* RFC 6750 section 3.1. */
static void a_missing_scope_is_named(void **state)
{
    char bytes[ANSWER_MAX + 1], many[REFUSAL_SCOPES_MAX + 2];
    struct wr w = wr_of(bytes, ANSWER_MAX);

    (void)state;
    refusal_answer_scopes(&w, VIEW("chat:read chat:write"), false);
    assert_false(w.failed);
    bytes[wr_len(&w)] = '\0';
    assert_non_null(strstr(bytes, "\r\nWWW-Authenticate: Bearer realm=\"gateward\", "
                                  "error=\"insufficient_scope\", "
                                  "scope=\"chat:read chat:write\"\r\n"));
    assert_null(strstr(answer_of(REFUSE_SCOPE, false), "scope=\"chat"));
    memset(many, 'a', sizeof(many));
    for (size_t len = REFUSAL_SCOPES_MAX; len <= REFUSAL_SCOPES_MAX + 1; len++) {
        w = wr_of(bytes, ANSWER_MAX);
        refusal_answer_scopes(&w, view_of(many, len), true);
        assert_false(w.failed);
        bytes[wr_len(&w)] = '\0';
        assert_int_equal(strstr(bytes, "scope=\"a") != NULL, len == REFUSAL_SCOPES_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_and_code_of_each),
        cmocka_unit_test(headers_that_a_status_demands),
        cmocka_unit_test(challenges),
        cmocka_unit_test(a_missing_scope_is_named),
        cmocka_unit_test(content_length_is_true),
        cmocka_unit_test(unknown_reasons_are_refused_too),
        cmocka_unit_test(no_room_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
