/* SPDX-License-Identifier: Apache-2.0 */
/* http_host_test.c: hosts that are taken, with their one spelling, and texts that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "three_ways.h"
#include "wire/http_host.h"

/* Whole and against a guard page; a host has no state to carry, so its bytes cannot arrive apart:
 * instead every prefix is tried, which must never read past its end. */
static bool parse(struct http_host *host, struct view text)
{
    struct http_host unused;
    bool is_host = false;
    size_t len;

    for (len = 0; len <= text.len; len++) {
        struct guarded g = guarded_copy(text.ptr, len);

        is_host = http_host_parse(len == text.len ? host : &unused, view_of(g.data, len));
        guarded_free(&g);
    }
    return is_host;
}

static void hosts_have_one_spelling(void **state)
{
    static const struct {
        const char *text, *name;
        uint16_t port;
        bool is_ip;
    } rows[] = {
        {"example.com", "example.com", 0, false},
        {"EXAMPLE.Com:8443", "example.com", 8443, false},
        {"localhost", "localhost", 0, false},
        {"a:1", "a", 1, false},
        {"a:65535", "a", 65535, false},
        {"xn--bcher-kva.example", "xn--bcher-kva.example", 0, false},
        {"1a.2b", "1a.2b", 0, false},
        {"3com.com", "3com.com", 0, false},
        {"1.2.3.example", "1.2.3.example", 0, false},
        {"a.0xg", "a.0xg", 0, false},
        {"127.0.0.1", "127.0.0.1", 0, true},
        {"255.255.255.255:443", "255.255.255.255", 443, true},
        {"[::1]", "::1", 0, true},
        {"[::1]:443", "::1", 443, true},
        {"[0:0:0:0:0:0:0:1]", "::1", 0, true},
        {"[2001:DB8:0:0:1:0:0:1]", "2001:db8::1:0:0:1", 0, true},
        {"[::FFFF:7f00:1]", "::ffff:127.0.0.1", 0, true},
        {"[::ffff:127.0.0.1]", "::ffff:127.0.0.1", 0, true},
    };
    struct http_host host;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!parse(&host, view_of_text(rows[i].text)))
            fail_msg("refused: %s", rows[i].text);
        assert_string_equal(host.name, rows[i].name);
        assert_int_equal(host.name_bytes, strlen(rows[i].name));
        assert_int_equal(host.port, rows[i].port);
        assert_int_equal(host.is_ip, rows[i].is_ip);
    }
}

static void not_a_host(void **state)
{
    static const struct view rows[] = {
        VIEW(""),
        VIEW("."),
        VIEW("a."),
        VIEW(".a"),
        VIEW("a..b"),
        VIEW("example.com."),
        VIEW("-a"),
        VIEW("a-"),
        VIEW("a.-b"),
        VIEW("a-.b"),
        VIEW("a_b"),
        VIEW("*.a.b"),
        VIEW("*"),
        VIEW("a b"),
        VIEW(" a"),
        VIEW("a "),
        VIEW("a\t"),
        VIEW("a,b"),
        VIEW("a/b"),
        VIEW("a?"),
        VIEW("a#"),
        VIEW("a\\b"),
        VIEW("u@a"),
        VIEW("u:p@a"),
        VIEW("a%2eb"),
        VIEW("a%00"),
        VIEW("a\0b"),
        VIEW("b\xc3\xbc"
             "cher.example"),
        VIEW("a\xef\xbc\x8e"
             "b"),
        VIEW("a\x7f"),
        /* ports */
        VIEW(":"),
        VIEW(":80"),
        VIEW("a:"),
        VIEW("a:0"),
        VIEW("a:080"),
        VIEW("a:65536"),
        VIEW("a:99999999999999999999"),
        VIEW("a:+1"),
        VIEW("a:-1"),
        VIEW("a: 1"),
        VIEW("a:1 "),
        VIEW("a:80:80"),
        VIEW("a:0x50"),
        VIEW("a:80a"),
        /* numbers dressed up as addresses */
        VIEW("2130706433"),
        VIEW("0x7f000001"),
        VIEW("0X7F000001"),
        VIEW("017700000001"),
        VIEW("127.1"),
        VIEW("127.0.1"),
        VIEW("0x7f.1"),
        VIEW("127.0.0.0x1"),
        VIEW("0x7f.0.0.0x1"),
        VIEW("0177.0.0.1"),
        VIEW("127.0.0.01"),
        VIEW("127.0.0.256"),
        VIEW("1.2.3.4.5"),
        VIEW("example.1"),
        VIEW("example.0x"),
        VIEW("0x"),
        VIEW("0"),
        VIEW("1.2.3.4."),
        /* IPv6 */
        VIEW("::1"),
        VIEW("["),
        VIEW("[]"),
        VIEW("[]:80"),
        VIEW("[::1"),
        VIEW("::1]"),
        VIEW("[::1]x"),
        VIEW("[::1]80"),
        VIEW("[::1]:"),
        VIEW("[::1]:0"),
        VIEW("[[::1]]"),
        VIEW("[::1%lo]"),
        VIEW("[fe80::1%25eth0]"),
        VIEW("[v1.x]"),
        VIEW("[127.0.0.1]"),
        VIEW("[1::2::3]"),
        VIEW("[12345::]"),
        VIEW("[:::1]"),
        VIEW("[a.b]"),
        VIEW("[ ::1]"),
    };
    struct http_host host = {.name = "kept", .port = 7};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (parse(&host, rows[i]))
            fail_msg("taken: %.*s", (int)rows[i].len, rows[i].ptr);
    }
    assert_string_equal(host.name, "kept");
    assert_int_equal(host.port, 7);
}

static void lengths_have_ceilings(void **state)
{
    char text[HOST_NAME_MAX_BYTES + 2];
    struct http_host host;
    size_t i;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_true(parse(&host, view_of(text, 63)));
    assert_false(parse(&host, view_of(text, 64)));
    for (i = 63; i < sizeof(text); i += 64)
        text[i] = '.';
    assert_true(parse(&host, view_of(text, 253)));
    assert_int_equal(host.name_bytes, 253);
    assert_false(parse(&host, view_of(text, 254)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_have_one_spelling),
        cmocka_unit_test(not_a_host),
        cmocka_unit_test(lengths_have_ceilings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
