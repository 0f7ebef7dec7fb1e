/* SPDX-License-Identifier: Apache-2.0 */
/* options_auth_test.c: issuers, algorithms, secrets and public keys; no secret ever shows in a
 * message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/jwks_url.h"
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

static void a_row_says_which_claims_count(void **state)
{
    struct options *o = load_good(ROW("algorithms: [HS256], " FILE_SECRET
                                      ", issuer: a, audience: b, user_claim: /profile/login, "
                                      "roles_claim: \"/https:~1~1id.test~1roles\", tenant_claim: "
                                      "tid, required_claims: [email, /amr/0], profile: rfc9068"));
    const struct jwt_issuer *issuer = &o->auth.issuers[0];

    (void)state;
    assert_string_equal(issuer->user_claim, "/profile/login");
    assert_string_equal(issuer->roles_claim, "/https:~1~1id.test~1roles");
    assert_string_equal(issuer->tenant_claim, "tid");
    assert_int_equal(issuer->required_count, 2);
    assert_string_equal(issuer->required_claims[0], "email");
    assert_string_equal(issuer->required_claims[1], "/amr/0");
    assert_int_equal(issuer->profile, JWT_PROFILE_RFC9068);
    assert_ptr_equal(o->auth.scopes, &o->policy.scopes);
    options_free(o);
    o = load_good(ROW("algorithms: [HS256], " FILE_SECRET NO_CLAIMS ", required_claims: []"));
    assert_string_equal(o->auth.issuers[0].user_claim, "sub");
    assert_null(o->auth.issuers[0].tenant_claim);
    assert_int_equal(o->auth.issuers[0].required_count, 0);
    assert_int_equal(o->auth.issuers[0].profile, JWT_PROFILE_NONE);
    options_free(o);
}

#define CLAIM_ROW(line)                                                                            \
    LISTEN CHANNELS "auth:\n  jwt:\n    - algorithms: [HS256]\n      " FILE_SECRET                 \
                    "\n      issuer: null\n      audience: null\n      " line "\n"

static void bad_claims_are_named_with_their_line(void **state)
{
    (void)state;
    assert_fault(CLAIM_ROW("user_claim: /a~b"), "t:9:19: `/a~b` is no JSON pointer");
    assert_fault(CLAIM_ROW("roles_claim: /a~"), "t:9:20: `/a~` is no JSON pointer");
    assert_fault(CLAIM_ROW("tenant_claim: /a~2"), "t:9:21: `/a~2` is no JSON pointer");
    assert_fault(CLAIM_ROW("required_claims: [a, /~]"), "t:9:28: `/~` is no JSON pointer");
    assert_fault(CLAIM_ROW("required_claims: [a, b, a]"), "t:9:31: `a` stands here a second time");
    assert_fault(CLAIM_ROW("required_claims: a"), "t:9:24: `required_claims` must be a list");
    assert_fault(CLAIM_ROW("required_claims: [a, \"\"]"), "t:9:28: ");
    assert_fault(CLAIM_ROW("required_claims: [a, [b]]"), "t:9:28: ");
    assert_fault(CLAIM_ROW("required_claims: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q]"),
                 "t:9:24: ");
    assert_fault(CLAIM_ROW("tenant_claim: null"), "`tenant_claim` must be text");
    assert_fault(CLAIM_ROW("profile: RFC9068"), "t:9:16: ");
    assert_fault(CLAIM_ROW("profile: rfc9068"), "t:5:7: `profile: rfc9068` checks who made");
    assert_fault(CLAIM_ROW("claims: [a]"), "t:9:7: unknown key `claims`");
}

static void algorithms_are_exact(void **state)
{
    struct options *o = load_good(ROW("algorithms: [HS512, HS256], " FILE_SECRET NO_CLAIMS));

    (void)state;
    assert_int_equal(o->auth.issuers[0].keys_count, 2);
    options_free(o);
    assert_fault(ROW("algorithms: [Ed25519], " FILE_SECRET NO_CLAIMS),
                 "there is no algorithm `Ed25519`");
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
                 "one of `secret`, `jwks_file` and `jwks_url`");
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
    assert_fault(ROW("algorithms: [HS256], secret: [{file: jwt.secret, kid: a}, {file: old.secret, "
                     "kid: a}]" NO_CLAIMS),
                 "both secrets have the same `kid`");
    assert_fault(
        ROW("algorithms: [HS256], secret: {file: jwt.secret, kid: "
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}" NO_CLAIMS),
        "`kid` is too long");
}

#define EC_KEY                                                                                     \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"ec\","                                            \
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","                                       \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define ED_KEY                                                                                     \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\","                                         \
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define RSA_KEY                                                                                    \
    "{\"kty\":\"RSA\",\"kid\":\"rsa\",\"e\":\"AQAB\",\"n\":"                                       \
    "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2ai"                                                    \
    "AFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4" \
    "Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM" \
    "QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF4" \
    "4-csFCur-kEgU8awapJzKnqDKgw\"}"

/* The file "extra" holds a set of these keys. */
static void write_keys(const char *keys)
{
    char text[4096];
    int len = snprintf(text, sizeof(text), "{\"keys\":[%s]}", keys);

    assert_true(len > 0 && len < (int)sizeof(text));
    fixture_write("extra", text, (size_t)len, 0644);
}

