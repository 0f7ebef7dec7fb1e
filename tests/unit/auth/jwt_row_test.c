/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_row_test.c: what a row of auth.jwt asks of claims and takes from them: names and pointers,
 * tenants, scopes, tokens bound to a certificate, and the moment of the login. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "token_maker.h"

#define EXP "\"exp\":1700000100"
#define SUB "\"sub\":\"alice\""

static struct bench b;
static struct identity who;

static int setup(void **state)
{
    (void)state;
    bench_open(&b);
    memset(&who, 0, sizeof(who));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_close(&b);
    return 0;
}

static enum jwt_fault judge(const char *payload)
{
    return bench_judge_texts(&b, &who, HS256_HEADER, payload);
}

static void users_and_roles_are_found_by_pointers(void **state)
{
    static const struct {
        const char *user, *roles, *claims, *is;
        uint64_t bits;
    } rows[] = {
        {"login", "roles", "\"login\":\"bob\"", "bob", 0},
        {"/profile/login", "/realm/roles",
         "\"profile\":{\"login\":\"bob\"},\"realm\":{\"roles\":[\"admin\"]}", "bob", 4},
        {"/names/1", "/https:~1~1id.test~1roles",
         "\"names\":[\"a\",\"bob\"],\"https://id.test/roles\":\"user admin\"", "bob", 5},
        {"/a~0b", "/a", "\"a~b\":\"bob\",\"a\":\"user\"", "bob", 1},
        {"https://id.test/user", "/none/there", "\"https://id.test/user\":\"bob\"", "bob", 0},
    };
    static const struct {
        const char *user, *claims;
    } bad[] = {
        {"login", ""},
        {"login", ",\"login\":null"},
        {"/login", ",\"profile\":{\"login\":\"bob\"}"},
        {"/profile/login", ",\"profile\":\"bob\""},
        {"/profile/login", ",\"profile\":[\"bob\"]"},
        {"/profile/login", ",\"profile/login\":\"bob\""},
        {"/profile", ",\"profile\":{\"login\":\"bob\"}"},
        {"/names/01", ",\"names\":[\"a\",\"bob\"]"},
        {"/names/-", ",\"names\":[\"bob\"]"},
        {"/names/2", ",\"names\":[\"a\",\"bob\"]"},
        {"/login~", ",\"login~\":\"bob\""},
        {"login", ",\"login\":\"user:1\""},
    };
    char payload[512];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        b.issuer.user_claim = rows[i].user;
        b.issuer.roles_claim = rows[i].roles;
        (void)snprintf(payload, sizeof(payload), "{\"sub\":\"auth0|1\"," EXP ",%s}",
                       rows[i].claims);
        assert_int_equal(judge(payload), JWT_OK);
        assert_string_equal(who.user, rows[i].is);
        assert_int_equal(who.user_bytes, strlen(rows[i].is));
        assert_int_equal(who.roles, rows[i].bits);
    }
    b.issuer.roles_claim = "roles";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        b.issuer.user_claim = bad[i].user;
        (void)snprintf(payload, sizeof(payload), "{" SUB "," EXP "%s}", bad[i].claims);
        assert_int_equal(judge(payload), JWT_SUBJECT);
    }
    b.issuer.user_claim = "login";
    assert_int_equal(judge("{\"sub\":7,\"login\":\"bob\"," EXP "}"), JWT_SUBJECT);
    assert_int_equal(judge("{\"login\":\"bob\"," EXP "}"), JWT_OK);
}

