/* SPDX-License-Identifier: Apache-2.0 */
/* explain_test.c: each reason has a sentence with the rule, its line, and what would have to
 * change. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "access/decide.h"
#include "base/status.h"
#include "three_ways.h"

#define NOW 1800000000

static int64_t authenticated_at_s = NOW;
static struct access_rule rules[3];
static struct access_policy policy;

static int set_up(void **state)
{
    static const char *const texts[] = {"public:chat", "user:{user_id}:messages", "chat:mod-only"};
    int i;

    (void)state;
    (void)role_set_add(&policy.roles, VIEW("guest"), PERMISSION_READ);
    (void)role_set_add(&policy.roles, VIEW("user"), PERMISSION_READ | PERMISSION_WRITE);
    (void)role_set_add(&policy.roles, VIEW("moderator"), 7);
    for (i = 0; i < 3; i++) {
        if (channel_pattern_parse(&rules[i].pattern, view_of_text(texts[i]), NULL) != OK)
            return -1;
        rules[i].needs[ACTION_SUBSCRIBE] = PERMISSION_READ;
        rules[i].needs[ACTION_PUBLISH] = PERMISSION_WRITE;
        rules[i].line = 40 + i;
    }
    rules[2].allow = 4;
    rules[2].deny = 1;
    policy.rules = rules;
    policy.rules_count = 3;
    return 0;
}

static const char *explain(const char *user, uint64_t roles, const char *channel,
                           enum action action)
{
    static char out[1024];
    struct access_answer answer;
    struct access_question asked;
    struct identity who;
    char again[1024];

    memset(&who, 0, sizeof(who));
    who.roles = roles;
    if (user != NULL) {
        who.user_bytes = (uint8_t)strlen(user);
        memcpy(who.user, user, strlen(user));
    }
    who.authenticated_at_s = authenticated_at_s;
    who.scopes = 1;
    asked =
        (struct access_question){user != NULL ? &who : NULL, view_of_text(channel), action, NOW};
    (void)access_decide(&policy, &asked, &answer);
    access_question_explain(out, sizeof(out), &policy, &asked, &answer);
    access_question_explain(again, sizeof(again), &policy, &asked, NULL);
    assert_string_equal(out, again);
    return out;
}

static void each_reason_has_its_sentence(void **state)
{
    (void)state;
    assert_string_equal(
        explain("bob", 2, "public:chat", ACTION_PUBLISH),
        "allowed by channels[0] \"public:chat\" (line 40): user bob may publish, which "
        "needs write, given by user");
    assert_string_equal(
        explain("bob", 1, "public:chat", ACTION_PUBLISH),
        "refused by channels[0] \"public:chat\" (line 40): to publish needs write, and "
        "user bob has guest; roles that give it: user, moderator");
    assert_string_equal(
        explain("bob", 2, "user:eve:messages", ACTION_SUBSCRIBE),
        "refused: channels[1] \"user:{user_id}:messages\" (line 41) binds {user_id} to "
        "the caller's own id, and this is user bob; no other rule matches "
        "user:eve:messages");
    assert_string_equal(
        explain("bob", 3, "chat:mod-only", ACTION_SUBSCRIBE),
        "refused by channels[2] \"chat:mod-only\" (line 42): its deny list names guest, "
        "which user bob has, and deny beats allow; to allow it, take the role off the "
        "deny list or away from the user");
    assert_string_equal(explain("bob", 2, "chat:mod-only", ACTION_SUBSCRIBE),
                        "refused by channels[2] \"chat:mod-only\" (line 42): its allow list names "
                        "moderator, and user bob has user; to allow it, give the user one of those "
                        "roles or add one of the user's roles to the list");
    assert_string_equal(
        explain("bob", 2, "other", ACTION_SUBSCRIBE),
        "refused: no rule under channels matches other; to allow it, write a rule with "
        "such a pattern");
    assert_string_equal(explain(NULL, 0, "public:chat", ACTION_SUBSCRIBE),
                        "refused: nobody is logged in on this connection");
    assert_non_null(
        strstr(explain("bob", 0, "public:chat", ACTION_SUBSCRIBE), "user bob has no role;"));
    assert_non_null(strstr(explain("bob", 2, "public:chat", (enum action)9), "no such action"));
}

static void what_a_token_lacks_is_named(void **state)
{
    uint64_t bits;

    (void)state;
    assert_int_equal(scope_set_add(&policy.scopes, VIEW("a"), &bits), OK);
    assert_int_equal(scope_set_add(&policy.scopes, VIEW("chat:write"), &bits), OK);
    assert_int_equal(scope_set_add(&policy.scopes, VIEW("chat:all"), &bits), OK);
    rules[0].scopes[ACTION_PUBLISH] = 7;
    assert_string_equal(explain("bob", 2, "public:chat", ACTION_PUBLISH),
                        "refused by channels[0] \"public:chat\" (line 40): to publish asks for "
                        "scopes that the token of user bob was not given: chat:write, chat:all");
    rules[0].scopes[ACTION_PUBLISH] = 0;
}

static void how_old_a_login_is_and_may_be_is_said(void **state)
{
    (void)state;
    rules[0].max_auth_age_s = 900;
    authenticated_at_s = NOW - 901;
    assert_string_equal(explain("bob", 2, "public:chat", ACTION_PUBLISH),
                        "refused by channels[0] \"public:chat\" (line 40) until user bob logs in "
                        "again: its max_auth_age is 900s, and the login was 901s ago");
    authenticated_at_s = 0;
    assert_string_equal(explain("bob", 2, "public:chat", ACTION_PUBLISH),
                        "refused by channels[0] \"public:chat\" (line 40) until user bob logs in "
                        "again: its max_auth_age is 900s, and when the login was is not known");
    authenticated_at_s = NOW;
    rules[0].max_auth_age_s = 0;
}

static void bytes_of_strangers_are_not_repeated(void **state)
{
    const char *text;
    size_t i;

    (void)state;
    text = explain("\x1b[31m\n", 2, "user:a:messages", ACTION_SUBSCRIBE);
    assert_non_null(strstr(text, "a user without a valid id"));
    for (i = 0; text[i] != '\0'; i++)
        assert_in_range((unsigned char)text[i], 0x20, 0x7e);
    text = explain("bob", 2, "a\x1b]0;x\x07", ACTION_SUBSCRIBE);
    assert_non_null(strstr(text, "not a channel name"));
    assert_null(strchr(text, '\x1b'));
}

static void a_short_buffer_is_filled_and_not_overrun(void **state)
{
    struct identity who = {.roles = 2};
    struct access_question asked = {&who, VIEW("public:chat"), ACTION_PUBLISH, NOW};
    char whole[512];
    size_t len;

    (void)state;
    access_question_explain(whole, sizeof(whole), &policy, &asked, NULL);
    for (len = 0; len <= strlen(whole) + 1; len++) {
        struct guarded g = guarded_copy(whole, len);
        char *out = (char *)g.data;

        access_question_explain(out, len, &policy, &asked, NULL);
        if (len > 0) {
            assert_int_equal(strlen(out), len - 1);
            assert_memory_equal(out, whole, len - 1);
        }
        guarded_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_has_its_sentence),
        cmocka_unit_test(what_a_token_lacks_is_named),
        cmocka_unit_test(how_old_a_login_is_and_may_be_is_said),
        cmocka_unit_test(bytes_of_strangers_are_not_repeated),
        cmocka_unit_test(a_short_buffer_is_filled_and_not_overrun),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
