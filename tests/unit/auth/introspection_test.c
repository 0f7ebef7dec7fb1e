/* SPDX-License-Identifier: Apache-2.0 */
/* introspection_test.c: the question as an endpoint on loopback sees it, and what its answers, its
 * errors and its silence come to. Made to run under TSan. */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/breaker.h"
#include "auth/introspection.h"
#include "base/clock.h"
#include "base/status.h"
#include "http_host.h"

#define GOOD "{\"active\":true,\"sub\":\"ann\",\"roles\":[\"user\"],\"scope\":\"chat\"}"

struct rig {
    struct host host;
    struct outbound *outbound;
    struct introspection *in;
    struct role_set roles;
    struct scope_set scopes;
    struct introspection_options options;
    char url[128];
    atomic_uint ups, downs;
};
struct asked {
    struct lookup lookup; /* first */
    sem_t done;
};

static void on_tell(void *context, bool is_up, const char *why)
{
    struct rig *rig = context;

    assert_non_null(why);
    atomic_fetch_add(is_up ? &rig->ups : &rig->downs, 1);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    uint64_t bit;

    if (rig == NULL)
        return -1;
    host_open(&rig->host);
    (void)snprintf(rig->url, sizeof(rig->url), "http://127.0.0.1:%u/introspect", rig->host.port);
    rig->options = (struct introspection_options){.url = rig->url,
                                                  .client_id = "gate ward",
                                                  .client_secret = "s3cret:&=+\xc3\xa4",
                                                  .roles = &rig->roles,
                                                  .scopes = &rig->scopes,
                                                  .cache_s = 30,
                                                  .recheck_s = 30,
                                                  .deadline_ms = 5000,
                                                  .allows_loopback_http = true};
    *state = rig;
    if (role_set_add(&rig->roles, VIEW("user"), PERMISSION_READ) != OK ||
        scope_set_add(&rig->scopes, VIEW("chat"), &bit) != OK ||
        scope_set_add(&rig->scopes, VIEW("admin"), &bit) != OK)
        return -1;
    return outbound_start(&rig->outbound);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    outbound_stop(rig->outbound);
    outbound_free(rig->outbound);
    introspection_free(rig->in);
    host_close(&rig->host);
    free(rig);
    return 0;
}

static void start(struct rig *rig)
{
    assert_int_equal(introspection_new(&rig->in, &rig->options), OK);
    introspection_start(rig->in, rig->outbound, on_tell, rig);
}

static void on_done(struct lookup *l)
{
    (void)sem_post(&((struct asked *)l)->done);
}

static void begin(struct rig *rig, struct asked *asked, const char *token)
{
    memset(asked, 0, sizeof(*asked));
    (void)sem_init(&asked->done, 0, 0);
    asked->lookup.done = on_done;
    assert_int_equal(introspection_lookup(rig->in, &asked->lookup, view_of_text(token), false), OK);
}

static enum auth_verdict end(struct asked *asked)
{
    (void)sem_wait(&asked->done);
    (void)sem_destroy(&asked->done);
    return asked->lookup.verdict;
}

static enum auth_verdict ask(struct rig *rig, struct asked *asked, const char *token)
{
    begin(rig, asked, token);
    return end(asked);
}

static enum auth_verdict check(struct rig *rig, const char *token)
{
    struct identity who;
    const char *fault = NULL;

    return introspection_check(rig->in, view_of_text(token), clock_wall_s(), &who, &fault);
}

/* --- the question --- */

