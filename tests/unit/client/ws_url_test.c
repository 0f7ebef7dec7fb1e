/* SPDX-License-Identifier: Apache-2.0 */
/* ws_url_test.c: addresses, good and bad, each with its last byte against a guard page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/status.h"
#include "client/ws_url.h"
#include "three_ways.h"

static int parse(struct ws_url *url, const char *text, const char **fault)
{
    struct guarded g = guarded_copy(text, strlen(text));
    int rc = ws_url_parse(url, view_of(g.data, strlen(text)), fault);

    guarded_free(&g);
    return rc;
}

static void good_addresses_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *name, *authority, *target;
        unsigned port;
        bool is_tls;
    } rows[] = {
        {"ws://example.com", "example.com", "example.com", "/", 80, false},
        {"wss://example.com/", "example.com", "example.com", "/", 443, true},
        {"WSS://Example.COM/Path", "example.com", "example.com", "/Path", 443, true},
        {"ws://h:443/", "h", "h:443", "/", 443, false},
        {"wss://h:443/", "h", "h", "/", 443, true},
        {"ws://h:80/", "h", "h", "/", 80, false},
        {"wss://h:65535/a/b?c=d&e", "h", "h:65535", "/a/b?c=d&e", 65535, true},
        {"ws://h?x=1", "h", "h", "/?x=1", 80, false},
        {"ws://h/?", "h", "h", "/?", 80, false},
        {"ws://h//a/../b", "h", "h", "//a/../b", 80, false},
        {"ws://h/%20%Ff", "h", "h", "/%20%Ff", 80, false},
        {"ws://h/a@b:c", "h", "h", "/a@b:c", 80, false},
        {"wss://127.0.0.1:8443/ws", "127.0.0.1", "127.0.0.1:8443", "/ws", 8443, true},
        {"wss://[::1]/ws", "::1", "[::1]", "/ws", 443, true},
        {"ws://[2001:DB8:0:0:0:0:0:1]:9000", "2001:db8::1", "[2001:db8::1]:9000", "/", 9000, false},
        {"ws://[::1]?q", "::1", "[::1]", "/?q", 80, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ws_url url;
        const char *fault = NULL;

        if (parse(&url, rows[i].text, &fault) != OK)
            fail_msg("%s: %s", rows[i].text, fault);
        assert_string_equal(url.host.name, rows[i].name);
        assert_string_equal(url.authority, rows[i].authority);
        assert_string_equal(url.target, rows[i].target);
        assert_int_equal(url.host.port, rows[i].port);
        assert_true(url.is_tls == rows[i].is_tls);
    }
}

static void bad_addresses_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"", "begin with"},
        {"ws:/h", "begin with"},
        {"ws:h", "begin with"},
        {"//h/", "begin with"},
        {"h:80/ws", "begin with"},
        {"wsx://h", "begin with"},
        {"http://h/", "write wss://"},
        {"HTTPS://h/", "write wss://"},
        {"ws://", "no host"},
        {"ws:///path", "no host"},
        {"ws://?q", "no host"},
        {"ws://:80/", "not valid"},
        {"ws://h:/", "not valid"},
        {"ws://h:0/", "not valid"},
        {"ws://h:65536/", "not valid"},
        {"ws://h:080/", "not valid"},
        {"ws://h:+80/", "not valid"},
        {"ws://h:80:80/", "not valid"},
        {"ws://h:8a/", "not valid"},
        {"ws://h./", "not valid"},
        {"ws://a..b/", "not valid"},
        {"ws://-a/", "not valid"},
        {"ws://a_b/", "not valid"},
        {"ws://h%41/", "not valid"},
        {"ws://127.1/", "not valid"},
        {"ws://0x7f.0.0.1/", "not valid"},
        {"ws://2130706433/", "not valid"},
        {"ws://127.0.0.01/", "not valid"},
        {"ws://[::1/", "not valid"},
        {"ws://::1/", "not valid"},
        {"ws://[::1]x/", "not valid"},
        {"ws://[fe80::1%eth0]/", "not valid"},
        {"ws://[127.0.0.1]/", "not valid"},
        {"ws://[]/", "not valid"},
        {"ws://user@h/", "user name"},
        {"ws://user:pass@h/", "user name"},
        {"ws://good.example@evil.example/", "user name"},
        {"ws://h/#top", "fragment"},
        {"ws://h#", "fragment"},
        {"ws://h/a b", "percent-encoded"},
        {" ws://h/", "percent-encoded"},
        {"ws://h/\r\nX: y", "percent-encoded"},
        {"ws://h/\x7f", "percent-encoded"},
        {"ws://h\\evil.example/", "backslash"},
        {"ws://h/\\", "backslash"},
        {"ws://b\xc3\xbc"
         "cher.example/",
         "ASCII"},
        {"ws://h/\xc3\xbc", "ASCII"},
        {"ws://h/%", "hexadecimal"},
        {"ws://h/%4", "hexadecimal"},
        {"ws://h/%4g", "hexadecimal"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ws_url url = {.is_tls = true};
        const char *fault = NULL;

        if (parse(&url, rows[i].text, &fault) != E_INVALID)
            fail_msg("taken: %s", rows[i].text);
        if (strstr(fault, rows[i].reason) == NULL)
            fail_msg("%s: %s", rows[i].text, fault);
        assert_int_equal(url.target[0], '\0'); /* outputs are written only on success */
    }
}

static void a_nul_byte_is_refused(void **state)
{
    struct ws_url url;
    const char *fault;

    (void)state;
    assert_int_equal(ws_url_parse(&url, VIEW("ws://h/\0x"), &fault), E_INVALID);
    assert_int_equal(ws_url_parse(&url, VIEW("ws://h\0.evil.example/"), &fault), E_INVALID);
}

static void the_target_has_a_ceiling(void **state)
{
    char text[HTTP1_TARGET_MAX + 16];
    struct ws_url url;
    const char *fault;
    struct view v = view_of(text, 6 + HTTP1_TARGET_MAX);

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "ws://h/", 7);
    assert_int_equal(ws_url_parse(&url, v, &fault), OK);
    assert_int_equal(strlen(url.target), HTTP1_TARGET_MAX);
    v.len++;
    assert_int_equal(ws_url_parse(&url, v, &fault), E_INVALID);
    /* The slash that a bare query gets counts too. */
    text[6] = '?';
    v.len--;
    assert_int_equal(ws_url_parse(&url, v, &fault), E_INVALID);
    v.len--;
    assert_int_equal(ws_url_parse(&url, v, &fault), OK);
    assert_int_equal(strlen(url.target), HTTP1_TARGET_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_are_taken_apart),
        cmocka_unit_test(bad_addresses_are_refused_with_a_reason),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(the_target_has_a_ceiling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
