/* SPDX-License-Identifier: Apache-2.0 */
/* json_out_test.c: escaping, cutting, commas, and no byte past the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_out.h"
#include "three_ways.h"

static void expect(struct view in, size_t max_bytes, const char *out)
{
    struct guarded g = guarded_copy(in.ptr, in.len);
    size_t len = strlen(out);

    /* With exactly enough room, with one byte less, and with plenty. */
    for (size_t cap = len - 1; cap <= len + 1; cap++) {
        char *room = malloc(cap);
        struct wr w = wr_of(room, cap);

        json_out_string(&w, view_of(g.data, in.len), max_bytes);
        assert_int_equal(w.failed, cap < len);
        if (cap >= len) {
            assert_int_equal(wr_len(&w), len);
            assert_memory_equal(room, out, len);
        }
        free(room);
    }
    guarded_free(&g);
}

static void plain_text_stays(void **state)
{
    (void)state;
    expect(VIEW(""), 0, "\"\"");
    expect(VIEW("Hello, world! 'x' [1] {2} ~/=?"), 0, "\"Hello, world! 'x' [1] {2} ~/=?\"");
    expect(VIEW("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"), 0,
           "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

static void dangerous_text_is_escaped(void **state)
{
    (void)state;
    expect(VIEW("a\"b\\c"), 0, "\"a\\\"b\\\\c\"");
    expect(VIEW("</script>&"), 0, "\"\\u003c/script\\u003e\\u0026\"");
    expect(VIEW("\0\r\n\t\x1b[2J\x7f"), 0, "\"\\u0000\\u000d\\u000a\\u0009\\u001b[2J\\u007f\"");
    expect(VIEW("\xc2\x80\xc2\x9f\xc2\xa0"), 0, "\"\\u0080\\u009f\xc2\xa0\"");
    expect(VIEW("\xe2\x80\xa8\xe2\x80\xa9"), 0, "\"\\u2028\\u2029\"");
    expect(VIEW("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8e\xd8\x9c"), 0,
           "\"\\u202e\\u2066\\u200e\\u061c\"");
}

static void broken_utf8_is_replaced(void **state)
{
    (void)state;
    expect(VIEW("a\xff"
                "b"),
           0,
           "\"a\xef\xbf\xbd"
           "b\"");
    expect(VIEW("\xc3"), 0, "\"\xef\xbf\xbd\"");
    expect(VIEW("\xe2\x82"), 0, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    expect(VIEW("\xed\xa0\x80"), 0, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    expect(VIEW("\xe2\"\xe2\n"), 0, "\"\xef\xbf\xbd\\\"\xef\xbf\xbd\\u000a\"");
}

static void cuts_between_code_points(void **state)
{
    (void)state;
    expect(VIEW("abcdef"), 6, "\"abcdef\"");
    expect(VIEW("abcdef"), 5, "\"abcde...\"");
    expect(VIEW("ab\xe2\x82\xac"), 5, "\"ab\xe2\x82\xac\"");
    expect(VIEW("ab\xe2\x82\xac"), 4, "\"ab...\"");
    expect(VIEW("ab\xe2\x82\xac"), 3, "\"ab...\"");
    expect(VIEW("\xe2\x82\xac"), 1, "\"...\"");
    expect(VIEW("\xff\xff\xff"), 2, "\"\xef\xbf\xbd\xef\xbf\xbd...\"");
    expect(VIEW("\n\n\n"), 2, "\"\\u000a\\u000a...\"");
}

static void objects_get_their_commas(void **state)
{
    static const char expected[] =
        "{\"type\":\"error\",\"n\":18446744073709551615,\"in\":{\"a\":\"{\",\"b\":{}},\"z\":1}";
    char room[200];
    struct wr w = wr_of(room, sizeof(room));

    (void)state;
    json_out_open(&w);
    json_out_member(&w, "type", VIEW("error"));
    json_out_member_u64(&w, "n", UINT64_MAX);
    json_out_key(&w, "in");
    json_out_open(&w);
    json_out_member(&w, "a", VIEW("{"));
    json_out_key(&w, "b");
    json_out_open(&w);
    json_out_close(&w);
    json_out_close(&w);
    json_out_member_u64(&w, "z", 1);
    json_out_close(&w);
    assert_false(w.failed);
    assert_int_equal(wr_len(&w), sizeof(expected) - 1);
    assert_memory_equal(room, expected, sizeof(expected) - 1);
}

static void every_byte_alone_is_safe(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char in = (char)byte, room[16];
        struct wr w = wr_of(room, sizeof(room));

        json_out_string(&w, view_of(&in, 1), 0);
        assert_false(w.failed);
        for (size_t i = 0; i < wr_len(&w); i++) {
            assert_true((unsigned char)room[i] >= 0x20 && room[i] != 0x7f);
            assert_null(memchr("<>&", room[i], 3));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays),         cmocka_unit_test(dangerous_text_is_escaped),
        cmocka_unit_test(broken_utf8_is_replaced),  cmocka_unit_test(cuts_between_code_points),
        cmocka_unit_test(objects_get_their_commas), cmocka_unit_test(every_byte_alone_is_safe),
    };

    return cmocka_run_group_tests_name("json_out", tests, NULL, NULL);
}
