/* SPDX-License-Identifier: Apache-2.0 */
/* ws_message_deflate_test.c: compressed messages in the decoder (RFC 7692 section 6, C-A21). */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ws_trace_expect.h"

static const struct frame_kind whole_text = {WS_TEXT, true, false, true};
static const struct frame_kind first_text = {WS_TEXT, false, false, true};
static const struct frame_kind last = {WS_CONTINUATION, true, false, true};
static const struct frame_kind ping = {WS_PING, true, false, true};
static const struct frame_kind packed_text = {WS_TEXT, true, true, true};
static const struct frame_kind packed_first = {WS_TEXT, false, true, true};

static void compressed_hello(void **unused)
{
    static const char *const hello[] = {"f248cdc9c90700", "000500faff48656c6c6f00",
                                        "f348cdc9c9070000", "f24805000000ffffcac9c90700"};
    struct bytes in = {NULL, 0, 0};

    (void)unused;
    for (size_t i = 0; i < 4; i++) {
        struct bytes packed = bytes_of_hex(hello[i]);

        bytes_add_frame(&in, packed_text, packed.data, packed.len);
        expect_message(&usual, true, &in, "Hello", 5);
        bytes_add_frame(&in, packed_first, packed.data, 3); /* RFC 7692 section 7.2.3.1 */
        bytes_add_frame(&in, ping, "between", 7);
        bytes_add_frame(&in, last, packed.data + 3, packed.len - 3);
        expect_message(&usual, true, &in, "Hello", 5);
        bytes_clear(&packed);
    }
    bytes_add_frame(&in, packed_text, "\0", 1);
    expect_message(&usual, true, &in, "", 0);
    bytes_add_frame(&in, whole_text, "plain", 5); /* uncompressed stays allowed */
    expect_message(&usual, true, &in, "plain", 5);
    bytes_clear(&in);
}

static void where_rsv1_may_stand(void **unused)
{
    struct bytes in = {NULL, 0, 0};

    (void)unused;
    bytes_add_header(&in, packed_text, 5); /* not negotiated */
    expect_fail(&usual, false, &in, 1002);
    bytes_add_frame(&in, packed_first, "\xf2\x48", 2);
    bytes_add_header(&in, (struct frame_kind){WS_CONTINUATION, true, true, true}, 5);
    expect_fail(&usual, true, &in, 1002);
    bytes_add_frame(&in, first_text, "a", 1);
    bytes_add_header(&in, (struct frame_kind){WS_CONTINUATION, true, true, true}, 5);
    expect_fail(&usual, true, &in, 1002);
    bytes_add_header(&in, (struct frame_kind){WS_PING, true, true, true}, 0);
    expect_fail(&usual, true, &in, 1002);
    bytes_clear(&in);
}

static void bad_compressed_messages(void **unused)
{
    struct bytes in = {NULL, 0, 0};

    (void)unused;
    bytes_add_frame(&in, packed_text, "\xff", 1);
    expect_fail(&usual, true, &in, 1007);
    bytes_add_frame(&in, packed_text, "\xf2\x48\xcd", 3);
    expect_fail(&usual, true, &in, 1007);
    bytes_add_frame(&in, packed_text, "\x00\x01\x00\xfe\xff\x80\x00", 7); /* stored: 80 */
    expect_fail(&usual, true, &in, 1007);
    bytes_add_frame(&in, (struct frame_kind){WS_BINARY, true, true, true},
                    "\x00\x01\x00\xfe\xff\x80\x00", 7);
    expect_message(&usual, true, &in, "\x80", 1);
    bytes_clear(&in);
}

static void pack(struct bytes *in, const void *payload, size_t len)
{
    struct ws_deflate *d = NULL;
    uint8_t *packed;
    size_t packed_len;

    assert_int_equal(ws_deflate_new(&d, 15, 9, false), OK);
    assert_int_equal(ws_deflate_message(d, payload, len, &packed, &packed_len), OK);
    bytes_add_frame(in, packed_text, packed, packed_len);
    ws_deflate_free(d);
}

static void compressed_limits_are_exact(void **unused)
{
    struct ws_limits limits = usual;
    size_t full = 16u << 20;
    char *zeros = calloc(1, full);
    struct bytes in = {NULL, 0, 0};

    (void)unused;
    assert_non_null(zeros);
    pack(&in, zeros, 65536);
    expect_message(&limits, true, &in, zeros, 65536);
    pack(&in, zeros, 65537);
    expect_fail(&limits, true, &in, 1009);
    pack(&in, zeros, full); /* 1029:1 (C-A21) */
    expect_fail(&limits, true, &in, 1009);
    limits.inflate_ratio = 100;
    pack(&in, zeros, 16384);
    expect_message(&limits, true, &in, zeros, 16384);
    pack(&in, zeros, 65536);
    expect_fail(&limits, true, &in, 1009);
    limits.inflate_ratio = 0;
    limits.message_bytes = 1000; /* what may be gathered: 1000 + 1000 / 64 + 1024 */
    bytes_add_header(&in, packed_text, 2040);
    expect_fail(&limits, true, &in, 1009);
    bytes_add_frame(&in, packed_text, zeros, 2039); /* let in, and then judged by what it holds */
    expect_fail(&limits, true, &in, 1007);
    bytes_clear(&in);
    free(zeros);
}

static void incompressible_messages_of_the_full_size_pass(void **unused)
{
    uint8_t noise[65536];
    struct bytes in = {NULL, 0, 0};
    uint32_t chance = 11;

    (void)unused;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)test_chance(&chance, 128);
    pack(&in, noise, sizeof(noise));
    expect_message(&usual, true, &in, noise, sizeof(noise));
    bytes_clear(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressed_hello),
        cmocka_unit_test(where_rsv1_may_stand),
        cmocka_unit_test(bad_compressed_messages),
        cmocka_unit_test(compressed_limits_are_exact),
        cmocka_unit_test(incompressible_messages_of_the_full_size_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
