/* SPDX-License-Identifier: Apache-2.0 */
/* options_hosts_test.c: host names given and found, origins, routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options_fixture.h"

#define REST AUTH CHANNELS

static bool has_host(const struct options *o, const char *name)
{
    for (uint32_t i = 0; i < o->hosts_count; i++)
        if (strcmp(o->hosts[i].name, name) == 0)
            return true;
    return false;
}

static void hosts_come_from_the_certificate(void **state)
{
    struct options *o = load_good(
        "listen: [{address: \"0.0.0.0:1\", tls: {cert: server.crt, key: server.key}}]\n" REST);

    (void)state;
    assert_int_equal(o->hosts_count, 4);
    assert_true(has_host(o, "localhost"));
    assert_true(has_host(o, "chat.example.com"));
    assert_true(has_host(o, "127.0.0.1"));
    assert_true(has_host(o, "::1"));
    options_free(o);
}

static void a_wildcard_certificate_needs_hosts(void **state)
{
    struct options *o;

    (void)state;
    assert_fault(
        "listen: [{address: \"0.0.0.0:1\", tls: {cert: wildcard.crt, key: wildcard.key}}]\n" REST,
        "stands for many names (*.): list under `hosts`");
    o = load_good("listen: [{address: \"0.0.0.0:1\", tls: {cert: wildcard.crt, key: "
                  "wildcard.key}}]\nhosts: [a.example.com]\n" REST);
    assert_int_equal(o->hosts_count, 1);
    options_free(o);
}

static void local_listeners_have_local_names(void **state)
{
    struct options *o =
        load_good("listen: [{address: \"127.0.0.2:1\"}, {address: \"unix:/tmp/x.sock\"}]\n" REST);

    (void)state;
    assert_int_equal(o->hosts_count, 4);
    assert_true(has_host(o, "localhost"));
    assert_true(has_host(o, "127.0.0.2"));
    options_free(o);
}

static void hosts_given_are_the_only_ones(void **state)
{
    struct options *o = load_good(
        BASE "hosts: [Example.COM, \"example.com:8443\", \"::1\", \"[::2]\", 192.0.2.1]\n");

    (void)state;
    assert_int_equal(o->hosts_count, 5);
    assert_true(has_host(o, "example.com"));
    assert_true(has_host(o, "::1"));
    assert_true(has_host(o, "::2"));
    assert_int_equal(o->hosts[1].port, 8443);
    options_free(o);
    assert_fault(BASE "hosts: [\"*.example.com\"]\n",
                 "t:5:9: `*.example.com` is no host name or address: a wildcard");
    assert_fault(BASE "hosts: [\"a b\"]\n", "is no host name");
    assert_fault(BASE "hosts: [\"https://a.example\"]\n", "is no host name");
    assert_fault(BASE "hosts: [null]\n", "is no host name");
    assert_fault(BASE "hosts: [[]]\n", "is no host name");
    assert_fault(BASE "hosts: [a.example, A.example]\n",
                 "t:5:20: `A.example` stands here a second time");
    assert_fault(BASE "hosts: a.example\n", "`hosts` must be a list");
}

static void origins_are_exact(void **state)
{
    struct options *o = load_good(BASE "origins: [https://example.com, \"https://*.example.com\", "
                                       "http://localhost:3000, \"null\"]\n");

    (void)state;
    assert_int_equal(o->origins_count, 4);
    assert_int_equal(o->origins[0].port, 443);
    assert_true(o->origins[1].is_wildcard);
    assert_true(o->origins[3].is_null);
    options_free(o);
    assert_fault(BASE "origins: [\"*\"]\n", "t:5:11: `*` is no origin");
    assert_fault(BASE "origins: [https://example.com/]\n", "is no origin");
    assert_fault(BASE "origins: [example.com]\n", "is no origin");
    assert_fault(BASE "origins: [\"https://*.com\"]\n", "is no origin");
    assert_fault(BASE "origins: [null]\n", "t:5:11: an empty origin");
    assert_fault(BASE "origins: [{a: b}]\n", "is no origin");
    assert_fault(BASE "origins: [https://a.example, \"https://A.example:443\"]\n",
                 "stands here a second time");
}

static void routes_are_plain_paths(void **state)
{
    struct options *o =
        load_good(BASE "routes: [{path: /}, {path: /a/b-c.d_e~f}, {path: /echo, serve: echo}]\n");

    (void)state;
    assert_int_equal(o->routes_count, 3);
    assert_int_equal(o->routes[0].kind, ROUTE_CHANNELS);
    assert_int_equal(o->routes[2].kind, ROUTE_ECHO);
    options_free(o);
    assert_fault(BASE "routes: [{path: ws}]\n", "t:5:17: `ws` is no path");
    assert_fault(BASE "routes: [{path: /a//b}]\n", "is no path");
    assert_fault(BASE "routes: [{path: /a/../b}]\n", "is no path");
    assert_fault(BASE "routes: [{path: \"/a?b\"}]\n", "is no path");
    assert_fault(BASE "routes: [{path: /a%20b}]\n", "is no path");
    assert_fault(BASE "routes: [{path: /ws}, {path: /ws}]\n",
                 "t:5:30: two routes have the path /ws");
    assert_fault(BASE "routes: [{serve: echo}]\n", "t:5:10: a route needs a `path`");
    assert_fault(BASE "routes: [{path: /ws, serve: ecko}]\n",
                 "channels or echo (did you mean `echo`?)");
    assert_fault(BASE "routes: []\n", "`routes` names no route");
    assert_fault(BASE "routes: [{path: /x, guard: ws://127.0.0.1:9000}]\n",
                 "`guard` is not available in this version");
}

static void channels_need_somebody_who_can_log_in(void **state)
{
    (void)state;
    assert_fault(LISTEN CHANNELS, "t: nobody could log in: `auth.jwt` is missing");
    assert_fault(LISTEN CHANNELS "auth: {jwt: []}\n", "nobody could log in");
    options_free(load_good(LISTEN "routes: [{path: /echo, serve: echo}]\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_come_from_the_certificate),
        cmocka_unit_test(a_wildcard_certificate_needs_hosts),
        cmocka_unit_test(local_listeners_have_local_names),
        cmocka_unit_test(hosts_given_are_the_only_ones),
        cmocka_unit_test(origins_are_exact),
        cmocka_unit_test(routes_are_plain_paths),
        cmocka_unit_test(channels_need_somebody_who_can_log_in),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
