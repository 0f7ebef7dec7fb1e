/* SPDX-License-Identifier: Apache-2.0 */
/* origin_test.c: the whole T-ORIGIN matrix (TO-01 to TO-39) and the rules of the configuration.
 * TO-30 and TO-33 (no header, two headers) are the gate's, which counts headers; white space around
 * a value is cut off by the head parser, which reports it: the rows here are what reaches this
 * file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/origin.h"
#include "base/status.h"
#include "three_ways.h"
#include "wire/http1.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

struct row {
    struct view origin;
    bool is_allowed;
};
#define A(text)                                                                                    \
    {                                                                                              \
        {text, sizeof(text) - 1}, true                                                             \
    }
#define R(text)                                                                                    \
    {                                                                                              \
        {text, sizeof(text) - 1}, false                                                            \
    }

static struct origin_rule rule_of(const char *text)
{
    struct origin_rule rule;
    struct error why;

    if (origin_rule_parse(&rule, view_of_text(text), &why) != OK)
        fail_msg("%s: %s", text, why.text);
    return rule;
}

/* Every prefix stands against a guard page once; none but the whole may be taken for the whole. */
static bool allowed(const struct origin_rule *rules, unsigned count, struct view origin)
{
    bool is_allowed = false;
    size_t len;

    for (len = 0; len <= origin.len; len++) {
        struct guarded g = guarded_copy(origin.ptr, len);

        is_allowed = origin_allowed(rules, count, view_of(g.data, len));
        guarded_free(&g);
    }
    return is_allowed;
}

static void check_rows(const struct origin_rule *rules, unsigned count, const struct row *rows,
                       size_t rows_count)
{
    size_t i;

    for (i = 0; i < rows_count; i++) {
        if (allowed(rules, count, rows[i].origin) != rows[i].is_allowed)
            fail_msg("%s: %.*s", rows[i].is_allowed ? "refused" : "allowed",
                     (int)rows[i].origin.len, rows[i].origin.ptr);
    }
}

static void matrix(void **state)
{
    static const struct row rows[] = {
        A("https://app.example.com"),            /* TO-01 */
        A("HTTPS://APP.EXAMPLE.COM"),            /* TO-02 */
        A("https://app.example.com:443"),        /* TO-03 */
        R("https://app.example.com:0443"),       /* TO-04 */
        R("https://app.example.com:8443"),       /* TO-05 */
        R("http://app.example.com"),             /* TO-06 */
        R("https://app.example.com.evil.com"),   /* TO-07 */
        R("https://evil.com/app.example.com"),   /* TO-08 */
        R("https://app.example.com@evil.com"),   /* TO-09 */
        R("https://app.example.com%2eevil.com"), /* TO-10 */
        R("https://appXexample.com"),            /* TO-11 */
        R("https://xapp.example.com"),           /* TO-12 */
        R("https://app.example.com."),           /* TO-13 */
        R("https://app.example.com/"),           /* TO-14 */
        R("https://app.example.com?x"),          /* TO-15 */
        R("https://app.example.com#"),           /* TO-16 */
        A("https://a.example.org"),              /* TO-17 */
        R("https://a.b.example.org"),            /* TO-18 */
        R("https://example.org"),                /* TO-19 */
        R("https://.example.org"),               /* TO-20 */
        R("https://evil.com/.example.org"),      /* TO-21 */
        R("https://evilexample.org"),            /* TO-22 */
        R("https://a.example.org.evil.com"),     /* TO-23 */
        R("https://*.example.org"),              /* TO-24 */
        R("https://a_b.example.org"),            /* TO-25 */
        R("null"),                               /* TO-28 */
        R("NULL"),                               /* TO-28 */
        R(""),                                   /* TO-29 */
        R("file://"),                            /* TO-31 */
        R("file:///"),                           /* TO-31 */
        R("chrome-extension://id"),              /* TO-32 */
        R("https://a https://b"),                /* TO-34 */
        R("https://app.example.com https://b"),  /* TO-34 */
        R("https://app.example.com, https://b"), /* TO-34 */
        R("https://[::1]"),                      /* TO-37 */
        R("https://2130706433"),                 /* TO-38 */
        R("https://0x7f.1"),                     /* TO-39 */
        A("https://A.EXAMPLE.org:443"),
        A("https://xn--bcher-kva.example.org"),
        A("https://1.example.org"),
        R("https://-.example.org"),
        R("https://a.example.org."),
        R("https://a.example.org:80"),
        R("http://a.example.org"),
        R("http://a.example.org:443"),
        R("wss://app.example.com"),
        R("ws://app.example.com"),
        R("https:app.example.com"),
        R("https:/app.example.com"),
        R("https:///app.example.com"),
        R("https://"),
        R("https:"),
        R("https"),
        R("://app.example.com"),
        R("//app.example.com"),
        R("app.example.com"),
        R("https://app.example.com:"),
        R("https://app.example.com:443:443"),
        R("https://app.example.com:+443"),
        R("https://app.example.com:65979"), /* 443 + 65536 */
        R("https://user@app.example.com"),
        R("https://app.example.com\\.evil.com"),
        R("https://app.example.com;evil.com"),
        R("https://evil.com?https://app.example.com"),
        R("httpsx://app.example.com"),
        R("1https://app.example.com"),
        R("https://[app.example.com]"),
    };
    const struct origin_rule rules[] = {rule_of("https://app.example.com"),
                                        rule_of("https://*.example.org")};

    (void)state;
    check_rows(rules, COUNT(rules), rows, COUNT(rows));
    assert_false(origin_allowed(NULL, 0, VIEW("https://app.example.com")));
    assert_false(origin_allowed(NULL, 0, VIEW("null")));
}

