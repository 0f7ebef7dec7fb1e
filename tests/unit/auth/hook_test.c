/* SPDX-License-Identifier: Apache-2.0 */
/* hook_test.c: what an application on loopback is shown of a request, and what its answers come to.
 * Made to run under TSan. */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/breaker.h"
#include "auth/hook.h"
#include "base/clock.h"
#include "base/status.h"
#include "http_host.h"

struct rig {
    struct host host;
    struct outbound *outbound;
    struct hook *hook;
    struct role_set roles;
    struct hook_options options;
    char url[128];
    atomic_uint downs;
};
struct asked {
    struct lookup lookup; /* first */
    sem_t done;
};

static void on_tell(void *context, bool is_up, const char *why)
{
    struct rig *rig = context;

    assert_non_null(why);
    if (!is_up)
        atomic_fetch_add(&rig->downs, 1);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    if (rig == NULL)
        return -1;
    host_open(&rig->host);
    (void)snprintf(rig->url, sizeof(rig->url), "http://127.0.0.1:%u/whoami?from=ws",
                   rig->host.port);
    rig->options = (struct hook_options){.url = rig->url,
                                         .headers = {"Cookie", "X-Device"},
                                         .roles_pointer = "/roles",
                                         .session = "/session",
                                         .roles = &rig->roles,
                                         .cache_s = 30,
                                         .recheck_s = 30,
                                         .expires_s = 600,
                                         .deadline_ms = 5000,
                                         .allows_loopback_http = true};
    *state = rig;
    if (role_set_add(&rig->roles, VIEW("user"), PERMISSION_READ) != OK ||
        hook_new(&rig->hook, &rig->options) != OK || outbound_start(&rig->outbound) != OK)
        return -1;
    hook_start(rig->hook, rig->outbound, on_tell, rig);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    outbound_stop(rig->outbound);
    outbound_free(rig->outbound);
    hook_free(rig->hook);
    host_close(&rig->host);
    free(rig);
    return 0;
}

