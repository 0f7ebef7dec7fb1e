/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_url_test.c: which URLs are fetched and which are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/fetch.h"
#include "three_ways.h"

static int check(const char *text, enum fetch_http http)
{
    struct guarded g = guarded_copy(text, strlen(text));
    struct error why = {{0}, 0, 0};
    int rc;

    rc = fetch_url_check(view_of(g.data, strlen(text)), http, &why);
    assert_true((rc == OK) == (why.text[0] == '\0'));
    guarded_free(&g);
    return rc;
}

static void https_urls_with_a_host_are_taken(void **state)
{
    static const char *const rows[] = {
        "https://id.example.com/jwks",
        "https://id.example.com",
        "https://id.example.com:8443/a/b.json?x=1&y=%20",
        "https://127.0.0.1/jwks",
        "https://[2001:db8::1]:443/jwks",
        "https://id.example.com?x=@y",
        "https://id.example.com/@x:1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (check(rows[i], FETCH_HTTP_NOWHERE) != OK || check(rows[i], FETCH_HTTP_LOOPBACK) != OK)
            fail_msg("%s", rows[i]);
    }
}

static void everything_else_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "https",
        "https:/",
        "https://",
        "https:///etc/passwd",
        "HTTPS://id.example.com/",
        "ftp://id.example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "id.example.com/jwks",
        " https://id.example.com/",
        "https://user@id.example.com/",
        "https://user:word@id.example.com/",
        "https://id.example.com@169.254.169.254/",
        "https://id.example.com\\@169.254.169.254/",
        "https://id.example.com/#a",
        "https://id.example.com#@169.254.169.254/",
        "https://id.example.com/a b",
        "https://id.example.com/a\r\nX: y",
        "https://id.example.com/\x7f",
        "https://id.ex\xc3\xa4mple.com/",
        "https://id%2eexample.com/",
        "https://{a,b}.example.com/",
        "https://id.example.com:0/",
        "https://id.example.com:65536/",
        "https://id.example.com:/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://[::1/",
        "https://.example.com/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (check(rows[i], FETCH_HTTP_NOWHERE) != E_INVALID ||
            check(rows[i], FETCH_HTTP_LOOPBACK) != E_INVALID)
            fail_msg("%s", rows[i]);
    }
}

static void plain_http_is_for_loopback_and_only_when_allowed(void **state)
{
    static const struct {
        const char *text;
        int allowed;
    } rows[] = {
        {"http://127.0.0.1:8080/jwks", OK},
        {"http://127.1.2.3/jwks", OK},
        {"http://[::1]:8080/jwks", OK},
        {"http://[::ffff:127.0.0.1]/jwks", OK},
        {"http://localhost/jwks", E_INVALID}, /* a name is what a name server says it is */
        {"http://127.0.0.1.example.com/", E_INVALID},
        {"http://128.0.0.1/", E_INVALID},
        {"http://[::2]/", E_INVALID},
        {"http://127.0.0.1@10.0.0.1/", E_INVALID},
        {"http://id.example.com/", E_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (check(rows[i].text, FETCH_HTTP_LOOPBACK) != rows[i].allowed ||
            check(rows[i].text, FETCH_HTTP_NOWHERE) != E_INVALID)
            fail_msg("%s", rows[i].text);
    }
}

static void http_to_anyone_is_still_a_url_without_tricks(void **state)
{
    static const char *const bad[] = {"http://",
                                      "http://user@ocsp.example.com/",
                                      "http://ocsp.example.com/#x",
                                      "http://{a}.example.com/",
                                      "ldap://ocsp.example.com/",
                                      "HTTP://ocsp.example.com/"};

    (void)state;
    assert_int_equal(check("http://ocsp.example.com/a", FETCH_HTTP_ANYWHERE), OK);
    assert_int_equal(check("http://ocsp.example.com", FETCH_HTTP_ANYWHERE), OK);
    assert_int_equal(check("http://127.0.0.1:80/", FETCH_HTTP_ANYWHERE), OK);
    assert_int_equal(check("https://ocsp.example.com/", FETCH_HTTP_ANYWHERE), OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (check(bad[i], FETCH_HTTP_ANYWHERE) != E_INVALID)
            fail_msg("%s", bad[i]);
}

static void length_has_an_end(void **state)
{
    char text[FETCH_URL_BYTES_MAX + 2];

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "https://id.example.com/", 23);
    text[FETCH_URL_BYTES_MAX] = '\0';
    assert_int_equal(check(text, FETCH_HTTP_NOWHERE), OK);
    text[FETCH_URL_BYTES_MAX] = 'a';
    text[FETCH_URL_BYTES_MAX + 1] = '\0';
    assert_int_equal(check(text, FETCH_HTTP_NOWHERE), E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_urls_with_a_host_are_taken),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(plain_http_is_for_loopback_and_only_when_allowed),
        cmocka_unit_test(http_to_anyone_is_still_a_url_without_tricks),
        cmocka_unit_test(length_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
