/* SPDX-License-Identifier: Apache-2.0 */
/* Words, and the time that travels in front of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "bench/payload.h"

static void a_stamp_is_read_back_from_wherever_it_lies(void **state)
{
    char text[100];
    struct payload_seen seen = {0};
    uint64_t ns;

    (void)state;
    for (size_t at = 0; at + PAYLOAD_STAMP_BYTES <= sizeof(text); at++) {
        memset(text, 'g', sizeof(text));
        payload_stamp(text + at, 0xfedcba9876543210U + at);
        assert_true(payload_find_stamp(view_of(text, sizeof(text)), &seen, &ns));
        assert_true(ns == 0xfedcba9876543210U + at);
        assert_int_equal(seen.at, at);
        ns = 0;
        assert_true(payload_find_stamp(view_of(text, sizeof(text)), &seen, &ns));
        assert_true(ns == 0xfedcba9876543210U + at);
    }
}

static void what_is_no_stamp_is_none(void **state)
{
    static const char *const wrong[] = {"",
                                        "gwb:",
                                        "gwb:0123456789abcdef",
                                        "gwb:0123456789abcdeg:",
                                        "gwb:0123456789ABCDEF:",
                                        "gwB:0123456789abcdef:",
                                        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxgwb:0123"};
    struct payload_seen seen = {0};
    uint64_t ns;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(payload_find_stamp(view_of_text(wrong[i]), &seen, &ns));
    }
}

static void a_stamp_may_come_at_another_place(void **state)
{
    char text[PAYLOAD_STAMP_BYTES + 1];
    struct payload_seen seen = {.at = 1000};
    uint64_t ns;

    (void)state;
    text[0] = 'x';
    payload_stamp(text + 1, 7);
    assert_true(payload_find_stamp(view_of(text, sizeof(text)), &seen, &ns));
    assert_int_equal(ns, 7);
    assert_int_equal(seen.at, 1);
    payload_stamp(text, 8); /* at another place */
    assert_true(payload_find_stamp(view_of(text, sizeof(text)), &seen, &ns));
    assert_int_equal(ns, 8);
}

static void data_goes_where_the_form_says(void **state)
{
    struct buf out = BUF_INIT(4096);
    size_t at;

    (void)state;
    assert_int_equal(payload_format(&out, "{\"data\":\"{data}\"}", 5, &at), OK);
    assert_int_equal(at, 9);
    assert_true(view_eq(buf_view(&out), VIEW("{\"data\":\"Shall\"}")));
    out.len = 0;
    assert_int_equal(payload_format(&out, NULL, 300, &at), OK);
    assert_int_equal(at, 0);
    assert_int_equal(out.len, 300);
    out.len = 0;
    assert_int_equal(payload_format(&out, "as it is", 300, &at), OK);
    assert_true(view_eq(buf_view(&out), VIEW("as it is")));
    out.len = 0;
    assert_int_equal(payload_format(&out, "{data}", 5000, &at), E_LIMIT);
    buf_clear(&out);
}

static void words_need_no_escape_in_json(void **state)
{
    char text[1000];

    (void)state;
    payload_fill(text, sizeof(text));
    for (size_t i = 0; i < sizeof(text); i++)
        assert_true(text[i] >= ' ' && text[i] < 0x7f && text[i] != '"' && text[i] != '\\');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stamp_is_read_back_from_wherever_it_lies),
        cmocka_unit_test(what_is_no_stamp_is_none),
        cmocka_unit_test(a_stamp_may_come_at_another_place),
        cmocka_unit_test(data_goes_where_the_form_says),
        cmocka_unit_test(words_need_no_escape_in_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
