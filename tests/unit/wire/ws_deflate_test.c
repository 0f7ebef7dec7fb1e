/* SPDX-License-Identifier: Apache-2.0 */
/* ws_deflate_test.c: RFC 7692 section 7.2.3's examples, limits hit exactly, bombs, and memory
 * edges. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "base/status.h"
#include "three_ways.h"
#include "wire/ws_deflate.h"
#include "wire_bytes.h"

#define NO_LIMIT (1u << 30)

static struct ws_inflate_limits at_most(uint64_t bytes, uint32_t ratio)
{
    return (struct ws_inflate_limits){bytes, ratio};
}

static struct ws_inflate *inflater(uint8_t bits, bool keeps_context)
{
    struct ws_inflate *z = NULL;

    assert_int_equal(ws_inflate_new(&z, bits, keeps_context), OK);
    return z;
}

static struct ws_deflate *deflater(uint8_t bits, bool keeps_context)
{
    struct ws_deflate *z = NULL;

    assert_int_equal(ws_deflate_new(&z, bits, 6, keeps_context), OK);
    return z;
}

/* The input always ends at a page that cannot be touched: the tail must come from elsewhere. */
static int inflate_guarded(struct ws_inflate *z, const void *in, size_t len, uint64_t max,
                           struct view *out)
{
    struct guarded g = guarded_copy(in, len);
    uint8_t *data = NULL;
    size_t made = 0;
    int rc = ws_inflate_message(z, view_of(g.data, len), at_most(max, 0), &data, &made);

    *out = view_of(data, made);
    guarded_free(&g);
    return rc;
}

static void expect_hex(struct ws_inflate *z, const char *hex, const char *text)
{
    struct bytes in = bytes_of_hex(hex);
    struct view out;
    int rc = inflate_guarded(z, in.data, in.len, NO_LIMIT, &out);

    if (text == NULL) {
        assert_int_equal(rc, E_INVALID);
    } else {
        assert_int_equal(rc, OK);
        assert_true(view_eq(out, view_of_text(text)));
    }
    bytes_clear(&in);
}

static void rfc_7692_examples(void **unused)
{
    static const char *const hello[] = {"f248cdc9c90700", "000500faff48656c6c6f00",
                                        "f348cdc9c9070000", "f24805000000ffffcac9c90700"};

    (void)unused;
    for (int keeps = 0; keeps < 2; keeps++) {
        struct ws_inflate *z = inflater(15, keeps == 1);

        for (size_t i = 0; i < 4; i++)
            expect_hex(z, hello[i], "Hello");
        expect_hex(z, "00", "");
        for (size_t i = 0; i < 4; i++)
            expect_hex(z, hello[i], "Hello");
        ws_inflate_free(z);
    }
}

static void the_window_is_kept_only_when_agreed(void **unused)
{
    struct ws_inflate *keeps = inflater(15, true), *forgets = inflater(15, false);

    (void)unused;
    expect_hex(keeps, "f248cdc9c90700", "Hello");
    expect_hex(keeps, "f200110000", "Hello");
    expect_hex(forgets, "f248cdc9c90700", "Hello");
    expect_hex(forgets, "f200110000", NULL);
    expect_hex(forgets, "f248cdc9c90700", "Hello"); /* usable again after a failure */
    ws_inflate_free(keeps);
    ws_inflate_free(forgets);
}

static void a_final_block_ends_no_message_and_no_window(void **unused)
{
    struct ws_inflate *z = inflater(15, true);

    (void)unused;
    /* Three BFINAL blocks and a last plain one in one message. */
    expect_hex(z, "f348cdc9c90700 f348cdc9c90700 f348cdc9c90700 f248cdc9c90700",
               "HelloHelloHelloHello");
    expect_hex(z, "f348cdc9c9070000", "Hello");
    expect_hex(z, "f200110000", "Hello"); /* refers behind the BFINAL block (F-4) */
    expect_hex(z, "f3001100 f200110000", "HelloHello");
    expect_hex(z, "f348cdc9c90700", NULL); /* section 7.2.3.4: a 00 must follow */
    ws_inflate_free(z);
}

