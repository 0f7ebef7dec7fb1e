/* SPDX-License-Identifier: Apache-2.0 */
/* ws_message_test.c: RFC 6455 sections 5.4 to 5.7, limits hit exactly and
 * memory that follows what has arrived (C-A1, C-A6, C-A8 to C-A13, C-A17). Every stream is
 * fed whole and cut in many ways; all must tell the same. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "utf8_vectors.h"
#include "ws_trace_expect.h"

static const struct frame_kind whole_text = {WS_TEXT, true, false, true};
static const struct frame_kind whole_binary = {WS_BINARY, true, false, true};
static const struct frame_kind first_text = {WS_TEXT, false, false, true};
static const struct frame_kind first_binary = {WS_BINARY, false, false, true};
static const struct frame_kind middle = {WS_CONTINUATION, false, false, true};
static const struct frame_kind last = {WS_CONTINUATION, true, false, true};
static const struct frame_kind ping = {WS_PING, true, false, true};

static void rfc_6455_section_5_7(void **unused)
{
    struct ws_limits client = usual;
    struct bytes in = bytes_of_hex("8185 37fa213d 7f9f4d5158"), big = {NULL, 0, 0};
    struct ws_trace t;

    (void)unused;
    client.expect_mask = false;
    expect_message(&usual, false, &in, "Hello", 5);
    bytes_clear(&in);
    in = bytes_of_hex("8105 48656c6c6f");
    expect_message(&client, false, &in, "Hello", 5);
    bytes_clear(&in);
    in = bytes_of_hex("8105 48656c6c6f");
    expect_fail(&usual, false, &in, 1002);
    bytes_clear(&in);
    in = bytes_of_hex("0103 48656c 8002 6c6f");
    expect_message(&client, false, &in, "Hello", 5);
    bytes_clear(&in);
    in = bytes_of_hex("8905 48656c6c6f 8a05 48656c6c6f");
    t = run_all(&client, false, &in);
    assert_int_equal(t.counts[WS_EVENT_PING], 1);
    assert_int_equal(t.counts[WS_EVENT_PONG], 1);
    ws_trace_clear(&t);
    in.len = 0;
    for (size_t len = 256; len <= 65536; len += 65280) {
        for (size_t i = big.len; i < len; i++)
            bytes_add(&big, &(uint8_t){(uint8_t)i}, 1);
        bytes_add_frame(&in, (struct frame_kind){WS_BINARY, true, false, false}, big.data, len);
        expect_message(&client, false, &in, big.data, len);
    }
    bytes_clear(&in);
    bytes_clear(&big);
}

static void control_frames_between_fragments(void **unused)
{
    struct bytes in = {NULL, 0, 0};
    struct ws_trace t;
    char filler[125];

    (void)unused;
    memset(filler, 'p', sizeof(filler));
    bytes_add_frame(&in, first_text, "frag", 4);
    bytes_add_frame(&in, ping, filler, 125);
    bytes_add_frame(&in, middle, "", 0);
    bytes_add_frame(&in, ping, "", 0);
    bytes_add_frame(&in, (struct frame_kind){WS_PONG, true, false, true}, "x", 1);
    bytes_add_frame(&in, last, "ment", 4);
    bytes_add_frame(&in, whole_binary, "\0\1", 2);
    bytes_add_frame(&in, whole_text, "", 0);
    bytes_add_frame(&in, (struct frame_kind){WS_CLOSE, true, false, true}, "\x03\xe8", 2);
    t = run_all(&usual, false, &in);
    assert_int_equal(t.events, 7);
    assert_int_equal(t.counts[WS_EVENT_PING], 2);
    assert_int_equal(t.counts[WS_EVENT_PONG], 1);
    assert_int_equal(t.counts[WS_EVENT_TEXT], 2);
    assert_int_equal(t.counts[WS_EVENT_BINARY], 1);
    assert_int_equal(t.counts[WS_EVENT_CLOSE], 1);
    ws_trace_clear(&t);
    in.len = 0;
    bytes_add_frame(&in, first_text, "frag", 4);
    bytes_add_frame(&in, ping, "", 0);
    bytes_add_frame(&in, last, "ment", 4);
    expect_message(&usual, false, &in, "fragment", 8);
    bytes_clear(&in);
}

static void what_breaks_the_protocol(void **unused)
{
    static const char *const bad[] = {
        "91 80 00000000",
        "a1 80 00000000",
        "c1 80 00000000",
        "83 80 00000000",
        "8b 80 00000000",
        "8f 80 00000000",
        "09 80 00000000",
        "08 80 00000000",
        "89 fe 007e 00000000",
        "81 00",
        "c9 80 00000000",
        "80 80 00000000",
        "00 80 00000000",
        "01 80 00000000 81 80 00000000", /* a new message inside one */
        "01 80 00000000 01 80 00000000",
        "01 80 00000000 80 80 00000000 80 80 00000000", /* a continuation too many */
        "81 fe 007d 00000000",
        "81 ff 000000000000ffff 00000000",
        "81 ff 8000000000000000 00000000",
        "81 ff ffffffffffffffff 00000000",
        "01 80 00000000 80 ff fffffffffffffff2 00000000",
        "01 80 00000000 40 80 00000000"};

    (void)unused;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bytes in = bytes_of_hex(bad[i]);

        expect_fail(&usual, false, &in, 1002);
        bytes_clear(&in);
    }
}