/* Of a GET with these header lines. */
static int show(const struct rig *rig, struct hook_shown **shown, const char *lines)
{
    static char head[HTTP1_HEAD_MAX];
    struct http1_request request;
    size_t scanned = 0, head_bytes;
    int len = snprintf(head, sizeof(head), "GET /ws HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);

    assert_int_equal(http1_parse(&request, head, (size_t)len, &scanned, &head_bytes), HTTP1_DONE);
    return hook_show(rig->hook, shown, &request);
}

static void on_done(struct lookup *l)
{
    (void)sem_post(&((struct asked *)l)->done);
}

static enum auth_verdict ask(struct rig *rig, struct asked *asked, const char *lines, bool is_fresh)
{
    struct hook_shown *shown = NULL;

    memset(asked, 0, sizeof(*asked));
    (void)sem_init(&asked->done, 0, 0);
    asked->lookup.done = on_done;
    assert_int_equal(show(rig, &shown, lines), OK);
    assert_int_equal(hook_lookup(rig->hook, &asked->lookup, shown, is_fresh), OK);
    hook_shown_free(shown); /* is copied */
    (void)sem_wait(&asked->done);
    (void)sem_destroy(&asked->done);
    return asked->lookup.verdict;
}

static enum auth_verdict check(struct rig *rig, const char *lines)
{
    struct hook_shown *shown = NULL;
    struct identity who;
    const char *fault = NULL;
    enum auth_verdict verdict;

    assert_int_equal(show(rig, &shown, lines), OK);
    verdict = hook_check(rig->hook, shown, clock_wall_s(), &who, &fault);
    hook_shown_free(shown);
    return verdict;
}

static void the_chosen_headers_are_forwarded_and_no_others(void **state)
{
    static const char *const lines =
        "Cookie: sid=abc; theme=\"d\"\r\nx-device: phone\r\nAuthorization: Bearer secret\r\n"
        "X-Forwarded-For: 1.2.3.4\r\nSec-WebSocket-Key: k\r\n";
    struct rig *rig = *state;
    struct asked asked;

    atomic_store(&rig->host.body, "{\"user\":\"ann\",\"roles\":[\"user\"],\"session\":\"s\"}");
    assert_int_equal(check(rig, lines), AUTH_LATER);
    assert_int_equal(ask(rig, &asked, lines, false), AUTH_OK);
    assert_string_equal(asked.lookup.who.user, "ann");
    assert_true(asked.lookup.who.has_session);
    assert_int_equal(check(rig, lines), AUTH_OK);
    assert_int_equal(strncmp(rig->host.last, "GET /whoami?from=ws HTTP/1.1\r\n", 30), 0);
    assert_non_null(strstr(rig->host.last, "\r\nCookie: sid=abc; theme=\"d\"\r\n"));
    assert_non_null(strstr(rig->host.last, "\r\nX-Device: phone\r\n"));
    assert_non_null(strstr(rig->host.last, "\r\nAccept: application/json\r\n"));
    assert_null(strstr(rig->host.last, "Authorization"));
    assert_null(strstr(rig->host.last, "Forwarded"));
    assert_null(strstr(rig->host.last, "Sec-"));
    assert_null(strstr(rig->host.last, "Content-"));
}

static void the_answer_belongs_to_what_was_shown(void **state)
{
    struct rig *rig = *state;
    struct asked asked;

    atomic_store(&rig->host.body, "{\"user\":\"ann\"}");
    assert_int_equal(ask(rig, &asked, "Cookie: sid=a\r\n", false), AUTH_OK);
    assert_int_equal(check(rig, "Cookie: sid=a\r\n"), AUTH_OK);
    assert_int_equal(check(rig, "Cookie: sid=b\r\n"), AUTH_LATER);
    assert_int_equal(check(rig, "Cookie: sid=a\r\nX-Device: x\r\n"), AUTH_LATER);
    assert_int_equal(check(rig, "X-Device: sid=a\r\n"), AUTH_LATER);
    /* What does not go out does not matter. */
    assert_int_equal(check(rig, "Cookie: sid=a\r\nOrigin: https://a\r\n"), AUTH_OK);
    atomic_store(&rig->host.status, "401 Unauthorized"); /* logged out */
    assert_int_equal(ask(rig, &asked, "Cookie: sid=a\r\n", true), AUTH_FAILED);
    assert_int_equal(check(rig, "Cookie: sid=a\r\n"), AUTH_FAILED);
}

static void nobody_to_ask_about(void **state)
{
    static char lines[12000];
    struct rig *rig = *state;
    struct hook_shown *shown = NULL;

    assert_int_equal(show(rig, &shown, ""), E_MISSING);
    assert_int_equal(show(rig, &shown, "Cookie: \r\n"), E_MISSING);
    assert_int_equal(show(rig, &shown, "Cookies: a=b\r\n"), E_MISSING);
    assert_int_equal(show(rig, &shown, "Cookie: a=b\r\nCookie: a=c\r\n"), E_LIMIT);
    (void)snprintf(lines, sizeof(lines), "Cookie: %0*d\r\n", 8 * 1024 - 3, 0);
    assert_int_equal(show(rig, &shown, lines), OK);
    hook_shown_free(shown);
    shown = NULL;
    (void)snprintf(lines, sizeof(lines), "Cookie: %0*d\r\n", 8 * 1024 - 2, 0);
    assert_int_equal(show(rig, &shown, lines), E_LIMIT);
    (void)snprintf(lines, sizeof(lines), "Cookie: %0*d\r\nX-Device: %0*d\r\n", 5000, 0, 5000, 0);
    assert_int_equal(show(rig, &shown, lines), E_LIMIT);
    assert_null(shown);
}

static void statuses(void **state)
{
    static const struct {
        const char *status, *body;
        enum auth_verdict verdict;
    } rows[] = {
        {"401 Unauthorized", "{\"user\":\"ann\"}", AUTH_FAILED},
        {"403 Forbidden", "{\"user\":\"ann\"}", AUTH_FAILED},
        {"400 Bad Request", "{\"user\":\"ann\"}", AUTH_FAILED},
        {"200 OK", "{\"user\":null}", AUTH_FAILED},
        {"200 OK", "{}", AUTH_FAILED},
        {"302 Found", "{\"user\":\"ann\"}", AUTH_UNAVAILABLE},
        {"404 Not Found", "{\"user\":\"ann\"}", AUTH_UNAVAILABLE},
        {"201 Created", "{\"user\":\"ann\"}", AUTH_UNAVAILABLE},
        {"204 No Content", "", AUTH_UNAVAILABLE},
    };
    struct rig *rig = *state;
    struct asked asked;
    char lines[64];

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        atomic_store(&rig->host.status, rows[i].status);
        atomic_store(&rig->host.body, rows[i].body);
        (void)snprintf(lines, sizeof(lines), "Cookie: sid=%u\r\n", i);
        if (ask(rig, &asked, lines, false) != rows[i].verdict)
            fail_msg("%s: %d", rows[i].status, asked.lookup.verdict);
    }
    assert_int_equal(atomic_load(&rig->downs), 0);
}

