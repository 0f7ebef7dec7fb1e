/* SPDX-License-Identifier: Apache-2.0 */
/* options_oauth2_test.c: `auth.oauth2`: what it takes, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options_fixture.h"

#define OAUTH2(text) LISTEN CHANNELS AUTH "  oauth2: {" text "}\n"
#define URL          "introspection_url: https://id.example.com/i"
#define CLIENT       "client_id: gw, client_secret: {file: jwt.secret}"
#define SAID         "issuer: null, audience: null"
#define GOOD         URL ", " CLIENT ", " SAID

static void without_the_key_nobody_is_asked(void **state)
{
    struct options *o = load_good(BASE);

    (void)state;
    assert_null(o->auth.introspection);
    options_free(o);
}

static void what_is_needed_and_everything(void **state)
{
    struct options *o = load_good(OAUTH2(GOOD));

    (void)state;
    assert_non_null(o->auth.introspection);
    options_free(o);
    o = load_good(OAUTH2(
        "introspection_url: \"http://127.0.0.1:9000/i\", ca: ca.crt, " CLIENT
        ", client_authentication: post, issuer: https://id.example.com, audience: gateward, "
        "user_claim: username, roles_claim: /realm_access/roles, tenant_claim: org, "
        "scopes: [chat, \"chat:write\"], cache: 0s, recheck: 10s, timeout: 800ms, skew: 5s"));
    assert_non_null(o->auth.introspection);
    assert_int_equal(o->policy.scopes.count, 2);
    options_free(o);
}

static void a_short_client_secret_is_the_issuers_decision(void **state)
{
    (void)state;
    options_free(
        load_good(OAUTH2(URL ", " SAID ", client_id: gw, client_secret: {file: weak.secret}")));
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    assert_fault(OAUTH2(CLIENT ", " SAID), "t:5:11: `introspection_url` is missing");
    assert_fault(OAUTH2(URL ", " SAID ", client_id: gw"), "t:5:11: `client_secret` is missing");
    assert_fault(OAUTH2(URL ", " SAID ", client_secret: {file: jwt.secret}"),
                 "t:5:11: `client_id` is missing");
    assert_fault(OAUTH2(URL ", " CLIENT ", audience: x"),
                 "t:5:11: `issuer` is missing: a name, or null");
    assert_fault(OAUTH2(URL ", " CLIENT ", issuer: x"),
                 "t:5:11: `audience` is missing: a name, or null");
}

static void values_that_are_refused(void **state)
{
    (void)state;
    assert_fault(OAUTH2("introspection_url: \"http://id.example.com/i\", " CLIENT ", " SAID),
                 "t:5:31: `introspection_url` must begin with https://");
    assert_fault(OAUTH2("introspection_url: \"http://localhost/i\", " CLIENT ", " SAID),
                 "`introspection_url` must begin with https://");
    assert_fault(OAUTH2("introspection_url: \"https://a:b@id.example.com/i\", " CLIENT ", " SAID),
                 "`introspection_url` names no host");
    assert_fault(OAUTH2(URL ", " SAID ", client_id: gw, client_secret: hunter22hunter22"),
                 "a secret does not stand in the configuration");
    assert_fault(OAUTH2(URL ", " SAID ", client_id: gw, client_secret: {file: open.secret}"),
                 "`client_secret`: ");
    assert_fault(OAUTH2(GOOD ", client_authentication: none"), "`client_authentication`");
    assert_fault(OAUTH2(GOOD ", user_claim: /a~b"), "`user_claim` is no JSON pointer");
    assert_fault(OAUTH2(GOOD ", scopes: [\"a b\"]"), "t:5:");
    assert_fault(OAUTH2(GOOD ", cache: 10m"), "`cache`");
    assert_fault(OAUTH2(GOOD ", cache: 1500ms"), "`cache` must be whole seconds");
    assert_fault(OAUTH2(GOOD ", timeout: 1m"), "`timeout`");
    assert_fault(OAUTH2(GOOD ", ca: missing.crt"), "`ca`: ");
    assert_fault(OAUTH2(GOOD ", token_url: x"), "unknown key `token_url`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_key_nobody_is_asked),
        cmocka_unit_test(what_is_needed_and_everything),
        cmocka_unit_test(a_short_client_secret_is_the_issuers_decision),
        cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(values_that_are_refused),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
