/* SPDX-License-Identifier: Apache-2.0 */
/* api_control_test.c: bodies that steer a server or ask what is there, and what is wrong with
 * others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_control.h"
#include "base/status.h"

#define ID "AAAAAAAAAAAAAAAAAAAAAA"

static struct arena arena;

static const struct json *parse(const char *text)
{
    struct json *root = NULL;
    size_t error_at;

    arena_reset(&arena);
    assert_int_equal(json_parse(&root, view_of_text(text), NULL, &arena, &error_at), OK);
    return root;
}

static void who_gets_a_broadcast_is_said_out_loud(void **state)
{
    struct api_broadcast_ask ask;

    (void)state;
    assert_int_equal(api_ask_broadcast(&ask, parse("{\"channels\":\"*\",\"data\":null}")),
                     API_RESULT_OK);
    assert_null(ask.channels);
    assert_int_equal(ask.data->type, JSON_NULL);
    assert_int_equal(api_ask_broadcast(&ask, parse("{\"channels\":[\"a:b\",\"c\"],\"data\":1}")),
                     API_RESULT_OK);
    assert_int_equal(ask.channels->count, 2);
    assert_int_equal(api_ask_broadcast(&ask, parse("{\"data\":1}")), API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_broadcast(&ask, parse("{\"channels\":\"*\"}")),
                     API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_broadcast(&ask, parse("{\"channels\":[],\"data\":1}")),
                     API_RESULT_CHANNELS);
    assert_int_equal(api_ask_broadcast(&ask, parse("{\"channels\":[\"*\"],\"data\":1}")),
                     API_RESULT_CHANNELS);
    assert_int_equal(api_ask_broadcast(&ask, parse("{\"channels\":[\"a\",7],\"data\":1}")),
                     API_RESULT_CHANNELS);
    assert_int_equal(api_ask_broadcast(&ask, parse("{\"channels\":\"a\",\"data\":1}")),
                     API_RESULT_CHANNELS);
    assert_int_equal(api_ask_broadcast(&ask, parse("[]")), API_RESULT_JSON);
}

static void a_subscription_names_user_and_channel(void **state)
{
    struct api_subscription_ask ask;

    (void)state;
    assert_int_equal(
        api_ask_subscription(&ask, parse("{\"user\":\"a\",\"channel\":\"b:c\"}"), true),
        API_RESULT_OK);
    assert_true(ask.ends && view_eq(ask.user, VIEW("a")) && view_eq(ask.channel, VIEW("b:c")));
    assert_int_equal(api_ask_subscription(&ask, parse("{\"user\":\"a\"}"), false),
                     API_RESULT_FIELD_MISSING);
    assert_int_equal(
        api_ask_subscription(&ask, parse("{\"user\":\"a:b\",\"channel\":\"b\"}"), false),
        API_RESULT_USER);
    assert_int_equal(api_ask_subscription(&ask, parse("{\"user\":\"a\",\"channel\":\"*\"}"), false),
                     API_RESULT_CHANNEL);
}

static void what_moderation_needs_depends_on_the_action(void **state)
{
#define BODY(action, rest) "{\"action\":\"" action "\",\"channel\":\"a:b\"" rest "}"
    static const struct {
        const char *text;
        enum api_result result;
    } rows[] = {
        {BODY("kick", ",\"user\":\"a\""), API_RESULT_OK},
        {BODY("kick", ",\"user\":\"a\",\"seconds\":1"), API_RESULT_OK},
        {BODY("kick", ",\"connection\":\"" ID "\""), API_RESULT_OK},
        {BODY("mute", ",\"user\":\"a\",\"seconds\":2592000"), API_RESULT_OK},
        {BODY("unmute", ",\"user\":\"a\""), API_RESULT_OK},
        {BODY("unkick", ",\"user\":\"a\""), API_RESULT_OK},
        {BODY("open_channel", ""), API_RESULT_OK},
        {BODY("unkick", ""), API_RESULT_FIELD_MISSING},
        {BODY("unkick", ",\"connection\":\"" ID "\""), API_RESULT_FIELD_MISSING},
        {BODY("unkick", ",\"user\":\"a\",\"seconds\":1"), API_RESULT_FIELD_UNKNOWN},
        {BODY("open_channel", ",\"user\":\"a\""), API_RESULT_FIELD_MISSING},
        {BODY("open_channel", ",\"seconds\":1"), API_RESULT_FIELD_UNKNOWN},
        {BODY("close_channel", ""), API_RESULT_OK},
        {BODY("close_channel", ",\"seconds\":5"), API_RESULT_OK},
        {BODY("Kick", ",\"user\":\"a\""), API_RESULT_ACTION},
        {"{\"channel\":\"a\"}", API_RESULT_ACTION},
        {"{\"action\":7,\"channel\":\"a\"}", API_RESULT_ACTION},
        {"{\"action\":\"close_channel\"}", API_RESULT_FIELD_MISSING},
        {"{\"action\":\"close_channel\",\"channel\":\"*\"}", API_RESULT_CHANNEL},
        {BODY("kick", ""), API_RESULT_FIELD_MISSING},
        {BODY("kick", ",\"user\":\"a\",\"connection\":\"" ID "\""), API_RESULT_FIELD_MISSING},
        {BODY("kick", ",\"connection\":\"" ID "\",\"seconds\":1"), API_RESULT_FIELD_UNKNOWN},
        {BODY("kick", ",\"connection\":\"AAAA\""), API_RESULT_CONNECTION},
        {BODY("kick", ",\"user\":\"a:b\""), API_RESULT_USER},
        {BODY("kick", ",\"user\":7"), API_RESULT_USER},
        {BODY("mute", ",\"user\":\"a\""), API_RESULT_FIELD_MISSING},
        {BODY("mute", ",\"seconds\":1"), API_RESULT_FIELD_MISSING},
        {BODY("mute", ",\"connection\":\"" ID "\",\"seconds\":1"), API_RESULT_FIELD_MISSING},
        {BODY("mute", ",\"user\":\"a\",\"seconds\":0"), API_RESULT_SECONDS},
        {BODY("mute", ",\"user\":\"a\",\"seconds\":2592001"), API_RESULT_SECONDS},
        {BODY("mute", ",\"user\":\"a\",\"seconds\":\"9\""), API_RESULT_SECONDS},
        {BODY("unmute", ",\"user\":\"a\",\"seconds\":1"), API_RESULT_FIELD_UNKNOWN},
        {BODY("close_channel", ",\"user\":\"a\""), API_RESULT_FIELD_MISSING},
        {BODY("close_channel", ",\"why\":\"a\""), API_RESULT_FIELD_UNKNOWN},
    };
#undef BODY
    struct api_moderate_ask ask;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(api_ask_moderate(&ask, parse(rows[i].text)), rows[i].result);
}

static void exactly_one_is_disconnected_by(void **state)
{
    static const struct {
        const char *text;
        enum api_result result;
    } rows[] = {
        {"{\"user\":\"a\"}", API_RESULT_OK},
        {"{\"connection\":\"" ID "\"}", API_RESULT_OK},
        {"{\"user\":\"a\",\"reconnect\":true}", API_RESULT_OK},
        {"{}", API_RESULT_FIELD_MISSING},
        {"{\"reconnect\":true}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"connection\":\"" ID "\"}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"connection\":7}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"reconnect\":1}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"\"}", API_RESULT_USER},
        {"{\"connection\":\"AAAA\"}", API_RESULT_CONNECTION},
    };
    struct api_disconnect_ask ask;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(api_ask_disconnect(&ask, parse(rows[i].text)), rows[i].result);
    assert_int_equal(api_ask_disconnect(&ask, parse("{\"connection\":\"" ID "\"}")), API_RESULT_OK);
    assert_null(ask.user.ptr);
    assert_false(ask.reconnects);
}

static void a_page_has_a_beginning_and_a_length(void **state)
{
    struct api_list_ask ask;

    (void)state;
    assert_int_equal(api_ask_channels(&ask, parse("{}")), API_RESULT_OK);
    assert_int_equal(ask.limit, API_LIST_MAX);
    assert_int_equal(ask.after.len + ask.prefix.len, 0);
    assert_int_equal(
        api_ask_channels(&ask, parse("{\"limit\":1,\"after\":\"a:b\",\"prefix\":\"a:\"}")),
        API_RESULT_OK);
    assert_int_equal(ask.limit, 1);
    assert_int_equal(api_ask_channels(&ask, parse("{\"limit\":101}")), API_RESULT_LIMIT);
    assert_int_equal(api_ask_channels(&ask, parse("{\"limit\":1.5}")), API_RESULT_LIMIT);
    assert_int_equal(api_ask_channels(&ask, parse("{\"after\":\"a b\"}")), API_RESULT_AFTER);
    assert_int_equal(api_ask_channels(&ask, parse("{\"after\":7}")), API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_connections(&ask, parse("{\"after\":\"" ID "\",\"user\":\"a\"}")),
                     API_RESULT_OK);
    assert_int_equal(api_ask_connections(&ask, parse("{\"after\":\"x\"}")), API_RESULT_AFTER);
    assert_int_equal(api_ask_connections(&ask, parse("{\"user\":\"\"}")), API_RESULT_USER);
    assert_int_equal(api_ask_connections(&ask, parse("{\"prefix\":\"a\"}")),
                     API_RESULT_FIELD_UNKNOWN);
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 1024 * 1024);
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
        cmocka_unit_test(who_gets_a_broadcast_is_said_out_loud),
        cmocka_unit_test(a_subscription_names_user_and_channel),
        cmocka_unit_test(what_moderation_needs_depends_on_the_action),
        cmocka_unit_test(exactly_one_is_disconnected_by),
        cmocka_unit_test(a_page_has_a_beginning_and_a_length),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