static void huge_lengths_are_refused_at_the_header(void **unused)
{
    static const uint64_t lengths[] = {65537, 1u << 30, INT64_MAX, INT64_MAX - 3, INT64_MAX - 13};
    struct bytes in = {NULL, 0, 0};

    (void)unused;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct ws_trace t;

        bytes_add_header(&in, whole_text, lengths[i]);
        t = run_all(&usual, false, &in);
        assert_int_equal(t.fail_code, 1009);
        assert_true(t.peak_bytes < 1024);
        ws_trace_clear(&t);
        in.len = 0;
        bytes_add_frame(&in, first_binary, "x", 1);
        bytes_add_header(&in, last, lengths[i]);
        expect_fail(&usual, false, &in, 1009);
    }
    bytes_clear(&in);
}

/* Without any limit of ours the sums still cannot wrap (C-A5), and memory follows what has arrived.
 */
static void no_sum_of_lengths_wraps(void **unused)
{
    struct ws_limits limits = usual;
    struct bytes in = {NULL, 0, 0};

    (void)unused;
    limits.message_bytes = UINT64_MAX;
    for (uint64_t below = 0; below <= 14; below++) {
        for (int is_second = 0; is_second < 2; is_second++) {
            struct ws_trace t;

            if (is_second == 1)
                bytes_add_frame(&in, first_binary, "x", 1);
            bytes_add_header(&in, is_second == 1 ? last : whole_binary, INT64_MAX - below);
            bytes_add(&in, "0123456789", 10);
            t = run_all(&limits, false, &in);
            assert_int_equal(t.events, 0);
            assert_true(t.peak_bytes < 4096);
            ws_trace_clear(&t);
            in.len = 0;
        }
    }
    bytes_add_frame(&in, first_binary, "x", 1); /* two such frames fit no memory */
    bytes_add_header(&in, middle, INT64_MAX);
    limits.message_bytes = INT64_MAX;
    expect_fail(&limits, false, &in, 1009);
    bytes_clear(&in);
}