static void a_row_may_hold_public_keys(void **state)
{
    struct key_set *set;
    struct options *o;

    (void)state;
    write_keys(RSA_KEY "," EC_KEY "," ED_KEY);
    o = load_good(ROW("algorithms: [RS256, ES256, EdDSA], jwks_file: extra, issuer: a, "
                      "audience: b"));
    assert_int_equal(o->auth.issuers[0].keys_count, 0);
    assert_non_null(o->auth.issuers[0].public_keys);
    set = key_source_keep(o->auth.issuers[0].public_keys);
    assert_int_equal(key_set_count(set), 3);
    assert_int_equal(jwk_algorithm(key_set_at(set, 0)), SIGNATURE_RS256);
    assert_int_equal(jwk_algorithm(key_set_at(set, 1)), SIGNATURE_ES256);
    assert_int_equal(jwk_algorithm(key_set_at(set, 2)), SIGNATURE_EDDSA);
    key_set_drop(set);
    options_free(o);
    o = load_good(ROW("algorithms: [PS512], jwks_file: extra" NO_CLAIMS));
    set = key_source_keep(o->auth.issuers[0].public_keys);
    assert_int_equal(key_set_count(set), 1);
    assert_int_equal(key_set_ignored(set), 2);
    assert_int_equal(jwk_algorithm(key_set_at(set, 0)), SIGNATURE_PS512);
    key_set_drop(set);
    options_free(o);
}

/* Two rows, one of each kind: that is how both are had. */
static void rows_of_both_kinds_stand_side_by_side(void **state)
{
    struct options *o;

    (void)state;
    write_keys(EC_KEY);
    o = load_good(LISTEN CHANNELS
                  "auth:\n  jwt:\n    - {algorithms: [HS256], " FILE_SECRET NO_CLAIMS "}\n"
                  "    - {algorithms: [ES256], jwks_file: extra" NO_CLAIMS "}\n");
    assert_int_equal(o->auth.issuers_count, 2);
    assert_null(o->auth.issuers[0].public_keys);
    assert_int_equal(o->auth.issuers[0].keys_count, 1);
    assert_non_null(o->auth.issuers[1].public_keys);
    assert_int_equal(o->auth.issuers[1].keys_count, 0);
    options_free(o);
}

static void a_row_is_symmetric_or_asymmetric(void **state)
{
    (void)state;
    write_keys(EC_KEY);
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET ", jwks_file: extra" NO_CLAIMS),
                 "t:5:7: a row has one of `secret`, `jwks_file` and `jwks_url`: make two rows");
    assert_fault(ROW("algorithms: [ES256], " FILE_SECRET ", jwks_file: extra" NO_CLAIMS),
                 "one of `secret`, `jwks_file` and `jwks_url`");
    assert_fault(ROW("algorithms: [HS256, RS256], jwks_file: extra" NO_CLAIMS),
                 "either symmetric (HS256, HS384, HS512, with `secret`) or asymmetric");
    assert_fault(ROW("algorithms: [HS256, RS256], " FILE_SECRET NO_CLAIMS),
                 "either symmetric (HS256, HS384, HS512, with `secret`) or asymmetric");
    assert_fault(ROW("algorithms: [RS256], " FILE_SECRET NO_CLAIMS),
                 "take public keys from `jwks_url` or `jwks_file`");
    assert_fault(ROW("algorithms: [HS256], jwks_file: extra" NO_CLAIMS),
                 "HS256, HS384 and HS512 take a `secret`");
    assert_fault(ROW("algorithms: [EdDSA]" NO_CLAIMS), "`jwks_url` or `jwks_file` is missing");
    assert_fault(ROW("algorithms: [ES256], jwks_file: extra, kid: ec" NO_CLAIMS),
                 "`kid` goes with `secret` only");
    assert_fault(ROW("algorithms: [ES256], jwks_file: {file: extra}" NO_CLAIMS),
                 "`jwks_file` must be text");
}

#define URL "jwks_url: \"https://id.example.com/keys\""

/* Nothing is downloaded by reading the file. */
static void public_keys_may_come_from_a_url(void **state)
{
    struct options *o =
        load_good(ROW("algorithms: [ES256, EdDSA], " URL ", issuer: a, audience: b"));

    (void)state;
    assert_non_null(o->auth.issuers[0].jwks_url);
    assert_string_equal(jwks_url_text(o->auth.issuers[0].jwks_url), "https://id.example.com/keys");
    assert_null(key_source_keep(o->auth.issuers[0].public_keys));
    options_free(o);
    options_free(load_good(ROW("algorithms: [ES256], " URL ", jwks_ca: ca.crt" NO_CLAIMS)));
}

