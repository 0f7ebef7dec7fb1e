/* SPDX-License-Identifier: Apache-2.0 */
/* ws_frame_test.c: headers against an oracle over all first two bytes, lengths at their edges,
 * masks. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "three_ways.h"
#include "wire/ws_frame.h"
#include "wire_bytes.h"

/* RFC 6455 section 5.2, said once more in other words. */
static bool first_two_are_legal(unsigned first, unsigned second, bool expect_mask)
{
    unsigned opcode = first % 16, length = second % 128;
    bool is_final = first >= 128, rsv1 = first / 64 % 2 == 1, rsv2 = first / 32 % 2 == 1;
    bool rsv3 = first / 16 % 2 == 1;

    if (rsv2 || rsv3 || (second >= 128) != expect_mask)
        return false;
    if (opcode == 0 || opcode == 1 || opcode == 2)
        return true;
    return (opcode == 8 || opcode == 9 || opcode == 10) && is_final && !rsv1 && length <= 125;
}

static void every_first_two_bytes(void **unused)
{
    struct guarded g = guarded_copy("\0\0", 2);

    (void)unused;
    for (unsigned v = 0; v < 0x20000; v++) {
        unsigned first = v >> 8 & 0xFF, second = v & 0xFF;
        bool expect_mask = v >> 16 != 0;
        bool is_legal = first_two_are_legal(first, second, expect_mask);
        enum ws_parse got;
        struct ws_frame f;

        g.data[0] = (uint8_t)first;
        g.data[1] = (uint8_t)second;
        got = ws_frame_decode(&f, g.data, 2, expect_mask);
        if (!is_legal)
            assert_int_equal(got, WS_PARSE_BAD);
        else if (expect_mask || second % 128 > 125)
            assert_int_equal(got, WS_PARSE_MORE);
        else
            assert_int_equal(got, WS_PARSE_DONE);
        assert_int_equal(ws_frame_fault(g.data, 2, expect_mask) == NULL, is_legal);
    }
    guarded_free(&g);
}

/* Each prefix says MORE until the header is whole, with the next byte out of reach. */
static enum ws_parse decode_all_prefixes(struct ws_frame *f, const uint8_t *bytes, size_t len,
                                         bool expect_mask)
{
    enum ws_parse got = WS_PARSE_MORE;

    for (size_t n = 0; n <= len && got == WS_PARSE_MORE; n++) {
        struct guarded g = guarded_copy(bytes, n);

        got = ws_frame_decode(f, g.data, n, expect_mask);
        if (got == WS_PARSE_DONE)
            assert_int_equal(n, len);
        guarded_free(&g);
    }
    return got;
}

static void headers_round_trip(void **unused)
{
    static const uint64_t lengths[] = {0,     1,     124,   125,        126,         127,
                                       65535, 65536, 65537, 0xFFFFFFFF, 0x100000000, INT64_MAX};
    static const enum ws_opcode opcodes[] = {WS_CONTINUATION, WS_TEXT, WS_BINARY,
                                             WS_CLOSE,        WS_PING, WS_PONG};
    static const uint8_t none[4];
    uint8_t out[WS_FRAME_HEADER_MAX];

    (void)unused;
    for (unsigned v = 0; v < 6 * 12 * 8; v++) {
        enum ws_opcode opcode = opcodes[v % 6];
        uint64_t length = lengths[v / 6 % 12];
        bool is_final = v / 72 % 2 == 1, rsv1 = v / 144 % 2 == 1, is_masked = v / 288 == 1;
        bool is_control = opcode >= WS_CLOSE;
        struct ws_frame f = {0};
        size_t len;

        if (is_control && (!is_final || rsv1 || length > 125))
            continue;
        len = ws_frame_encode(out, opcode, is_final, rsv1, length, is_masked ? test_mask : NULL);
        assert_int_equal(decode_all_prefixes(&f, out, len, is_masked), WS_PARSE_DONE);
        assert_int_equal(f.header_bytes, len);
        assert_int_equal(f.payload_bytes, length);
        assert_int_equal(f.opcode, opcode);
        assert_int_equal(f.is_final, is_final);
        assert_int_equal(f.has_rsv1, rsv1);
        assert_int_equal(f.has_mask, is_masked);
        assert_memory_equal(f.mask, is_masked ? test_mask : none, 4);
        assert_int_equal(ws_frame_decode(&f, out, len, !is_masked), WS_PARSE_BAD);
    }
}

