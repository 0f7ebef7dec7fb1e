/* SPDX-License-Identifier: Apache-2.0 */
/* judge_test.c: each check alone, their order, the two modes, and what comes out cleaned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "access/scope.h"
#include "policy/judge.h"

#define NOW 1800000000

enum { GUEST = 1, USER = 2, ADMIN = 4 };

struct house {
    struct arena arena;
    struct role_set roles;
    struct identity who;
    struct message_type type;
    struct message_policy policy;
    struct schema_scratch *scratch;
    struct user_table *users;
    struct policy_usage *usage;
    struct policy_verdict verdict;
    char seen[256]; /* words of what observe mode told */
};

static void house_init(struct house *h)
{
    struct rate_limit any = rate_limit_make(60, 60000, 60);

    memset(h, 0, sizeof(*h));
    arena_init(&h->arena, 65536, 1 << 20);
    assert_int_equal(role_set_add(&h->roles, VIEW("guest"), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(&h->roles, VIEW("user"), PERMISSION_READ | PERMISSION_WRITE), OK);
    assert_int_equal(role_set_add(&h->roles, VIEW("admin"), 15), OK);
    memcpy(h->who.user, "alice", 5);
    h->who.user_bytes = 5;
    h->who.roles = USER;
    h->who.authenticated_at_s = NOW - 100;
    h->type.name = (char *)(uintptr_t) "chat";
    h->policy.types = &h->type;
    h->policy.count = 1;
    assert_int_equal(schema_scratch_new(&h->scratch), OK);
    assert_int_equal(user_table_new(&h->users, 10, &any, &any), OK);
}

static void house_clear(struct house *h)
{
    policy_usage_free(h->usage);
    user_table_free(h->users);
    schema_scratch_free(h->scratch);
    schema_free(h->type.schema);
    map_clear(&h->policy.by_name);
    arena_clear(&h->arena);
}

static struct json *parse(struct house *h, const char *text)
{
    struct json *root;
    size_t at;

    assert_int_equal(json_parse(&root, view_of_text(text), NULL, &h->arena, &at), OK);
    return root;
}

static void set_schema(struct house *h, const char *text)
{
    struct schema_fault fault;

    assert_int_equal(schema_compile(&h->type.schema, parse(h, text), NULL, &fault), OK);
    assert_int_equal(schema_scratch_fit(h->scratch, h->type.schema), OK);
}

static void set_channel(struct house *h, const char *text)
{
    h->type.publish = (char *)(uintptr_t)text;
    assert_int_equal(channel_template_parse(&h->type.channel, view_of_text(text), NULL), OK);
}

static void on_observed(void *context, const struct policy_verdict *v)
{
    struct house *h = context;

    strcat(h->seen, policy_reason_text(v->reason));
    strcat(h->seen, v->pointer);
    strcat(h->seen, ",");
}

static enum policy_reason judge(struct house *h, const char *text)
{
    struct policy_question q = {.policy = &h->policy,
                                .type = &h->type,
                                .roles = &h->roles,
                                .who = &h->who,
                                .message = parse(h, text),
                                .message_bytes = strlen(text),
                                .wall_s = NOW,
                                .scratch = h->scratch,
                                .arena = &h->arena,
                                .observed = on_observed,
                                .context = h};
    bool passed;

    q.meter = (struct policy_meter){&h->usage, h->users, VIEW("alice"), 1};
    if (h->policy.by_name.count == 0)
        assert_int_equal(message_policy_build(&h->policy), OK);
    passed = policy_judge(&q, &h->verdict);
    assert_int_equal(passed, h->verdict.reason == POLICY_PASSED);
    return h->verdict.reason;
}

static void expect_text(const struct house *h, const char *text)
{
    assert_true(view_eq(view_of(h->verdict.text, h->verdict.text_len), view_of_text(text)));
}

static void a_type_without_checks_passes(void **state)
{
    struct house h;

    (void)state;
    house_init(&h);
    assert_int_equal(judge(&h, "{\"type\":\"chat\"}"), POLICY_PASSED);
    assert_null(h.verdict.data);
    assert_null(h.usage);
    house_clear(&h);
}

static void size_counts_the_bytes_of_the_message(void **state)
{
    struct house h;

    (void)state;
    house_init(&h);
    h.type.bytes_max = 10;
    assert_int_equal(judge(&h, "{\"a\":1234}"), POLICY_PASSED);
    assert_int_equal(judge(&h, "{\"a\":12345}"), POLICY_TOO_LARGE);
    expect_text(&h, "Message exceeds max size 10");
    assert_string_equal(policy_reason_code(POLICY_TOO_LARGE), "too_large");
    house_clear(&h);
}

static void rate_is_taken_before_anything_is_looked_at(void **state)
{
    struct house h;

    (void)state;
    house_init(&h);
    h.type.rate =
        (struct message_rate){.has_minute = true, .per_minute = rate_limit_make(2, 60000, 2)};
    h.type.permission = PERMISSION_ADMIN;
    assert_int_equal(judge(&h, "{}"), POLICY_NO_PERMISSION);
    assert_int_equal(judge(&h, "{}"), POLICY_NO_PERMISSION);
    assert_int_equal(judge(&h, "{}"), POLICY_RATE);
    assert_true(h.verdict.is_first);
    expect_text(&h, "Rate limit exceeded");
    house_clear(&h);
}

static void the_sender_is_judged_like_everywhere(void **state)
{
    struct house h;

    (void)state;
    house_init(&h);
    h.type.permission = PERMISSION_WRITE;
    assert_int_equal(judge(&h, "{}"), POLICY_PASSED);
    h.who.roles = GUEST;
    assert_int_equal(judge(&h, "{}"), POLICY_NO_PERMISSION);
    expect_text(&h, "Not allowed");
    h.type.deny = GUEST;
    assert_int_equal(judge(&h, "{}"), POLICY_ROLE_DENIED);
    h.who.roles = GUEST | ADMIN;
    assert_int_equal(judge(&h, "{}"), POLICY_ROLE_DENIED);
    h.type.deny = 0;
    h.type.allow = ADMIN;
    assert_int_equal(judge(&h, "{}"), POLICY_PASSED);
    h.who.roles = USER;
    assert_int_equal(judge(&h, "{}"), POLICY_ROLE_NOT_ALLOWED);
    h.type.allow = 0;
    h.type.scopes = 3;
    h.who.scopes = 1;
    assert_int_equal(judge(&h, "{}"), POLICY_NO_SCOPE);
    h.who.scopes = SCOPES_ALL;
    assert_int_equal(judge(&h, "{}"), POLICY_PASSED);
    house_clear(&h);
}

static void an_old_login_is_told_only_when_nothing_else_is_wrong(void **state)
{
    struct house h;

    (void)state;
    house_init(&h);
    h.type.max_auth_age_s = 100;
    assert_int_equal(judge(&h, "{}"), POLICY_PASSED);
    h.type.max_auth_age_s = 99;
    assert_int_equal(judge(&h, "{}"), POLICY_AUTH_TOO_OLD);
    expect_text(&h, "Authenticate again");
    h.type.permission = PERMISSION_ADMIN;
    assert_int_equal(judge(&h, "{}"), POLICY_NO_PERMISSION);
    house_clear(&h);
}

static void a_broken_schema_is_told_in_the_guides_words(void **state)
{
    static const struct {
        const char *message, *text, *pointer;
    } rows[] = {
        {"{\"type\":\"chat\"}", "Missing required field: content", ""},
        {"{\"content\":5}", "Field 'content' must be string", "/content"},
        {"{\"content\":\"123456\"}", "Field 'content' exceeds max length 5", "/content"},
        {"{\"content\":\"x\",\"room_id\":\"a b\"}", "Field 'room_id' has invalid format",
         "/room_id"},
        {"{\"content\":\"x\",\"mood\":\"wild\"}", "Field 'mood' has invalid value", "/mood"},
    };
    struct house h;

    (void)state;
    house_init(&h);
    set_schema(&h, "{\"type\":\"object\",\"required\":[\"content\"],\"properties\":{"
                   "\"content\":{\"type\":\"string\",\"maxLength\":5},"
                   "\"room_id\":{\"type\":\"string\",\"pattern\":\"^[a-zA-Z0-9_-]{1,50}$\"},"
                   "\"mood\":{\"enum\":[\"good\",\"bad\"]}}}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(judge(&h, rows[i].message), POLICY_SCHEMA);
        expect_text(&h, rows[i].text);
        assert_string_equal(h.verdict.pointer, rows[i].pointer);
    }
    h.type.is_brief = true;
    assert_int_equal(judge(&h, rows[0].message), POLICY_SCHEMA);
    expect_text(&h, "Message does not match its schema");
    house_clear(&h);
}

static void signs_of_injection_are_a_verdict(void **state)
{
    static char *pointers[] = {(char *)(uintptr_t) "/q"};
    struct house h;

    (void)state;
    house_init(&h);
    h.type.injection = pointers;
    h.type.injection_count = 1;
    h.type.injection_score = INJECTION_THRESHOLD;
    assert_int_equal(judge(&h, "{\"q\":\"a quiet evening\",\"x\":\"' or 1=1 --\"}"), POLICY_PASSED);
    assert_int_equal(judge(&h, "{\"q\":\"' or 1=1 --\"}"), POLICY_INJECTION);
    assert_string_equal(h.verdict.family, "sql");
    assert_string_equal(h.verdict.pointer, "/q");
    expect_text(&h, "Message content refused");
    assert_int_equal(judge(&h, "{\"q\":{\"$ne\":null}}"), POLICY_INJECTION);
    h.type.injection = NULL;
    h.type.injection_count = 0;
    house_clear(&h);
}

static int refuse_scripts(void *self, struct view about, const struct json *top,
                          struct injection_verdict *verdict)
{
    (void)self;
    assert_true(about.len > 0);
    if (top->type != JSON_STRING)
        return E_LIMIT;
    if (!view_eq(top->text, VIEW("script")))
        return OK;
    *verdict = (struct injection_verdict){INJECTION_SCRIPT, 1};
    return E_DENIED;
}

static void a_module_judges_in_place_of_the_signs(void **state)
{
    static char *pointers[] = {(char *)(uintptr_t) "/q"};
    struct house h;

    (void)state;
    house_init(&h);
    h.type.injection = pointers;
    h.type.injection_count = 1;
    h.type.injection_score = INJECTION_THRESHOLD;
    h.type.is_injection_by_module = true;
    assert_int_equal(judge(&h, "{\"q\":\"a quiet evening\"}"), POLICY_INJECTION);
    assert_string_equal(h.verdict.family, "no_verdict"); /* there is no module */
    h.policy.injection_module = (struct injection_engine){refuse_scripts, NULL, NULL};
    assert_int_equal(judge(&h, "{\"q\":\"' or 1=1 --\"}"), POLICY_PASSED);
    assert_int_equal(judge(&h, "{\"q\":\"script\"}"), POLICY_INJECTION);
    assert_string_equal(h.verdict.family, "script");
    assert_string_equal(h.verdict.pointer, "/q");
    assert_int_equal(judge(&h, "{\"q\":[]}"), POLICY_INJECTION);
    assert_string_equal(h.verdict.family, "no_verdict");
    h.type.injection = NULL;
    h.type.injection_count = 0;
    house_clear(&h);
}

static void what_is_published_is_cleaned_and_has_no_id(void **state)
{
    static const struct {
        const char *message, *data;
    } rows[] = {
        {"{\"type\":\"chat\",\"content\":\"hi\",\"room_id\":\"7\"}",
         "{\"type\":\"chat\",\"content\":\"hi\",\"room_id\":\"7\"}"},
        {"{\"id\":1,\"content\":\"hi\",\"room_id\":\"7\"}",
         "{\"content\":\"hi\",\"room_id\":\"7\"}"},
        {"{\"content\":\"<b>hi</b><script>x()</script>\",\"room_id\":\"7\"}",
         "{\"content\":\"hi\",\"room_id\":\"7\"}"},
        {"{\"room_id\":\"7\",\"content\":\"<i>1\",\"id\":\"x\"}",
         "{\"room_id\":\"7\",\"content\":\"1\"}"},
    };
    struct sanitize_rule rule = {VIEW("/content"), SANITIZE_STRIP};
    struct house h;

    (void)state;
    house_init(&h);
    set_channel(&h, "room-{/room_id}");
    h.type.sanitize = &rule;
    h.type.sanitize_count = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(judge(&h, rows[i].message), POLICY_PASSED);
        assert_true(
            view_eq(view_of(h.verdict.channel.bytes, h.verdict.channel.len), VIEW("room-7")));
        assert_true(view_eq(h.verdict.data->text, view_of_text(rows[i].data)));
    }
    h.type.data = (char *)(uintptr_t) "/content";
    assert_int_equal(judge(&h, rows[2].message), POLICY_PASSED);
    assert_true(view_eq(h.verdict.data->text, VIEW("hi")));
    assert_int_equal(judge(&h, "{\"room_id\":\"7\"}"), POLICY_DESTINATION);
    expect_text(&h, "Missing required field: content");
    h.type.data = NULL;
    h.type.sanitize = NULL;
    h.type.sanitize_count = 0;
    house_clear(&h);
}

