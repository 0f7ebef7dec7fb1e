/* SPDX-License-Identifier: Apache-2.0 */
/* iso_date_test.c: moments that are, and texts that are none, against a guard page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/iso_date.h"
#include "three_ways.h"

static bool parse(const char *text, size_t len, int64_t *wall_s)
{
    struct guarded g = guarded_copy(text, len);
    bool answer = iso_date_parse(view_of(g.data, len), wall_s);

    guarded_free(&g);
    return answer;
}

static void moments_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t wall_s;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-22T14:07:12.345Z", 1795356432},
        {"2024-02-29T23:59:59+01:30", 1709245799},
        {"2000-03-01T00:00:00-23:59", 951955140},
        {"0001-01-01T00:00:00Z", INT64_C(-62135596800)},
        {"9999-12-31T23:59:59.999999999Z", INT64_C(253402300799)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t wall_s = 7;

        assert_true(parse(rows[i].text, strlen(rows[i].text), &wall_s));
        assert_true(wall_s == rows[i].wall_s);
        for (size_t len = 0; len < strlen(rows[i].text); len++)
            assert_false(parse(rows[i].text, len, &wall_s));
    }
}

static void other_texts_are_refused(void **state)
{
    static const char *const rows[] = {
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00ZZ",
        "2026-01-01T00:00:00Z ",
        " 2026-01-01T00:00:00Z",
        "+02026-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-1-01T00:00:00Z",
        "20260101T000000Z",
        "Sun, 22 Nov 2026 14:07:12 GMT",
        "2026-01-01T00:00:00.0123456789Z",
    };
    int64_t wall_s = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(parse(rows[i], strlen(rows[i]), &wall_s));
    assert_int_equal(wall_s, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_read),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
