/* SPDX-License-Identifier: Apache-2.0 */
/* ip_test.c: strict reading, RFC 5952 writing, and agreement with the C library on random
 * addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/ip.h"
#include "base/random.h"
#include "three_ways.h"

static bool parse(struct ip_address *out, const char *text)
{
    struct guarded g = guarded_copy(text, strlen(text));
    bool is_good = ip_address_parse(out, view_of(g.data, strlen(text)));

    guarded_free(&g);
    return is_good;
}

static void one_text_an_address(void **state)
{
    static const char *const pairs[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"2001:DB8::0001", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
        {"::ffff:102:304", "::ffff:1.2.3.4"},
        {"::1.2.3.4", "::102:304"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    char text[IP_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        struct ip_address a;

        assert_true(parse(&a, pairs[i][0]));
        ip_address_text(&a, text);
        assert_string_equal(text, pairs[i][1]);
    }
}

static void everything_else_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "1.2.3.4.",
                                      ".1.2.3.4",
                                      "1..2.3",
                                      "01.2.3.4",
                                      "1.2.3.04",
                                      "256.1.1.1",
                                      "1.2.3.-4",
                                      "1.2.3.4 ",
                                      " 1.2.3.4",
                                      "0x1.2.3.4",
                                      "1.2.3.4/8",
                                      ":",
                                      ":::",
                                      "1:::2",
                                      "::1::",
                                      "1::2::3",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1:2:3:4:5:6:7:8::",
                                      "::1:2:3:4:5:6:7:8",
                                      "12345::",
                                      "g::",
                                      "1:2:3:4:5:6:7:",
                                      ":1:2:3:4:5:6:7",
                                      "::1:",
                                      ":1::",
                                      "[::1]",
                                      "fe80::1%eth0",
                                      "::1.2.3",
                                      "::1.2.3.4:5",
                                      "1.2.3.4::",
                                      "::01.2.3.4",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "::/0",
                                      "1.2.3.4\n",
                                      "1:2:3:4::5:6:7:8",
                                      "::00000",
                                      "unix",
                                      "localhost",
                                      "0000:0000:0000:0000:0000:ffff:255.255.255.2555"};
    struct ip_address a = {{9}, 9};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(parse(&a, bad[i]));
    assert_false(ip_address_parse(&a, VIEW("1.2.3.4\0")));
    assert_false(ip_address_parse(&a, VIEW("::1\0")));
    assert_int_equal(a.family, 9);
    assert_int_equal(a.bytes[0], 9);
}

/* inet_ntop compresses as RFC 5952 says; it differs only for ::x.x.x.x, which is made rare below.
 */
static void random_addresses_agree_with_the_c_library(void **state)
{
    uint64_t seed = random_u64();

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 50000; i++) {
        struct ip_address a = {{0x20}, 6}, back;
        char ours[IP_TEXT_BYTES], theirs[INET6_ADDRSTRLEN];
        uint8_t bytes[16];

        for (int k = 1; k < 16; k++)
            a.bytes[k] = random_jitter(&seed, 3) == 0 ? (uint8_t)random_jitter(&seed, 256) : 0;
        ip_address_text(&a, ours);
        assert_non_null(inet_ntop(AF_INET6, a.bytes, theirs, sizeof(theirs)));
        assert_string_equal(ours, theirs);
        assert_true(parse(&back, ours));
        assert_memory_equal(&back, &a, sizeof(a));
        assert_int_equal(inet_pton(AF_INET6, ours, bytes), 1);
        assert_memory_equal(bytes, a.bytes, 16);
    }
}

static void ipv4_leaves_the_rest_zero(void **state)
{
    static const uint8_t expected[16] = {10, 1, 2, 3};
    struct ip_address a;

    (void)state;
    memset(&a, 0xff, sizeof(a));
    assert_true(parse(&a, "10.1.2.3"));
    assert_int_equal(a.family, 4);
    assert_memory_equal(a.bytes, expected, 16);
}

static void loopback(void **state)
{
    static const char *const yes[] = {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"};
    static const char *const no[] = {"128.0.0.1",        "126.255.255.255", "::",  "::2",
                                     "::ffff:128.0.0.1", "::127.0.0.1",     "1::1"};
    struct ip_address a;

    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
        assert_true(parse(&a, yes[i]) && ip_address_is_loopback(&a));
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
        assert_true(parse(&a, no[i]) && !ip_address_is_loopback(&a));
    a = (struct ip_address){{0}, 0};
    assert_true(ip_address_is_loopback(&a));
    a.family = 5;
    assert_false(ip_address_is_loopback(&a));
}

static void unix_socket_has_a_text(void **state)
{
    struct ip_address a = {{0}, 0};
    char text[IP_TEXT_BYTES];

    (void)state;
    ip_address_text(&a, text);
    assert_string_equal(text, "unix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_text_an_address),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(random_addresses_agree_with_the_c_library),
        cmocka_unit_test(ipv4_leaves_the_rest_zero),
        cmocka_unit_test(loopback),
        cmocka_unit_test(unix_socket_has_a_text),
    };

    return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
