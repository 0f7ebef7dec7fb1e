/* SPDX-License-Identifier: Apache-2.0 */
/* api_session_test.c: bodies of the endpoints for sessions and CSRF tokens, and which answer what
 * is wrong with them gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_routes.h"
#include "base/status.h"

#define ID "4fTkuYVBPxuFY2mMRHHcXw"

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

static void a_session_is_asked_for(void **state)
{
    struct api_session_ask ask;

    (void)state;
    assert_int_equal(api_ask_session_create(&ask,
                                            parse("{\"user\":\"alice\",\"roles\":[\"admin\","
                                                  "\"user\",\"admin\"],\"tenant\":\"acme\","
                                                  "\"replaces\":\"" ID "\"}"),
                                            &roles),
                     API_RESULT_OK);
    assert_int_equal(ask.verb, API_SESSION_CREATE);
    assert_true(view_eq(ask.user, VIEW("alice")));
    assert_true(view_eq(ask.tenant, VIEW("acme")));
    assert_true(view_eq(ask.replaces, VIEW(ID)));
    assert_true(view_eq(view_of(ask.roles, ask.roles_bytes), VIEW("user admin")));
    assert_int_equal(api_ask_session_create(&ask, parse("{\"user\":\"a\",\"roles\":[]}"), &roles),
                     API_RESULT_OK);
    assert_int_equal(ask.roles_bytes, 0);
    assert_int_equal(ask.tenant.len, 0);
    assert_int_equal(ask.replaces.len, 0);
}

static void a_bad_request_for_a_session_says_what_is_wrong(void **state)
{
    static const struct {
        const char *text;
        enum api_result result;
    } rows[] = {
        {"[]", API_RESULT_JSON},
        {"{}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\"}", API_RESULT_FIELD_MISSING},
        {"{\"roles\":[]}", API_RESULT_FIELD_MISSING},
        {"{\"user\":7,\"roles\":[]}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a:b\",\"roles\":[]}", API_RESULT_USER},
        {"{\"user\":\"\",\"roles\":[]}", API_RESULT_USER},
        {"{\"user\":\"a\",\"roles\":[\"root\"]}", API_RESULT_ROLES},
        {"{\"user\":\"a\",\"roles\":\"user\"}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"roles\":[],\"tenant\":null}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"roles\":[],\"tenant\":\"\"}", API_RESULT_TENANT},
        {"{\"user\":\"a\",\"roles\":[],\"tenant\":\"a:b\"}", API_RESULT_TENANT},
        {"{\"user\":\"a\",\"roles\":[],\"tenant\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
         API_RESULT_TENANT},
        {"{\"user\":\"a\",\"roles\":[],\"replaces\":\"\"}", API_RESULT_SESSION},
        {"{\"user\":\"a\",\"roles\":[],\"replaces\":1}", API_RESULT_FIELD_MISSING},
        {"{\"user\":\"a\",\"roles\":[],\"session\":\"" ID "\"}", API_RESULT_FIELD_UNKNOWN},
        {"{\"user\":\"a\",\"roles\":[],\"Tenant\":\"x\"}", API_RESULT_FIELD_UNKNOWN},
    };
    struct api_session_ask ask;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(api_ask_session_create(&ask, parse(rows[i].text), &roles), rows[i].result);
}

static void roles_whose_names_are_too_long_together_are_refused(void **state)
{
    struct role_set many = {.count = 0};
    struct api_session_ask ask;
    char text[4096] = "{\"user\":\"a\",\"roles\":[", name[65];
    size_t at = strlen(text);

    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        (void)snprintf(name, sizeof(name), "%064u", i);
        assert_int_equal(role_set_add(&many, view_of_text(name), PERMISSION_READ), OK);
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s\"%s\"", i > 0 ? "," : "", name);
        if (i == 14) { /* 15 names and 14 blanks fit, 16 and 15 do not */
            char fits[4096];

            (void)snprintf(fits, sizeof(fits), "%s]}", text);
            assert_int_equal(api_ask_session_create(&ask, parse(fits), &many), API_RESULT_OK);
            assert_int_equal(ask.roles_bytes, 15 * 64 + 14);
        }
    }
    (void)snprintf(text + at, sizeof(text) - at, "]}");
    assert_int_equal(api_ask_session_create(&ask, parse(text), &many), API_RESULT_ROLES);
}

static void the_id_of_a_session_has_a_form(void **state)
{
    char id[300];

    (void)state;
    memset(id, 'x', sizeof(id));
    assert_true(api_session_id_ok(view_of(id, 1)));
    assert_true(api_session_id_ok(view_of(id, 256)));
    assert_false(api_session_id_ok(view_of(id, 0)));
    assert_false(api_session_id_ok(view_of(id, 257)));
    for (int c = 0; c < 256; c++) {
        id[1] = (char)c;
        assert_int_equal(api_session_id_ok(view_of(id, 3)), c > ' ' && c < 0x7f);
    }
}

