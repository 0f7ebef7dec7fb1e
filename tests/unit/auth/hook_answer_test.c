/* SPDX-License-Identifier: Apache-2.0 */
/* hook_answer_test.c: what an application's answer makes of a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "access/scope.h"
#include "auth/hook_answer.h"
#include "base/status.h"
#include "crypto/digest.h"

#define NOW INT64_C(1700000000)

struct rig {
    struct role_set roles;
    struct hook_rules rules;
};

static int set_up(void **state)
{
    static struct rig rig;

    rig = (struct rig){
        .rules = {"/user", "/roles", "/tenant", "/expires_in", "/session", &rig.roles, 30, 600}};
    if (role_set_add(&rig.roles, VIEW("user"), PERMISSION_READ) != OK ||
        role_set_add(&rig.roles, VIEW("admin"), PERMISSION_ADMIN) != OK)
        return -1;
    *state = &rig;
    return 0;
}

static struct auth_answer read_answer(const struct rig *rig, const char *body)
{
    struct auth_answer answer = {.verdict = AUTH_LATER};

    if (!hook_answer_read(&answer, &rig->rules, view_of_text(body), NOW))
        fail_msg("no answer: %s", body);
    return answer;
}

static void a_whole_answer(void **state)
{
    struct auth_answer a = read_answer(*state, "{\"user\":\"ann\",\"roles\":[\"user\",\"x\"],"
                                               "\"tenant\":\"acme\",\"expires_in\":90,"
                                               "\"session\":\"s-1\",\"more\":{}}");
    uint8_t hash[32];

    assert_int_equal(a.verdict, AUTH_OK);
    assert_null(a.fault);
    assert_int_equal(a.who.method, IDENTITY_HOOK);
    assert_string_equal(a.who.user, "ann");
    assert_int_equal(a.who.roles, 1);
    assert_string_equal(a.who.tenant, "acme");
    assert_true(a.who.scopes == SCOPES_ALL);
    assert_int_equal(a.who.expires_at_s, NOW + 90);
    assert_int_equal(a.who.recheck_at_s, NOW + 30);
    assert_int_equal(a.who.authenticated_at_s, 0);
    assert_true(a.who.has_session);
    assert_int_equal(digest_sha256(hash, "s-1", 3), OK);
    assert_memory_equal(a.who.session, hash, IDENTITY_SESSION_BYTES);
}

static void only_a_user_is_needed(void **state)
{
    struct auth_answer a = read_answer(*state, "{\"user\":\"ann\"}");

    assert_int_equal(a.verdict, AUTH_OK);
    assert_int_equal(a.who.roles, 0);
    assert_int_equal(a.who.expires_at_s, NOW + 600);
    assert_false(a.who.has_session);
    a = read_answer(*state, "{\"user\":\"ann\",\"roles\":null,\"tenant\":null,\"expires_in\":null,"
                            "\"session\":null}");
    assert_int_equal(a.verdict, AUTH_OK);
    a = read_answer(*state, "{\"user\":\"ann\",\"roles\":\"user admin nobody\"}");
    assert_int_equal(a.who.roles, 3);
    a = read_answer(*state, "{\"user\":\"ann\",\"expires_in\":1e300}");
    assert_int_equal(a.who.expires_at_s, NOW + HOOK_EXPIRES_S_MAX);
}

static void all_else_is_refused(void **state)
{
    static const struct {
        const char *body, *fault;
    } rows[] = {
        {"{}", "hook_user"},
        {"{\"user\":null}", "hook_user"},
        {"{\"user\":\"\"}", "hook_user"},
        {"{\"user\":42}", "hook_user"},
        {"{\"user\":true}", "hook_user"},
        {"{\"user\":\"a b\"}", "hook_user"},
        {"{\"user\":\"a:b\"}", "hook_user"},
        {"{\"user\":{\"user\":\"ann\"}}", "hook_user"},
        {"{\"user\":\"ann\",\"roles\":7}", "hook_roles"},
        {"{\"user\":\"ann\",\"roles\":[\"admin\",null]}", "hook_roles"},
        {"{\"user\":\"ann\",\"roles\":{\"admin\":true}}", "hook_roles"},
        {"{\"user\":\"ann\",\"tenant\":7}", "hook_tenant"},
        {"{\"user\":\"ann\",\"tenant\":\"a*\"}", "hook_tenant"},
        {"{\"user\":\"ann\",\"expires_in\":\"60\"}", "hook_expires_in"},
        {"{\"user\":\"ann\",\"session\":\"\"}", "hook_session"},
        {"{\"user\":\"ann\",\"session\":7}", "hook_session"},
    };
    struct auth_answer a;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        a = read_answer(*state, rows[i].body);
        assert_int_equal(a.verdict, AUTH_FAILED);
        assert_string_equal(a.fault, rows[i].fault);
        assert_int_equal(a.who.user_bytes, 0);
    }
    a = read_answer(*state, "{\"user\":\"ann\",\"expires_in\":0}");
    assert_int_equal(a.verdict, AUTH_EXPIRED);
    a = read_answer(*state, "{\"user\":\"ann\",\"expires_in\":-1}");
    assert_int_equal(a.verdict, AUTH_EXPIRED);
}

static void what_is_no_answer_at_all(void **state)
{
    static const char *const bodies[] = {"",
                                         "[]",
                                         "null",
                                         "\"ann\"",
                                         "{\"user\":\"ann\"",
                                         "<html>",
                                         "{\"user\":\"ann\",\"user\":\"root\"}"};
    const struct rig *rig = *state;
    struct auth_answer a;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_false(hook_answer_read(&a, &rig->rules, view_of_text(bodies[i]), NOW));
}

static void pointers_reach_inside(void **state)
{
    struct rig rig = *(struct rig *)*state;
    struct auth_answer a;

    rig.rules =
        (struct hook_rules){"/data/user/id", "/data/groups", NULL, NULL, NULL, &rig.roles, 0, 60};
    a = read_answer(&rig, "{\"data\":{\"user\":{\"id\":\"bob\"},\"groups\":[\"admin\"]},"
                          "\"tenant\":7,\"session\":7,\"expires_in\":\"x\"}");
    assert_int_equal(a.verdict, AUTH_OK);
    assert_string_equal(a.who.user, "bob");
    assert_int_equal(a.who.roles, 2);
    assert_int_equal(a.who.recheck_at_s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_answer),        cmocka_unit_test(only_a_user_is_needed),
        cmocka_unit_test(all_else_is_refused),   cmocka_unit_test(what_is_no_answer_at_all),
        cmocka_unit_test(pointers_reach_inside),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
