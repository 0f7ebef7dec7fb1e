/* SPDX-License-Identifier: Apache-2.0 */
/* options_sessions_test.c: `auth.sessions` and `auth.csrf`: defaults, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options_fixture.h"

#define SESSIONS(text) BASE_AUTH "  sessions: {" text "}\n"
#define BASE_AUTH      LISTEN CHANNELS AUTH

static void without_the_key_there_are_no_sessions(void **state)
{
    struct options *o = load_good(BASE);

    (void)state;
    assert_false(o->sessions.is_on);
    assert_int_equal(o->csrf, CSRF_REQUIRED);
    options_free(o);
}

static void defaults_are_the_documented_ones(void **state)
{
    struct options *o = load_good(SESSIONS(""));

    (void)state;
    assert_true(o->sessions.is_on);
    assert_int_equal(o->sessions.store, SESSIONS_MEMORY);
    assert_string_equal(o->sessions.cookie, "__Host-session");
    assert_false(o->sessions.insecure_cookie_name);
    assert_int_equal(o->sessions.idle_ms, 30 * 60 * 1000);
    assert_int_equal(o->sessions.absolute_ms, 12 * 60 * 60 * 1000);
    assert_int_equal(o->sessions.max, 100000);
    assert_int_equal(o->csrf, CSRF_REQUIRED);
    options_free(o);
}

static void the_file_lies_in_the_state_folder(void **state)
{
    struct options *o = load_good("server: {state_dir: kept}\n" SESSIONS("store: sqlite"));
    char wanted[128];

    (void)state;
    assert_int_equal(o->sessions.store, SESSIONS_SQLITE);
    (void)snprintf(wanted, sizeof(wanted), "%s/kept/sessions.db", fixture.directory);
    assert_string_equal(o->sessions.file, wanted);
    options_free(o);
    o = load_good(SESSIONS("store: sqlite, file: /var/lib/x.db, max: 5"));
    assert_string_equal(o->sessions.file, "/var/lib/x.db");
    assert_int_equal(o->sessions.max, 5);
    options_free(o);
    assert_fault(SESSIONS("file: x.db"), "t:5:20: `file` goes with `store: sqlite` only");
    assert_fault(SESSIONS("store: disk"), "t:5:21: `store`");
}

static void a_cookie_is_of_this_host_unless_the_price_is_accepted(void **state)
{
    static const char *const names[] = {
        "sid", "connect.sid", "__Host-", "__host-session", "__Secure-session", "x__Host-session"};
    struct options *o;
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(text, sizeof(text), SESSIONS("cookie: %s"), names[i]);
        assert_fault(text, "t:5:22: `cookie` must begin with __Host-");
    }
    o = load_good(SESSIONS("cookie: connect.sid, insecure_cookie_name: true"));
    assert_string_equal(o->sessions.cookie, "connect.sid");
    options_free(o);
    assert_fault(SESSIONS("cookie: \"__Host-a b\""), "t:5:22: `cookie` is no name for a cookie");
    assert_fault(SESSIONS("cookie: \"a;b\", insecure_cookie_name: true"),
                 "t:5:22: `cookie` is no name for a cookie");
    (void)snprintf(text, sizeof(text), SESSIONS("cookie: __Host-%0122d"), 0);
    assert_fault(text, "is no name for a cookie: at most 128");
    (void)snprintf(text, sizeof(text), SESSIONS("cookie: __Host-%0121d"), 0);
    options_free(load_good(text));
}

static void times_make_sense_together(void **state)
{
    (void)state;
    options_free(load_good(SESSIONS("idle: 1s, absolute: 1s")));
    assert_fault(SESSIONS("idle: 13h"), "t:5:20: `idle` is longer than `absolute`");
    assert_fault(SESSIONS("absolute: 29m"), "`idle` is longer than `absolute`");
    assert_fault(SESSIONS("idle: 1500ms"), "t:5:20: `idle` must be whole seconds");
    assert_fault(SESSIONS("absolute: 2h, idle: 1001ms"), "`idle` must be whole seconds");
    assert_fault(SESSIONS("idle: 10ms"), "`idle`");
    assert_fault(SESSIONS("absolute: 91d"), "`absolute`");
    assert_fault(SESSIONS("max: 0"), "`max`");
    assert_fault(SESSIONS("max: 1000001"), "`max`");
    assert_fault(SESSIONS("cokie: x"), "did you mean `cookie`?");
}

static void the_path_of_tickets_is_no_route(void **state)
{
    (void)state;
    options_free(load_good(BASE "routes: [{path: /ticket}]\n"));
    options_free(load_good(SESSIONS("") "routes: [{path: /tickets}]\n"));
    assert_fault(SESSIONS("") "routes: [{path: /ws}, {path: /ticket}]\n",
                 "no route can be /ticket");
    assert_fault(SESSIONS("") "routes: [{path: /ticket, serve: echo}]\n",
                 "no route can be /ticket");
}

static void csrf_is_one_of_two(void **state)
{
    struct options *o = load_good(BASE_AUTH "  csrf: origin_only\n");

    (void)state;
    assert_int_equal(o->csrf, CSRF_ORIGIN_ONLY);
    options_free(o);
    o = load_good(BASE_AUTH "  csrf: required_for_cookies\n");
    assert_int_equal(o->csrf, CSRF_REQUIRED);
    options_free(o);
    assert_fault(BASE_AUTH "  csrf: false\n", "t:5:9: `csrf`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_key_there_are_no_sessions),
        cmocka_unit_test(defaults_are_the_documented_ones),
        cmocka_unit_test(the_file_lies_in_the_state_folder),
        cmocka_unit_test(a_cookie_is_of_this_host_unless_the_price_is_accepted),
        cmocka_unit_test(times_make_sense_together),
        cmocka_unit_test(the_path_of_tickets_is_no_route),
        cmocka_unit_test(csrf_is_one_of_two),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