/* TO-26, TO-27 */
static void international_names(void **state)
{
    static const struct row rows[] = {
        A("https://xn--bcher-kva.example"),
        A("https://XN--BCHER-KVA.example"),
        R("https://b\xc3\xbc"
          "cher.example"),
        R("https://b%c3%bccher.example"),
        R("https://bucher.example"),
        A("https://a.xn--bcher-kva.test"),
        A("https://xn--bcher-kva.xn--bcher-kva.test"),
        R("https://xn--bcher-kva.test"),
        R("https://b\xc3\xbc"
          "cher.xn--bcher-kva.test"),
    };
    const struct origin_rule rules[] = {rule_of("https://xn--bcher-kva.example"),
                                        rule_of("https://*.xn--bcher-kva.test")};

    (void)state;
    check_rows(rules, COUNT(rules), rows, COUNT(rows));
}

/* TO-37 to TO-39: an address is allowed in the one form a browser sends, if it is listed. */
static void addresses(void **state)
{
    static const struct row rows[] = {
        A("https://127.0.0.1"),
        A("https://127.0.0.1:443"),
        R("http://127.0.0.1"),
        R("https://2130706433"),
        R("https://0x7f.1"),
        R("https://0x7f000001"),
        R("https://127.1"),
        R("https://0177.0.0.1"),
        R("https://127.0.0.01"),
        R("https://127.0.0.1."),
        R("https://[::ffff:127.0.0.1]"),
        R("https://localhost"),
        A("http://[::1]:8080"),
        A("http://[0:0:0:0:0:0:0:1]:8080"),
        R("http://[::1]"),
        R("https://[::1]"),
        R("http://::1:8080"),
        R("http://[::1%25lo]:8080"),
    };
    const struct origin_rule rules[] = {rule_of("https://127.0.0.1"), rule_of("http://[::1]:8080")};

    (void)state;
    check_rows(rules, COUNT(rules), rows, COUNT(rows));
}

/* The parser of rules refuses this one; a wildcard stands for a label all the same, never a number.
 */
static void wildcard_never_covers_an_address(void **state)
{
    const struct origin_rule rule = {
        .scheme = "https", .host = "0.0.1", .port = 443, .is_wildcard = true};

    (void)state;
    assert_false(allowed(&rule, 1, VIEW("https://127.0.0.1")));
}

static void ports(void **state)
{
    static const struct row rows[] = {
        A("http://a.example"),       A("http://a.example:80"),      R("http://a.example:443"),
        R("https://a.example"),      A("https://b.example:8443"),   R("https://b.example"),
        R("https://b.example:443"),  A("https://x.c.example:8443"), R("https://x.c.example"),
        R("https://c.example:8443"),
    };
    const struct origin_rule rules[] = {rule_of("http://a.example:80"),
                                        rule_of("https://b.example:8443"),
                                        rule_of("https://*.c.example:8443")};

    (void)state;
    check_rows(rules, COUNT(rules), rows, COUNT(rows));
}

