/* SPDX-License-Identifier: Apache-2.0 */
/* utf8_test.c: against an oracle that decodes numbers and knows no tables, and Autobahn's vectors.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "three_ways.h"
#include "utf8_vectors.h"
#include "wire/utf8.h"
#include "wire_bytes.h"

/* RFC 3629 as arithmetic: decode what the lead byte promises, then judge the number. */
static bool oracle(const uint8_t *b, size_t len)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    size_t i = 0;

    while (i < len) {
        size_t more = b[i] < 0x80 ? 0 : (b[i] >> 5 == 6 ? 1 : (b[i] >> 4 == 14 ? 2 : 3));
        uint32_t value = more == 0 ? b[i] : b[i] & (0x3Fu >> more);

        if (more == 3 && b[i] >> 3 != 30)
            return false;
        if (len - i <= more)
            return false;
        for (size_t k = 1; k <= more; k++) {
            if (b[i + k] >> 6 != 2)
                return false;
            value = value << 6 | (b[i + k] & 0x3F);
        }
        if (value < smallest[more] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
            return false;
        i += more + 1;
    }
    return true;
}

static bool by_steps(const uint8_t *b, size_t len, size_t step)
{
    uint32_t state = UTF8_ACCEPT;

    for (size_t i = 0; i < len; i += step) {
        if (!utf8_feed(&state, b + i, len - i < step ? len - i : step))
            return false;
    }
    return state == UTF8_ACCEPT;
}

/* The bytes alone, in pieces, and behind and before runs of ASCII that wake the fast paths. */
static void check(const uint8_t *b, size_t len, bool expected)
{
    static const size_t pads[] = {0, 1, 7, 13, 16, 61, 64, 127};
    uint8_t text[512];

    assert_int_equal(utf8_ok(b, len), expected);
    for (size_t step = 1; step <= 3; step++)
        assert_int_equal(by_steps(b, len, step), expected);
    for (size_t i = 0; i < sizeof(pads) / sizeof(pads[0]); i++) {
        memset(text, 'a', sizeof(text));
        memcpy(text + pads[i], b, len);
        assert_int_equal(utf8_ok(text, pads[i] + len), expected);
        if (expected)
            assert_true(utf8_ok(text, pads[i] + len + 20));
    }
}

static void every_autobahn_vector(void **unused)
{
    (void)unused;
    assert_int_equal(UTF8_VECTORS_COUNT, 132);
    for (size_t i = 0; i < UTF8_VECTORS_COUNT; i++) {
        struct bytes b = bytes_of_hex(utf8_vectors[i].hex);
        struct guarded g = guarded_copy(b.data, b.len);

        assert_int_equal(oracle(g.data, b.len), utf8_vectors[i].is_valid);
        check(g.data, b.len, utf8_vectors[i].is_valid);
        guarded_free(&g);
        bytes_clear(&b);
    }
}

static size_t encode(uint32_t cp, uint8_t out[4])
{
    if (cp < 0x80) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (uint8_t)(0xC0 | cp >> 6);
        out[1] = (uint8_t)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (uint8_t)(0xE0 | cp >> 12);
        out[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | cp >> 18);
    out[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (cp & 0x3F));
    return 4;
}

static void every_code_point(void **unused)
{
    uint8_t text[24];

    (void)unused;
    for (uint32_t cp = 0; cp <= 0x10FFFF + 0x100; cp++) {
        bool is_scalar = cp <= 0x10FFFF && !(cp >= 0xD800 && cp <= 0xDFFF);
        size_t len = encode(cp, text);

        assert_int_equal(utf8_ok(text, len), is_scalar);
        assert_int_equal(by_steps(text, len, 1), is_scalar);
        memset(text + len, '.', 20); /* now the path for long texts */
        assert_int_equal(utf8_ok(text, len + 20), is_scalar);
    }
}

static void every_two_and_three_bytes(void **unused)
{
    uint8_t b[24];

    (void)unused;
    memset(b, 'x', sizeof(b));
    for (uint32_t v = 0; v < 1u << 24; v++) {
        bool expected;

        b[0] = (uint8_t)(v >> 16);
        b[1] = (uint8_t)(v >> 8);
        b[2] = (uint8_t)v;
        if (b[2] == 0)
            assert_int_equal(utf8_ok(b, 2), oracle(b, 2));
        if (b[0] < 0x80 && (v & 0x70) != 0) /* one ASCII lead says what all do; save the time */
            continue;
        expected = oracle(b, 3);
        assert_int_equal(utf8_ok(b, 3), expected);
        assert_int_equal(utf8_ok(b, 20), expected); /* the path for long texts */
        if ((v & 7) == 0)
            assert_int_equal(by_steps(b, 3, 1), expected);
    }
}

static void random_bytes_agree_with_the_oracle(void **unused)
{
    static const uint8_t edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1,
                                    0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0,
                                    0xF1, 0xF3, 0xF4, 0xF5, 0xFF, 'a',  'b',  'c'};
    uint32_t chance = 7;
    uint8_t b[96];

    (void)unused;
    for (int round = 0; round < 200000; round++) {
        size_t len = test_chance(&chance, sizeof(b));

        memset(b, 'z', sizeof(b));
        for (uint32_t k = test_chance(&chance, 6); k > 0 && len > 0; k--) {
            uint8_t text[4];
            size_t some = encode(test_chance(&chance, 0x110000), text);
            size_t at = test_chance(&chance, (uint32_t)len);

            memcpy(b + at, text, at + some <= len ? some : 0);
            if (test_chance(&chance, 3) == 0)
                b[at] = edges[test_chance(&chance, sizeof(edges))];
        }
        assert_int_equal(utf8_ok(b, len), oracle(b, len));
        assert_int_equal(by_steps(b, len, 1 + test_chance(&chance, 20)), oracle(b, len));
    }
}

static void the_first_bad_byte_is_the_one_that_fails(void **unused)
{
    /* Autobahn 6.4.4: f4 is fine, 90 can never become a code point. */
    static const uint8_t text[] = {0xce, 0xba, 0xf4, 0x90};
    uint32_t state = UTF8_ACCEPT;

    (void)unused;
    assert_true(utf8_feed(&state, text, 3));
    assert_int_not_equal(state, UTF8_ACCEPT);
    assert_false(utf8_feed(&state, text + 3, 1));
}

static void nothing_is_valid_text(void **unused)
{
    (void)unused;
    assert_true(utf8_ok(NULL, 0));
    assert_int_equal(utf8_cut((const uint8_t *)"", 0, 5), 0);
}

static void cutting_keeps_code_points_whole(void **unused)
{
    const uint8_t text[] = "a\xc2\xa2\xe2\x82\xac\xf0\xa4\xad\xa2";
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};

    (void)unused;
    for (size_t max = 0; max < sizeof(expected) / sizeof(expected[0]); max++)
        assert_int_equal(utf8_cut(text, sizeof(text) - 1, max), expected[max]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_autobahn_vector),
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(every_two_and_three_bytes),
        cmocka_unit_test(random_bytes_agree_with_the_oracle),
        cmocka_unit_test(the_first_bad_byte_is_the_one_that_fails),
        cmocka_unit_test(nothing_is_valid_text),
        cmocka_unit_test(cutting_keeps_code_points_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
