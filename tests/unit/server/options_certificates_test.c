/* SPDX-License-Identifier: Apache-2.0 */
/* options_certificates_test.c: rows of client certificates, and which routes take them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options_fixture.h"

#define LISTEN_TLS                                                                                 \
    "listen: [{address: \"127.0.0.1:0\", tls: {cert: server.crt, key: server.key, "                \
    "client_certificates: optional, client_ca: ca.crt}}]\n"
#define ROWS(text) LISTEN_TLS CHANNELS AUTH "  client_certificates: [" text "]\n"
#define HEX        "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static void a_row_maps_one_thing_to_a_user(void **state)
{
    struct options *o = load_good(
        ROWS("{name: app-1, user: app, roles: [user, admin]}, {dns: a.example.com, user: b}, "
             "{uri: \"spiffe://x/y\", user: c}, {email: a@b, user: d}, {fingerprint: " HEX
             ", user: e}"));
    const struct certificate_row *rows = o->auth.certificates;

    (void)state;
    assert_int_equal(o->auth.certificates_count, 5);
    assert_int_equal(rows[0].kind, CERTIFICATE_COMMON_NAME);
    assert_string_equal(rows[0].name, "app-1");
    assert_string_equal(rows[0].user, "app");
    assert_int_equal(rows[0].roles, role_set_bit(&o->policy.roles, VIEW("user")) |
                                        role_set_bit(&o->policy.roles, VIEW("admin")));
    assert_int_equal(rows[1].kind, CERTIFICATE_DNS);
    assert_int_equal(rows[1].roles, 0);
    assert_int_equal(rows[2].kind, CERTIFICATE_URI);
    assert_int_equal(rows[3].kind, CERTIFICATE_EMAIL);
    assert_true(rows[4].by_fingerprint);
    assert_int_equal(rows[4].fingerprint[31], 0xff);
    assert_int_equal(o->routes[0].accepts, 1U << LOGIN_JWT | 1U << LOGIN_CERTIFICATE);
    assert_false(o->routes[0].requires_all);
    options_free(o);
}

static void a_row_that_is_not_plain_is_refused(void **state)
{
    (void)state;
    assert_fault(ROWS("{user: a}"), "a row names exactly one of");
    assert_fault(ROWS("{name: a, dns: b, user: a}"), "a row names exactly one of");
    assert_fault(ROWS("{name: a, fingerprint: " HEX ", user: a}"), "a row names exactly one of");
    assert_fault(ROWS("{fingerprint: aabb, user: a}"), "64 hex digits");
    assert_fault(ROWS("{fingerprint: " HEX "0, user: a}"), "64 hex digits");
    assert_fault(ROWS("{dns: \"*.example.com\", user: a}"), "a wildcard is no one's name");
    assert_fault(ROWS("{name: a}"), "`user` is missing");
    assert_fault(ROWS("{name: a, user: \"a:b\"}"), "or no user");
    assert_fault(ROWS("{name: a, user: a, roles: [king]}"), "there is no role `king`");
    assert_fault(LISTEN CHANNELS AUTH "  client_certificates: [{name: a, user: a}]\n",
                 "is never asked for");
}

static void a_route_says_which_logins_it_takes(void **state)
{
    struct options *o =
        load_good(ROWS("{name: a, user: a}") "routes: [{path: /a, auth: [jwt]}, {path: /b, auth: "
                                             "[certificate]}, {path: /c, require: all}]\n");

    (void)state;
    assert_int_equal(o->routes[0].accepts, 1U << LOGIN_JWT);
    assert_int_equal(o->routes[1].accepts, 1U << LOGIN_CERTIFICATE);
    assert_true(o->routes[2].requires_all);
    options_free(o);
    assert_fault(BASE "routes: [{path: /a, auth: [certificate]}]\n",
                 "takes certificate, but `auth.client_certificates` is missing");
    assert_fault(BASE "routes: [{path: /a, auth: []}]\n", "names no way to log in");
    assert_fault(BASE "routes: [{path: /a, auth: [cookie]}]\n", "jwt");
    assert_fault(BASE "routes: [{path: /a, require: all}]\n", "requires all of one way");
    assert_fault(BASE "routes: [{path: /a, serve: echo, auth: [jwt]}]\n", "has no login");
    options_free(
        load_good(LISTEN_TLS CHANNELS "auth: {client_certificates: [{name: a, user: a}]}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_maps_one_thing_to_a_user),
        cmocka_unit_test(a_row_that_is_not_plain_is_refused),
        cmocka_unit_test(a_route_says_which_logins_it_takes),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
