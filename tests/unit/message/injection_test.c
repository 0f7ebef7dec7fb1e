/* SPDX-License-Identifier: Apache-2.0 */
/* injection_test.c: thresholds, engines, and which parts of a JSON tree are judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/injection.h"

static struct arena arena;
static const struct injection_detector detector = {&injection_signs, NULL, INJECTION_THRESHOLD};

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static void families_have_names(void **state)
{
    (void)state;
    for (unsigned a = 0; a < INJECTION_FAMILIES; a++) {
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(injection_family_name((enum injection_family)a),
                                    injection_family_name((enum injection_family)b));
    }
    assert_string_equal(injection_family_name(INJECTION_SQL), "sql");
    assert_string_equal(injection_family_name(INJECTION_FAMILIES), "?");
}

/* An engine that counts the letter x, and has no verdict on a text with a y. */
static int count_x(void *self, struct view text, struct injection_verdict *verdict)
{
    unsigned *calls = self;

    ++*calls;
    *verdict = (struct injection_verdict){INJECTION_SHELL, 0};
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == 'y')
            return E_IO;
        verdict->score += text.ptr[i] == 'x';
    }
    return OK;
}

static const struct injection_ops count_x_ops = {"count_x", count_x, NULL};

static void the_threshold_is_met_exactly(void **state)
{
    unsigned calls = 0;
    const struct injection_detector d = {&count_x_ops, &calls, 3};
    struct injection_verdict verdict = {INJECTION_NONE, 0};

    (void)state;
    assert_int_equal(injection_check(&d, VIEW("axbx"), &verdict), OK);
    assert_int_equal(verdict.score, 2);
    assert_int_equal(injection_check(&d, VIEW("axbxx"), &verdict), E_DENIED);
    assert_int_equal(verdict.score, 3);
    assert_int_equal(verdict.family, INJECTION_SHELL);
    assert_int_equal(calls, 2);
}

static void an_engine_without_a_verdict_refuses(void **state)
{
    unsigned calls = 0;
    const struct injection_detector d = {&count_x_ops, &calls, 3};
    struct injection_verdict verdict = {INJECTION_LDAP, 77};
    struct json *root;

    (void)state;
    assert_int_equal(injection_check(&d, VIEW("xxxxy"), &verdict), E_IO);
    assert_int_equal(json_parse(&root, VIEW("[\"x\",[\"y\"]]"), NULL, &arena, NULL), OK);
    assert_int_equal(injection_check_json(&d, root, VIEW(""), &verdict), E_IO);
    assert_int_equal(verdict.score, 77);
}

static int check_json(const char *text, const char *pointer, struct injection_verdict *verdict)
{
    struct json *root;

    arena_reset(&arena);
    if (json_parse(&root, view_of_text(text), NULL, &arena, NULL) != OK)
        fail_msg("no JSON: %s", text);
    return injection_check_json(&detector, root, view_of_text(pointer), verdict);
}