static void lengths_that_are_refused(void **unused)
{
    static const char *const bad[] = {"82fe 007d 00000000",
                                      "82fe 0000 00000000",
                                      "82ff 000000000000ffff 00000000",
                                      "82ff 0000000000000000 00000000",
                                      "82ff 8000000000000000 00000000",
                                      "82ff ffffffffffffffff 00000000",
                                      "82ff fffffffffffffffc 00000000",
                                      "82ff fffffffffffffff2 00000000",
                                      "89ff 8000000000000000 00000000",
                                      "89fe 007e 00000000"};
    struct ws_frame f;

    (void)unused;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bytes b = bytes_of_hex(bad[i]);

        assert_int_equal(decode_all_prefixes(&f, b.data, b.len, true), WS_PARSE_BAD);
        assert_non_null(ws_frame_fault(b.data, b.len, true));
        bytes_clear(&b);
    }
}

static void rfc_6455_examples(void **unused)
{
    struct bytes b = bytes_of_hex("8185 37fa213d 7f9f4d5158");
    struct ws_frame f;

    (void)unused;
    assert_int_equal(ws_frame_decode(&f, b.data, b.len, true), WS_PARSE_DONE);
    assert_int_equal(f.header_bytes, 6);
    assert_int_equal(f.payload_bytes, 5);
    ws_mask_apply(b.data + 6, 5, f.mask, 0);
    assert_memory_equal(b.data + 6, "Hello", 5);
    bytes_clear(&b);
    b = bytes_of_hex("827f 0000000000010000");
    assert_int_equal(ws_frame_decode(&f, b.data, b.len, false), WS_PARSE_DONE);
    assert_int_equal(f.payload_bytes, 65536);
    assert_int_equal(f.header_bytes, 10);
    bytes_clear(&b);
}

static void mask_of_every_length_offset_and_alignment(void **unused)
{
    uint8_t plain[256], copy[256];

    (void)unused;
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)(i * 37 + 11);
    for (size_t len = 0; len <= 200; len++) {
        for (size_t v = 0; v < 4 * 17; v++) {
            size_t offset = v % 4 + (len % 3) * 4, align = v / 4;
            struct guarded g = guarded_copy(plain, len + align);

            ws_mask_copy(copy, g.data + align, len, test_mask, offset);
            ws_mask_apply(g.data + align, len, test_mask, offset);
            for (size_t i = 0; i < len; i++)
                assert_int_equal(g.data[align + i], plain[align + i] ^ test_mask[(offset + i) & 3]);
            assert_memory_equal(copy, g.data + align, len);
            assert_memory_equal(g.data, plain, align); /* nothing before it changed */
            guarded_free(&g);
        }
    }
}

static void mask_in_pieces_is_mask_of_the_whole(void **unused)
{
    uint8_t whole[1000], pieces[1000];
    uint32_t chance = 3;

    (void)unused;
    memset(whole, 'x', sizeof(whole));
    memset(pieces, 'x', sizeof(pieces));
    ws_mask_apply(whole, sizeof(whole), test_mask, 0);
    for (size_t at = 0; at < sizeof(pieces);) {
        size_t len = test_chance(&chance, 90);

        if (len > sizeof(pieces) - at)
            len = sizeof(pieces) - at;
        ws_mask_apply(pieces + at, len, test_mask, at);
        at += len;
    }
    assert_memory_equal(whole, pieces, sizeof(whole));
}

/* For each length and each place of a byte that is none of ASCII's; -1: there is none. */
static void masking_tells_ascii_from_the_rest(void **unused)
{
    uint8_t plain[200];

    (void)unused;
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)(i * 37 % 128);
    for (int len = 0; len <= (int)sizeof(plain); len++) {
        for (int odd = -1; odd < len; odd++) {
            struct guarded g = guarded_copy(plain, (size_t)len);

            if (odd >= 0)
                g.data[odd] |= 0x80;
            for (int i = 0; i < len; i++)
                g.data[i] ^= test_mask[i & 3];
            assert_int_equal(ws_mask_apply_is_ascii(g.data, (size_t)len, test_mask), odd < 0);
            for (int i = 0; i < len; i++)
                assert_int_equal(g.data[i], i == odd ? plain[i] | 0x80 : plain[i]);
            guarded_free(&g);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_first_two_bytes),
        cmocka_unit_test(headers_round_trip),
        cmocka_unit_test(lengths_that_are_refused),
        cmocka_unit_test(rfc_6455_examples),
        cmocka_unit_test(mask_of_every_length_offset_and_alignment),
        cmocka_unit_test(mask_in_pieces_is_mask_of_the_whole),
        cmocka_unit_test(masking_tells_ascii_from_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
