/* SPDX-License-Identifier: Apache-2.0 */
/* api_oversight_test.c: bodies that look over a server, and what is wrong with others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_oversight.h"
#include "base/status.h"

static struct arena arena;

static const struct json *parse(const char *text)
{
    struct json *root = NULL;
    size_t error_at;

    arena_reset(&arena);
    assert_int_equal(json_parse(&root, view_of_text(text), NULL, &arena, &error_at), OK);
    return root;
}

static void bans_are_asked_for_by_address(void **state)
{
    static const struct {
        enum api_ban_verb verb;
        const char *text;
        enum api_result result;
    } rows[] = {
        {API_BAN_LIST, "{}", API_RESULT_OK},
        {API_BAN_LIST, "{\"after\":\"2001:db8::1\",\"limit\":1}", API_RESULT_OK},
        {API_BAN_LIST, "[]", API_RESULT_JSON},
        {API_BAN_LIST, "{\"after\":\"\"}", API_RESULT_AFTER},
        {API_BAN_LIST, "{\"after\":\"unix\"}", API_RESULT_AFTER},
        {API_BAN_LIST, "{\"after\":7}", API_RESULT_FIELD_MISSING},
        {API_BAN_LIST, "{\"limit\":0}", API_RESULT_LIMIT},
        {API_BAN_LIST, "{\"limit\":101}", API_RESULT_LIMIT},
        {API_BAN_LIST, "{\"limit\":\"1\"}", API_RESULT_LIMIT},
        {API_BAN_LIST, "{\"ip\":\"192.0.2.1\"}", API_RESULT_FIELD_UNKNOWN},
        {API_BAN_LIFT, "{\"ip\":\"192.0.2.1\"}", API_RESULT_OK},
        {API_BAN_LIFT, "{}", API_RESULT_FIELD_MISSING},
        {API_BAN_LIFT, "{\"ip\":7}", API_RESULT_FIELD_MISSING},
        {API_BAN_LIFT, "{\"ip\":\"192.0.2.1/32\"}", API_RESULT_IP},
        {API_BAN_LIFT, "{\"ip\":\"192.0.2.1\",\"seconds\":1}", API_RESULT_FIELD_UNKNOWN},
        {API_BAN_ADD, "{\"ip\":\"192.0.2.1\",\"seconds\":604800}", API_RESULT_OK},
        {API_BAN_ADD, "{\"ip\":\"192.0.2.1\"}", API_RESULT_FIELD_MISSING},
        {API_BAN_ADD, "{\"seconds\":1}", API_RESULT_FIELD_MISSING},
        {API_BAN_ADD, "{\"ip\":\"::1%lo\",\"seconds\":1}", API_RESULT_IP},
        {API_BAN_ADD, "{\"ip\":\"192.0.2.1\",\"seconds\":0}", API_RESULT_BAN_SECONDS},
        {API_BAN_ADD, "{\"ip\":\"192.0.2.1\",\"seconds\":604801}", API_RESULT_BAN_SECONDS},
        {API_BAN_ADD, "{\"ip\":\"192.0.2.1\",\"seconds\":1.5}", API_RESULT_BAN_SECONDS},
        {API_BAN_ADD, "{\"ip\":\"192.0.2.1\",\"seconds\":\"9\"}", API_RESULT_BAN_SECONDS},
    };
    struct api_ban_ask ask;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(api_ask_ban(&ask, parse(rows[i].text), rows[i].verb), rows[i].result);
    assert_int_equal(api_ask_ban(&ask, parse("{}"), API_BAN_LIST), API_RESULT_OK);
    assert_true(!ask.has_after && ask.limit == 100);
}

static void a_page_of_sanctions_begins_behind_a_place(void **state)
{
    struct api_sanctions_ask ask;

    (void)state;
    assert_int_equal(api_ask_sanctions(&ask, parse("{}")), API_RESULT_OK);
    assert_true(ask.channel.len == 0 && ask.after_channel.len == 0 && ask.limit == 100);
    assert_int_equal(
        api_ask_sanctions(&ask, parse("{\"channel\":\"a:b\",\"after\":\"a:b eve\",\"limit\":7}")),
        API_RESULT_OK);
    assert_true(view_eq(ask.after_channel, VIEW("a:b")) && view_eq(ask.after_user, VIEW("eve")));
    assert_int_equal(api_ask_sanctions(&ask, parse("{\"after\":\"a:b\"}")), API_RESULT_OK);
    assert_int_equal(ask.after_user.len, 0);
    assert_int_equal(api_ask_sanctions(&ask, parse("{\"after\":\"a:b \"}")), API_RESULT_AFTER);
    assert_int_equal(api_ask_sanctions(&ask, parse("{\"after\":\"\"}")), API_RESULT_AFTER);
    assert_int_equal(api_ask_sanctions(&ask, parse("{\"after\":\"a b c\"}")), API_RESULT_AFTER);
    assert_int_equal(api_ask_sanctions(&ask, parse("{\"after\":1}")), API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_sanctions(&ask, parse("{\"channel\":\"\"}")), API_RESULT_CHANNEL);
    assert_int_equal(api_ask_sanctions(&ask, parse("{\"user\":\"a\"}")), API_RESULT_FIELD_UNKNOWN);
    assert_int_equal(api_ask_sanctions(&ask, parse("{\"limit\":null}")), API_RESULT_LIMIT);
}

static void a_look_is_into_one_channel(void **state)
{
    static const char *const since[] = {
        "7",
        "{}",
        "{\"epoch\":\"a\"}",
        "{\"epoch\":\"a\",\"offset\":-1}",
        "{\"epoch\":1,\"offset\":1}",
        "{\"epoch\":\"a\",\"offset\":\"1\"}",
        "{\"epoch\":\"a\",\"offset\":1,\"x\":1}",
    };
    struct api_look_ask ask;
    char text[128];

    (void)state;
    assert_int_equal(api_ask_presence(&ask, parse("{\"channel\":\"a:b\"}")), API_RESULT_OK);
    assert_true(ask.limit == 100 && ask.after.len == 0);
    assert_int_equal(api_ask_presence(&ask, parse("{\"channel\":\"a\",\"after\":\"eve\"}")),
                     API_RESULT_OK);
    assert_int_equal(api_ask_presence(&ask, parse("{\"channel\":\"a\",\"after\":\"e e\"}")),
                     API_RESULT_AFTER);
    assert_int_equal(api_ask_presence(&ask, parse("{}")), API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_presence(&ask, parse("{\"channel\":\"*\"}")), API_RESULT_CHANNEL);
    assert_int_equal(api_ask_presence(&ask, parse("{\"channel\":\"a\",\"since\":{}}")),
                     API_RESULT_FIELD_UNKNOWN);
    assert_int_equal(
        api_ask_history(&ask,
                        parse("{\"channel\":\"a\",\"since\":{\"epoch\":\"e\",\"offset\":4}}")),
        API_RESULT_OK);
    assert_true(ask.has_since && ask.offset == 4 && view_eq(ask.epoch, VIEW("e")));
    assert_int_equal(api_ask_history(&ask, parse("{\"channel\":\"a\"}")), API_RESULT_OK);
    assert_false(ask.has_since);
    assert_int_equal(api_ask_history(&ask, parse("{\"channel\":\"a\",\"limit\":1000}")),
                     API_RESULT_LIMIT);
    for (unsigned i = 0; i < sizeof(since) / sizeof(since[0]); i++) {
        (void)snprintf(text, sizeof(text), "{\"channel\":\"a\",\"since\":%s}", since[i]);
        assert_int_equal(api_ask_history(&ask, parse(text)), API_RESULT_SINCE);
    }
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 65536);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bans_are_asked_for_by_address),
        cmocka_unit_test(a_page_of_sanctions_begins_behind_a_place),
        cmocka_unit_test(a_look_is_into_one_channel),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
