/* SPDX-License-Identifier: Apache-2.0 */
/* digest_test.c: the published examples of FIPS 180-4 and RFC 6455 section 1.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/base64.h"
#include "crypto/digest.h"

static void sha1_gives_the_accept_key_of_rfc6455(void **state)
{
    static const char text[] = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t out[20];
    char accept[BASE64_BYTES(20)];

    (void)state;
    assert_int_equal(digest_sha1(out, text, strlen(text)), 0);
    assert_int_equal(base64_encode(accept, out, sizeof(out)), 28);
    assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28);
}

static void sha256_of_abc_and_of_nothing(void **state)
{
    static const uint8_t abc[4] = {0xba, 0x78, 0x16, 0xbf};
    static const uint8_t nothing[4] = {0xe3, 0xb0, 0xc4, 0x42};
    uint8_t out[32];

    (void)state;
    assert_int_equal(digest_sha256(out, "abc", 3), 0);
    assert_memory_equal(out, abc, sizeof(abc));
    assert_int_equal(digest_sha256(out, NULL, 0), 0);
    assert_memory_equal(out, nothing, sizeof(nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_gives_the_accept_key_of_rfc6455),
        cmocka_unit_test(sha256_of_abc_and_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