static void a_url_for_keys_is_https_and_stands_alone(void **state)
{
    (void)state;
    write_keys(EC_KEY);
    assert_fault(ROW("algorithms: [ES256], jwks_url: \"http://id.example.com/keys\"" NO_CLAIMS),
                 "t:5:39: `jwks_url` must begin with https://");
    assert_fault(ROW("algorithms: [ES256], jwks_url: \"http://127.0.0.1/keys\"" NO_CLAIMS),
                 "`jwks_url` must begin with https://");
    assert_fault(ROW("algorithms: [ES256], jwks_url: \"file:///etc/passwd\"" NO_CLAIMS),
                 "`jwks_url` must begin with https://");
    assert_fault(ROW("algorithms: [ES256], jwks_url: \"https://u:p@id.example.com/\"" NO_CLAIMS),
                 "`jwks_url` names no host");
    assert_fault(ROW("algorithms: [ES256], jwks_url: \"https://{iss}/keys\"" NO_CLAIMS),
                 "`jwks_url` may hold visible ASCII only");
    assert_fault(ROW("algorithms: [ES256], jwks_file: extra, " URL NO_CLAIMS),
                 "one of `secret`, `jwks_file` and `jwks_url`");
    assert_fault(ROW("algorithms: [HS256], " FILE_SECRET ", " URL NO_CLAIMS),
                 "one of `secret`, `jwks_file` and `jwks_url`");
    assert_fault(ROW("algorithms: [HS256], " URL NO_CLAIMS), "HS256, HS384 and HS512 take a");
    assert_fault(ROW("algorithms: [ES256], " URL ", kid: a" NO_CLAIMS),
                 "`kid` goes with `secret` only");
    assert_fault(ROW("algorithms: [ES256], jwks_file: extra, jwks_ca: ca.crt" NO_CLAIMS),
                 "`jwks_ca` goes with `jwks_url` only");
    assert_fault(ROW("algorithms: [ES256], " URL ", jwks_ca: none.crt" NO_CLAIMS), "`jwks_ca`: ");
    assert_fault(ROW("algorithms: [ES256], " URL ", jwks_ca: server.key" NO_CLAIMS), "`jwks_ca`: ");
}

static void faults_in_a_set_of_keys_have_their_place(void **state)
{
    (void)state;
    assert_fault(ROW("algorithms: [ES256], jwks_file: none.json" NO_CLAIMS),
                 "t:5:40: `jwks_file`: none.json cannot be read: No such file");
    write_keys(EC_KEY "," EC_KEY);
    assert_fault(ROW("algorithms: [ES256], jwks_file: extra" NO_CLAIMS),
                 "extra key 2 has the `kid` of a key before it");
    write_keys(RSA_KEY);
    assert_fault(ROW("algorithms: [RS256, PS256], jwks_file: extra" NO_CLAIMS),
                 "extra key 1 names no `alg`, and `algorithms` lists several");
    assert_fault(ROW("algorithms: [ES256], jwks_file: extra" NO_CLAIMS),
                 "extra holds no key for these `algorithms`: key 1 serves none");
    write_keys("{\"kty\":\"oct\",\"k\":\"hunter2\"}");
    assert_fault(ROW("algorithms: [RS256], jwks_file: extra" NO_CLAIMS),
                 "extra key 1 is a symmetric key");
    fixture_write("extra", "hunter2", 7, 0644);
    assert_fault(ROW("algorithms: [RS256], jwks_file: extra" NO_CLAIMS), "extra is no strict JSON");
}

static void other_ways_to_log_in_are_not_ignored(void **state)
{
    (void)state;
    assert_fault(BASE "x: 1\n", "unknown key `x`");
    assert_fault(LISTEN CHANNELS AUTH "  csrf: off\n",
                 "t:5:9: `csrf`: `off` is not one of the choices");
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
        cmocka_unit_test(a_row_says_which_claims_count),
        cmocka_unit_test(bad_claims_are_named_with_their_line),
        cmocka_unit_test(algorithms_are_exact),
        cmocka_unit_test(secrets_stand_elsewhere),
        cmocka_unit_test(a_secret_never_shows),
        cmocka_unit_test(weak_secrets_are_refused),
        cmocka_unit_test(secrets_come_from_the_environment_once),
        cmocka_unit_test(each_hash_has_its_own_least_length),
        cmocka_unit_test(two_secrets_while_they_change),
        cmocka_unit_test(a_row_may_hold_public_keys),
        cmocka_unit_test(rows_of_both_kinds_stand_side_by_side),
        cmocka_unit_test(a_row_is_symmetric_or_asymmetric),
        cmocka_unit_test(public_keys_may_come_from_a_url),
        cmocka_unit_test(a_url_for_keys_is_https_and_stands_alone),
        cmocka_unit_test(faults_in_a_set_of_keys_have_their_place),
        cmocka_unit_test(other_ways_to_log_in_are_not_ignored),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
