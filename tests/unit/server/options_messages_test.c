/* SPDX-License-Identifier: Apache-2.0 */
/* options_messages_test.c: `messages`: what a row becomes, its defaults, and schemas written in the
 * file itself. Mistakes and their places: tests/integration/test_messages.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options_fixture.h"

#define TYPE(text) BASE "messages:\n  t: {" text "}\n"

static void a_row_without_keys_asks_for_write_alone(void **state)
{
    struct options *o = load_good(BASE "messages:\n  t:\n  ping:\n  message:\n");
    const struct message_type *t = message_policy_find(&o->messages, VIEW("t"));

    (void)state;
    assert_int_equal(t->permission, PERMISSION_WRITE);
    assert_false(t->is_builtin || t->is_observed || t->is_brief || t->is_silent);
    assert_int_equal(t->on_violation, VIOLATION_ERROR);
    assert_null(t->schema);
    assert_null(t->publish);
    assert_int_equal(o->messages.rated_count + o->messages.hooks_count, 0);
    t = message_policy_find(&o->messages, VIEW("ping"));
    assert_true(t->is_builtin);
    assert_int_equal(t->permission, 0);
    assert_true(message_policy_find(&o->messages, VIEW("message"))->is_builtin);
    options_free(o);
}

static void each_key_arrives(void **state)
{
    struct options *o = load_good(TYPE(
        "permission: moderate, roles: [user], deny: [guest], scopes: [a, b], max_auth_age: 90s, "
        "size: 1KiB, rate: {per_minute: 6, per_hour: 100, burst: 2, connection_per_minute: 3}, "
        "injection: [/q, message], injection_score: 20, sanitize: {/a: strip, message: escape}, "
        "publish: \"x:{/a}\", data: /a, reply: none, on_violation: close, mode: observe, "
        "errors: brief, hook: {url: \"https://app.example.com/\", ca: ca.crt, timeout: 1s, "
        "on_unavailable: accept}"));
    const struct message_type *t = message_policy_find(&o->messages, VIEW("t"));

    (void)state;
    assert_int_equal(t->permission, PERMISSION_MODERATE);
    assert_true(t->allow == role_set_bit(&o->policy.roles, VIEW("user")));
    assert_true(t->deny == role_set_bit(&o->policy.roles, VIEW("guest")));
    assert_int_equal(__builtin_popcountll(t->scopes), 2);
    assert_int_equal(t->max_auth_age_s, 90);
    assert_int_equal(t->bytes_max, 1024);
    assert_true(t->rate.has_minute && t->rate.has_hour && t->rate.has_connection);
    assert_int_equal(t->rate.per_minute.interval_ns, UINT64_C(10000000000));
    assert_int_equal(t->injection_count, 2);
    assert_string_equal(t->injection[1], "");
    assert_int_equal(t->injection_score, 20);
    assert_int_equal(t->sanitize_count, 2);
    assert_int_equal(t->sanitize[1].pointer.len, 0);
    assert_int_equal(t->channel.count, 2);
    assert_string_equal(t->data, "/a");
    assert_true(t->is_silent && t->is_observed && t->is_brief);
    assert_int_equal(t->on_violation, VIOLATION_CLOSE);
    assert_string_equal(t->hook.url, "https://app.example.com/");
    assert_true(t->hook.ca_bytes > 0);
    assert_int_equal(t->hook.timeout_ms, 1000);
    assert_int_equal(t->hook.on_unavailable, HOOK_ACCEPT);
    assert_int_equal(o->messages.hooks_count, 1);
    options_free(o);
}

static bool is_valid(const struct options *o, const char *message)
{
    const struct schema *schema = message_policy_find(&o->messages, VIEW("t"))->schema;
    struct schema_scratch *scratch;
    enum schema_verdict verdict;
    struct arena arena;
    struct json *root;
    size_t at;

    arena_init(&arena, 4096, 65536);
    assert_int_equal(schema_scratch_new(&scratch), OK);
    assert_int_equal(schema_scratch_fit(scratch, schema), OK);
    assert_int_equal(json_parse(&root, view_of_text(message), NULL, &arena, &at), OK);
    verdict = schema_check(schema, root, scratch, NULL);
    schema_scratch_free(scratch);
    arena_clear(&arena);
    return verdict == SCHEMA_VALID;
}

/* A plain word is a number or a truth where JSON would read one, and text where it is quoted. */
static void values_of_a_schema_are_what_they_look_like(void **state)
{
    static const struct {
        const char *schema, *good, *bad;
    } rows[] = {
        {"{const: 5}", "5", "\"5\""},
        {"{const: -0.5e+1}", "-5", "5"},
        {"{const: \"5\"}", "\"5\"", "5"},
        {"{const: true}", "true", "\"true\""},
        {"{const: \"true\"}", "\"true\"", "true"},
        {"{const: null}", "null", "\"null\""},
        {"{const: 05}", "\"05\"", "5"},
        {"{const: 1.}", "\"1.\"", "1"},
        {"{const: 1e}", "\"1e\"", "1"},
        {"{const: \"-\"}", "\"-\"", "0"},
        {"{const: \"a\\\"b\\\\\\u00fc\"}", "\"a\\\"b\\\\\\u00fc\"", "\"a\""},
        {"{const: [1, {a: []}]}", "[1,{\"a\":[]}]", "[1,{}]"},
        {"{required: [a], properties: {a: {maxLength: 2}}}", "{\"a\":\"xy\"}", "{\"a\":\"xyz\"}"},
        {"false", NULL, "1"},
        {"true", "1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char file[1024];
        struct options *o;

        (void)snprintf(file, sizeof(file), TYPE("schema: %s"), rows[i].schema);
        o = load_good(file);
        assert_true(rows[i].good == NULL || is_valid(o, rows[i].good));
        assert_true(rows[i].bad == NULL || !is_valid(o, rows[i].bad));
        options_free(o);
    }
}

static void names_are_bounded(void **state)
{
    char file[1024];

    (void)state;
    (void)snprintf(file, sizeof(file), BASE "messages:\n  %064d:\n", 0);
    options_free(load_good(file));
    (void)snprintf(file, sizeof(file), BASE "messages:\n  %065d:\n", 0);
    assert_fault(file, "is no name for a message type");
    assert_fault(BASE "messages:\n  \"a\\tb\":\n", "is no name for a message type");
    assert_fault(BASE "messages_by: \"\"\n", "t:5:14:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_without_keys_asks_for_write_alone),
        cmocka_unit_test(each_key_arrives),
        cmocka_unit_test(values_of_a_schema_are_what_they_look_like),
        cmocka_unit_test(names_are_bounded),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
