/* SPDX-License-Identifier: Apache-2.0 */
/* api_ask_test.c: bodies that mean something, and what is said about those that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_ask.h"
#include "base/status.h"

static struct role_set roles;
static struct arena arena;

static const struct json *parse(const char *text)
{
    struct json *root = NULL;
    size_t error_at;

    arena_reset(&arena);
    assert_int_equal(json_parse(&root, view_of_text(text), NULL, &arena, &error_at), OK);
    return root;
}

static void a_ticket_is_asked_for(void **state)
{
    struct api_ticket_ask ask;

    (void)state;
    assert_int_equal(api_ask_ticket(&ask,
                                    parse("{\"user\":\"alice\",\"roles\":[\"user\",\"admin\"],"
                                          "\"origin\":\"https://app.example.com\",\"ttl\":30,"
                                          "\"session_ttl\":86400}"),
                                    &roles),
                     API_RESULT_OK);
    assert_true(view_eq(ask.user, VIEW("alice")));
    assert_true(view_eq(ask.origin, VIEW("https://app.example.com")));
    assert_int_equal(ask.roles, 3);
    assert_int_equal(ask.ttl_s, 30);
    assert_int_equal(ask.session_ttl_s, 86400);
    assert_int_equal(
        api_ask_ticket(&ask, parse("{\"user\":\"a\",\"roles\":[],\"origin\":null}"), &roles),
        API_RESULT_OK);
    assert_null(ask.origin.ptr);
    assert_int_equal(ask.roles, 0);
    assert_int_equal(ask.ttl_s, 30);
    assert_int_equal(ask.session_ttl_s, 3600);
}

static void a_bad_ticket_request_says_what_is_wrong(void **state)
{
    static const struct {
        const char *text;
        enum api_result result;
    } rows[] = {
        {"[]", API_RESULT_JSON},
        {"\"x\"", API_RESULT_JSON},
        {"null", API_RESULT_JSON},
        {"{}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"roles\":[]}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"origin\":null}", API_RESULT_FIELD_MISSING},
        {"{\"roles\":[],\"origin\":null}", API_RESULT_FIELD_MISSING},
        {"{\"user\":1,\"roles\":[],\"origin\":null}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"roles\":\"user\",\"origin\":null}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"roles\":[1],\"origin\":null}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":false}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":\"\"}", API_RESULT_ORIGIN},
        {"{\"user\":\"a b\",\"roles\":[],\"origin\":null}", API_RESULT_USER},
        {"{\"user\":\"\",\"roles\":[],\"origin\":null}", API_RESULT_USER},
        {"{\"user\":\"a:b\",\"roles\":[],\"origin\":null}", API_RESULT_USER},
        {"{\"user\":\"a\\u0000\",\"roles\":[],\"origin\":null}", API_RESULT_USER},
        {"{\"user\":\"a\",\"roles\":[\"root\"],\"origin\":null}", API_RESULT_ROLES},
        {"{\"user\":\"a\",\"roles\":[\"User\"],\"origin\":null}", API_RESULT_ROLES},
        {"{\"user\":\"a\",\"roles\":[\"\"],\"origin\":null}", API_RESULT_ROLES},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"ttl\":0}", API_RESULT_TTL},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"ttl\":31}", API_RESULT_TTL},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"ttl\":-1}", API_RESULT_TTL},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"ttl\":1.5}", API_RESULT_TTL},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"ttl\":\"5\"}", API_RESULT_TTL},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"ttl\":null}", API_RESULT_TTL},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"ttl\":4294967297}", API_RESULT_TTL},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"session_ttl\":86401}",
         API_RESULT_SESSION_TTL},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"session_ttl\":0}", API_RESULT_SESSION_TTL},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"tll\":1}", API_RESULT_FIELD_UNKNOWN},
        {"{\"user\":\"a\",\"roles\":[],\"origin\":null,\"admin\":true}", API_RESULT_FIELD_UNKNOWN},
    };
    struct api_ticket_ask ask = {.ttl_s = 77};

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum api_result result = api_ask_ticket(&ask, parse(rows[i].text), &roles);

        if (result != rows[i].result)
            print_error("%s: %s\n", rows[i].text, api_result_get(result)->code);
        assert_int_equal(result, rows[i].result);
        assert_int_equal(ask.ttl_s, 77);
    }
}

static void a_revocation_names_exactly_one_thing(void **state)
{
    static const struct {
        const char *text;
        enum api_result result;
        enum api_revoke_kind kind;
    } rows[] = {
        {"{\"user\":\"alice\"}", API_RESULT_OK, API_REVOKE_USER},
        {"{\"token_id\":\"any thing\"}", API_RESULT_OK, API_REVOKE_TOKEN_ID},
        {"{\"role\":\"admin\"}", API_RESULT_OK, API_REVOKE_ROLE},
        {"{\"ip\":\"192.0.2.1\"}", API_RESULT_OK, API_REVOKE_IP},
        {"{\"ip\":\"2001:db8::1\"}", API_RESULT_OK, API_REVOKE_IP},
        {"{\"connection\":\"AAAAAAAAAAAAAAAAAAAAAA\"}", API_RESULT_OK, API_REVOKE_CONNECTION},
        {"{\"session\":\"another-program's.id\"}", API_RESULT_OK, API_REVOKE_SESSION},
        {"{\"session\":\"\"}", API_RESULT_SESSION, 0},
        {"{\"session\":\"a b\"}", API_RESULT_SESSION, 0},
        {"{}", API_RESULT_FIELD_MISSING, 0},
        {"{\"user\":\"a\",\"ip\":\"192.0.2.1\"}", API_RESULT_FIELD_MISSING, 0},
        {"{\"user\":1}", API_RESULT_FIELD_MISSING, 0},
        {"{\"users\":\"a\"}", API_RESULT_FIELD_UNKNOWN, 0},
        {"{\"user\":\"*\"}", API_RESULT_USER, 0},
        {"{\"role\":\"root\"}", API_RESULT_ROLES, 0},
        {"{\"ip\":\"192.0.2\"}", API_RESULT_IP, 0},
        {"{\"ip\":\"192.0.2.0/24\"}", API_RESULT_IP, 0},
        {"{\"token_id\":\"\"}", API_RESULT_TOKEN_ID, 0},
        {"{\"token_id\":\"a\\u0000b\"}", API_RESULT_TOKEN_ID, 0},
        {"{\"connection\":\"AAAAAAAAAAAAAAAAAAAAAB\"}", API_RESULT_CONNECTION, 0},
        {"{\"connection\":\"AAAA\"}", API_RESULT_CONNECTION, 0},
        {"{\"connection\":\"AAAAAAAAAAAAAAAAAAAAAAAA\"}", API_RESULT_CONNECTION, 0},
        {"[\"user\"]", API_RESULT_JSON, 0},
    };
    struct api_revoke_ask ask;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(api_ask_revoke(&ask, parse(rows[i].text), &roles), rows[i].result);
        if (rows[i].result == API_RESULT_OK)
            assert_int_equal(ask.kind, rows[i].kind);
    }
}

static void a_publish_names_a_channel_and_brings_data(void **state)
{
    static const struct {
        const char *text;
        enum api_result result;
    } rows[] = {
        {"{\"channel\":\"public:chat\",\"data\":{\"a\":1}}", API_RESULT_OK},
        {"{\"channel\":\"a\",\"data\":null}", API_RESULT_OK},
        {"{\"channel\":\"a\"}", API_RESULT_FIELD_MISSING},
        {"{\"data\":1}", API_RESULT_FIELD_MISSING},
        {"{\"channel\":1,\"data\":1}", API_RESULT_FIELD_MISSING},
        {"{\"channel\":\"a b\",\"data\":1}", API_RESULT_CHANNEL},
        {"{\"channel\":\"a:*\",\"data\":1}", API_RESULT_CHANNEL},
        {"{\"channel\":\"a\",\"data\":1,\"from\":\"x\"}", API_RESULT_FIELD_UNKNOWN},
        {"7", API_RESULT_JSON},
    };
    struct api_publish_ask ask;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(api_ask_publish(&ask, parse(rows[i].text)), rows[i].result);
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(role_set_add(&roles, VIEW("user"), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(&roles, VIEW("admin"), PERMISSION_ADMIN), OK);
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
        cmocka_unit_test(a_ticket_is_asked_for),
        cmocka_unit_test(a_bad_ticket_request_says_what_is_wrong),
        cmocka_unit_test(a_revocation_names_exactly_one_thing),
        cmocka_unit_test(a_publish_names_a_channel_and_brings_data),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