static void one_session_is_named(void **state)
{
    struct api_session_ask ask;

    (void)state;
    assert_int_equal(api_ask_session(&ask, parse("{\"session\":\"" ID "\"}"), API_SESSION_EXTEND),
                     API_RESULT_OK);
    assert_int_equal(ask.verb, API_SESSION_EXTEND);
    assert_true(view_eq(ask.session, VIEW(ID)));
    assert_int_equal(ask.user.len, 0);
    assert_int_equal(api_ask_session(&ask, parse("{}"), API_SESSION_GET), API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_session(&ask, parse("{\"session\":null}"), API_SESSION_GET),
                     API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_session(&ask, parse("{\"session\":\"a b\"}"), API_SESSION_GET),
                     API_RESULT_SESSION);
    assert_int_equal(api_ask_session(&ask, parse("{\"session\":\"a\\u0000\"}"), API_SESSION_GET),
                     API_RESULT_SESSION);
    assert_int_equal(
        api_ask_session(&ask, parse("{\"session\":\"" ID "\",\"user\":\"a\"}"), API_SESSION_GET),
        API_RESULT_FIELD_UNKNOWN);
}

static void an_end_names_a_session_or_a_user_and_never_both(void **state)
{
    struct api_session_ask ask;

    (void)state;
    assert_int_equal(api_ask_session_end(&ask, parse("{\"session\":\"" ID "\"}")), API_RESULT_OK);
    assert_int_equal(ask.verb, API_SESSION_END);
    assert_true(view_eq(ask.session, VIEW(ID)));
    assert_int_equal(api_ask_session_end(&ask, parse("{\"user\":\"alice\"}")), API_RESULT_OK);
    assert_int_equal(ask.verb, API_SESSION_END_USER);
    assert_true(view_eq(ask.user, VIEW("alice")));
    assert_int_equal(ask.session.len, 0);
    assert_int_equal(api_ask_session_end(&ask, parse("{}")), API_RESULT_FIELD_MISSING);
    assert_int_equal(
        api_ask_session_end(&ask, parse("{\"session\":\"" ID "\",\"user\":\"alice\"}")),
        API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_session_end(&ask, parse("{\"user\":\"*\"}")), API_RESULT_USER);
    assert_int_equal(api_ask_session_end(&ask, parse("{\"all\":true}")), API_RESULT_FIELD_UNKNOWN);
}

static void a_csrf_token_needs_a_session_and_an_origin(void **state)
{
    struct api_csrf_ask ask;
    char long_one[1024] = "{\"session\":\"" ID "\",\"origin\":\"";
    size_t at = strlen(long_one);

    (void)state;
    assert_int_equal(api_ask_csrf(&ask, parse("{\"session\":\"" ID
                                              "\",\"origin\":\"https://app.example.com\"}")),
                     API_RESULT_OK);
    assert_true(view_eq(ask.session, VIEW(ID)));
    assert_true(view_eq(ask.origin, VIEW("https://app.example.com")));
    assert_int_equal(api_ask_csrf(&ask, parse("{\"session\":\"" ID "\"}")),
                     API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_csrf(&ask, parse("{\"origin\":\"https://app.example.com\"}")),
                     API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_csrf(&ask, parse("{\"session\":\"" ID "\",\"origin\":null}")),
                     API_RESULT_FIELD_MISSING);
    assert_int_equal(api_ask_csrf(&ask, parse("{\"session\":\"" ID "\",\"origin\":\"\"}")),
                     API_RESULT_ORIGIN);
    assert_int_equal(
        api_ask_csrf(&ask, parse("{\"session\":\"" ID "\",\"origin\":\"https://a\",\"ttl\":1}")),
        API_RESULT_FIELD_UNKNOWN);
    memset(long_one + at, 'a', API_ORIGIN_BYTES_MAX + 1);
    memcpy(long_one + at + API_ORIGIN_BYTES_MAX + 1, "\"}", 3);
    assert_int_equal(api_ask_csrf(&ask, parse(long_one)), API_RESULT_ORIGIN);
}

/* --- the endpoints, with operations that only write down what they were asked --- */

struct fake {
    struct api_session_ask asked;
    unsigned sessions, tokens;
    uint64_t call;
};

static enum api_result fake_session(void *server, const struct api_session_ask *ask, uint64_t call)
{
    struct fake *fake = server;

    fake->asked = *ask;
    fake->call = call;
    fake->sessions++;
    return API_RESULT_LATER;
}

static enum api_result fake_csrf(void *server, const struct api_csrf_ask *ask,
                                 char text[API_CSRF_TEXT_MAX])
{
    struct fake *fake = server;

    if (!view_eq(ask->origin, VIEW("https://app.example.com")))
        return API_RESULT_ORIGIN;
    fake->tokens++;
    (void)snprintf(text, API_CSRF_TEXT_MAX, "the-token");
    return API_RESULT_OK;
}

static struct api_keys keys;