static void the_size_limit_is_exact(void **unused)
{
    struct ws_limits limits = usual;
    char payload[1001];
    struct bytes in = {NULL, 0, 0};

    (void)unused;
    memset(payload, 's', sizeof(payload));
    limits.message_bytes = 1000;
    bytes_add_frame(&in, whole_text, payload, 1000);
    expect_message(&limits, false, &in, payload, 1000);
    bytes_add_header(&in, whole_text, 1001); /* no byte of it has come */
    expect_fail(&limits, false, &in, 1009);
    for (size_t cut = 0; cut <= 1000; cut += 250) {
        bytes_add_frame(&in, first_binary, payload, cut);
        bytes_add_frame(&in, last, payload, 1000 - cut);
        expect_message(&limits, false, &in, payload, 1000);
        bytes_add_frame(&in, first_binary, payload, cut);
        bytes_add_frame(&in, middle, payload, 1000 - cut);
        bytes_add_frame(&in, middle, payload, 0);
        bytes_add_header(&in, last, 1);
        expect_fail(&limits, false, &in, 1009);
    }
    limits.message_bytes = 0;
    bytes_add_frame(&in, whole_text, payload, 0);
    expect_message(&limits, false, &in, payload, 0);
    bytes_add_frame(&in, whole_text, payload, 1);
    expect_fail(&limits, false, &in, 1009);
    bytes_clear(&in);
}

static void the_fragment_cap_counts_every_frame(void **unused)
{
    struct ws_limits limits = usual;

    (void)unused;
    limits.fragments = 5;
    for (int is_empty = 0; is_empty < 2; is_empty++) {
        struct bytes in = {NULL, 0, 0};
        size_t len = is_empty == 1 ? 0 : 1;
        struct ws_trace t;

        for (int message = 0; message < 3; message++) {
            bytes_add_frame(&in, first_text, "a", len);
            for (int i = 0; i < 3; i++) {
                bytes_add_frame(&in, middle, "a", len);
                bytes_add_frame(&in, ping, "", 0); /* control frames are no fragments */
            }
            bytes_add_frame(&in, last, "a", len);
        }
        t = run_all(&limits, false, &in);
        assert_int_equal(t.fail_code, 0);
        assert_int_equal(t.counts[WS_EVENT_TEXT], 3);
        assert_int_equal(t.counts[WS_EVENT_PING], 9);
        ws_trace_clear(&t);
        in.len = 0;
        bytes_add_frame(&in, first_text, "a", len);
        for (int i = 0; i < 4; i++)
            bytes_add_frame(&in, middle, "a", len);
        t = run_all(&limits, false, &in);
        assert_int_equal(t.fail_code, 0);
        ws_trace_clear(&t);
        bytes_add_header(&in, middle, len);
        t = run_all(&limits, false, &in);
        assert_int_equal(t.fail_code, 1008);
        assert_string_equal(t.fail_reason, "Too many fragments");
        ws_trace_clear(&t);
        bytes_clear(&in);
    }
}

static void types_not_accepted_fail_at_the_header(void **unused)
{
    struct ws_limits limits = usual;
    struct bytes in = {NULL, 0, 0};

    (void)unused;
    limits.accepts_binary = false;
    bytes_add_header(&in, whole_binary, 5);
    expect_fail(&limits, false, &in, 1003);
    bytes_add_header(&in, first_binary, 0);
    expect_fail(&limits, false, &in, 1003);
    bytes_add_frame(&in, whole_text, "t", 1);
    expect_message(&limits, false, &in, "t", 1);
    limits.accepts_text = false;
    bytes_add_header(&in, whole_text, 5);
    expect_fail(&limits, false, &in, 1003);
    bytes_clear(&in);
}