static void a_form_with_basic_credentials(void **state)
{
    struct rig *rig = *state;
    struct asked asked;

    start(rig);
    atomic_store(&rig->host.body, GOOD);
    assert_int_equal(check(rig, "abc+/~=="), AUTH_LATER);
    assert_int_equal(ask(rig, &asked, "abc+/~=="), AUTH_OK);
    assert_string_equal(asked.lookup.who.user, "ann");
    assert_int_equal(asked.lookup.who.roles, 1);
    assert_int_equal(asked.lookup.who.scopes, 1);
    assert_int_equal(check(rig, "abc+/~=="), AUTH_OK);
    assert_int_equal(atomic_load(&rig->host.requests), 1);
    assert_int_equal(strncmp(rig->host.last, "POST /introspect HTTP/1.1\r\n", 27), 0);
    assert_non_null(
        strstr(rig->host.last, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(rig->host.last, "\r\nAccept: application/json\r\n"));
    /* base64("gate%20ward:s3cret%3A%26%3D%2B%C3%A4"): both are form-encoded first */
    assert_non_null(
        strstr(rig->host.last,
               "\r\nAuthorization: Basic Z2F0ZSUyMHdhcmQ6czNjcmV0JTNBJTI2JTNEJTJCJUMzJUE0\r\n"));
    assert_non_null(strstr(rig->host.last, "\r\n\r\ntoken=abc%2B%2F%7E%3D%3D&token_type_hint="
                                           "access_token"));
    assert_null(strstr(rig->host.last, "client_secret"));
}

static void credentials_in_the_form(void **state)
{
    struct rig *rig = *state;
    struct asked asked;

    rig->options.client_authentication = CLIENT_SECRET_POST;
    start(rig);
    atomic_store(&rig->host.body, GOOD);
    assert_int_equal(ask(rig, &asked, "abc"), AUTH_OK);
    assert_null(strstr(rig->host.last, "\r\nAuthorization:"));
    assert_non_null(strstr(rig->host.last,
                           "\r\n\r\ntoken=abc&token_type_hint=access_token&client_id=gate%20ward"
                           "&client_secret=s3cret%3A%26%3D%2B%C3%A4"));
}

static void only_tokens_are_asked_about(void **state)
{
    static const char *const tokens[] = {"",       "a b",      "=",   "a=b",
                                         "a\r\nb", "\xc3\xa4", "a,b", "a\tb"};
    static char long_token[8 * 1024 + 2];
    struct rig *rig = *state;
    struct asked asked;

    start(rig);
    atomic_store(&rig->host.body, GOOD);
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        assert_int_equal(check(rig, tokens[i]), AUTH_FAILED);
        assert_int_equal(ask(rig, &asked, tokens[i]), AUTH_FAILED);
        assert_string_equal(asked.lookup.fault, "token_malformed");
    }
    memset(long_token, 'a', sizeof(long_token) - 1);
    assert_int_equal(ask(rig, &asked, long_token), AUTH_FAILED);
    assert_int_equal(atomic_load(&rig->host.requests), 0);
    long_token[8 * 1024] = '\0';
    assert_int_equal(ask(rig, &asked, long_token), AUTH_OK);
    assert_int_equal(atomic_load(&rig->host.requests), 1);
}

static void connections_are_used_again(void **state)
{
    struct rig *rig = *state;
    struct asked asked;
    char token[16];

    start(rig);
    atomic_store(&rig->host.body, GOOD);
    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(token, sizeof(token), "token-%u", i);
        assert_int_equal(ask(rig, &asked, token), AUTH_OK);
    }
    assert_int_equal(atomic_load(&rig->host.requests), 10);
    assert_int_equal(atomic_load(&rig->host.connections), 1);
}

/* --- the answers --- */

static void required_scopes_are_asked_for_at_each_use(void **state)
{
    struct rig *rig = *state;
    struct asked asked;

    rig->options.required_scopes = VIEW("chat nowhere");
    assert_int_equal(introspection_new(&rig->in, &rig->options), E_INVALID);
    rig->options.required_scopes = VIEW("chat admin");
    start(rig);
    atomic_store(&rig->host.body, GOOD);
    assert_int_equal(ask(rig, &asked, "abc"), AUTH_SCOPE);
    assert_string_equal(asked.lookup.fault, "scope_missing");
    assert_int_equal(check(rig, "abc"), AUTH_SCOPE);
    atomic_store(&rig->host.body, "{\"active\":true,\"sub\":\"ann\",\"scope\":\"admin x chat\"}");
    assert_int_equal(ask(rig, &asked, "def"), AUTH_OK);
    assert_int_equal(check(rig, "def"), AUTH_OK);
}

static void what_looks_like_true_is_not(void **state)
{
    static const char *const bodies[] = {
        "{\"active\":\"true\",\"sub\":\"ann\"}", "{\"active\":1,\"sub\":\"ann\"}",
        "{\"active\":null,\"sub\":\"ann\"}", "{\"sub\":\"ann\"}", "{\"active\":false}"};
    struct rig *rig = *state;
    struct asked asked;
    char token[16];

    start(rig);
    for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        atomic_store(&rig->host.body, bodies[i]);
        (void)snprintf(token, sizeof(token), "token-%u", i);
        assert_int_equal(ask(rig, &asked, token), AUTH_FAILED);
        assert_int_equal(check(rig, token), AUTH_FAILED);
    }
    assert_int_equal(atomic_load(&rig->downs), 0); /* these are answers */
}

/* C-E2: the same token, asked of two servers. */
static void what_one_server_says_is_not_what_another_says(void **state)
{
    struct rig *rig = *state;
    struct introspection *other = NULL;
    struct asked asked;
    struct identity who;
    const char *fault;

    start(rig);
    atomic_store(&rig->host.body, GOOD);
    assert_int_equal(ask(rig, &asked, "abc"), AUTH_OK);
    assert_int_equal(introspection_new(&other, &rig->options), OK);
    assert_int_equal(introspection_check(other, VIEW("abc"), clock_wall_s(), &who, &fault),
                     AUTH_LATER);
    introspection_free(other);
}

/* 400 is what a token's holder can provoke; it must not turn everyone away. */
static void a_token_that_the_server_cannot_read_is_refused_alone(void **state)
{
    struct rig *rig = *state;
    struct asked asked;
    char token[16];

    start(rig);
    atomic_store(&rig->host.status, "400 Bad Request");
    for (unsigned i = 0; i < 3 * BREAKER_FAILURES; i++) {
        (void)snprintf(token, sizeof(token), "token-%u", i);
        assert_int_equal(ask(rig, &asked, token), AUTH_FAILED);
        assert_string_equal(asked.lookup.fault, "introspection_refused");
    }
    atomic_store(&rig->host.status, "200 OK");
    atomic_store(&rig->host.body, GOOD);
    assert_int_equal(ask(rig, &asked, "abc"), AUTH_OK);
    assert_int_equal(atomic_load(&rig->downs), 0);
}

