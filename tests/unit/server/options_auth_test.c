/* SPDX-License-Identifier: Apache-2.0 */
/* options_auth_test.c: issuers, algorithms and secrets; no secret ever shows in a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options_fixture.h"

#define ROW(members) LISTEN CHANNELS "auth:\n  jwt:\n    - {" members "}\n"
#define FILE_SECRET  "secret: {file: jwt.secret}"
#define NO_CLAIMS    ", issuer: null, audience: null"

static void a_row_becomes_an_issuer(void **state)
{
    struct options *o = load_good(ROW("algorithms: [HS256], " FILE_SECRET
                                      ", issuer: a, audience: b, roles_claim: groups, "
                                      "skew: 5s, kid: k1"));
    const struct jwt_issuer *issuer = &o->auth.issuers[0];

    (void)state;
    assert_int_equal(o->auth.issuers_count, 1);
    assert_string_equal(issuer->issuer, "a");
    assert_string_equal(issuer->audience, "b");
    assert_string_equal(issuer->roles_claim, "groups");
    assert_int_equal(issuer->skew_s, 5);
    assert_int_equal(issuer->keys_count, 1);
    assert_string_equal(issuer->keys[0].algorithm, "HS256");
    assert_string_equal(issuer->keys[0].key_id, "k1");
    assert_non_null(issuer->keys[0].verify);
    assert_non_null(issuer->keys[0].hmac);
    options_free(o);
}

static void null_switches_a_claim_off_and_nothing_else_does(void **state)
{
    struct options *o = load_good(ROW("algorithms: [HS256], " FILE_SECRET NO_CLAIMS));

    (void)state;
    assert_null(o->auth.issuers[0].issuer);
    assert_null(o->auth.issuers[0].audience);
    assert_string_equal(o->auth.issuers[0].roles_claim, "roles");
    assert_int_equal(o->auth.issuers[0].skew_s, 30);
    assert_string_equal(o->auth.issuers[0].keys[0].key_id, "");
    options_free(o);
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET ", audience: null"),
                 "t:5:7: `issuer` is missing");
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET ", issuer: null"),
                 "t:5:7: `audience` is missing");
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET ", issuer: \"\", audience: null"),
                 "it is empty");
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET ", issuer: [a], audience: null"),
                 "must be text, not a list");
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET NO_CLAIMS ", kid: null"),
                 "`kid` must be text");
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET NO_CLAIMS ", skew: 1500ms"),
                 "`skew` must be whole seconds");
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET NO_CLAIMS ", skew: 6m"),
                 "out of range: 0s to 5m");
}

static void algorithms_are_exact_and_symmetric(void **state)
{
    struct options *o = load_good(ROW("algorithms: [HS512, HS256], " FILE_SECRET NO_CLAIMS));

    (void)state;
    assert_int_equal(o->auth.issuers[0].keys_count, 2);
    options_free(o);
    assert_fault(ROW("algorithms: [RS256], " FILE_SECRET NO_CLAIMS),
                 "t:5:21: `RS256` is not available in this version");
    assert_fault(ROW("algorithms: [EdDSA], " FILE_SECRET NO_CLAIMS),
                 "`EdDSA` is not available in this version");
    assert_fault(ROW("algorithms: [none], " FILE_SECRET NO_CLAIMS), "tokens that nobody signed");
    assert_fault(ROW("algorithms: [NonE], " FILE_SECRET NO_CLAIMS), "tokens that nobody signed");
    assert_fault(ROW("algorithms: [hs256], " FILE_SECRET NO_CLAIMS),
                 "there is no algorithm `hs256` (did you mean `HS256`?)");
    assert_fault(ROW("algorithms: [HS256, HS256], " FILE_SECRET NO_CLAIMS),
                 "`HS256` stands here a second time");
    assert_fault(ROW("algorithms: [], " FILE_SECRET NO_CLAIMS), "`algorithms` is empty");
    assert_fault(ROW("algorithms: HS256, " FILE_SECRET NO_CLAIMS), "`algorithms` must be a list");
    assert_fault(ROW("algorithms: [null], " FILE_SECRET NO_CLAIMS), "the name of an algorithm");
    assert_fault(ROW(FILE_SECRET NO_CLAIMS), "t:5:7: `algorithms` is missing");
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET NO_CLAIMS ", jwks_url: https://x"),
                 "`jwks_url` is not available");
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET NO_CLAIMS ", jwks_file: x"),
                 "`jwks_file` is not available");
}

static void secrets_stand_elsewhere(void **state)
{
    (void)state;
    assert_fault(ROW("algorithms: [HS256]" NO_CLAIMS), "t:5:7: `secret` is missing");
    assert_fault(ROW("algorithms: [HS256], secret: {}" NO_CLAIMS),
                 "either from {file: NAME} or from {env: NAME}");
    assert_fault(ROW("algorithms: [HS256], secret: {file: a, env: b}" NO_CLAIMS),
                 "either from {file: NAME} or from");
    assert_fault(ROW("algorithms: [HS256], secret: {flie: jwt.secret, file: jwt.secret}" NO_CLAIMS),
                 "unknown key `flie` (did you mean `file`?)");
    assert_fault(ROW("algorithms: [HS256], secret: {file: none.secret}" NO_CLAIMS),
                 "t:5:37: `secret`: cannot open secret file");
    assert_fault(ROW("algorithms: [HS256], secret: {file: open.secret}" NO_CLAIMS), "chmod o-rw");
    assert_fault(ROW("algorithms: [HS256], secret: []" NO_CLAIMS),
                 "`secret` is one secret, or a list of two");
    assert_fault(ROW("algorithms: [HS512], secret: [{file: jwt.secret}, {file: old.secret}, {file: "
                     "a}]" NO_CLAIMS),
                 "`secret` is one secret, or a list of two");
}

static void a_secret_never_shows(void **state)
{
    static const char *const files[] = {
        ROW("algorithms: [HS256], secret: hunter2-hunter2-hunter2-hunter2" NO_CLAIMS),
        ROW("algorithms: [HS256], secret: [hunter2-hunter2-hunter2-hunter2]" NO_CLAIMS),
        ROW("algorithms: [HS256], secret: {value: hunter2-hunter2-hunter2-hunter2}" NO_CLAIMS),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *text = problems_of(files[i], NULL);

        assert_true(text[0] != '\0');
        assert_null(strstr(text, "hunter2"));
        free(text);
    }
    assert_fault(files[0], "a secret does not stand in the configuration");
}

static void weak_secrets_are_refused(void **state)
{
    char *text =
        problems_of(ROW("algorithms: [HS256], secret: {file: weak.secret}" NO_CLAIMS), NULL);

    (void)state;
    assert_non_null(strstr(text, "t:5:37: `secret`: "));
    assert_null(strstr(text, "password"));
    free(text);
}

static void secrets_come_from_the_environment_once(void **state)
{
    struct options *o;

    (void)state;
    assert_int_equal(setenv("GATEWARD_TEST_SECRET", "q8Zr2mK9vXw4Lp7Tn3Yb6Hc1Jd5Fs0Ga", 1), 0);
    o = load_good(ROW("algorithms: [HS256], secret: {env: GATEWARD_TEST_SECRET}" NO_CLAIMS));
    assert_int_equal(o->auth.issuers[0].keys_count, 1);
    options_free(o);
    assert_null(getenv("GATEWARD_TEST_SECRET"));
    assert_fault(ROW("algorithms: [HS256], secret: {env: GATEWARD_TEST_SECRET}" NO_CLAIMS),
                 "is not set");
    assert_fault(ROW("algorithms: [HS256], secret: {env: \"A=B\"}" NO_CLAIMS),
                 "is no name for an environment variable");
    assert_fault(ROW("algorithms: [HS256], secret: {env: 1A}" NO_CLAIMS),
                 "is no name for an environment variable");
}

/* RFC 7518 section 3.2: a key is at least as long as the hash. */
static void each_hash_has_its_own_least_length(void **state)
{
    (void)state;
    assert_int_equal(setenv("GATEWARD_TEST_SECRET", "q8Zr2mK9vXw4Lp7Tn3Yb6Hc1Jd5Fs0Ga", 1), 0);
    assert_fault(ROW("algorithms: [HS512], secret: {env: GATEWARD_TEST_SECRET}" NO_CLAIMS),
                 "`secret`: too short for HS512, which takes 64 bytes");
    assert_int_equal(setenv("GATEWARD_TEST_SECRET", "q8Zr2mK9vXw4Lp7Tn3Yb6Hc1Jd5Fs0Ga", 1), 0);
    assert_fault(ROW("algorithms: [HS256, HS384], secret: {env: GATEWARD_TEST_SECRET}" NO_CLAIMS),
                 "`secret`: too short for HS384, which takes 48 bytes");
}