static void memory_follows_what_has_arrived(void **unused)
{
    struct ws_limits limits = usual;
    struct bytes in = {NULL, 0, 0};
    struct ws_trace t;
    uint8_t payload[3000] = {0};

    (void)unused;
    bytes_add_header(&in, whole_binary, 60 * 1024); /* 60 KiB announced, 3,000 bytes sent (C-A8) */
    bytes_add(&in, payload, sizeof(payload));
    t = run_all(&usual, false, &in);
    assert_int_equal(t.events, 0);
    assert_in_range(t.peak_bytes, 3000, 8 * 1024 - 1);
    ws_trace_clear(&t);
    t = ws_trace_run(&usual, NULL, &in, 1, NULL);
    assert_in_range(t.peak_bytes, 3000, 8 * 1024 - 1);
    ws_trace_clear(&t);
    in.len = 0;
    limits.fragments = 65536; /* 64 KiB in 65,536 frames of one byte (C-A10) */
    for (int i = 0; i < 65536; i++) {
        struct frame_kind kind = i == 0 ? first_text : (i == 65535 ? last : middle);

        bytes_add_frame(&in, kind, "f", 1);
    }
    t = ws_trace_run(&limits, NULL, &in, 4096, NULL);
    assert_int_equal(t.fail_code, 0);
    assert_int_equal(t.last.len, 65536);
    assert_in_range(t.peak_bytes, 65536, 65536 + 16 * 1024);
    ws_trace_clear(&t);
    bytes_clear(&in);
}

/* Doubling: 16 MiB in pieces of 4 KiB may move a few dozen times, not 4,096 times. */
static void large_messages_move_seldom(void **unused)
{
    struct ws_limits limits = usual;
    struct bytes in = {NULL, 0, 0};
    size_t full = 16u << 20;
    uint8_t *payload = calloc(1, full);
    struct ws_trace t;

    (void)unused;
    assert_non_null(payload);
    limits.message_bytes = full;
    limits.fragments = UINT32_MAX;
    bytes_add_frame(&in, whole_binary, payload, full);
    t = ws_trace_run(&limits, NULL, &in, 4096, NULL);
    assert_int_equal(t.last.len, full);
    assert_true(t.regrowths < 64);
    assert_true(t.peak_bytes < full + 4096);
    ws_trace_clear(&t);
    in.len = 0;
    for (size_t at = 0; at < 4u << 20; at += 64) {
        bool is_last = at + 64 == 4u << 20;

        bytes_add_frame(&in, at == 0 ? first_text : (is_last ? last : middle), payload, 64);
    }
    t = ws_trace_run(&limits, NULL, &in, 65536, NULL);
    assert_int_equal(t.last.len, 4u << 20);
    assert_true(t.regrowths < 64);
    ws_trace_clear(&t);
    bytes_clear(&in);
    free(payload);
}

