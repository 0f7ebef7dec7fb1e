/* SPDX-License-Identifier: Apache-2.0 */
/* options_internal_test.c: where the internal listener may be, and whose keys open it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options_fixture.h"

#define INTERNAL(more) BASE "internal:\n  address: 127.0.0.1:0\n" more
#define KEY(scopes)                                                                                \
    INTERNAL("  keys:\n    - {name: ops, secret: {file: old.secret}, scopes: " scopes "}\n")

static void it_is_off_unless_said(void **state)
{
    struct options *o = load_good(BASE);

    (void)state;
    assert_false(o->internal.is_on);
    assert_int_equal(o->internal.keys.count, 0);
    assert_int_equal(o->max_token_age_ms, 24 * 60 * 60 * 1000);
    assert_int_equal(o->routes[0].accepts, 1U << LOGIN_JWT);
    options_free(o);
}

static void keys_and_scopes_are_read(void **state)
{
    struct options *o = load_good(KEY("[tickets, revoke, \"publish:public:*\"]"));

    (void)state;
    assert_true(o->internal.is_on);
    assert_int_equal(o->internal.keys.count, 1);
    assert_string_equal(o->internal.keys.items[0].name, "ops");
    assert_int_equal(api_keys_scopes(&o->internal.keys),
                     API_SCOPE_TICKETS | API_SCOPE_REVOKE | API_SCOPE_PUBLISH);
    assert_int_equal(o->routes[0].accepts, 1U << LOGIN_JWT | 1U << LOGIN_TICKET);
    options_free(o);
    o = load_good(KEY("[revoke]"));
    assert_int_equal(o->routes[0].accepts, 1U << LOGIN_JWT);
    options_free(o);
    o = load_good(BASE "internal: {address: \"unix:/tmp/gateward-internal.sock\"}\n");
    assert_string_equal(o->internal.address.unix_path, "/tmp/gateward-internal.sock");
    options_free(o);
    o = load_good(BASE "internal: {address: \"[::1]:9443\"}\n");
    assert_int_equal(o->internal.address.port, 9443);
    options_free(o);
}

static void plaintext_stays_on_this_machine(void **state)
{
    (void)state;
    assert_fault(BASE "internal: {address: \"0.0.0.0:9443\"}\n", "must be on a loopback address");
    assert_fault(BASE "internal: {address: \"192.0.2.1:9443\"}\n", "must be on a loopback address");
    assert_fault(BASE "internal: {address: \"[::]:9443\"}\n", "must be on a loopback address");
    assert_fault(BASE "internal: {address: nonsense}\n", "`address`: ");
    assert_fault(BASE "internal: {}\n", "`internal` needs an `address`");
    assert_fault(BASE "internal: {keys: []}\n", "`internal` needs an `address`");
    assert_fault(BASE "internal: {address: \"127.0.0.1:1\", port: 1}\n", "unknown key `port`");
}

static void a_key_is_whole_or_refused(void **state)
{
    (void)state;
    assert_fault(INTERNAL("  keys: [{name: ops}]\n"), "a key needs a `name`, a `secret`");
    assert_fault(INTERNAL("  keys: [{name: ops, secret: {file: old.secret}}]\n"),
                 "a key needs a `name`, a `secret`");
    assert_fault(
        INTERNAL("  keys: [{name: \"a b\", secret: {file: old.secret}, scopes: [revoke]}]\n"),
        "the name of a key");
    assert_fault(INTERNAL("  keys: [{name: ops, secret: {file: none}, scopes: [revoke]}]\n"),
                 "`secret`: ");
    assert_fault(INTERNAL("  keys: [{name: ops, secret: {file: open.secret}, scopes: [revoke]}]\n"),
                 "`secret`: ");
    assert_fault(INTERNAL("  keys: [{name: ops, secret: {file: weak.secret}, scopes: [revoke]}]\n"),
                 "`secret`: ");
    assert_fault(INTERNAL("  keys: [{name: ops, secret: {file: old.secret, env: X}, scopes: "
                          "[revoke]}]\n"),
                 "either from {file: NAME} or from {env: NAME}");
    assert_fault(INTERNAL("  keys: [{name: a, secret: {file: old.secret}, scopes: [revoke]}, "
                          "{name: b, secret: {file: old.secret}, scopes: [revoke]}]\n"),
                 "two keys have the same secret");
}

static void a_secret_in_the_file_is_refused_and_not_repeated(void **state)
{
    const char *file =
        INTERNAL("  keys: [{name: ops, secret: hunter2hunter2, scopes: [revoke]}]\n");
    char *text = problems_of(file, NULL);

    (void)state;
    assert_fault(file, "a secret does not stand in the configuration");
    assert_null(strstr(text, "hunter2"));
    free(text);
}

#define SCOPES                                                                                     \
    "a scope is `tickets`, `revoke`, `sessions`, `broadcast`, `subscriptions`, `disconnect`, "     \
    "`inspect`, `moderate`, `reload`, `bans`, or `publish:CHANNEL`, `presence:CHANNEL`, "          \
    "`history:CHANNEL`"

static void scopes_are_exact(void **state)
{
    (void)state;
    assert_fault(KEY("[]"), "`scopes` is empty");
    assert_fault(KEY("[ticket]"), SCOPES);
    assert_fault(KEY("[\"*\"]"), SCOPES);
    assert_fault(KEY("[\"publish:a*\"]"), "a whole segment may be *");
    assert_fault(KEY("[revoke, revoke]"), "a second time");
    assert_fault(KEY("[[revoke]]"), "the name of a scope must stand here");
}

static void a_route_can_take_tickets_only_where_they_are_made(void **state)
{
    struct options *o = load_good(KEY("[tickets]") "routes: [{path: /ws, auth: [ticket]}]\n");

    (void)state;
    assert_int_equal(o->routes[0].accepts, 1U << LOGIN_TICKET);
    options_free(o);
    assert_fault(BASE "routes: [{path: /ws, auth: [jwt, ticket]}]\n",
                 "no key under `internal.keys` has the scope `tickets`");
    assert_fault(KEY("[tickets]") "routes: [{path: /ws, auth: [jwt, ticket], require: all}]\n",
                 "requires all of one way to log in");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_off_unless_said),
        cmocka_unit_test(keys_and_scopes_are_read),
        cmocka_unit_test(plaintext_stays_on_this_machine),
        cmocka_unit_test(a_key_is_whole_or_refused),
        cmocka_unit_test(a_secret_in_the_file_is_refused_and_not_repeated),
        cmocka_unit_test(scopes_are_exact),
        cmocka_unit_test(a_route_can_take_tickets_only_where_they_are_made),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