static void a_tenant_is_there_or_nobody_comes_in(void **state)
{
    static const struct {
        const char *value;
        enum jwt_fault want;
    } rows[] = {
        {"\"acme\"", JWT_OK},
        {"\"01234567890123456789012345678901\"", JWT_OK},
        {"\"012345678901234567890123456789012\"", JWT_TENANT},
        {"\"\"", JWT_TENANT},
        {"\"a:b\"", JWT_TENANT},
        {"\"a*\"", JWT_TENANT},
        {"\"acme\\u0000\"", JWT_TENANT},
        {"[\"acme\"]", JWT_TENANT},
        {"null", JWT_TENANT},
        {"7", JWT_TENANT},
    };
    char payload[256];

    (void)state;
    assert_int_equal(judge("{" SUB "," EXP ",\"tid\":\"acme\"}"), JWT_OK);
    assert_string_equal(who.tenant, "");
    b.issuer.tenant_claim = "tid";
    assert_int_equal(judge("{" SUB "," EXP "}"), JWT_TENANT);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(payload, sizeof(payload), "{" SUB "," EXP ",\"tid\":%s}", rows[i].value);
        assert_int_equal(judge(payload), rows[i].want);
    }
    assert_string_equal(who.tenant, "01234567890123456789012345678901");
    b.issuer.tenant_claim = "/org/0/id";
    assert_int_equal(judge("{" SUB "," EXP ",\"org\":[{\"id\":\"acme\"}]}"), JWT_OK);
    assert_string_equal(who.tenant, "acme");
}

static void scopes_only_take_away(void **state)
{
    static const struct {
        const char *claims;
        uint64_t none, rfc9068; /* under each profile */
    } rows[] = {
        {"", SCOPES_ALL, 0},
        {",\"scope\":\"\"", 0, 0},
        {",\"scope\":\"read\"", 1, 1},
        {",\"scope\":\"read write\"", 3, 3},
        {",\"scope\":\"  write  other \"", 2, 2},
        {",\"scope\":\"Read,write\"", 0, 0},
        {",\"scope\":[\"read\",\"write\"]", 3, 3},
        {",\"scope\":[\"read write\",\"\"]", 0, 0},
        {",\"scp\":\"read\"", 1, 1},
        {",\"scp\":[\"write\"]", 2, 2},
        {",\"scp\":[]", 0, 0},
        {",\"scope\":\"read write\",\"scp\":[\"write\"]", 2, 2},
        {",\"scope\":\"read\",\"scp\":\"write\"", 0, 0},
    };
    static const char *const bad[] = {",\"scope\":null", ",\"scope\":1", ",\"scp\":{\"read\":true}",
                                      ",\"scp\":[1]", ",\"scope\":\"read\",\"scp\":false"};
    struct scope_set scopes = {.count = 0};
    char payload[512];
    uint64_t bit;

    (void)state;
    assert_int_equal(scope_set_add(&scopes, VIEW("read"), &bit), OK);
    assert_int_equal(scope_set_add(&scopes, VIEW("write"), &bit), OK);
    b.issuer.issuer = b.issuer.audience = "x";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static const char *const headers[] = {HS256_HEADER,
                                              "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}"};

        (void)snprintf(payload, sizeof(payload),
                       "{" SUB "," EXP ",\"iss\":\"x\",\"aud\":\"x\",\"jti\":\"1\",\"iat\":1,"
                       "\"client_id\":\"c\"%s}",
                       rows[i].claims);
        for (int profile = 0; profile < 2; profile++) {
            b.issuer.profile = (enum jwt_profile)profile;
            b.rules.scopes = &scopes;
            assert_int_equal(bench_judge_texts(&b, &who, headers[profile], payload), JWT_OK);
            if (who.scopes != (profile == 0 ? rows[i].none : rows[i].rfc9068))
                fail_msg("%s: %llx", payload, (unsigned long long)who.scopes);
            b.rules.scopes = NULL;
            assert_int_equal(bench_judge_texts(&b, &who, headers[profile], payload), JWT_OK);
            assert_true(who.scopes == SCOPES_ALL);
        }
    }
    b.issuer.profile = JWT_PROFILE_NONE;
    b.issuer.issuer = b.issuer.audience = NULL;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(payload, sizeof(payload), "{" SUB "," EXP "%s}", bad[i]);
        assert_int_equal(judge(payload), JWT_CLAIMS);
    }
}