static void errors_are_no_answer(void **state)
{
    static const struct {
        const char *status, *body;
    } rows[] = {
        {"500 Internal Server Error", GOOD},
        {"401 Unauthorized", GOOD},
        {"302 Found", GOOD},
        {"200 OK", "<html>"},
    };
    struct rig *rig = *state;
    struct asked asked;
    char token[16];

    start(rig);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        atomic_store(&rig->host.status, rows[i].status);
        atomic_store(&rig->host.body, rows[i].body);
        (void)snprintf(token, sizeof(token), "token-%u", i);
        assert_int_equal(ask(rig, &asked, token), AUTH_UNAVAILABLE);
        assert_int_equal(check(rig, token), AUTH_LATER); /* nothing is kept of it */
    }
}

/* --- silence --- */

static void a_silent_server_is_given_up_and_found_again(void **state)
{
    struct rig *rig = *state;
    struct asked asked[BREAKER_FAILURES], late;
    uint64_t began_ms;
    char token[16];

    rig->options.deadline_ms = 300;
    start(rig);
    atomic_store(&rig->host.body, GOOD);
    assert_int_equal(ask(rig, &late, "kept"), AUTH_OK);
    atomic_store(&rig->host.is_silent, true);
    began_ms = clock_mono_ms();
    for (unsigned i = 0; i < BREAKER_FAILURES; i++) {
        (void)snprintf(token, sizeof(token), "token-%u", i);
        begin(rig, &asked[i], token);
    }
    for (unsigned i = 0; i < BREAKER_FAILURES; i++)
        assert_int_equal(end(&asked[i]), AUTH_UNAVAILABLE);
    assert_true(clock_mono_ms() - began_ms < 2000);
    assert_int_equal(atomic_load(&rig->downs), 1);
    assert_int_equal(check(rig, "abc"), AUTH_UNAVAILABLE); /* at once, without a request */
    assert_int_equal(ask(rig, &late, "abc"), AUTH_UNAVAILABLE);
    assert_int_equal(atomic_load(&rig->host.requests), 1 + BREAKER_FAILURES);
    assert_int_equal(check(rig, "kept"), AUTH_OK);
    atomic_store(&rig->host.is_silent, false);
    began_ms = clock_mono_ms();
    while (ask(rig, &late, "abc") != AUTH_OK && clock_mono_ms() - began_ms < 5000)
        (void)usleep(20 * 1000);
    assert_true(clock_mono_ms() - began_ms < 5000);
    assert_int_equal(atomic_load(&rig->ups), 1);
}

static void many_ask_once(void **state)
{
    static struct asked asked[500];
    struct rig *rig = *state;

    start(rig);
    atomic_store(&rig->host.body, GOOD);
    for (unsigned i = 0; i < 500; i++)
        begin(rig, &asked[i], "abc");
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(end(&asked[i]), AUTH_OK);
    assert_int_equal(atomic_load(&rig->host.requests), 1);
}

static void stopping_answers_everyone(void **state)
{
    static struct asked asked[40];
    struct rig *rig = *state;
    char token[16];

    start(rig);
    atomic_store(&rig->host.is_silent, true);
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(token, sizeof(token), "token-%u", i);
        begin(rig, &asked[i], token);
    }
    outbound_stop(rig->outbound);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(end(&asked[i]), AUTH_UNAVAILABLE);
    assert_int_equal(atomic_load(&rig->downs), 0);
    outbound_free(rig->outbound);
    assert_int_equal(outbound_start(&rig->outbound), OK); /* for the tear-down */
}

static void urls_are_https_or_loopback(void **state)
{
    struct rig *rig = *state;

    rig->options.url = "http://id.example.com/introspect";
    assert_int_equal(introspection_new(&rig->in, &rig->options), E_INVALID);
    rig->options.url = rig->url;
    rig->options.allows_loopback_http = false;
    assert_int_equal(introspection_new(&rig->in, &rig->options), E_INVALID);
    assert_null(rig->in);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(a_form_with_basic_credentials),
        RIGGED(credentials_in_the_form),
        RIGGED(only_tokens_are_asked_about),
        RIGGED(connections_are_used_again),
        RIGGED(required_scopes_are_asked_for_at_each_use),
        RIGGED(what_looks_like_true_is_not),
        RIGGED(what_one_server_says_is_not_what_another_says),
        RIGGED(a_token_that_the_server_cannot_read_is_refused_alone),
        RIGGED(errors_are_no_answer),
        RIGGED(a_silent_server_is_given_up_and_found_again),
        RIGGED(many_ask_once),
        RIGGED(stopping_answers_everyone),
        RIGGED(urls_are_https_or_loopback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