static void text_is_checked_as_it_arrives(void **unused)
{
    struct bytes in = {NULL, 0, 0};
    struct ws_trace t;
    size_t header;

    (void)unused;
    for (size_t i = 0; i < UTF8_VECTORS_COUNT; i++) {
        struct bytes text = bytes_of_hex(utf8_vectors[i].hex);

        for (int way = 0; way < 2; way++) {
            if (way == 0) {
                bytes_add_frame(&in, whole_text, text.data, text.len);
            } else {
                bytes_add_frame(&in, first_text, "", 0);
                for (size_t k = 0; k < text.len; k++)
                    bytes_add_frame(&in, middle, text.data + k, 1);
                bytes_add_frame(&in, last, "", 0);
            }
            if (utf8_vectors[i].is_valid)
                expect_message(&usual, false, &in, text.data, text.len);
            else
                expect_fail(&usual, false, &in, 1007);
        }
        bytes_clear(&text);
    }
    /* Autobahn 6.4.4: one frame, and its 13th payload byte can no longer become UTF-8. */
    bytes_add_header(&in, whole_text, 21);
    header = in.len;
    bytes_add_frame(&in, whole_text,
                    "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80"
                    "edited",
                    21);
    memmove(in.data, in.data + header, in.len - header);
    in.len -= header;
    t = ws_trace_run(&usual, NULL, &in, 1, NULL);
    assert_int_equal(t.fail_code, 1007);
    assert_int_equal(t.failed_at, header + 13);
    ws_trace_clear(&t);
    in.len = 0;
    /* Autobahn 6.4.2: the same in frames. */
    bytes_add_frame(&in, first_text, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4", 12);
    bytes_add_frame(&in, middle, "\x90", 1);
    expect_fail(&usual, false, &in, 1007);
    bytes_add_frame(&in, whole_binary, "\xff\xfe", 2);
    expect_message(&usual, false, &in, "\xff\xfe", 2);
    bytes_clear(&in);
}

/* Streams of random frames, half of them with a random byte changed: all cuts agree (C-A6). */
static void random_streams_agree_however_they_are_cut(void **unused)
{
    static const enum ws_opcode opcodes[] = {WS_TEXT,  WS_BINARY,       WS_CONTINUATION,
                                             WS_PING,  WS_CONTINUATION, WS_PONG,
                                             WS_CLOSE, WS_CONTINUATION};
    struct ws_limits limits = usual;
    struct bytes in = {NULL, 0, 0};
    uint32_t chance = 1;

    (void)unused;
    limits.message_bytes = 700;
    limits.fragments = 6;
    for (int round = 0; round < 1500; round++) {
        struct ws_trace t;

        for (uint32_t frames = 1 + test_chance(&chance, 12); frames > 0; frames--) {
            enum ws_opcode opcode = opcodes[test_chance(&chance, frames == 1 ? 8 : 6)];
            bool is_final = opcode >= WS_CLOSE || test_chance(&chance, 2) == 0;
            size_t len = test_chance(&chance, test_chance(&chance, 2) == 0 ? 20 : 126);
            struct frame_kind kind = {opcode, is_final, false, true};
            char payload[126];

            for (size_t i = 0; i < len; i++)
                payload[i] = (char)('a' + test_chance(&chance, 26));
            bytes_add_frame(&in, kind, payload, len);
        }
        if (round % 2 == 1)
            in.data[test_chance(&chance, (uint32_t)in.len)] ^=
                (uint8_t)(1u << test_chance(&chance, 8));
        t = run_all(&limits, round % 3 == 0, &in);
        ws_trace_clear(&t);
        in.len = 0;
    }
    bytes_clear(&in);
}

/* Around the ends of each way to say a length and of each stride of the unmasking; the last byte is
 * ASCII or no UTF-8 at all. */
static void lengths_around_every_border(void **unused)
{
    static const size_t lengths[] = {0,   1,   3,     4,     7,     8,     15,   16,
                                     17,  31,  32,    33,    64,    124,   125,  126,
                                     127, 128, 65534, 65535, 65536, 65537, 70001};
    static char payload[70001];
    struct ws_limits limits = usual;
    struct bytes in = {NULL, 0, 0};

    (void)unused;
    limits.message_bytes = sizeof(payload);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        memset(payload, 'a', sizeof(payload));
        in.len = 0;
        bytes_add_frame(&in, whole_text, payload, lengths[i]);
        expect_message(&limits, false, &in, payload, lengths[i]);
        if (lengths[i] == 0)
            continue;
        payload[lengths[i] - 1] = (char)0xff;
        in.len = 0;
        bytes_add_frame(&in, whole_text, payload, lengths[i]);
        expect_fail(&limits, false, &in, 1007);
        in.len = 0;
        bytes_add_frame(&in, whole_binary, payload, lengths[i]);
        expect_message(&limits, false, &in, payload, lengths[i]);
    }
    bytes_clear(&in);
    in = bytes_of_hex("82fe0003 00000000 616263"); /* a length that two bytes were not needed for */
    expect_fail(&limits, false, &in, 1002);
    bytes_clear(&in);
}

