/* SPDX-License-Identifier: Apache-2.0 */
/* introspection_answer_test.c: what is taken for a yes, and all that looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/introspection_answer.h"
#include "base/status.h"

#define NOW   INT64_C(1700000000)
#define TOKEN VIEW("2YotnFZFEjr1zCsicMWpAA")
#define GOOD  "\"active\":true,\"sub\":\"ann\",\"iss\":\"https://id\",\"aud\":\"gateward\""

struct rig {
    struct role_set roles;
    struct scope_set scopes;
    struct introspection_rules rules;
    uint64_t read, write;
};

static int set_up(void **state)
{
    static struct rig rig;

    rig = (struct rig){.rules = {.issuer = "https://id",
                                 .audience = "gateward",
                                 .user_claim = "sub",
                                 .roles_claim = "/realm_access/roles",
                                 .tenant_claim = "org",
                                 .roles = &rig.roles,
                                 .scopes = &rig.scopes,
                                 .recheck_s = 30,
                                 .skew_s = 10}};
    if (role_set_add(&rig.roles, VIEW("user"), PERMISSION_READ) != OK ||
        role_set_add(&rig.roles, VIEW("admin"), PERMISSION_ADMIN) != OK ||
        scope_set_add(&rig.scopes, VIEW("chat:read"), &rig.read) != OK ||
        scope_set_add(&rig.scopes, VIEW("chat:write"), &rig.write) != OK)
        return -1;
    *state = &rig;
    return 0;
}

static bool read_answer(const struct rig *rig, struct auth_answer *out, const char *body)
{
    return introspection_answer_read(out, &rig->rules, view_of_text(body), TOKEN, NOW);
}

static void refused(const struct rig *rig, const char *body, const char *fault)
{
    struct auth_answer answer;

    if (!read_answer(rig, &answer, body))
        fail_msg("no answer: %s", body);
    if (answer.verdict != AUTH_FAILED || strcmp(answer.fault, fault) != 0)
        fail_msg("%s: %s, not %s", body, answer.fault == NULL ? "accepted" : answer.fault, fault);
    assert_int_equal(answer.who.user_bytes, 0);
}

static void accepted(const struct rig *rig, struct auth_answer *answer, const char *body)
{
    if (!read_answer(rig, answer, body) || answer->verdict != AUTH_OK)
        fail_msg("refused: %s", body);
    assert_null(answer->fault);
    assert_int_equal(answer->who.method, IDENTITY_OAUTH2);
}

static void a_whole_answer(void **state)
{
    const struct rig *rig = *state;
    struct auth_answer a;

    accepted(rig, &a,
             "{" GOOD ",\"exp\":1700000100.9,\"nbf\":1699999990,\"iat\":1699999980,"
             "\"auth_time\":1699999000,\"jti\":\"j-1\",\"scope\":\"chat:read other\","
             "\"token_type\":\"Bearer\",\"realm_access\":{\"roles\":[\"user\",\"unknown\"]},"
             "\"org\":\"acme\",\"client_id\":\"c\",\"username\":\"Ann\"}");
    assert_string_equal(a.who.user, "ann");
    assert_int_equal(a.who.user_bytes, 3);
    assert_string_equal(a.who.token_id, "j-1");
    assert_string_equal(a.who.tenant, "acme");
    assert_int_equal(a.who.roles, role_set_bit(&rig->roles, VIEW("user")));
    assert_int_equal(a.who.scopes, rig->read);
    assert_int_equal(a.who.issued_at_s, 1699999980);
    assert_int_equal(a.who.authenticated_at_s, 1699999000);
    assert_int_equal(a.who.expires_at_s, 1700000100 + 10);
    assert_int_equal(a.who.recheck_at_s, NOW + 30);
    assert_false(a.who.has_session);
}

static void active_is_the_literal_true(void **state)
{
    static const char *const values[] = {"\"true\"", "1",         "null", "\"\"", "[true]",  "{}",
                                         "1.0",      "\"false\"", "0",    "[]",   "\"TRUE\""};
    const struct rig *rig = *state;
    char body[256];

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        (void)snprintf(body, sizeof(body),
                       "{\"active\":%s,\"sub\":\"ann\",\"iss\":\"https://id\","
                       "\"aud\":\"gateward\"}",
                       values[i]);
        refused(rig, body, "introspection_active");
    }
    refused(rig, "{\"sub\":\"ann\",\"iss\":\"https://id\",\"aud\":\"gateward\"}",
            "introspection_active");
    refused(rig, "{\"Active\":true,\"sub\":\"ann\",\"iss\":\"https://id\",\"aud\":\"gateward\"}",
            "introspection_active");
    refused(rig, "{\"active\":false}", "token_inactive");
    refused(rig, "{\"active\":false,\"sub\":\"ann\",\"iss\":\"https://id\",\"aud\":\"gateward\"}",
            "token_inactive");
}

static void what_is_no_answer_at_all(void **state)
{
    static const char *const bodies[] = {"",
                                         "true",
                                         "[]",
                                         "null",
                                         "{\"active\":true",
                                         "{\"active\":true}x",
                                         "\"yes\"",
                                         "active=true",
                                         "{\"active\":false,\"active\":true}",
                                         "<html>"};
    const struct rig *rig = *state;
    struct auth_answer a;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        if (read_answer(rig, &a, bodies[i]))
            fail_msg("an answer: %s", bodies[i]);
    }
}

static void claims_that_must_hold(void **state)
{
    static const struct {
        const char *body, *fault;
    } rows[] = {
        {"{\"active\":true,\"sub\":\"ann\",\"aud\":\"gateward\"}", "token_issuer"},
        {"{\"active\":true,\"sub\":\"ann\",\"iss\":\"https://id/\",\"aud\":\"gateward\"}",
         "token_issuer"},
        {"{\"active\":true,\"sub\":\"ann\",\"iss\":[\"https://id\"],\"aud\":\"gateward\"}",
         "token_issuer"},
        {"{\"active\":true,\"sub\":\"ann\",\"iss\":\"https://id\"}", "token_audience"},
        {"{\"active\":true,\"sub\":\"ann\",\"iss\":\"https://id\",\"aud\":[]}", "token_audience"},
        {"{\"active\":true,\"sub\":\"ann\",\"iss\":\"https://id\",\"aud\":[\"gateward\",1]}",
         "token_audience"},
        {"{\"active\":true,\"sub\":\"ann\",\"iss\":\"https://id\",\"aud\":{\"gateward\":1}}",
         "token_audience"},
        {"{\"active\":true,\"sub\":\"ann\",\"iss\":\"https://id\",\"aud\":\"gatewarD\"}",
         "token_audience"},
        {"{\"active\":true,\"iss\":\"https://id\",\"aud\":\"gateward\"}", "token_subject"},
        {"{\"active\":true,\"sub\":7,\"iss\":\"https://id\",\"aud\":\"gateward\"}",
         "token_subject"},
        {"{\"active\":true,\"sub\":\"a:b\",\"iss\":\"https://id\",\"aud\":\"gateward\"}",
         "token_subject"},
        {"{\"active\":true,\"sub\":\"*\",\"iss\":\"https://id\",\"aud\":\"gateward\"}",
         "token_subject"},
        {"{" GOOD ",\"exp\":\"1800000000\"}", "token_claims"},
        {"{" GOOD ",\"exp\":null}", "token_claims"},
        {"{" GOOD ",\"exp\":1e999}", "token_claims"},
        {"{" GOOD ",\"iat\":\"x\"}", "token_claims"},
        {"{" GOOD ",\"iat\":1700000011}", "token_not_yet_valid"},
        {"{" GOOD ",\"nbf\":1700000011}", "token_not_yet_valid"},
        {"{" GOOD ",\"nbf\":true}", "token_claims"},
        {"{" GOOD ",\"jti\":\"\"}", "token_claims"},
        {"{" GOOD ",\"jti\":\"a\\u0000b\"}", "token_claims"},
        {"{" GOOD ",\"jti\":1}", "token_claims"},
        {"{" GOOD ",\"scope\":[\"chat:read\"]}", "token_claims"},
        {"{" GOOD ",\"scope\":null}", "token_claims"},
        {"{" GOOD ",\"realm_access\":{\"roles\":{}}}", "token_claims"},
        {"{" GOOD ",\"realm_access\":{\"roles\":[\"admin\",1]}}", "token_claims"},
        {"{" GOOD ",\"org\":\"a/b\"}", "token_claims"},
        {"{" GOOD ",\"org\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "token_claims"},
        {"{" GOOD ",\"cnf\":{\"x5t#S256\":\"x\"}}", "token_not_bound"},
        {"{" GOOD ",\"cnf\":null}", "token_not_bound"},
        {"{" GOOD ",\"token_type\":\"DPoP\"}", "token_type"},
        {"{" GOOD ",\"token_type\":\"refresh_token\"}", "token_type"},
        {"{" GOOD ",\"token_type\":1}", "token_type"},
        {"{" GOOD ",\"token_use\":\"refresh_token\"}", "token_type"},
        {"{" GOOD ",\"typ\":\"Refresh\"}", "token_type"},
        {"{" GOOD ",\"typ\":\"ID\"}", "token_type"},
    };
    const struct rig *rig = *state;
    struct auth_answer a;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        refused(rig, rows[i].body, rows[i].fault);
    accepted(rig, &a, "{" GOOD "}");
    accepted(rig, &a,
             "{" GOOD ",\"nbf\":1700000010,\"typ\":\"Bearer\",\"token_use\":\"access_token\"}");
    accepted(
        rig, &a,
        "{\"active\":true,\"sub\":\"ann\",\"iss\":\"https://id\",\"aud\":[\"x\",\"gateward\"]}");
}

static void over_in_the_second_it_names(void **state)
{
    const struct rig *rig = *state;
    struct auth_answer a;

    accepted(rig, &a, "{" GOOD ",\"exp\":1699999991}"); /* + 10 s of skew */
    assert_int_equal(a.who.expires_at_s, NOW + 1);
    assert_true(read_answer(rig, &a, "{" GOOD ",\"exp\":1699999990.999}"));
    assert_int_equal(a.verdict, AUTH_EXPIRED);
    assert_string_equal(a.fault, "token_expired");
    assert_true(read_answer(rig, &a, "{" GOOD ",\"exp\":-5}"));
    assert_int_equal(a.verdict, AUTH_EXPIRED);
}

