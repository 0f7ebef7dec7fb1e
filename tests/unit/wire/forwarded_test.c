/* SPDX-License-Identifier: Apache-2.0 */
/* forwarded_test.c: lists as proxies write them, with what a client may have written in front. Each
 * value stands with its last byte against a guard page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "three_ways.h"
#include "wire/forwarded.h"

struct row {
    const char *value, *client; /* NULL: nobody; "bad" */
};

static void check(const struct http1_request *request, enum forwarded_header which,
                  const char *expected)
{
    struct ip_net list[2];
    struct ip_nets trusted = {list, 2};
    struct ip_address client = {{0}, 99};
    char text[IP_TEXT_BYTES];
    enum forwarded_verdict verdict;

    assert_true(ip_net_parse(&list[0], VIEW("10.0.0.0/8")));
    assert_true(ip_net_parse(&list[1], VIEW("2001:db8:1::/48")));
    verdict = forwarded_client(&client, request, which, &trusted);
    if (expected == NULL || strcmp(expected, "bad") == 0) {
        assert_int_equal(verdict, expected == NULL ? FORWARDED_NOBODY : FORWARDED_BAD);
        assert_int_equal(client.family, 99);
        return;
    }
    assert_int_equal(verdict, FORWARDED_CLIENT);
    ip_address_text(&client, text);
    assert_string_equal(text, expected);
}

static void check_rows(const struct row *rows, size_t count, enum forwarded_header which)
{
    struct http1_request request = {.headers_count = 2};

    request.headers[0] = (struct http1_header){.name = VIEW("Host"), .value = VIEW("a")};
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(rows[i].value);
        struct guarded g = guarded_copy(rows[i].value, len);
        request.headers[1].name =
            which == FORWARDED_RFC7239 ? VIEW("forwarded") : VIEW("x-forwarded-for");
        request.headers[1].value = view_of(g.data, len);
        check(&request, which, rows[i].client);
        guarded_free(&g);
    }
}

static void the_first_untrusted_hop_from_the_right_is_the_client(void **state)
{
    static const struct row rows[] = {
        {"203.0.113.9", "203.0.113.9"},
        {"1.2.3.4, 203.0.113.9", "203.0.113.9"},
        {"1.2.3.4,203.0.113.9,10.1.1.1,10.2.2.2", "203.0.113.9"},
        {"junk \x01, 203.0.113.9", "203.0.113.9"},
        {"127.0.0.1, 10.9.9.9, 203.0.113.9", "203.0.113.9"},
        {"10.3.3.3, 10.2.2.2", "10.3.3.3"}, /* a client inside */
        {"203.0.113.9:4711", "203.0.113.9"},
        {"2001:db8::9", "2001:db8::9"},
        {"[2001:db8::9]", "2001:db8::9"},
        {"[2001:db8::9]:443, 2001:db8:1::7", "2001:db8::9"},
        {"::ffff:203.0.113.9, ::ffff:10.0.0.1", "::ffff:203.0.113.9"},
        {"203.0.113.9, , ,", "203.0.113.9"},
        {"", NULL},
        {" , ", NULL},
        {"unknown", NULL},
        {"203.0.113.9, unknown, 10.0.0.1", "10.0.0.1"},
        {"203.0.113.9, x", "bad"},
        {"203.0.113.9, 10.0.0.1, localhost", "bad"},
        {"203.0.113.9, 10.0.0.256", "bad"},
        {"203.0.113.9, 10.0.0.1, 010.0.0.1", "bad"},
        {"203.0.113.9, [10.0.0.1]", "bad"},
        {"203.0.113.9, [2001:db8::1", "bad"},
        {"203.0.113.9, [2001:db8::1]x", "bad"},
        {"203.0.113.9, 10.0.0.1:", "bad"},
        {"203.0.113.9, 10.0.0.1:123456", "bad"},
        {"203.0.113.9 10.0.0.1", "bad"},
        {"\"203.0.113.9\"", "bad"},
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(rows[0]), FORWARDED_X_FORWARDED_FOR);
}

static void the_standard_header_reads_the_same_way(void **state)
{
    static const struct row rows[] = {
        {"for=203.0.113.9", "203.0.113.9"},
        {"For=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9"},
        {"proto=https; for=\"203.0.113.9:80\"", "203.0.113.9"},
        {"for=\"[2001:db8::9]:4711\", for=10.0.0.1", "2001:db8::9"},
        {"for=1.2.3.4, for=203.0.113.9", "203.0.113.9"},
        {"for=\", for=203.0.113.9", "203.0.113.9"}, /* a quote left open in front */
        {"for=\"1.2.3.4, for=203.0.113.9;host=\"a,b;c\"", "203.0.113.9"},
        {"for=203.0.113.9;host=\"x, for=1.2.3.4\"", "203.0.113.9"},
        {"for=203.0.113.9, for=unknown", NULL},
        {"for=203.0.113.9, for=_hidden, for=10.0.0.1", "10.0.0.1"},
        {"for=203.0.113.9, proto=https", NULL},
        {"for=203.0.113.9;for=1.2.3.4", "bad"},
        {"for=203.0.113.9;host=\"a\\\"b\"", "bad"},
        {"for=203.0.113.9, for=x", "bad"},
        {"for=203.0.113.9, for=\"10.0.0.1", "bad"},
        {"for=203.0.113.9, for", "bad"},
        {"203.0.113.9", "bad"},
        {"", NULL},
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(rows[0]), FORWARDED_RFC7239);
}

static void headers_of_one_name_are_one_list_and_the_other_name_is_not_read(void **state)
{
    struct http1_request request = {.headers_count = 4};

    (void)state;
    request.headers[0] =
        (struct http1_header){.name = VIEW("X-Forwarded-For"), .value = VIEW("1.2.3.4")};
    request.headers[1] =
        (struct http1_header){.name = VIEW("X-Forwarded-For"), .value = VIEW("203.0.113.9")};
    request.headers[2] =
        (struct http1_header){.name = VIEW("X-FORWARDED-FOR"), .value = VIEW("10.0.0.1")};
    request.headers[3] =
        (struct http1_header){.name = VIEW("Forwarded"), .value = VIEW("for=5.6.7.8")};
    check(&request, FORWARDED_X_FORWARDED_FOR, "203.0.113.9");
    check(&request, FORWARDED_RFC7239, "5.6.7.8");
    request.headers_count = 3;
    check(&request, FORWARDED_RFC7239, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_untrusted_hop_from_the_right_is_the_client),
        cmocka_unit_test(the_standard_header_reads_the_same_way),
        cmocka_unit_test(headers_of_one_name_are_one_list_and_the_other_name_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