static void a_destination_that_cannot_be_filled_is_told_as_a_schema_would(void **state)
{
    struct house h;

    (void)state;
    house_init(&h);
    set_channel(&h, "room-{/room_id}");
    assert_int_equal(judge(&h, "{}"), POLICY_DESTINATION);
    expect_text(&h, "Missing required field: room_id");
    assert_int_equal(judge(&h, "{\"room_id\":7}"), POLICY_DESTINATION);
    expect_text(&h, "Field 'room_id' must be string");
    assert_int_equal(judge(&h, "{\"room_id\":\"1:admin\"}"), POLICY_DESTINATION);
    expect_text(&h, "Field 'room_id' has invalid format");
    assert_string_equal(h.verdict.pointer, "/room_id");
    assert_string_equal(policy_reason_code(POLICY_DESTINATION), "schema");
    set_channel(&h, "{tenant}:x");
    assert_int_equal(judge(&h, "{}"), POLICY_NO_TENANT);
    expect_text(&h, "Not allowed");
    house_clear(&h);
}

static void observing_tells_all_and_lets_pass(void **state)
{
    struct house h;

    (void)state;
    house_init(&h);
    h.type.is_observed = true;
    h.type.bytes_max = 5;
    h.type.rate =
        (struct message_rate){.has_connection = true, .connection = rate_limit_make(1, 60000, 1)};
    h.type.permission = PERMISSION_ADMIN;
    set_schema(&h, "{\"properties\":{\"a\":{\"type\":\"integer\"}}}");
    assert_int_equal(judge(&h, "{\"a\":\"long enough\"}"), POLICY_PASSED);
    assert_string_equal(h.seen, "too_large,no_permission,schema/a,");
    h.seen[0] = '\0';
    assert_int_equal(judge(&h, "{\"a\":\"long enough\"}"), POLICY_PASSED);
    assert_string_equal(h.seen, "too_large,rate_limited,no_permission,schema/a,");
    set_channel(&h, "room-{/room_id}");
    assert_int_equal(judge(&h, "{}"), POLICY_DESTINATION); /* there is nowhere to let it pass to */
    house_clear(&h);
}

