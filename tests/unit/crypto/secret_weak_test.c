/* SPDX-License-Identifier: Apache-2.0 */
/* secret_weak_test.c: what is refused (C-D15), and that good random secrets in every usual notation
 * pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/secret.h"

static int judge(const void *bytes, size_t len, struct error *why)
{
    struct buf secret = BUF_INIT(SECRET_BYTES_MAX);
    int rc;

    assert_int_equal(buf_append(&secret, bytes, len), OK);
    rc = secret_check_strength(&secret, why);
    secret_buf_clear(&secret);
    return rc;
}

static void weak_secrets_are_refused_with_advice(void **state)
{
    static const char *const weak[] = {
        "",
        "secret",
        "your-secret-key",
        "your-256-bit-secret",
        "0123456789abcdef0123456789abcde", /* 31 bytes */
        "00000000000000000000000000000000",
        "your-secret-keyyour-secret-keyyour-secret-key",
        "changemechangemechangemechangeme",
        "abababababababababababababababababab",
        "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t",
        "Qx7!pLm2Qx7!pLm2Qx7!pLm2Qx7!pLm2", /* 8 random bytes, four times */
        "12345678901234567890123456789012",
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz123456",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef",
        "a-string-secret-at-least-256-bits-long",
        "your-super-secret-jwt-key-change-this-in-production",
        "YourSuperSecretKeyThatIsAtLeast32CharactersLong!!",
        "this is a very long secret key for hs256 signing",
        "change_me_to_a_long_random_string_please_1234",
        "my-32-character-ultra-secure-and-ultra-long-secret",
        "gateward-development-secret-do-not-use",
        "passwordPASSWORDpassword12345678",
        "qwertyuiopasdfghjklzxcvbnm123456",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "09D25E094FAA6CA2556C818166B7A9563B93F7099F6F0F4CAA6CF63B88E8D3E7",
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        "1111111111111111222222222222222233333333333333334444", /* four different bytes */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
        struct error why = {.text = ""};

        if (judge(weak[i], strlen(weak[i]), &why) != E_INVALID)
            fail_msg("taken for strong: %s", weak[i]);
        assert_non_null(strstr(why.text, "openssl rand"));
        if (strlen(weak[i]) > 6)
            assert_null(strstr(why.text, weak[i]));
    }
}

static void the_decoded_key_of_rfc7515_is_known_too(void **state)
{
    static const char text[] =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    uint8_t bytes[72];
    struct error why;
    long len = base64url_decode(bytes, view_of_text(text));

    (void)state;
    assert_int_equal(len, 64);
    assert_int_equal(judge(bytes, (size_t)len, &why), E_INVALID);
    bytes[0] ^= 1;
    assert_int_equal(judge(bytes, (size_t)len, &why), OK);
}

static void random_secrets_pass_in_every_notation(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint8_t bytes[48];
        char text[128];
        size_t len = 0;

        random_bytes(bytes, sizeof(bytes));
        assert_int_equal(judge(bytes, 32, NULL), OK);
        assert_int_equal(judge(text, base64_encode(text, bytes, 32), NULL), OK);
        assert_int_equal(judge(text, base64url_encode(text, bytes, sizeof(bytes)), NULL), OK);
        for (size_t i = 0; i < 32; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%02x", bytes[i]);
        assert_int_equal(judge(text, len, NULL), OK);
        for (size_t i = 0; i < 48; i++)
            text[i] = (char)('0' + bytes[i] % 10);
        assert_int_equal(judge(text, 48, NULL), OK);
    }
}

static void a_phrase_of_unlisted_words_passes(void **state)
{
    static const char phrase[] = "ribald turnip okapi seventeen lanterns";

    (void)state;
    assert_int_equal(judge(phrase, strlen(phrase), NULL), OK);
}

static void the_longest_secret_is_judged_quickly(void **state)
{
    static char big[SECRET_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = "a-b_c"[i * i % 5];
    assert_int_equal(judge(big, sizeof(big), NULL), E_INVALID);
    random_bytes(big, sizeof(big));
    assert_int_equal(judge(big, sizeof(big), NULL), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weak_secrets_are_refused_with_advice),
        cmocka_unit_test(the_decoded_key_of_rfc7515_is_known_too),
        cmocka_unit_test(random_secrets_pass_in_every_notation),
        cmocka_unit_test(a_phrase_of_unlisted_words_passes),
        cmocka_unit_test(the_longest_secret_is_judged_quickly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
