/* SPDX-License-Identifier: Apache-2.0 */
/* What servers send, whole, byte by byte and against a guard page: the same events each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bench/frame_reader.h"
#include "three_ways.h"

/* Events as text: "T5(hello) P0() " and so on; the whole stream goes through in pieces. */
struct told {
    char text[2048];
    size_t len;
};

static void tell(struct told *told, const struct frame_event *event)
{
    static const char letters[] = {[FRAME_MORE] = '-', [FRAME_MESSAGE] = 'M', [FRAME_PING] = 'P',
                                   [FRAME_PONG] = 'O', [FRAME_CLOSE] = 'C',   [FRAME_BAD] = '!'};
    int put;

    if (event->type == FRAME_BAD)
        put = snprintf(told->text + told->len, sizeof(told->text) - told->len, "!");
    else
        put = snprintf(told->text + told->len, sizeof(told->text) - told->len, "%c%d%s:%u(%.*s) ",
                       letters[event->type], (int)event->opcode, event->is_compressed ? "z" : "",
                       (unsigned)event->bytes, (int)(event->begin.len < 20 ? event->begin.len : 20),
                       event->begin.ptr);
    assert_true(put > 0 && told->len + (size_t)put < sizeof(told->text));
    told->len += (size_t)put;
}

static void read_in_pieces(struct told *told, const uint8_t *bytes, size_t len, size_t piece)
{
    struct frame_reader r;
    struct frame_event event = {.type = FRAME_MORE};

    told->len = 0;
    told->text[0] = '\0';
    frame_reader_init(&r);
    for (size_t at = 0; at < len && event.type != FRAME_BAD; at += piece) {
        const uint8_t *now = bytes + at;
        size_t left = len - at < piece ? len - at : piece, used;

        do {
            frame_reader_next(&r, now, left, &used, &event);
            assert_true(used <= left);
            now += used;
            left -= used;
            if (event.type != FRAME_MORE)
                tell(told, &event);
        } while (event.type != FRAME_MORE && event.type != FRAME_BAD);
        if (event.type == FRAME_MORE)
            assert_int_equal(left, 0);
    }
}

static void expect(const void *bytes, size_t len, const char *text)
{
    struct told told;
    struct guarded guarded = guarded_copy(bytes, len);

    for (size_t piece = 1; piece <= len; piece++) {
        read_in_pieces(&told, guarded.data, len, piece);
        assert_string_equal(told.text, text);
    }
    guarded_free(&guarded);
}
#define EXPECT(literal, text) expect(literal, sizeof(literal) - 1, text)

static void messages_are_told_with_their_beginning(void **state)
{
    (void)state;
    EXPECT("\x81\x05hello", "M1:5(hello) ");
    EXPECT("\x82\x00\x81\x02ok", "M2:0() M1:2(ok) ");
    EXPECT("\xc1\x03zzz\x81\x01x", "M1z:3(zzz) M1:1(x) ");
}

static void fragments_are_one_message(void **state)
{
    (void)state;
    EXPECT("\x01\x03hel\x80\x02lo", "M1:5(hello) ");
    EXPECT("\x01\x03hel\x00\x00\x80\x02lo\x81\x01x", "M1:5(hello) M1:1(x) ");
    EXPECT("\x41\x01z\x80\x01z", "M1z:2(zz) ");
}

static void control_frames_come_in_between(void **state)
{
    (void)state;
    EXPECT("\x01\x03hel\x89\x02hi\x80\x02lo", "P9:2(hi) M1:5(hello) ");
    EXPECT("\x8a\x00\x88\x04\x03\xe8"
           "by",
           "O10:0() C8:4(\x03\xe8"
           "by) ");
}

static void only_the_beginning_of_a_long_message_is_kept(void **state)
{
    static uint8_t bytes[4 + 70000 + 10];
    struct frame_event event;
    struct frame_reader r;
    size_t used, at = 0;

    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    memcpy(bytes, "\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x70", 10); /* 70000 */
    frame_reader_init(&r);
    do {
        size_t once = sizeof(bytes) - 4 - at < 999 ? sizeof(bytes) - 4 - at : 999;
        frame_reader_next(&r, bytes + at, once, &used, &event);
        at += used;
    } while (event.type == FRAME_MORE);
    assert_int_equal(event.type, FRAME_MESSAGE);
    assert_int_equal(event.bytes, 70000);
    assert_int_equal(event.begin.len, FRAME_BEGIN_BYTES);
    assert_int_equal(at, 70010);
    frame_reader_init(&r);
    frame_reader_next(&r, bytes, 70010, &used, &event);
    assert_int_equal(event.type, FRAME_MESSAGE);
    assert_int_equal(event.bytes, 70000);
    assert_int_equal(event.begin.len, FRAME_BEGIN_BYTES);
    assert_int_equal(used, 70010);
}

static void what_breaks_the_protocol_is_bad(void **state)
{
    (void)state;
    EXPECT("\x81\x85mask", "!");                     /* a server must not mask */
    EXPECT("\x83\x00", "!");                         /* reserved opcode */
    EXPECT("\xa1\x00", "!");                         /* RSV2 */
    EXPECT("\x80\x00", "!");                         /* continues nothing */
    EXPECT("\x01\x01x\x81\x01x", "!");               /* inside another */
    EXPECT("\x09\x00", "!");                         /* fragmented ping */
    EXPECT("\x89\x7e\x00\x7e", "!");                 /* ping of 126 bytes */
    EXPECT("\x81\x7e\x00\x01x", "!");                /* length not minimal */
    EXPECT("\x81\x02ok\xff\xff\xff", "M1:2(ok) !");  /* after something good */
    EXPECT("HTTP/1.1 400 Bad Request\r\n\r\n", "!"); /* another protocol */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_told_with_their_beginning),
        cmocka_unit_test(fragments_are_one_message),
        cmocka_unit_test(control_frames_come_in_between),
        cmocka_unit_test(only_the_beginning_of_a_long_message_is_kept),
        cmocka_unit_test(what_breaks_the_protocol_is_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
