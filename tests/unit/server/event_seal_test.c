/* SPDX-License-Identifier: Apache-2.0 */
/* event_seal_test.c: keys that only go forward, and the sealed end of a log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/status.h"
#include "server/event_end.h"

static const struct view key = VIEW("0123456789abcdefghijklmnopqrstuv");

static void a_segment_is_found_from_the_key_alone(void **state)
{
    struct event_seal writer, reader = {.mark = {.segment = 0}};
    uint8_t a[EVENT_KEY_BYTES], b[EVENT_KEY_BYTES];
    struct event_mark mark;

    (void)state;
    assert_int_equal(event_seal_begin(&writer, key), OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(event_seal_turn(&writer), OK);
    mark = writer.mark;
    assert_int_equal(event_seal_find(&reader, key, &mark), OK);
    assert_memory_equal(&reader, &writer, sizeof(reader));
    assert_int_equal(event_seal_line(&writer, a, VIEW("first")), OK);
    assert_int_equal(event_seal_line(&writer, a, VIEW("line")), OK);
    assert_int_equal(event_seal_skip(&reader, 1), OK);
    assert_int_equal(event_seal_line(&reader, b, VIEW("line")), OK);
    assert_memory_equal(a, b, sizeof(a));
    assert_int_equal(event_seal_line(&reader, b, VIEW("line")), OK); /* another key each time */
    assert_memory_not_equal(a, b, sizeof(a));
    mark.segment = 1; /* backwards too, for who has the key */
    assert_int_equal(event_seal_find(&reader, key, &mark), OK);
    assert_int_equal(reader.mark.segment, 1);
    mark.segment = UINT32_MAX;
    assert_int_equal(event_seal_find(&reader, key, &mark), E_LIMIT);
    assert_int_equal(reader.mark.segment, 1);
    assert_int_equal(event_seal_skip(&reader, (uint64_t)EVENT_SKIP_MAX + 1), E_LIMIT);
    mark.segment = 1;
    memset(&reader, 0, sizeof(reader));
    assert_int_equal(event_seal_find(&reader, VIEW("0123456789abcdefghijklmnopqrstuV"), &mark),
                     E_DENIED);
    assert_int_equal(event_seal_begin(&writer, VIEW("short")), E_INVALID);
}

static void marks_are_read_as_written_and_not_otherwise(void **state)
{
    static const char *const bad[] = {
        "",
        "0011223344556677",
        "0011223344556677 000102030405060708090a0b0c0d0e0f",
        "0011223344556677 000102030405060708090a0b0c0d0e0f 0",
        "0011223344556677 000102030405060708090a0b0c0d0e0f 01",
        "0011223344556677 000102030405060708090a0b0c0d0e0f 4294967296",
        "001122334455667G 000102030405060708090a0b0c0d0e0f 1",
        "001122334455667 000102030405060708090a0b0c0d0e0f 1",
        "0011223344556677 000102030405060708090A0b0c0d0e0f 1"};
    struct event_mark mark, again;
    char text[EVENT_MARK_MAX];
    struct event_seal seal;

    (void)state;
    assert_int_equal(event_seal_begin(&seal, key), OK);
    mark = seal.mark;
    mark.segment = UINT32_MAX;
    assert_true(event_seal_mark_read(&again, event_seal_mark(&mark, text)));
    assert_memory_equal(&mark, &again, sizeof(mark));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(event_seal_mark_read(&again, view_of_text(bad[i])));
}

static void the_end_is_sealed(void **state)
{
    char path[] = "/tmp/gateward-end-XXXXXX";
    int fd = mkstemp(path);
    struct event_chain chain = {.is_keyed = true, .seq = 4711};
    struct buf text = BUF_INIT(4096);
    struct event_end end;

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    event_chain_init(&chain);
    assert_int_equal(event_seal_begin(&chain.seal, key), OK);
    assert_int_equal(event_seal_turn(&chain.seal), OK);
    assert_int_equal(event_end_read(&end, path, key), E_INVALID);
    assert_int_equal(event_end_write(path, &chain), OK);
    assert_int_equal(event_end_read(&end, path, key), OK);
    assert_int_equal(end.seq, 4711);
    assert_string_equal(end.last, chain.last);
    assert_int_equal(event_end_read(&end, path, VIEW("another key, of more than 32 bytes")),
                     E_DENIED);
    assert_int_equal(file_read(&text, path), OK);
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 1;
        assert_int_equal(file_write(path, text.data, text.len, 0600), OK);
        assert_int_not_equal(event_end_read(&end, path, key), OK);
        text.data[i] ^= 1;
        assert_int_equal(file_write(path, text.data, i, 0600), OK);
        assert_int_equal(event_end_read(&end, path, key), E_INVALID);
    }
    buf_clear(&text);
    (void)unlink(path);
    assert_int_equal(event_end_read(&end, path, key), E_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_is_found_from_the_key_alone),
        cmocka_unit_test(marks_are_read_as_written_and_not_otherwise),
        cmocka_unit_test(the_end_is_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
