/* SPDX-License-Identifier: Apache-2.0 */
/* listen_address_test.c: which texts are addresses, and which of them are local. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/listener.h"

static void good_addresses(void **state)
{
    static const struct {
        const char *text;
        uint8_t family, first;
        uint16_t port;
        bool is_local;
    } cases[] = {
        {"127.0.0.1:8443", 4, 127, 8443, true},
        {"localhost:1", 4, 127, 1, true},
        {"0.0.0.0:65535", 4, 0, 65535, false},
        {"[::1]:0", 6, 0, 0, true},
        {"[::]:443", 6, 0, 443, false},
        {"10.1.2.3:80", 4, 10, 80, false},
        {"[2001:db8::1]:443", 6, 0x20, 443, false},
    };
    struct listen_address a;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(listen_address_parse(&a, cases[i].text, NULL), OK);
        assert_int_equal(a.ip.family, cases[i].family);
        assert_int_equal(a.ip.bytes[0], cases[i].first);
        assert_int_equal(a.port, cases[i].port);
        assert_int_equal(listen_address_is_local(&a), cases[i].is_local);
        assert_string_equal(a.unix_path, "");
    }
    assert_int_equal(listen_address_parse(&a, "unix:/run/gateward/socket", NULL), OK);
    assert_string_equal(a.unix_path, "/run/gateward/socket");
    assert_int_equal(a.ip.family, 0);
    assert_true(listen_address_is_local(&a));
}

static void bad_addresses_are_refused_with_a_reason(void **state)
{
    static const char *const cases[] = {
        "",
        ":",
        "8443",
        "127.0.0.1",
        "127.0.0.1:",
        ":8443",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1: 80",
        "127.0.0.1:080",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[127.0.0.1:80",
        "[]:80",
        "example.com:443",
        "LOCALHOST:80",
        "127.1:80",
        "unix:",
        "unix:relative",
        "[fe80::1%eth0]:80",
    };
    char deep[200] = "unix:/";
    struct listen_address a = {.port = 77};
    struct error why;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        why.text[0] = '\0';
        assert_int_equal(listen_address_parse(&a, cases[i], &why), E_INVALID);
        assert_true(strlen(why.text) > 10);
    }
    memset(deep + 6, 'x', 107);
    assert_int_equal(listen_address_parse(&a, deep, &why), E_INVALID);
    assert_int_equal(a.port, 77);
    deep[5 + 107] = '\0'; /* 107 bytes and the NUL */
    assert_int_equal(listen_address_parse(&a, deep, &why), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses),
        cmocka_unit_test(bad_addresses_are_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
