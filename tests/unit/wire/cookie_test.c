/* SPDX-License-Identifier: Apache-2.0 */
/* cookie_test.c: Cookie headers as browsers write them, as attackers write them, and the ceilings.
 * A header has no state to carry, so its bytes cannot arrive apart: instead every prefix is tried,
 * each with its last byte against a guard page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "three_ways.h"
#include "wire/cookie.h"

#define NAME VIEW("__Host-session")

static enum cookie_verdict find(struct view header, struct view *value)
{
    struct http1_request request = {.headers_count = 3};

    request.headers[0] = (struct http1_header){.name = VIEW("Host"), .value = VIEW("a=b")};
    request.headers[1] = (struct http1_header){.name = VIEW("cOOkie"), .value = header};
    request.headers[2] = (struct http1_header){.name = VIEW("Cookie2"), .value = VIEW("$V=1")};
    return cookie_find(&request, NAME, value);
}

struct row {
    struct view header;
    enum cookie_verdict verdict;
    const char *value;
};

static void check_row(const struct row *row)
{
    struct view value;

    for (size_t len = 0; len <= row->header.len; len++) {
        struct guarded g = guarded_copy(row->header.ptr, len);
        enum cookie_verdict verdict;

        value = VIEW("untouched");
        verdict = find(view_of(g.data, len), &value);
        if (verdict != COOKIE_FOUND)
            assert_true(view_eq(value, VIEW("untouched")));
        if (len == row->header.len && verdict != row->verdict)
            fail_msg("%d of: " VIEW_FMT, (int)verdict, VIEW_ARG(row->header));
        if (len == row->header.len && verdict == COOKIE_FOUND)
            assert_true(view_eq(value, view_of_text(row->value)));
        guarded_free(&g);
    }
}

#define FOUND(header, value)                                                                       \
    {                                                                                              \
        VIEW(header), COOKIE_FOUND, value                                                          \
    }
#define ROW(header, verdict)                                                                       \
    {                                                                                              \
        VIEW(header), verdict, NULL                                                                \
    }

static void a_cookie_is_found_wherever_it_stands(void **state)
{
    static const struct row rows[] = {
        FOUND("__Host-session=abc", "abc"),
        FOUND("__Host-session=", ""),
        FOUND("a=1; __Host-session=abc", "abc"),
        FOUND("__Host-session=abc; a=1", "abc"),
        FOUND("a=1; __Host-session=abc; b=2", "abc"),
        FOUND("__Host-session=a=b==", "a=b=="),
        FOUND("__Host-session=s%3Aid.sig%2B/x", "s%3Aid.sig%2B/x"),
        FOUND("__Host-session=!#$%&'()*+-./:<=>?@[]^_`{|}~", "!#$%&'()*+-./:<=>?@[]^_`{|}~"),
        /* What other programs on the host have set. */
        FOUND("j={\"a\": [1, 2]}; __Host-session=abc", "abc"),
        FOUND("q=\"quoted\"; __Host-session=abc", "abc"),
        FOUND("list[3]=x; __Host-session=abc", "abc"),
        FOUND("n=J\303\274rgen; __Host-session=abc", "abc"),
        FOUND("e=; __Host-session=abc", "abc"),
        FOUND("p=C:\\x; __Host-session=abc", "abc"),
        /* A name is compared whole and exactly. */
        FOUND("__host-session=x; __Host-session=abc", "abc"),
        FOUND("__Host-session2=x; __Host-session=abc; X__Host-session=y", "abc"),
        /* No meaning in these names. */
        FOUND("$Version=1; __Host-session=abc; $Path=/", "abc"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(&rows[i]);
}

