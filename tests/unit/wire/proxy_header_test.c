/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_header_test.c: both versions whole, byte by byte, and with the last byte against a guard
 * page; with the client's own bytes behind them, and wrong in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "three_ways.h"
#include "wire/proxy_header.h"

#define MARK "\r\n\r\n\0\r\nQUIT\n"

/* All three ways; they must agree. */
static enum proxy_step decode(struct proxy_header *out, const void *bytes, size_t len)
{
    struct guarded g = guarded_copy(bytes, len);
    enum proxy_step whole = proxy_header_decode(out, g.data, len), slow = PROXY_MORE;
    struct proxy_header last;

    guarded_free(&g);
    for (size_t n = 0; n <= len && slow == PROXY_MORE; n++) {
        struct guarded part = guarded_copy(bytes, n);
        slow = proxy_header_decode(&last, part.data, n);
        guarded_free(&part);
    }
    assert_int_equal(whole, slow);
    if (whole == PROXY_DONE) {
        assert_int_equal(out->bytes, last.bytes);
        assert_int_equal(out->has_client, last.has_client);
        assert_memory_equal(&out->client, &last.client, sizeof(last.client));
        assert_int_equal(out->client_port, last.client_port);
    }
    return whole;
}

static void assert_client(const struct proxy_header *h, const char *ip, unsigned port)
{
    char text[IP_TEXT_BYTES];

    assert_true(h->has_client);
    ip_address_text(&h->client, text);
    assert_string_equal(text, ip);
    assert_int_equal(h->client_port, port);
}

static void lines_name_a_client(void **state)
{
    static const char v4[] = "PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\n\x16\x03\x01";
    static const char v6[] = "PROXY TCP6 2001:db8::7 2001:db8::1 65535 0\r\nGET";
    static const char longest[] = "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    struct proxy_header h;

    (void)state;
    assert_int_equal(decode(&h, v4, sizeof(v4) - 1), PROXY_DONE);
    assert_client(&h, "192.0.2.7", 51000);
    assert_int_equal(h.bytes, sizeof(v4) - 4);
    assert_int_equal(decode(&h, v6, sizeof(v6) - 1), PROXY_DONE);
    assert_client(&h, "2001:db8::7", 65535);
    assert_int_equal(h.bytes, sizeof(v6) - 4);
    assert_int_equal(sizeof(longest) - 1, 107);
    assert_int_equal(decode(&h, longest, sizeof(longest) - 1), PROXY_DONE);
    assert_false(h.has_client);
    assert_int_equal(decode(&h, "PROXY UNKNOWN\r\n", 15), PROXY_DONE);
    assert_false(h.has_client);
}

static void lines_that_are_not_exactly_right_are_refused(void **state)
{
    static const char *const bad[] = {
        "PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 51000\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 51000 443 \r\n",
        "PROXY TCP4  192.0.2.7 198.51.100.1 51000 443\r\n",
        "PROXY TCP4 192.0.2.07 198.51.100.1 51000 443\r\n",
        "PROXY TCP4 2001:db8::7 198.51.100.1 51000 443\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 51000 443\r\n",
        "PROXY TCP4 192.0.2.7 2001:db8::1 51000 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 051 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 51000 443\r\n",
        "PROXY TCP4 192.0.2.7\r198.51.100.1 51000 443\r\n",
        "PROXY UNKNOWN a\001b\r\n",
        "PROXY \r\n",
        "proxy TCP4 192.0.2.7 198.51.100.1 51000 443\r\n",
        "GET / HTTP/1.1\r\n",
        "\x16\x03\x01",
    };
    char endless[200] = "PROXY UNKNOWN ";
    struct proxy_header h;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(decode(&h, bad[i], strlen(bad[i])), PROXY_BAD);
    memset(endless + 14, 'x', sizeof(endless) - 14);
    assert_int_equal(decode(&h, endless, 106), PROXY_MORE);
    assert_int_equal(decode(&h, endless, 107), PROXY_BAD);
}

static void binary_headers_name_a_client(void **state)
{
    static const char v4[] = MARK "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xc7\x38\x01\xbb"
                                  "TLS";
    static const char v6_and_more[] =
        MARK "\x21\x21\x00\x2a\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
             "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\0\x01"
             "\x04\0\x03\0\0\0";
    struct proxy_header h;

    (void)state;
    assert_int_equal(decode(&h, v4, sizeof(v4) - 1), PROXY_DONE);
    assert_client(&h, "192.0.2.7", 51000);
    assert_int_equal(h.bytes, 28);
    assert_int_equal(decode(&h, v6_and_more, sizeof(v6_and_more) - 1), PROXY_DONE);
    assert_client(&h, "2001:db8::7", 65535);
    assert_int_equal(h.bytes, sizeof(v6_and_more) - 1);
    assert_int_equal(decode(&h, MARK "\x20\x00\x00\x00", 16), PROXY_DONE);
    assert_false(h.has_client);
    assert_int_equal(decode(&h, MARK "\x20\x11\x00\x02zz", 18), PROXY_DONE);
    assert_false(h.has_client);
    assert_int_equal(decode(&h, MARK "\x21\x00\x00\x00", 16), PROXY_DONE);
    assert_false(h.has_client);
}

static void binary_headers_that_are_wrong_or_too_long_are_refused(void **state)
{
    uint8_t most[PROXY_HEADER_MAX + 1] = MARK "\x20\x00";
    struct proxy_header h;

    (void)state;
    assert_int_equal(decode(&h, MARK "\x11\x11\x00\x0c", 16), PROXY_BAD); /* version 1 */
    assert_int_equal(decode(&h, MARK "\x22\x11\x00\x0c", 16), PROXY_BAD); /* command 2 */
    assert_int_equal(decode(&h, MARK "\x21\x12\x00\x00", 16), PROXY_BAD); /* datagrams */
    assert_int_equal(decode(&h,
                            MARK "\x21\x11\x00\x0b"
                                 "12345678901",
                            27),
                     PROXY_BAD);
    assert_int_equal(decode(&h,
                            MARK "\x21\x21\x00\x0c"
                                 "123456789012",
                            28),
                     PROXY_BAD);
    assert_int_equal(decode(&h, "\r\n\r\n\0\r\nQUIX", 12), PROXY_BAD);
    most[14] = (PROXY_HEADER_MAX - 16) >> 8;
    most[15] = (PROXY_HEADER_MAX - 16) & 0xff;
    assert_int_equal(proxy_header_decode(&h, most, PROXY_HEADER_MAX - 1), PROXY_MORE);
    assert_int_equal(proxy_header_decode(&h, most, PROXY_HEADER_MAX), PROXY_DONE);
    assert_int_equal(h.bytes, PROXY_HEADER_MAX);
    most[15]++;
    assert_int_equal(proxy_header_decode(&h, most, 16), PROXY_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_name_a_client),
        cmocka_unit_test(lines_that_are_not_exactly_right_are_refused),
        cmocka_unit_test(binary_headers_name_a_client),
        cmocka_unit_test(binary_headers_that_are_wrong_or_too_long_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
