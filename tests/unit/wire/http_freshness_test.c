/* SPDX-License-Identifier: Apache-2.0 */
/* http_freshness_test.c: how long an answer may be kept, and dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "three_ways.h"
#include "wire/http_freshness.h"

#define NOT_SAID (-1)
#define NOW      INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */

/* Every value ends at a guard page. */
static void add(struct http_freshness *f, const char *name, const char *value)
{
    struct guarded g = guarded_copy(value, strlen(value));

    http_freshness_add(f, view_of_text(name), view_of(g.data, strlen(value)));
    guarded_free(&g);
}

static int64_t answer(const struct http_freshness *f)
{
    uint32_t seconds = 0;

    return http_freshness_get(f, NOW, &seconds) ? (int64_t)seconds : NOT_SAID;
}

static void cache_control_is_read_strictly(void **state)
{
    static const struct {
        const char *value;
        int64_t seconds;
    } rows[] = {
        {"", NOT_SAID},
        {"public", NOT_SAID},
        {"max-age=3600", 3600},
        {"MAX-AGE=3600", 3600},
        {"public, max-age=60, must-revalidate", 60},
        {", ,max-age=60,,", 60},
        {"max-age=60,max-age=60", 60},
        {"max-age=60,max-age=61", 0},
        {"max-age=0", 0},
        {"max-age=4294967297", 2147483647},
        {"max-age=99999999999999999999999999", 2147483647},
        {"max-age", 0},
        {"max-age=", 0},
        {"max-age=-1", 0},
        {"max-age=+1", 0},
        {"max-age=1.5", 0},
        {"max-age= 60", 0},
        {"max-age=\"60\"", 0},
        {"max-age=60s", 0},
        {"s-maxage=60", NOT_SAID},
        {"s-maxage=60, max-age=10", 10},
        {"x-max-age=60", NOT_SAID},
        {"no-cache", 0},
        {"no-store, max-age=60", 0},
        {"max-age=60, no-cache=\"Set-Cookie\"", 0},
        {"private=\"max-age=1, a\", max-age=60", 60},
        {"private=\"a\\\", max-age=60\"", NOT_SAID},
        {"private=\"a, max-age=60", 0},
        {"a=\"\\", 0},
        {"=, max-age=60", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_freshness f = {0};

        add(&f, "cache-control", rows[i].value);
        if (answer(&f) != rows[i].seconds)
            fail_msg("%s: %lld", rows[i].value, (long long)answer(&f));
    }
}

static void several_headers_count_as_one_list(void **state)
{
    struct http_freshness f = {0};

    (void)state;
    add(&f, "Cache-Control", "public");
    add(&f, "Cache-Control", "max-age=100");
    add(&f, "X-Max-Age", "7");
    assert_int_equal(answer(&f), 100);
    add(&f, "Cache-Control", "no-store");
    assert_int_equal(answer(&f), 0);
}

static void the_age_of_an_answer_is_taken_off(void **state)
{
    struct http_freshness f = {0};

    (void)state;
    add(&f, "Age", "40");
    assert_int_equal(answer(&f), NOT_SAID);
    add(&f, "Cache-Control", "max-age=100");
    assert_int_equal(answer(&f), 60);
    add(&f, "Age", "101");
    assert_int_equal(answer(&f), 0);
    f = (struct http_freshness){0};
    add(&f, "Cache-Control", "max-age=100");
    add(&f, "Age", "-1");
    assert_int_equal(answer(&f), 0);
}

static void expires_counts_from_date(void **state)
{
    struct http_freshness f = {0};

    (void)state;
    add(&f, "Expires", "Sun, 06 Nov 1994 09:49:37 GMT");
    assert_int_equal(answer(&f), 3600);
    add(&f, "Date", "Sun, 06 Nov 1994 09:39:37 GMT"); /* their clock is not ours */
    assert_int_equal(answer(&f), 600);
    add(&f, "Cache-Control", "max-age=5");
    assert_int_equal(answer(&f), 5);

    f = (struct http_freshness){0};
    add(&f, "Expires", "0");
    assert_int_equal(answer(&f), 0);
    add(&f, "Cache-Control", "max-age=5"); /* wins over an Expires that is none */
    assert_int_equal(answer(&f), 5);

    f = (struct http_freshness){0};
    add(&f, "Expires", "Sun, 06 Nov 1994 08:00:00 GMT");
    assert_int_equal(answer(&f), 0);
    f = (struct http_freshness){0};
    add(&f, "Expires", "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_int_equal(answer(&f), HTTP_FRESHNESS_MAX_S);
    f = (struct http_freshness){0};
    add(&f, "Expires", "Sun, 06 Nov 1994 09:49:37 GMT");
    add(&f, "Expires", "Sun, 06 Nov 1994 10:49:37 GMT");
    assert_int_equal(answer(&f), 0);
    f = (struct http_freshness){0};
    add(&f, "Date", "yesterday");
    add(&f, "Expires", "Sun, 06 Nov 1994 09:49:37 GMT");
    assert_int_equal(answer(&f), 0);
}

static void dates_have_one_form(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } rows[] = {
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", NOW},
        {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
        {"Wed, 01 Mar 2000 00:00:00 GMT", 951868800},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
        {"Sun, 28 Feb 2100 23:59:59 GMT", 4107542399},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"Mon, 29 Feb 2100 00:00:00 GMT", -1},
        {"Mon, 06 Nov 1994 08:49:37 GMT", -1}, /* it was a Sunday */
        {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 31 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:00 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:61 GMT", -1},
        {"sun, 06 nov 1994 08:49:37 gmt", -1},
        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
        {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
        {"Sunday, 06-Nov-94 08:49:37 GMT", -1},
        {"Sun Nov  6 08:49:37 1994", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].text);
        int64_t seconds = -1;

        for (size_t n = 0; n <= len; n++) { /* every prefix ends at a guard page */
            struct guarded g = guarded_copy(rows[i].text, n);
            bool is_date = http_date_parse(&seconds, view_of(g.data, n));

            guarded_free(&g);
            assert_false(n < len && is_date && n != 29);
        }
        if (seconds != rows[i].seconds && len == 29)
            fail_msg("%s: %lld", rows[i].text, (long long)seconds);
        if (len != 29)
            assert_false(http_date_parse(&seconds, view_of_text(rows[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cache_control_is_read_strictly),
        cmocka_unit_test(several_headers_count_as_one_list),
        cmocka_unit_test(the_age_of_an_answer_is_taken_off),
        cmocka_unit_test(expires_counts_from_date),
        cmocka_unit_test(dates_have_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