static void absent_is_not_malformed(void **state)
{
    static const struct row rows[] = {
        ROW("a=1", COOKIE_ABSENT),
        ROW("a=1; b=2", COOKIE_ABSENT),
        ROW("__Host-sessio=1", COOKIE_ABSENT),
        ROW("__HOST-SESSION=1", COOKIE_ABSENT),
        ROW("$Version=1", COOKIE_ABSENT),
        ROW("a=__Host-session=1", COOKIE_ABSENT),
        /* Folded by commas it would be another header's grammar; it is one value here. */
        ROW("a=1, __Host-session=1", COOKIE_ABSENT),
        ROW("__Host%2Dsession=1", COOKIE_ABSENT),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(&rows[i]);
}

static void what_two_readers_could_read_differently_is_refused(void **state)
{
    static const struct row rows[] = {
        ROW("__Host-session=a; __Host-session=a", COOKIE_REPEATED),
        ROW("__Host-session=a; b=1; __Host-session=c", COOKIE_REPEATED),
        ROW("__Host-session=a; __Host-session=b; __Host-session=c", COOKIE_REPEATED),
        ROW("__Host-session=; __Host-session=a", COOKIE_REPEATED),
        ROW("__Host-session=a; __Host-session=b; =", COOKIE_BAD),
        ROW("", COOKIE_BAD),
        ROW("=", COOKIE_BAD),
        ROW("__Host-session", COOKIE_BAD),
        ROW("=__Host-session=evil", COOKIE_BAD),
        ROW("=x; __Host-session=a", COOKIE_BAD),
        ROW("a; __Host-session=a", COOKIE_BAD),
        ROW("__Host-session=a; a", COOKIE_BAD),
        ROW(";", COOKIE_BAD),
        ROW("__Host-session=a;", COOKIE_BAD),
        ROW("__Host-session=a; ", COOKIE_BAD),
        ROW("; __Host-session=a", COOKIE_BAD),
        ROW("a=1;; __Host-session=a", COOKIE_BAD),
        ROW("a=1;__Host-session=a", COOKIE_BAD),
        ROW("a=1;  __Host-session=a", COOKIE_BAD),
        ROW("a=1;\t__Host-session=a", COOKIE_BAD),
        ROW("a=1 ; __Host-session=a", COOKIE_BAD),
        ROW("__Host-session =a", COOKIE_BAD),
        ROW("__Host-session= a", COOKIE_BAD),
        ROW("a=\"x; __Host-session=evil\"", COOKIE_BAD),
        ROW("a=\"x; __Host-session=evil; b=\"", COOKIE_FOUND),
        ROW("\"a=1; __Host-session=evil", COOKIE_BAD),
        ROW("__Host-session=\"a\"", COOKIE_BAD),
        ROW("__Host-session=\"a", COOKIE_BAD),
        ROW("__Host-session=a,b", COOKIE_BAD),
        ROW("__Host-session=a b", COOKIE_BAD),
        ROW("__Host-session=a\\b", COOKIE_BAD),
        ROW("__Host-session=\303\274", COOKIE_BAD),
        ROW("__Host-session=a\177", COOKIE_BAD),
        ROW("a=\0; __Host-session=a", COOKIE_BAD),
        ROW("a=\t; __Host-session=a", COOKIE_BAD),
        ROW("a\1=1; __Host-session=a", COOKIE_BAD),
        ROW("a,b=1; __Host-session=a", COOKIE_BAD),
        ROW("a=1\n__Host-session=a", COOKIE_BAD),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct row row = rows[i];

        row.value = "evil"; /* of the one row where a quote opens nothing */
        check_row(&row);
    }
}

/* Cookie headers of `lines`, separated by LF. */
static enum cookie_verdict find_in_headers(const char *lines, struct view *value)
{
    struct http1_request request = {.headers_count = 0};
    struct view rest = view_of_text(lines), line;
    bool has_more = true;

    while (has_more) {
        has_more = view_split(rest, '\n', &line, &rest);
        request.headers[request.headers_count++] =
            (struct http1_header){.name = VIEW("Cookie"), .value = line};
    }
    return cookie_find(&request, NAME, value);
}

static void all_headers_are_looked_at(void **state)
{
    struct http1_request none = {.headers_count = 0};
    struct view value = {NULL, 0};

    (void)state;
    assert_int_equal(cookie_find(&none, NAME, &value), COOKIE_ABSENT);
    assert_int_equal(find_in_headers("a=1\n__Host-session=x", &value), COOKIE_FOUND);
    assert_true(view_eq(value, VIEW("x")));
    assert_int_equal(find_in_headers("__Host-session=x\na=1", &value), COOKIE_FOUND);
    assert_int_equal(find_in_headers("__Host-session=x\n__Host-session=x", &value),
                     COOKIE_REPEATED);
    assert_int_equal(find_in_headers("__Host-session=x\na", &value), COOKIE_BAD);
    assert_int_equal(find_in_headers("a=1\nb=2", &value), COOKIE_ABSENT);
}

/* `pairs` pairs, the last one is the session's. */
static enum cookie_verdict find_in_pairs(unsigned pairs, char separator)
{
    char text[1024] = "";
    struct view value;
    size_t len = 0;

    for (unsigned i = 1; i < pairs; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "a=%u%s", i,
                                separator == '\n' && i % 20 == 0 ? "\n" : "; ");
    }
    (void)snprintf(text + len, sizeof(text) - len, "__Host-session=x");
    return find_in_headers(text, &value);
}