static void corrupt_and_truncated_streams(void **unused)
{
    static const char *const bad[] = {"",
                                      "ff",
                                      "07",
                                      "000500fafe48656c6c6f00",
                                      "f248",
                                      "f248cdc9c9",
                                      "f248cdc9",
                                      "000500faff4865",
                                      "0005",
                                      "f2",
                                      "f248cdc9c90700ff",
                                      "f248cdc9c907"};
    struct ws_inflate *z = inflater(15, false);

    (void)unused;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_hex(z, bad[i], NULL);
    expect_hex(z, "f248cdc9c90700", "Hello");
    ws_inflate_free(z);
}

static struct bytes sample(size_t len, unsigned kind)
{
    struct bytes b = {NULL, 0, 0};
    uint32_t chance = (uint32_t)len + kind;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)test_chance(&chance, kind == 0 ? 256 : (kind == 1 ? 4 : 1));

        bytes_add(&b, &byte, 1);
    }
    return b;
}

static void round_trips_of_every_window(void **unused)
{
    static const size_t lengths[] = {0, 1, 5, 125, 4095, 4096, 4097, 40000, 200000};

    (void)unused;
    for (unsigned v = 0; v < 7 * 2 * 3; v++) {
        uint8_t bits = (uint8_t)(9 + v % 7);
        bool keeps = v / 7 % 2 == 1;
        struct ws_deflate *d = deflater(bits, keeps);
        struct ws_inflate *z = inflater(bits, keeps);

        for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
            struct bytes in = sample(lengths[i / 2], v / 14);
            struct view out;
            uint8_t *packed;
            size_t packed_len;

            assert_int_equal(ws_deflate_message(d, in.data, in.len, &packed, &packed_len), OK);
            assert_int_equal(inflate_guarded(z, packed, packed_len, in.len, &out), OK);
            assert_true(view_eq(out, view_of(in.data, in.len)));
            if (in.len > 0 && !keeps) /* a failure would leave the kept window behind */
                assert_int_equal(inflate_guarded(z, packed, packed_len, in.len - 1, &out), E_LIMIT);
            bytes_clear(&in);
        }
        ws_deflate_free(d);
        ws_inflate_free(z);
    }
}

static void the_empty_message_is_one_zero_byte(void **unused)
{
    struct ws_deflate *d = deflater(15, true);
    uint8_t *out;
    size_t len;

    (void)unused;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ws_deflate_message(d, NULL, 0, &out, &len), OK);
        assert_int_equal(len, 1);
        assert_int_equal(out[0], 0);
    }
    ws_deflate_free(d);
}

static void packed_hello_is_the_rfcs(void **unused)
{
    struct ws_deflate *keeps = deflater(15, true), *forgets = deflater(15, false);
    uint8_t *out;
    size_t len;

    (void)unused;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ws_deflate_message(forgets, (const uint8_t *)"Hello", 5, &out, &len), OK);
        assert_int_equal(len, 7);
        assert_memory_equal(out, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
    }
    assert_int_equal(ws_deflate_message(keeps, (const uint8_t *)"Hello", 5, &out, &len), OK);
    assert_memory_equal(out, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
    assert_int_equal(ws_deflate_message(keeps, (const uint8_t *)"Hello", 5, &out, &len), OK);
    assert_int_equal(len, 5);
    assert_memory_equal(out, "\xf2\x00\x11\x00\x00", 5);
    ws_deflate_free(keeps);
    ws_deflate_free(forgets);
}

/* 16 MiB of zeros, about 1029:1 (F-5). */
static struct bytes bomb(size_t *full)
{
    struct ws_deflate *d = deflater(15, false);
    struct bytes copy = {NULL, 0, 0};
    uint8_t *zeros, *out;
    size_t len;

    *full = 16u << 20;
    zeros = calloc(1, *full);
    assert_non_null(zeros);
    assert_int_equal(ws_deflate_message(d, zeros, *full, &out, &len), OK);
    assert_true(*full / len > 1000);
    bytes_add(&copy, out, len);
    free(zeros);
    ws_deflate_free(d);
    return copy;
}