static const struct api_route *route_of(const char *path, enum api_result expected)
{
    char text[512];
    const struct api_route *route;
    const struct api_key *key;
    struct http1_request head;
    size_t scanned = 0, head_bytes;

    (void)snprintf(text, sizeof(text),
                   "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n\r\n",
                   path);
    assert_int_equal(http1_parse(&head, text, strlen(text), &scanned, &head_bytes), HTTP1_DONE);
    assert_int_equal(api_route_find(&route, &key, &head, &keys), expected);
    return route;
}

static const char *const paths[] = {"/api/sessions", "/api/sessions/get", "/api/sessions/extend",
                                    "/api/sessions/end", "/api/csrf"};

static void each_endpoint_asks_for_its_operation(void **state)
{
    static const struct {
        const char *path, *body, *detail, *user;
        enum api_session_verb verb;
    } rows[] = {
        {"/api/sessions", "{\"user\":\"al\",\"roles\":[]}", "create", "al", API_SESSION_CREATE},
        {"/api/sessions/get", "{\"session\":\"" ID "\"}", "get", "", API_SESSION_GET},
        {"/api/sessions/extend", "{\"session\":\"" ID "\"}", "extend", "", API_SESSION_EXTEND},
        {"/api/sessions/end", "{\"session\":\"" ID "\"}", "end", "", API_SESSION_END},
        {"/api/sessions/end", "{\"user\":\"al\"}", "end_user", "al", API_SESSION_END_USER},
    };
    const struct api_ops ops = {.session = fake_session, .csrf = fake_csrf};
    struct fake fake = {.sessions = 0};
    struct api_options options = {.roles = &roles, .ops = &ops, .server = &fake};

    (void)state;
    assert_int_equal(api_key_add_scope(&keys.items[0], VIEW("sessions"), NULL), OK);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[256];
        struct api_work work = {.api = &options, .call = 70 + i, .out = wr_of(out, sizeof(out))};

        work.body = parse(rows[i].body);
        assert_int_equal(route_of(rows[i].path, API_RESULT_OK)->handle(&work), API_RESULT_LATER);
        assert_int_equal(fake.sessions, i + 1);
        assert_int_equal(fake.call, 70 + i);
        assert_int_equal(fake.asked.verb, rows[i].verb);
        assert_true(view_eq(work.told.detail, view_of_text(rows[i].detail)));
        assert_true(view_eq(work.told.user, view_of_text(rows[i].user)));
        work.body = parse("{\"session\":\"two words\"}");
        assert_int_not_equal(route_of(rows[i].path, API_RESULT_OK)->handle(&work),
                             API_RESULT_LATER);
        assert_int_equal(fake.sessions, i + 1);
    }
}

static void a_csrf_token_is_answered_at_once(void **state)
{
    const struct api_ops ops = {.session = fake_session, .csrf = fake_csrf};
    struct fake fake = {.sessions = 0};
    struct api_options options = {.roles = &roles, .ops = &ops, .server = &fake};
    char out[256];
    struct api_work work = {.api = &options, .out = wr_of(out, sizeof(out))};

    (void)state;
    work.body = parse("{\"session\":\"" ID "\",\"origin\":\"https://evil.example\"}");
    assert_int_equal(route_of("/api/csrf", API_RESULT_OK)->handle(&work), API_RESULT_ORIGIN);
    work.body = parse("{\"session\":\"" ID "\",\"origin\":\"https://app.example.com\"}");
    assert_int_equal(route_of("/api/csrf", API_RESULT_OK)->handle(&work), API_RESULT_OK);
    assert_true(view_eq(view_of(out, wr_len(&work.out)),
                        VIEW("{\"csrf\":\"the-token\",\"expires_in\":1800}\n")));
    assert_int_equal(fake.tokens, 1);
}

static void all_of_them_want_the_scope(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        (void)route_of(paths[i], API_RESULT_SCOPE_MISSING);
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(role_set_add(&roles, VIEW("user"), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(&roles, VIEW("admin"), PERMISSION_ADMIN), OK);
    assert_int_equal(
        api_keys_add(&keys, VIEW("one"), VIEW("0123456789abcdef0123456789abcdef"), NULL), OK);
    assert_int_equal(api_key_add_scope(&keys.items[0], VIEW("revoke"), NULL), OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_clear(&arena);
    api_keys_clear(&keys);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_asked_for),
        cmocka_unit_test(a_bad_request_for_a_session_says_what_is_wrong),
        cmocka_unit_test(roles_whose_names_are_too_long_together_are_refused),
        cmocka_unit_test(the_id_of_a_session_has_a_form),
        cmocka_unit_test(one_session_is_named),
        cmocka_unit_test(an_end_names_a_session_or_a_user_and_never_both),
        cmocka_unit_test(a_csrf_token_needs_a_session_and_an_origin),
        cmocka_unit_test(all_of_them_want_the_scope), /* before the key gets it */
        cmocka_unit_test(each_endpoint_asks_for_its_operation),
        cmocka_unit_test(a_csrf_token_is_answered_at_once),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