static void without_an_end_it_lasts_as_long_as_its_rechecks(void **state)
{
    const struct rig *rig = *state;
    struct auth_answer a;

    accepted(rig, &a, "{" GOOD "}");
    assert_int_equal(a.who.expires_at_s, NOW + (int64_t)30 * INTROSPECTION_RECHECKS);
    assert_int_equal(a.who.authenticated_at_s, 0); /* not known: a max_auth_age refuses */
    assert_int_equal(a.who.scopes, 0);
}

static void an_unnamed_token_is_named_by_its_hash(void **state)
{
    const struct rig *rig = *state;
    struct auth_answer a;

    accepted(rig, &a, "{" GOOD "}");
    /* printf %s 2YotnFZFEjr1zCsicMWpAA | sha256sum | cut -c1-32 */
    assert_string_equal(a.who.token_id, "6c96130f130ab0d6d158397e24d2bcc1");
}

static void switched_off_by_name(void **state)
{
    struct rig rig = *(struct rig *)*state;
    struct auth_answer a;

    rig.rules.issuer = rig.rules.audience = rig.rules.tenant_claim = NULL;
    rig.rules.scopes = NULL;
    rig.rules.user_claim = "username";
    accepted(&rig, &a, "{\"active\":true,\"username\":\"bob\",\"scope\":\"chat:read\"}");
    assert_string_equal(a.who.user, "bob");
    assert_int_equal(a.who.scopes, 0);
    refused(&rig, "{\"active\":true,\"username\":\"bob\",\"iss\":7}", "token_issuer");
    refused(&rig, "{\"active\":true,\"username\":\"bob\",\"aud\":7}", "token_audience");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_answer),
        cmocka_unit_test(active_is_the_literal_true),
        cmocka_unit_test(what_is_no_answer_at_all),
        cmocka_unit_test(claims_that_must_hold),
        cmocka_unit_test(over_in_the_second_it_names),
        cmocka_unit_test(without_an_end_it_lasts_as_long_as_its_rechecks),
        cmocka_unit_test(an_unnamed_token_is_named_by_its_hash),
        cmocka_unit_test(switched_off_by_name),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
