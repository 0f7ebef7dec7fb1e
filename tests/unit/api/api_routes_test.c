/* SPDX-License-Identifier: Apache-2.0 */
/* api_routes_test.c: what is asked of a head, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_routes.h"
#include "base/status.h"

#define KEY "0123456789abcdef0123456789abcdef"

static struct api_keys keys;

static enum api_result find(const char *text)
{
    const struct api_route *route;
    const struct api_key *key;
    struct http1_request head;
    size_t scanned = 0, head_bytes;
    enum api_result result;

    assert_int_equal(http1_parse(&head, text, strlen(text), &scanned, &head_bytes), HTTP1_DONE);
    result = api_route_find(&route, &key, &head, &keys);
    if (result == API_RESULT_OK)
        assert_non_null(route);
    if (result == API_RESULT_OK && route->scopes != API_SCOPE_NONE)
        assert_non_null(key);
    return result;
}

#define REQUEST(line, headers) line " HTTP/1.1\r\nHost: localhost\r\n" headers "\r\n"
#define JSON                   "Content-Type: application/json\r\n"
#define AUTH                   "Authorization: Bearer " KEY "\r\n"

static void health_needs_no_key_and_takes_get_only(void **state)
{
    (void)state;
    assert_int_equal(find(REQUEST("GET /health/live", "")), API_RESULT_OK);
    assert_int_equal(find(REQUEST("GET /health/ready", "")), API_RESULT_OK);
    assert_int_equal(find(REQUEST("HEAD /health/ready", "")), API_RESULT_METHOD_GET);
    assert_int_equal(find(REQUEST("POST /health/live", JSON AUTH)), API_RESULT_METHOD_GET);
}

static void paths_match_byte_by_byte_and_take_no_query(void **state)
{
    static const char *const paths[] = {
        REQUEST("GET /", ""),
        REQUEST("GET /health", ""),
        REQUEST("GET /health/live/", ""),
        REQUEST("GET //health/live", ""),
        REQUEST("GET /HEALTH/live", ""),
        REQUEST("GET /health/./live", ""),
        REQUEST("GET /health/%6cive", ""),
        REQUEST("GET /x/../health/live", ""),
        REQUEST("POST /api/tickets/", JSON AUTH),
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_int_equal(find(paths[i]), API_RESULT_NOT_FOUND);
    assert_int_equal(find(REQUEST("GET /health/live?x", "")), API_RESULT_BAD_REQUEST);
    assert_int_equal(find(REQUEST("POST /api/tickets?access_token=" KEY, JSON)),
                     API_RESULT_BAD_REQUEST);
}

static void a_key_is_asked_for_before_anything_of_the_body(void **state)
{
    (void)state;
    assert_int_equal(find(REQUEST("POST /api/tickets", "")), API_RESULT_KEY_INVALID);
    assert_int_equal(find(REQUEST("POST /api/tickets", AUTH AUTH JSON)), API_RESULT_KEY_INVALID);
    assert_int_equal(find(REQUEST("POST /api/tickets", "Authorization: Basic " KEY "\r\n" JSON)),
                     API_RESULT_KEY_INVALID);
    assert_int_equal(find(REQUEST("POST /api/tickets", AUTH JSON)), API_RESULT_OK);
    assert_int_equal(find(REQUEST("POST /api/revoke", AUTH JSON)), API_RESULT_SCOPE_MISSING);
    assert_int_equal(find(REQUEST("POST /api/publish", AUTH JSON)), API_RESULT_SCOPE_MISSING);
    assert_int_equal(find(REQUEST("GET /api/tickets", AUTH)), API_RESULT_METHOD_POST);
    assert_int_equal(find(REQUEST("OPTIONS /api/tickets", "")), API_RESULT_METHOD_POST);
}

static void only_json_is_taken(void **state)
{
    (void)state;
    assert_int_equal(find(REQUEST("POST /api/tickets", AUTH)), API_RESULT_MEDIA_TYPE);
    assert_int_equal(find(REQUEST("POST /api/tickets", AUTH "Content-Type: text/plain\r\n")),
                     API_RESULT_MEDIA_TYPE);
    assert_int_equal(find(REQUEST("POST /api/tickets", AUTH JSON JSON)), API_RESULT_MEDIA_TYPE);
    assert_int_equal(find(REQUEST("POST /api/tickets",
                                  AUTH "Content-Type: application/json; charset=latin1\r\n")),
                     API_RESULT_MEDIA_TYPE);
    assert_int_equal(find(REQUEST("POST /api/tickets",
                                  AUTH "Content-Type: Application/JSON; Charset=UTF-8\r\n")),
                     API_RESULT_OK);
}

static int begin(void **state)
{
    (void)state;
    assert_int_equal(api_keys_add(&keys, VIEW("one"), VIEW(KEY), NULL), OK);
    assert_int_equal(api_key_add_scope(&keys.items[0], VIEW("tickets"), NULL), OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    api_keys_clear(&keys);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_needs_no_key_and_takes_get_only),
        cmocka_unit_test(paths_match_byte_by_byte_and_take_no_query),
        cmocka_unit_test(a_key_is_asked_for_before_anything_of_the_body),
        cmocka_unit_test(only_json_is_taken),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