static void a_failed_decoder_stays_failed(void **unused)
{
    uint8_t bad[] = {0xff}, good[] = {0x81, 0x80, 0, 0, 0, 0};
    struct ws_decoder d;
    struct ws_event e;
    size_t used;

    (void)unused;
    ws_decoder_init(&d, &usual, NULL);
    ws_decode(&d, bad, 1, &used, &e);
    assert_int_equal(e.type, WS_EVENT_FAIL);
    assert_int_equal(d.fail_code, 1002);
    ws_decode(&d, good, sizeof(good), &used, &e);
    assert_int_equal(e.type, WS_EVENT_FAIL);
    assert_int_equal(e.fail_code, 1002);
    assert_int_equal(used, sizeof(good));
    assert_int_equal(ws_decoder_bytes(&d), 0);
    ws_decoder_clear(&d);
}

static void the_payload_lies_in_the_input(void **unused)
{
    uint8_t data[] = {0x81, 0x82, 1, 2, 3, 4, 'a' ^ 1, 'b' ^ 2, 0x89, 0x81, 0, 0, 0, 0, 'p'};
    struct ws_decoder d;
    struct ws_event e;
    size_t used;

    (void)unused;
    ws_decoder_init(&d, &usual, NULL);
    ws_decode(&d, data, sizeof(data), &used, &e);
    assert_int_equal(e.type, WS_EVENT_TEXT);
    assert_int_equal(used, 8);
    assert_ptr_equal(e.payload, data + 6);
    assert_memory_equal(e.payload, "ab", 2);
    ws_decode(&d, data + used, sizeof(data) - used, &used, &e);
    assert_int_equal(e.type, WS_EVENT_PING);
    assert_ptr_equal(e.payload, data + 14);
    assert_int_equal(ws_decoder_bytes(&d), 0);
    assert_false(ws_decoder_is_mid_message(&d));
    ws_decoder_clear(&d);
}

static void the_last_payload_outlives_its_message_by_one_call(void **unused)
{
    uint8_t one[] = {0x81, 0x82, 0, 0, 0, 0, 'a'}, two[] = {'b', 0x81};
    struct ws_decoder d;
    struct ws_event e;
    size_t used;

    (void)unused;
    ws_decoder_init(&d, &usual, NULL);
    ws_decode(&d, one, sizeof(one), &used, &e);
    assert_int_equal(e.type, WS_EVENT_MORE);
    assert_true(ws_decoder_is_mid_message(&d));
    ws_decode(&d, two, 2, &used, &e);
    assert_int_equal(e.type, WS_EVENT_TEXT);
    assert_memory_equal(e.payload, "ab", 2);
    assert_false(ws_decoder_is_mid_message(&d));
    ws_decode(&d, two + 1, 0, &used, &e);
    assert_int_equal(e.type, WS_EVENT_MORE);
    assert_int_equal(ws_decoder_bytes(&d), 0);
    ws_decode(&d, two + 1, 1, &used, &e); /* one byte of a header */
    assert_int_equal(e.type, WS_EVENT_MORE);
    assert_true(ws_decoder_is_mid_message(&d));
    assert_true(ws_decoder_bytes(&d) < 1024);
    ws_decoder_clear(&d);
    assert_false(ws_decoder_is_mid_message(&d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_6455_section_5_7),
        cmocka_unit_test(control_frames_between_fragments),
        cmocka_unit_test(what_breaks_the_protocol),
        cmocka_unit_test(huge_lengths_are_refused_at_the_header),
        cmocka_unit_test(no_sum_of_lengths_wraps),
        cmocka_unit_test(the_size_limit_is_exact),
        cmocka_unit_test(the_fragment_cap_counts_every_frame),
        cmocka_unit_test(types_not_accepted_fail_at_the_header),
        cmocka_unit_test(memory_follows_what_has_arrived),
        cmocka_unit_test(large_messages_move_seldom),
        cmocka_unit_test(text_is_checked_as_it_arrives),
        cmocka_unit_test(random_streams_agree_however_they_are_cut),
        cmocka_unit_test(lengths_around_every_border),
        cmocka_unit_test(a_failed_decoder_stays_failed),
        cmocka_unit_test(the_payload_lies_in_the_input),
        cmocka_unit_test(the_last_payload_outlives_its_message_by_one_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
