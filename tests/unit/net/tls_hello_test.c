/* SPDX-License-Identifier: Apache-2.0 */
/* tls_hello_test.c: whole, byte by byte, and with the last byte against a guard page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/tls_hello.h"
#include "three_ways.h"

/* All three ways; they must agree. *at: how many bytes were there when the answer came. */
static enum tls_hello_step look(const uint8_t *bytes, size_t len, size_t *at)
{
    struct guarded g = guarded_copy(bytes, len);
    struct tls_hello whole = {0}, slow = {0};
    enum tls_hello_step step = tls_hello_look(&whole, g.data, len), one = TLS_HELLO_MORE;

    for (*at = 1; *at <= len; (*at)++) {
        struct guarded part = guarded_copy(bytes, *at);
        one = tls_hello_look(&slow, part.data, *at);
        guarded_free(&part);
        if (one != TLS_HELLO_MORE)
            break;
    }
    assert_int_equal(step, one);
    guarded_free(&g);
    return step;
}

/* A ClientHello of `message` bytes (header included) in records of `piece` bytes. */
static size_t make(uint8_t *out, size_t message, size_t piece)
{
    size_t used = 0;

    for (size_t at = 0; at < message; at += piece) {
        size_t n = message - at < piece ? message - at : piece;
        memcpy(out + used, "\x16\x03\x01", 3);
        out[used + 3] = (uint8_t)(n >> 8);
        out[used + 4] = (uint8_t)n;
        for (size_t i = 0; i < n; i++) {
            size_t where = at + i;
            out[used + 5 + i] = (uint8_t)(where < 4 ? (message - 4) >> (8 * (3 - where)) : 0x55);
            if (where == 0)
                out[used + 5] = 1;
        }
        used += 5 + n;
    }
    return used;
}

static void whole_hellos_are_found_at_their_last_byte(void **state)
{
    static const size_t messages[] = {4, 5, 40, 517, 1500};
    static const size_t pieces[] = {1, 2, 3, 4, 5, 7, 100, 16384};
    static uint8_t wire[20000];

    (void)state;
    for (size_t m = 0; m < 5; m++) {
        for (size_t p = 0; p < 8; p++) {
            size_t len = make(wire, messages[m], pieces[p]), at;
            assert_int_equal(look(wire, len, &at), TLS_HELLO_DONE);
            assert_int_equal(at, len);
            assert_int_equal(look(wire, len - 1, &at), TLS_HELLO_MORE);
        }
    }
}

static void bytes_behind_the_hello_do_not_matter(void **state)
{
    uint8_t wire[600];
    struct tls_hello h = {0};
    size_t len = make(wire, 500, 1000);

    (void)state;
    memset(wire + len, 0xff, 20);
    assert_int_equal(tls_hello_look(&h, wire, len + 20), TLS_HELLO_DONE);
}

static void what_cannot_become_a_hello_is_refused_at_once(void **state)
{
    static const struct {
        const char *bytes;
        size_t len, at;
    } cases[] = {
        {"GET ", 4, 1},
        {"\x15\x03\x01\x00\x02\x02\x00", 7, 1},         /* an alert */
        {"\x80\x2e\x01", 3, 1},                         /* SSL 2 */
        {"\x16\x02\x00\x00\x10\x01", 6, 2},             /* not version 3.x */
        {"\x16\x03\x01\x00\x00", 5, 5},                 /* an empty record */
        {"\x16\x03\x01\x40\x01\x01", 6, 5},             /* 16385 bytes */
        {"\x16\x03\x01\x00\x10\x02\x00\x00\x10", 9, 6}, /* a ServerHello */
        {"\x16\x03\x01\x40\x00\x01\x00\x3f\xfd", 9, 9}, /* one byte above the ceiling */
        {"\x16\x03\x01\x40\x00\x01\xff\xff\xff", 9, 9},
        {"\x16\x03\x01\x00\x01\x01\x17\x03\x03", 9, 7}, /* data between the pieces */
    };
    size_t at;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(look((const uint8_t *)cases[i].bytes, cases[i].len, &at), TLS_HELLO_BAD);
        assert_int_equal(at, cases[i].at);
    }
}

static void the_wire_has_a_ceiling(void **state)
{
    static uint8_t wire[6 * TLS_HELLO_MAX];
    struct tls_hello h = {0};
    size_t len;

    (void)state;
    len = make(wire, TLS_HELLO_MAX, 16384);
    assert_int_equal(tls_hello_look(&h, wire, len), TLS_HELLO_DONE);
    (void)make(wire, TLS_HELLO_MAX, 1);
    memset(&h, 0, sizeof(h));
    assert_int_equal(tls_hello_look(&h, wire, TLS_HELLO_WIRE_MAX - 1), TLS_HELLO_MORE);
    assert_int_equal(tls_hello_look(&h, wire, TLS_HELLO_WIRE_MAX), TLS_HELLO_BAD);
}

static void http_is_recognised_by_its_method(void **state)
{
    (void)state;
    assert_true(tls_hello_is_http((const uint8_t *)"GET / HTTP/1.1", 14));
    assert_true(tls_hello_is_http((const uint8_t *)"G", 1));
    assert_true(tls_hello_is_http((const uint8_t *)"CONNECT x", 9));
    assert_false(tls_hello_is_http((const uint8_t *)"GETX", 4));
    assert_false(tls_hello_is_http((const uint8_t *)"SSH-2.0", 7));
    assert_false(tls_hello_is_http((const uint8_t *)"\x16\x03", 2));
    assert_false(tls_hello_is_http((const uint8_t *)"", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_hellos_are_found_at_their_last_byte),
        cmocka_unit_test(bytes_behind_the_hello_do_not_matter),
        cmocka_unit_test(what_cannot_become_a_hello_is_refused_at_once),
        cmocka_unit_test(the_wire_has_a_ceiling),
        cmocka_unit_test(http_is_recognised_by_its_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