static void a_bound_token_needs_its_certificate(void **state)
{
    static const uint8_t right[32] = {1, 2, 3, 250};
    static const uint8_t wrong[32] = {1, 2, 3, 251};
    static const char *const malformed[] = {
        "null",
        "[]",
        "\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
        "{}",
        "{\"x5t#S256\":null}",
        "{\"x5t#S256\":\"\"}",
        "{\"x5t#S256\":[\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]}",
        "{\"x5t#S256\":\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}",
        "{\"x5t#S256\":\"AQID+gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"x5t#S256\":\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\"}",
        "{\"x5t#S256\":\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"x5t#S256\":\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"x5t\":\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"x5t#s256\":\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"jkt\":\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"x5t#S256\":\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"jkt\":\"x\"}",
        "{\"kid\":\"1\",\"x5t#S256\":\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
    };
    static const char *const good =
        "{" SUB "," EXP ",\"cnf\":{\"x5t#S256\":\"AQID-gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}";
    char payload[256];

    (void)state;
    assert_int_equal(judge(good), JWT_BINDING);
    b.rules.certificate_sha256 = wrong;
    assert_int_equal(judge(good), JWT_BINDING);
    b.rules.certificate_sha256 = right;
    assert_int_equal(judge(good), JWT_OK);
    assert_int_equal(judge("{" SUB "," EXP "}"), JWT_OK);
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        (void)snprintf(payload, sizeof(payload), "{" SUB "," EXP ",\"cnf\":%s}", malformed[i]);
        assert_int_equal(judge(payload), JWT_BINDING);
    }
}

static void required_claims_are_there_and_not_null(void **state)
{
    (void)state;
    b.issuer.required_claims[0] = "email";
    b.issuer.required_claims[1] = "/amr/0";
    b.issuer.required_count = 2;
    assert_int_equal(judge("{" SUB "," EXP "}"), JWT_REQUIRED);
    assert_int_equal(judge("{" SUB "," EXP ",\"email\":\"a\"}"), JWT_REQUIRED);
    assert_int_equal(judge("{" SUB "," EXP ",\"email\":\"a\",\"amr\":[]}"), JWT_REQUIRED);
    assert_int_equal(judge("{" SUB "," EXP ",\"email\":null,\"amr\":[\"mfa\"]}"), JWT_REQUIRED);
    assert_int_equal(judge("{" SUB "," EXP ",\"email\":\"a\",\"amr\":[null]}"), JWT_REQUIRED);
    assert_int_equal(judge("{" SUB "," EXP ",\"email\":false,\"amr\":[\"mfa\"]}"), JWT_OK);
}

static void the_login_is_auth_time_or_the_issue_or_now(void **state)
{
    static const struct {
        const char *claims;
        int64_t at_s;
    } rows[] = {
        {"", NOW},
        {",\"iat\":1699999000.9", 1699999000},
        {",\"iat\":1699999000,\"auth_time\":1699990000", 1699990000},
        {",\"auth_time\":1699990000.5", 1699990000},
        {",\"auth_time\":0,\"iat\":1699999000", 1},
        {",\"auth_time\":-5", 1},
        {",\"auth_time\":1700000030", NOW + 30},
    };
    char payload[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(payload, sizeof(payload), "{" SUB "," EXP "%s}", rows[i].claims);
        assert_int_equal(judge(payload), JWT_OK);
        assert_int_equal(who.authenticated_at_s, rows[i].at_s);
    }
    assert_int_equal(judge("{" SUB "," EXP ",\"auth_time\":1700000031}"), JWT_NOT_YET);
    assert_int_equal(judge("{" SUB "," EXP ",\"auth_time\":null}"), JWT_CLAIMS);
    assert_int_equal(judge("{" SUB "," EXP ",\"auth_time\":\"1\"}"), JWT_CLAIMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(users_and_roles_are_found_by_pointers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tenant_is_there_or_nobody_comes_in, setup, teardown),
        cmocka_unit_test_setup_teardown(scopes_only_take_away, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bound_token_needs_its_certificate, setup, teardown),
        cmocka_unit_test_setup_teardown(required_claims_are_there_and_not_null, setup, teardown),
        cmocka_unit_test_setup_teardown(the_login_is_auth_time_or_the_issue_or_now, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