static void every_string_and_name_below_a_pointer_is_judged(void **state)
{
    static const struct {
        const char *text, *pointer;
        int rc;
        enum injection_family family;
    } rows[] = {
        {"{\"a\":\"' OR '1'='1\"}", "/a", E_DENIED, INJECTION_SQL},
        {"{\"a\":\"' OR '1'='1\",\"b\":\"hi\"}", "/b", OK, INJECTION_NONE},
        {"{\"a\":{\"b\":[1,[\"hi\",\"../../../../etc/passwd\"]]}}", "", E_DENIED, INJECTION_PATH},
        {"{\"user\":{\"$ne\":null}}", "/user", E_DENIED, INJECTION_NOSQL},
        {"{\"user\":{\"x\":{\"__proto__\":{}}}}", "", E_DENIED, INJECTION_NOSQL},
        {"{\"a\":[{\"1 UNION SELECT 1,2\":true}]}", "/a", E_DENIED, INJECTION_SQL},
        {"{\"a\":[{},[],\"\",{\"\":\"hi\"}]}", "", OK, INJECTION_NONE},
        {"{\"a\":1}", "/nowhere", OK, INJECTION_NONE},
        {"\"{{7*7}}\"", "", E_DENIED, INJECTION_TEMPLATE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct injection_verdict verdict = {INJECTION_FAMILIES, 99};

        if (check_json(rows[i].text, rows[i].pointer, &verdict) != rows[i].rc ||
            verdict.family != rows[i].family)
            fail_msg("%s: %s %u", rows[i].text, injection_family_name(verdict.family),
                     verdict.score);
    }
}

static void the_highest_verdict_below_the_threshold_is_told(void **state)
{
    struct injection_verdict verdict = {INJECTION_NONE, 0};

    (void)state;
    assert_int_equal(check_json("[\"a <script> tag\",\"hi\",\"drop table\"]", "", &verdict), OK);
    assert_int_equal(verdict.family, INJECTION_SCRIPT);
    assert_int_equal(verdict.score, 6);
}

static void what_is_no_pointer_or_too_deep_is_an_error(void **state)
{
    struct injection_verdict verdict = {INJECTION_NONE, 0};
    struct json *root;
    struct json outer = {.type = JSON_ARRAY, .count = 1};
    char text[2 * JSON_DEPTH_MAX + 2] = "";

    (void)state;
    assert_int_equal(check_json("{}", "a", &verdict), E_INVALID);
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    assert_int_equal(check_json(text, "", &verdict), OK);
    text[JSON_DEPTH_MAX] = '1';
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX);
    assert_int_equal(json_parse(&root, view_of_text(text), NULL, &arena, NULL), OK);
    outer.first = root;
    assert_int_equal(injection_check_json(&detector, &outer, VIEW(""), &verdict), E_LIMIT);
}

/* An engine of its own rules: refuses lists, has no verdict on numbers. */
static int no_lists(void *self, struct view about, const struct json *top,
                    struct injection_verdict *verdict)
{
    unsigned *calls = self;

    ++*calls;
    assert_true(view_eq(about, VIEW("chat")));
    if (top->type == JSON_NUMBER)
        return E_IO;
    if (top->type != JSON_ARRAY)
        return OK;
    *verdict = (struct injection_verdict){INJECTION_OTHER, 1};
    return E_DENIED;
}

static void count_close(void *self)
{
    *(unsigned *)self += 100;
}

static int ask(const struct injection_engine *e, const char *pointer,
               struct injection_verdict *verdict)
{
    struct json *root;

    assert_int_equal(json_parse(&root, VIEW("{\"a\":[1],\"b\":\"x\",\"c\":1}"), NULL, &arena, NULL),
                     OK);
    return injection_engine_ask(e, VIEW("chat"), root, view_of_text(pointer), verdict);
}

static void an_engine_of_its_own_rules_is_asked_once(void **state)
{
    struct injection_verdict verdict = {INJECTION_NONE, 0};
    unsigned calls = 0;
    struct injection_engine e = {no_lists, count_close, &calls};

    (void)state;
    assert_int_equal(ask(&e, "/b", &verdict), OK);
    assert_int_equal(ask(&e, "/c", &verdict), E_IO);
    assert_int_equal(ask(&e, "", &verdict), OK);
    assert_int_equal(verdict.family, INJECTION_NONE);
    assert_int_equal(ask(&e, "/a", &verdict), E_DENIED);
    assert_int_equal(verdict.family, INJECTION_OTHER);
    assert_int_equal(calls, 4);
    assert_int_equal(ask(&e, "/none", &verdict), OK);
    assert_int_equal(ask(&e, "b", &verdict), E_INVALID);
    assert_int_equal(calls, 4);
    injection_engine_clear(&e);
    injection_engine_clear(&e);
    assert_int_equal(calls, 104);
    assert_int_equal(ask(&e, "/b", &verdict), E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_have_names),
        cmocka_unit_test(the_threshold_is_met_exactly),
        cmocka_unit_test(an_engine_without_a_verdict_refuses),
        cmocka_unit_test(every_string_and_name_below_a_pointer_is_judged),
        cmocka_unit_test(the_highest_verdict_below_the_threshold_is_told),
        cmocka_unit_test(what_is_no_pointer_or_too_deep_is_an_error),
        cmocka_unit_test(an_engine_of_its_own_rules_is_asked_once),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