static void what_cannot_be_cleaned_passes_in_no_mode(void **state)
{
    struct sanitize_rule rule = {VIEW(""), SANITIZE_STRIP};
    struct house h;

    (void)state;
    house_init(&h);
    h.type.sanitize = &rule;
    h.type.sanitize_count = 1;
    h.type.is_observed = true;
    assert_int_equal(judge(&h, "{\"<img src=x onerror=alert(1)>\":1}"), POLICY_CONTENT);
    assert_string_equal(h.seen, "");
    h.type.sanitize = NULL;
    h.type.sanitize_count = 0;
    house_clear(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_without_checks_passes),
        cmocka_unit_test(size_counts_the_bytes_of_the_message),
        cmocka_unit_test(rate_is_taken_before_anything_is_looked_at),
        cmocka_unit_test(the_sender_is_judged_like_everywhere),
        cmocka_unit_test(an_old_login_is_told_only_when_nothing_else_is_wrong),
        cmocka_unit_test(a_broken_schema_is_told_in_the_guides_words),
        cmocka_unit_test(signs_of_injection_are_a_verdict),
        cmocka_unit_test(a_module_judges_in_place_of_the_signs),
        cmocka_unit_test(what_is_published_is_cleaned_and_has_no_id),
        cmocka_unit_test(a_destination_that_cannot_be_filled_is_told_as_a_schema_would),
        cmocka_unit_test(observing_tells_all_and_lets_pass),
        cmocka_unit_test(what_cannot_be_cleaned_passes_in_no_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
