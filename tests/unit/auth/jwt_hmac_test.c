/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_hmac_test.c: which symmetric keys are made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "token_maker.h"

static void keys_take_three_algorithms_and_long_secrets(void **state)
{
    static const char *const others[] = {"", "none", "hs256", "HS1", "RS256", "HS2566", "ES256"};
    static const char long_id[] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    struct jwt_key key = {.algorithm = "untouched"};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(jwt_key_init_hmac(&key, others[i], "", TEST_SECRET, 64), E_UNSUPPORTED);
    assert_int_equal(jwt_key_init_hmac(&key, "HS256", "", TEST_SECRET, 31), E_INVALID);
    assert_int_equal(jwt_key_init_hmac(&key, "HS384", "", TEST_SECRET, 47), E_INVALID);
    assert_int_equal(jwt_key_init_hmac(&key, "HS512", "", TEST_SECRET, 63), E_INVALID);
    assert_int_equal(
        jwt_key_init_hmac(&key, "HS256",
                          "x0123456789012345678901234567890123456789012345678901234567890123",
                          TEST_SECRET, 64),
        E_INVALID);
    assert_string_equal(key.algorithm, "untouched");
    assert_int_equal(jwt_key_init_hmac(&key, "HS256", long_id, TEST_SECRET, 32), OK);
    assert_string_equal(key.key_id, long_id);
    hmac_key_free(key.hmac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_take_three_algorithms_and_long_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