static void fifty_pairs_and_not_one_more(void **state)
{
    (void)state;
    assert_int_equal(find_in_pairs(COOKIE_PAIRS_MAX, ';'), COOKIE_FOUND);
    assert_int_equal(find_in_pairs(COOKIE_PAIRS_MAX + 1, ';'), COOKIE_BAD);
    assert_int_equal(find_in_pairs(COOKIE_PAIRS_MAX, '\n'), COOKIE_FOUND);
    assert_int_equal(find_in_pairs(COOKIE_PAIRS_MAX + 1, '\n'), COOKIE_BAD);
}

static void four_kibibytes_and_not_one_more(void **state)
{
    static const char start[] = "__Host-session=x; a=";
    char text[COOKIE_BYTES_MAX + 8];
    struct view value;

    (void)state;
    memset(text, 'y', sizeof(text));
    memcpy(text, start, sizeof(start) - 1);
    text[COOKIE_BYTES_MAX] = '\0';
    assert_int_equal(find_in_headers(text, &value), COOKIE_FOUND);
    text[COOKIE_BYTES_MAX] = 'y';
    text[COOKIE_BYTES_MAX + 1] = '\0';
    assert_int_equal(find_in_headers(text, &value), COOKIE_BAD);
    /* The sum of all headers counts: no byte of the line end between them. */
    memcpy(text + 100, "\nb=", 3);
    text[COOKIE_BYTES_MAX + 1] = '\0';
    assert_int_equal(find_in_headers(text, &value), COOKIE_FOUND);
    text[COOKIE_BYTES_MAX + 1] = 'y';
    text[COOKIE_BYTES_MAX + 2] = '\0';
    assert_int_equal(find_in_headers(text, &value), COOKIE_BAD);
}

static void a_name_is_a_token(void **state)
{
    static const char *const good[] = {"a", "__Host-session", "connect.sid", "!#$%&'*+-.^_`|~"};
    static const char *const bad[] = {"",     "a b",      "a=b", "a;b", "\"a\"", "a,b",
                                      "a[0]", "\303\274", "a\t", "a/b", "a:b",   "(a)"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(cookie_name_ok(view_of_text(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(cookie_name_ok(view_of_text(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_is_found_wherever_it_stands),
        cmocka_unit_test(absent_is_not_malformed),
        cmocka_unit_test(what_two_readers_could_read_differently_is_refused),
        cmocka_unit_test(all_headers_are_looked_at),
        cmocka_unit_test(fifty_pairs_and_not_one_more),
        cmocka_unit_test(four_kibibytes_and_not_one_more),
        cmocka_unit_test(a_name_is_a_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