static void two_secrets_while_they_change(void **state)
{
    struct options *o = load_good(ROW("algorithms: [HS256], secret: [{file: jwt.secret, kid: new}, "
                                      "{file: old.secret}], kid: old" NO_CLAIMS));

    (void)state;
    assert_int_equal(o->auth.issuers[0].keys_count, 2);
    assert_string_equal(o->auth.issuers[0].keys[0].key_id, "new");
    assert_string_equal(o->auth.issuers[0].keys[1].key_id, "old");
    options_free(o);
    assert_fault(
        ROW("algorithms: [HS256], secret: [{file: jwt.secret}, {file: jwt.secret}]" NO_CLAIMS),
        "both secrets are the same");
    assert_fault(
        ROW("algorithms: [HS256], secret: {file: jwt.secret, kid: "
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}" NO_CLAIMS),
        "`kid` is too long");
}

static void other_ways_to_log_in_are_not_ignored(void **state)
{
    (void)state;
    assert_fault(BASE "x: 1\n", "unknown key `x`");
    assert_fault(LISTEN CHANNELS AUTH "  sessions: {store: memory}\n",
                 "`sessions` is not available in this version");
    assert_fault(LISTEN CHANNELS AUTH "  oauth2: {}\n",
                 "`oauth2` is not available in this version");
    assert_fault(LISTEN CHANNELS AUTH "  client_certificates: [{name: a}]\n",
                 "`client_certificates` is not available");
    assert_fault(LISTEN CHANNELS AUTH "  csrf: off\n",
                 "the only value it takes is required_for_cookies");
    options_free(load_good(LISTEN CHANNELS AUTH
                           "  csrf: required_for_cookies\n  client_certificates: []\n"));
    assert_fault(
        LISTEN CHANNELS AUTH "  timeout: 10\n",
        "t:5:12: `timeout`: `10` is not a time: the unit is missing (did you mean `10s`?)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_becomes_an_issuer),
        cmocka_unit_test(null_switches_a_claim_off_and_nothing_else_does),
        cmocka_unit_test(algorithms_are_exact_and_symmetric),
        cmocka_unit_test(secrets_stand_elsewhere),
        cmocka_unit_test(a_secret_never_shows),
        cmocka_unit_test(weak_secrets_are_refused),
        cmocka_unit_test(secrets_come_from_the_environment_once),
        cmocka_unit_test(each_hash_has_its_own_least_length),
        cmocka_unit_test(two_secrets_while_they_change),
        cmocka_unit_test(other_ways_to_log_in_are_not_ignored),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
