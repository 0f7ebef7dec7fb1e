/* SPDX-License-Identifier: Apache-2.0 */
/* base64_test.c: RFC 4648 vectors, round trips, and everything that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/random.h"
#include "base/status.h"
#include "three_ways.h"

static long decode_guarded(long (*decode)(void *, struct view), const char *text, char *out)
{
    struct guarded g = guarded_copy(text, strlen(text));
    long len = decode(out, view_of(g.data, strlen(text)));

    guarded_free(&g);
    return len;
}

static void vectors_of_the_rfc(void **state)
{
    static const char *const pairs[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        size_t len = strlen(pairs[i][0]);

        assert_int_equal(base64_encode(out, pairs[i][0], len), strlen(pairs[i][1]));
        assert_memory_equal(out, pairs[i][1], strlen(pairs[i][1]));
        assert_int_equal(BASE64_BYTES(len), strlen(pairs[i][1]));
        assert_int_equal(base64url_encode(out, pairs[i][0], len), strlen(pairs[i][2]));
        assert_memory_equal(out, pairs[i][2], strlen(pairs[i][2]));
        assert_int_equal(decode_guarded(base64_decode, pairs[i][1], out), len);
        assert_memory_equal(out, pairs[i][0], len);
        assert_int_equal(decode_guarded(base64url_decode, pairs[i][2], out), len);
        assert_memory_equal(out, pairs[i][0], len);
    }
}

static void every_length_comes_back(void **state)
{
    uint8_t bytes[100], back[120];
    char text[BASE64_BYTES(100)];

    (void)state;
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        random_bytes(bytes, len);
        assert_int_equal(base64url_decode(back, view_of(text, base64url_encode(text, bytes, len))),
                         len);
        assert_memory_equal(back, bytes, len);
        assert_int_equal(base64_decode(back, view_of(text, base64_encode(text, bytes, len))), len);
        assert_memory_equal(back, bytes, len);
    }
}

/* c at one place of a group of As, and as the first of what is left behind the last group. */
static void one_byte_alone(long (*decode)(void *, struct view), const char *alphabet, int c)
{
    const char *at = c == 0 ? NULL : strchr(alphabet, c);
    uint32_t value = at != NULL ? (uint32_t)(at - alphabet) : 0;
    uint8_t out[6];

    for (unsigned place = 0; place < 4; place++) {
        char text[4] = {'A', 'A', 'A', 'A'};

        text[place] = (char)c;
        assert_int_equal(decode(out, view_of(text, 4)), at != NULL ? 3 : E_INVALID);
        if (at != NULL)
            assert_int_equal((uint32_t)out[0] << 16 | (uint32_t)out[1] << 8 | out[2],
                             value << (18 - 6 * place));
    }
    if (decode == base64url_decode) {
        char text[6] = {'A', 'A', 'A', 'A', (char)c, 'A'};

        assert_int_equal(decode(out, view_of(text, 6)), at != NULL ? 4 : E_INVALID);
        if (at != NULL)
            assert_int_equal(out[3], value << 2);
    }
}

static void each_byte_stands_for_its_place_in_the_alphabet(void **state)
{
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    (void)state;
    for (int c = 0; c < 256; c++) {
        one_byte_alone(base64url_decode, LETTERS "-_", c);
        if (c != '=') /* is no letter, but may end a text */
            one_byte_alone(base64_decode, LETTERS "+/", c);
    }
#undef LETTERS
}

static void url_form_is_strict(void **state)
{
    static const char *const bad[] = {"A",      "AAAAA", "Zg==",   "Zm8=",      "Zg=", "+//+",
                                      "Zm9v ",  " Zm9v", "Zm9v\n", "Zm\n9v",    "Zh",  "Zm9",
                                      "Zm9vYh", "Z=",    "====",   "\xc3\xa4ZZ"};
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(decode_guarded(base64url_decode, bad[i], out), E_INVALID);
    assert_int_equal(base64url_decode(out, VIEW("AAA\0")), E_INVALID);
}

static void standard_form_wants_its_padding(void **state)
{
    static const char *const bad[] = {"Zg",     "Zm8",   "Zg=",  "-__-", "Z===",     "====", "=",
                                      "Zg==\n", "Zm 9v", "Zg=v", "=Zg=", "Zg==Zg==", "Zm9v="};
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(decode_guarded(base64_decode, bad[i], out), E_INVALID);
}

/* RFC 6455 section 1.3 uses "dGhlIHNhbXBsZSBub25jZQ=="; some clients send keys whose spare bits are
 * not zero. */
static void standard_form_takes_spare_bits(void **state)
{
    char out[64];

    (void)state;
    assert_int_equal(decode_guarded(base64_decode, "dGhlIHNhbXBsZSBub25jZQ==", out), 16);
    assert_memory_equal(out, "the sample nonce", 16);
    assert_int_equal(decode_guarded(base64_decode, "dGhlIHNhbXBsZSBub25jZR==", out), 16);
    assert_memory_equal(out, "the sample nonce", 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(each_byte_stands_for_its_place_in_the_alphabet),
        cmocka_unit_test(url_form_is_strict),
        cmocka_unit_test(standard_form_wants_its_padding),
        cmocka_unit_test(standard_form_takes_spare_bits),
    };

    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