/* A flood of bad cookies must not cost the application a TLS handshake each. */
static void a_refusal_leaves_the_connection_open(void **state)
{
    struct rig *rig = *state;
    struct asked asked;
    char lines[64];

    atomic_store(&rig->host.status, "401 Unauthorized");
    atomic_store(&rig->host.body, "{\"user\":\"ann\"}");
    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(lines, sizeof(lines), "Cookie: sid=%u\r\n", i);
        assert_int_equal(ask(rig, &asked, lines, false), AUTH_FAILED);
    }
    assert_int_equal(atomic_load(&rig->host.requests), 10);
    assert_int_equal(atomic_load(&rig->host.connections), 1);
}

static void a_broken_application_is_left_alone(void **state)
{
    struct rig *rig = *state;
    struct asked asked;
    char lines[64];

    atomic_store(&rig->host.status, "500 Broken");
    for (unsigned i = 0; i < BREAKER_FAILURES; i++) {
        (void)snprintf(lines, sizeof(lines), "Cookie: sid=%u\r\n", i);
        assert_int_equal(ask(rig, &asked, lines, false), AUTH_UNAVAILABLE);
    }
    assert_int_equal(check(rig, "Cookie: sid=new\r\n"), AUTH_UNAVAILABLE);
    assert_int_equal(ask(rig, &asked, "Cookie: sid=new\r\n", false), AUTH_UNAVAILABLE);
    assert_int_equal(atomic_load(&rig->host.requests), BREAKER_FAILURES);
    assert_int_equal(atomic_load(&rig->downs), 1);
}

static void headers_that_may_be_forwarded(void **state)
{
    static const char *const bad[] = {"Host",
                                      "connection",
                                      "Keep-Alive",
                                      "TE",
                                      "Trailer",
                                      "Transfer-Encoding",
                                      "upgrade",
                                      "Sec-WebSocket-Key",
                                      "sec-fetch-site",
                                      "Content-Length",
                                      "content-type",
                                      "Proxy-Authorization",
                                      "X-Forwarded-For",
                                      "Forwarded",
                                      "X-Real-IP",
                                      "Accept",
                                      "Expect",
                                      "If-None-Match",
                                      "Range",
                                      "",
                                      "Coo kie",
                                      "Cookie:",
                                      "a\r\nb"};
    static const char *const good[] = {"Cookie", "Authorization", "X-Device",
                                       "Origin", "User-Agent",    "Accept-Language"};
    struct rig *rig = *state;
    struct hook *hook = NULL;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (hook_header_ok(view_of_text(bad[i])))
            fail_msg("forwarded: %s", bad[i]);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!hook_header_ok(view_of_text(good[i])))
            fail_msg("not forwarded: %s", good[i]);
    }
    rig->options.headers[1] = "Host";
    assert_int_equal(hook_new(&hook, &rig->options), E_INVALID);
    rig->options.headers[0] = NULL;
    assert_int_equal(hook_new(&hook, &rig->options), E_INVALID);
    rig->options.headers[0] = "Cookie";
    rig->options.headers[1] = NULL;
    rig->options.user = "user";
    assert_int_equal(hook_new(&hook, &rig->options), E_INVALID);
    rig->options.user = NULL;
    rig->options.url = "http://app.example.com/whoami";
    assert_int_equal(hook_new(&hook, &rig->options), E_INVALID);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(the_chosen_headers_are_forwarded_and_no_others),
        RIGGED(the_answer_belongs_to_what_was_shown),
        RIGGED(nobody_to_ask_about),
        RIGGED(statuses),
        RIGGED(a_refusal_leaves_the_connection_open),
        RIGGED(a_broken_application_is_left_alone),
        RIGGED(headers_that_may_be_forwarded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
