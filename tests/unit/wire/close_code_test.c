/* SPDX-License-Identifier: Apache-2.0 */
/* close_code_test.c: RFC 6455 section 7.4; Autobahn 7.3, 7.5, 7.7 and 7.9. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "three_ways.h"
#include "wire/close_code.h"

static void codes_a_peer_may_use(void **unused)
{
    (void)unused;
    for (unsigned code = 0; code <= 70000; code++) {
        bool expected =
            (code >= 3000 && code <= 4999) ||
            (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006);

        assert_int_equal(close_code_may_receive(code), expected);
        assert_int_equal(close_code_may_send(code), expected && code != 1010);
    }
}

static bool decode(const void *payload, size_t len, uint16_t *code, struct view *reason)
{
    struct guarded g = guarded_copy(payload, len);
    bool ok = close_payload_decode(g.data, len, code, reason);

    if (ok && len > 0) {
        assert_ptr_equal(reason->ptr, g.data + 2);
        reason->ptr = (const char *)payload + 2;
    }
    guarded_free(&g);
    return ok;
}

static void payloads_of_a_peer(void **unused)
{
    uint8_t big[126];
    struct view reason = VIEW("old");
    uint16_t code;

    (void)unused;
    assert_true(decode("", 0, &code, &reason));
    assert_int_equal(code, CLOSE_NO_STATUS);
    assert_int_equal(reason.len, 0);
    assert_false(decode("\x03", 1, &code, &reason));
    assert_int_equal(code, CLOSE_PROTOCOL);
    assert_true(decode("\x03\xe8", 2, &code, &reason));
    assert_int_equal(code, 1000);
    assert_int_equal(reason.len, 0);
    assert_true(decode("\x0f\xa1"
                       "bye \xe2\x82\xac",
                       9, &code, &reason));
    assert_int_equal(code, 4001);
    assert_memory_equal(reason.ptr, "bye \xe2\x82\xac", 7);
    assert_false(decode("\x03\xe8"
                        "bye \xe2\x82",
                        8, &code, &reason));
    assert_int_equal(code, CLOSE_BAD_DATA);
    assert_false(decode("\x03\xed", 2, &code, &reason)); /* 1005 */
    assert_int_equal(code, CLOSE_PROTOCOL);
    assert_false(decode("\xff\xff", 2, &code, &reason));
    memset(big, 'r', sizeof(big));
    big[0] = 0x03;
    big[1] = 0xe8;
    assert_true(decode(big, 125, &code, &reason));
    assert_int_equal(reason.len, CLOSE_REASON_MAX);
    assert_false(decode(big, 126, &code, &reason));
    assert_int_equal(code, CLOSE_PROTOCOL);
}

static void every_code_in_a_payload(void **unused)
{
    (void)unused;
    for (unsigned want = 0; want <= 0xFFFF; want++) {
        uint8_t payload[2] = {(uint8_t)(want >> 8), (uint8_t)want};
        struct view reason;
        uint16_t code;
        bool ok = close_payload_decode(payload, 2, &code, &reason);

        assert_int_equal(ok, close_code_may_receive(want));
        assert_int_equal(code, ok ? want : CLOSE_PROTOCOL);
    }
}

static void payloads_of_ours(void **unused)
{
    uint8_t out[CLOSE_PAYLOAD_MAX];
    char reason[300];

    (void)unused;
    assert_int_equal(close_payload_encode(out, 1008, VIEW("No")), 4);
    assert_memory_equal(out, "\x03\xf0No", 4);
    assert_int_equal(close_payload_encode(out, 1006, VIEW("")), 2);
    assert_memory_equal(out, "\x03\xf3", 2);
    assert_int_equal(close_payload_encode(out, 1010, VIEW("")), 2);
    assert_memory_equal(out, "\x03\xf3", 2);
    assert_int_equal(close_payload_encode(out, 1000, VIEW("bad \xff")), 2);
    for (size_t len = 122; len <= 124; len++) {
        memset(reason, 'r', sizeof(reason));
        assert_int_equal(close_payload_encode(out, 1000, view_of(reason, len)),
                         2 + (len > 123 ? 123 : len));
    }
    for (size_t before = 118; before <= 124; before++) { /* a 4-byte code point across the edge */
        memset(reason, 'r', sizeof(reason));
        memcpy(reason + before, "\xf0\xa4\xad\xa2", 4);
        assert_int_equal(close_payload_encode(out, 1000, view_of(reason, 200)),
                         2 + (before > 119 && before < 123 ? before : 123));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_a_peer_may_use),
        cmocka_unit_test(payloads_of_a_peer),
        cmocka_unit_test(every_code_in_a_payload),
        cmocka_unit_test(payloads_of_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