/* TO-28, TO-32: allowed only where someone listed them on purpose. */
static void null_and_applications_when_listed(void **state)
{
    static const struct row rows[] = {
        A("null"),
        R("Null"),
        R("null "),
        R("null, null"),
        R("https://null"),
        A("chrome-extension://abcdefgh"),
        A("Chrome-Extension://abcdefgh"),
        R("chrome-extension://Abcdefgh"),
        R("chrome-extension://abcdefghi"),
        R("chrome-extension://abcdefg"),
        R("chrome-extension://abcdefgh/"),
        R("chrome-extension://"),
        R("moz-extension://abcdefgh"),
        A("app://localhost:5000"),
        R("app://localhost"),
        R("https://abcdefgh"),
        R("https://localhost:5000"),
    };
    const struct origin_rule rules[] = {rule_of("null"), rule_of("chrome-extension://abcdefgh"),
                                        rule_of("app://localhost:5000")};

    (void)state;
    check_rows(rules, COUNT(rules), rows, COUNT(rows));
}

/* TO-35 and more: no byte whatever can be put into an allowed origin, or put in place of one. */
static void each_byte_in_each_place(void **state)
{
    static const char right[] = "https://app.example.com";
    const struct origin_rule rules[] = {rule_of(right), rule_of("https://*.example.org")};
    const size_t len = sizeof(right) - 1;
    char text[sizeof(right) + 1];
    size_t at;
    unsigned b;

    (void)state;
    for (at = 0; at <= len; at++) {
        for (b = 0; b < 256; b++) {
            memcpy(text, right, at);
            text[at] = (char)b;
            memcpy(text + at + 1, right + at, len - at);
            assert_false(origin_allowed(rules, 2, view_of(text, len + 1)));
            if (at == len || (b | 0x20) == ((unsigned char)right[at] | 0x20u))
                continue;
            memcpy(text + at + 1, right + at + 1, len - at - 1);
            assert_false(origin_allowed(rules, 2, view_of(text, len)));
        }
    }
}

/* TO-36 */
static void long_origins(void **state)
{
    static char text[4096];
    const struct origin_rule rules[] = {rule_of("https://*.example.org")};
    size_t i;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "https://", 8);
    assert_false(origin_allowed(rules, 1, view_of(text, sizeof(text))));
    memcpy(text + sizeof(text) - 12, ".example.org", 12);
    assert_false(origin_allowed(rules, 1, view_of(text, sizeof(text))));
    for (i = 0; i < sizeof(text); i++)
        assert_false(origin_allowed(rules, 1, view_of(text, i)));
    /* The longest label, and one byte more. */
    memcpy(text + 8 + 63, ".example.org", 12);
    assert_true(origin_allowed(rules, 1, view_of(text, 8 + 63 + 12)));
    memset(text + 8, 'a', 64);
    memcpy(text + 8 + 64, ".example.org", 12);
    assert_false(origin_allowed(rules, 1, view_of(text, 8 + 64 + 12)));
}

/* TO-33 and TO-35 at the head parser: what the gate asks it. */
static void white_space_and_repeats_are_reported_by_the_head(void **state)
{
    static const struct {
        const char *lines;
        unsigned count;
        bool has_odd_space;
    } rows[] = {
        {"Origin: https://a\r\n", 1, false},
        {"Origin:  https://a\r\n", 1, true},
        {"Origin:\thttps://a\r\n", 1, true},
        {"Origin: https://a \r\n", 1, true},
        {"Origin: https://a\t\r\n", 1, true},
        {"Origin: https://a\r\norigin: https://a\r\n", 2, false},
    };
    char text[128];
    struct http1_request request;
    const struct http1_header *header = NULL;
    size_t i, scanned, head_bytes;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        int len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", rows[i].lines);

        scanned = 0;
        assert_int_equal(http1_parse(&request, text, (size_t)len, &scanned, &head_bytes),
                         HTTP1_DONE);
        assert_int_equal(http1_find(&request, VIEW("Origin"), &header), rows[i].count);
        assert_int_equal(header->has_odd_space, rows[i].has_odd_space);
    }
}

