/* SPDX-License-Identifier: Apache-2.0 */
/* clock_test.c: the clocks move, and times are written as the C library would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"

static void monotonic_time_does_not_go_back(void **state)
{
    uint64_t before = clock_mono_ns();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_mono_ns();

        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_mono_ms() >= before / 1000000);
    assert_true(before > 0);
}

static void wall_time_is_the_systems(void **state)
{
    int64_t before = (int64_t)time(NULL);
    int64_t s = clock_wall_s();
    int64_t ms = clock_wall_ms();

    (void)state;
    /* time() may read a coarser clock that is a tick behind. */
    assert_true(s >= before && s <= before + 5);
    assert_true(ms / 1000 >= s && ms / 1000 <= s + 5);
}

static void fixed_texts(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1970-01-01T00:00:00.000Z"},
        {INT64_MIN, "1970-01-01T00:00:00.000Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {951868800000, "2000-03-01T00:00:00.000Z"},
        {1795356432345, "2026-11-22T14:07:12.345Z"},
        {4107542399000, "2100-02-28T23:59:59.000Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
    };
    char text[CLOCK_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        clock_wall_text(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void random_times_agree_with_gmtime(void **state)
{
    uint64_t seed = 42;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t s = (int64_t)random_jitter(&seed, UINT32_MAX) * 59;
        char ours[CLOCK_TEXT_BYTES], theirs[64];
        time_t t = (time_t)s;
        struct tm tm;

        assert_non_null(gmtime_r(&t, &tm));
        assert_int_equal(strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.007Z", &tm), 24);
        clock_wall_text(s * 1000 + 7, ours);
        assert_string_equal(ours, theirs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_does_not_go_back),
        cmocka_unit_test(wall_time_is_the_systems),
        cmocka_unit_test(fixed_texts),
        cmocka_unit_test(random_times_agree_with_gmtime),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