static void a_bomb_stops_at_the_limit(void **unused)
{
    struct ws_inflate *z = inflater(15, false);
    size_t full, len;
    struct bytes b = bomb(&full);
    uint8_t *out;

    (void)unused;
    assert_int_equal(ws_inflate_message(z, view_of(b.data, b.len), at_most(65536, 0), &out, &len),
                     E_LIMIT);
    assert_int_equal(
        ws_inflate_message(z, view_of(b.data, b.len), at_most(full - 1, 0), &out, &len), E_LIMIT);
    assert_int_equal(ws_inflate_message(z, view_of(b.data, b.len), at_most(full, 0), &out, &len),
                     OK);
    assert_int_equal(len, full);
    assert_int_equal(ws_inflate_message(z, view_of(b.data, b.len), at_most(full, 100), &out, &len),
                     E_LIMIT);
    assert_int_equal(ws_inflate_message(z, view_of(b.data, b.len), at_most(full, 2000), &out, &len),
                     OK);
    assert_int_equal(
        ws_inflate_message(z, view_of(b.data, b.len), at_most(UINT64_MAX, UINT32_MAX), &out, &len),
        OK);
    bytes_clear(&b);
    ws_inflate_free(z);
}

static void the_ratio_counts_past_16_kib_only(void **unused)
{
    struct ws_deflate *d = deflater(15, false);
    struct ws_inflate *z = inflater(15, false);
    static const uint8_t zeros[16385];
    uint8_t *packed, *out;
    size_t packed_len, len;

    (void)unused;
    assert_int_equal(ws_deflate_message(d, zeros, 16384, &packed, &packed_len), OK);
    assert_true(packed_len < 163);
    assert_int_equal(
        ws_inflate_message(z, view_of(packed, packed_len), at_most(NO_LIMIT, 100), &out, &len), OK);
    assert_int_equal(len, 16384);
    assert_int_equal(ws_deflate_message(d, zeros, 16385, &packed, &packed_len), OK);
    assert_int_equal(
        ws_inflate_message(z, view_of(packed, packed_len), at_most(NO_LIMIT, 100), &out, &len),
        E_LIMIT);
    ws_deflate_free(d);
    ws_inflate_free(z);
}

/* C-A22: output and input lengths around every size that a buffer can have. */
static void lengths_around_every_buffer_size(void **unused)
{
    static const size_t sizes[] = {64, 1024, 4096, 8192, 16384, 32768, 65536, 131072};
    struct ws_deflate *d = deflater(15, false);
    struct ws_inflate *z = inflater(15, false);

    (void)unused;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t len = sizes[i] - 8; len <= sizes[i] + 8; len++) {
            struct bytes in = sample(len, 0);
            struct view out;
            uint8_t *packed;
            size_t packed_len;

            assert_int_equal(ws_deflate_message(d, in.data, len, &packed, &packed_len), OK);
            assert_int_equal(inflate_guarded(z, packed, packed_len, len, &out), OK);
            assert_true(view_eq(out, view_of(in.data, len)));
            assert_int_equal(inflate_guarded(z, packed, packed_len, len - 1, &out), E_LIMIT);
            bytes_clear(&in);
        }
    }
    ws_deflate_free(d);
    ws_inflate_free(z);
}

/* Two bytes that end zlib's stream, 32,768 times: each must cost little (no copy of the window). */
static void many_final_blocks_are_cheap(void **unused)
{
    struct ws_inflate *z = inflater(15, true);
    struct bytes b = {NULL, 0, 0};
    struct view out;
    clock_t start;

    (void)unused;
    for (int i = 0; i < 32768; i++)
        bytes_add(&b, "\x03\x00", 2);
    bytes_add(&b, "\x00", 1);
    start = clock();
    assert_int_equal(inflate_guarded(z, b.data, b.len, 65536, &out), OK);
    assert_int_equal(out.len, 0);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 1.0);
    bytes_clear(&b);
    ws_inflate_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_7692_examples),
        cmocka_unit_test(the_window_is_kept_only_when_agreed),
        cmocka_unit_test(a_final_block_ends_no_message_and_no_window),
        cmocka_unit_test(corrupt_and_truncated_streams),
        cmocka_unit_test(round_trips_of_every_window),
        cmocka_unit_test(the_empty_message_is_one_zero_byte),
        cmocka_unit_test(packed_hello_is_the_rfcs),
        cmocka_unit_test(a_bomb_stops_at_the_limit),
        cmocka_unit_test(the_ratio_counts_past_16_kib_only),
        cmocka_unit_test(lengths_around_every_buffer_size),
        cmocka_unit_test(many_final_blocks_are_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