static void rules_that_are_refused(void **state)
{
    static const struct view rows[] = {
        VIEW(""),
        VIEW("*"),
        VIEW("https://*"),
        VIEW("https://*.com"),
        VIEW("https://*."),
        VIEW("https://*example.com"),
        VIEW("https://a.*.example.com"),
        VIEW("https://a*.example.com"),
        VIEW("https://*.*.example.com"),
        VIEW("https://**.example.com"),
        VIEW("https://example.*"),
        VIEW("*://example.com"),
        VIEW("*.example.com"),
        VIEW("https://*.127.0.0.1"),
        VIEW("https://*.0.0.1"),
        VIEW("https://*.[::1]"),
        VIEW("//*.example.com"),
        VIEW("example.com"),
        VIEW("https:example.com"),
        VIEW("https://example.com/"),
        VIEW("https://example.com/a"),
        VIEW("https://example.com?"),
        VIEW("https://example.com#"),
        VIEW("https://u@example.com"),
        VIEW("https://example.com."),
        VIEW("https://example.com:0"),
        VIEW("https://example.com:0443"),
        VIEW("https://example.com:"),
        VIEW("https://example.com:*"),
        VIEW("https://b\xc3\xbc"
             "cher.example"),
        VIEW("https://"),
        VIEW(" https://example.com"),
        VIEW("https://example.com "),
        VIEW("https://a\0b.com"),
        VIEW("https://a.com https://b.com"),
        VIEW("https://a.com,https://b.com"),
        VIEW("https://^a\\.com$"),
        VIEW("ws://example.com"),
        VIEW("wss://example.com"),
        VIEW("WSS://example.com"),
        VIEW("file://"),
        VIEW("file:///tmp"),
        VIEW("file:///"),
        VIEW("chrome-extension://*"),
        VIEW("chrome-extension://id/"),
        VIEW("data:text/html,x"),
        VIEW("a2345678901234567890123456789x12://id"),
        VIEW("NULL"),
        VIEW("https://2130706433"),
        VIEW("https://0x7f.1"),
        VIEW("https://::1"),
    };
    struct origin_rule rule = {.scheme = "kept"};
    struct error why;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        why.text[0] = '\0';
        if (origin_rule_parse(&rule, rows[i], &why) != E_INVALID)
            fail_msg("taken: %.*s", (int)rows[i].len, rows[i].ptr);
        assert_true(strlen(why.text) > 0);
        assert_int_equal(origin_rule_parse(&rule, rows[i], NULL), E_INVALID);
    }
    assert_string_equal(rule.scheme, "kept");
}

static void rules_are_read_into_tuples(void **state)
{
    struct origin_rule rule = rule_of("HTTPS://*.Example.COM");

    (void)state;
    assert_string_equal(rule.scheme, "https");
    assert_string_equal(rule.host, "example.com");
    assert_int_equal(rule.port, 443);
    assert_true(rule.is_wildcard && !rule.is_null && !rule.is_opaque);
    rule = rule_of("http://[0:0::1]:8080");
    assert_string_equal(rule.host, "::1");
    assert_int_equal(rule.port, 8080);
    assert_false(rule.is_wildcard || rule.is_null || rule.is_opaque);
    rule = rule_of("null");
    assert_true(rule.is_null && !rule.is_opaque && !rule.is_wildcard);
    rule = rule_of("moz-extension://0f5d-AB");
    assert_string_equal(rule.scheme, "moz-extension");
    assert_string_equal(rule.host, "0f5d-AB");
    assert_true(rule.is_opaque && !rule.is_null && !rule.is_wildcard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matrix),
        cmocka_unit_test(international_names),
        cmocka_unit_test(addresses),
        cmocka_unit_test(wildcard_never_covers_an_address),
        cmocka_unit_test(ports),
        cmocka_unit_test(null_and_applications_when_listed),
        cmocka_unit_test(each_byte_in_each_place),
        cmocka_unit_test(long_origins),
        cmocka_unit_test(white_space_and_repeats_are_reported_by_the_head),
        cmocka_unit_test(rules_that_are_refused),
        cmocka_unit_test(rules_are_read_into_tuples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
