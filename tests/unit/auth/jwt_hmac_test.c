/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_hmac_test.c: symmetric keys, and tokens of our own making that our own judge accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
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

static void what_we_sign_we_accept(void **state)
{
    static const char *const algorithms[] = {"HS256", "HS384", "HS512"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct bench b;
        struct identity who;
        struct buf out = BUF_INIT(2 * JWT_BYTES_MAX);

        bench_open(&b);
        hmac_key_free(b.issuer.keys[0].hmac);
        assert_int_equal(jwt_key_init_hmac(&b.issuer.keys[0], algorithms[i], i == 1 ? "" : "k\"1",
                                           TEST_SECRET, 64),
                         OK);
        b.issuer.issuer = i == 2 ? NULL : "https://id.test/<a>";
        b.issuer.audience = i == 2 ? NULL : "gate\"ward";
        assert_int_equal(buf_append(&out, "auth:", 5), OK);
        assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, VIEW("alice"),
                                  VIEW("user  admin"), NOW, 60),
                         OK);
        assert_int_equal(bench_judge(&b, &who, view_of(out.data + 5, out.len - 5)), JWT_OK);
        assert_string_equal(who.user, "alice");
        assert_int_equal(who.roles, 1 | 4);
        assert_int_equal(who.expires_at_s, NOW + 60 + 30);
        assert_int_equal(strlen(who.token_id), 22);
        buf_clear(&out);
        bench_close(&b);
    }
}

static void two_tokens_never_share_an_id(void **state)
{
    struct bench b;
    struct buf out[2] = {BUF_INIT(JWT_BYTES_MAX), BUF_INIT(JWT_BYTES_MAX)};

    (void)state;
    bench_open(&b);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            jwt_sign(&out[i], &b.issuer.keys[0], &b.issuer, VIEW("alice"), VIEW(""), NOW, 60), OK);
    assert_false(view_eq(buf_view(&out[0]), buf_view(&out[1])));
    buf_clear(&out[0]);
    buf_clear(&out[1]);
    bench_close(&b);
}

static void what_we_would_refuse_we_do_not_sign(void **state)
{
    static char long_roles[8192];
    struct bench b;
    struct buf out = BUF_INIT(JWT_BYTES_MAX);
    struct buf tiny = BUF_INIT(40);

    (void)state;
    bench_open(&b);
    memset(long_roles, 'r', sizeof(long_roles));
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, VIEW("a b"), VIEW(""), NOW, 60),
                     E_INVALID);
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, VIEW(""), VIEW(""), NOW, 60),
                     E_INVALID);
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, VIEW("a"), VIEW(""), NOW, 0),
                     E_INVALID);
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, VIEW("a"), VIEW(""), NOW, -1),
                     E_INVALID);
    assert_int_equal(
        jwt_sign(&out, &b.issuer.keys[0], &b.issuer, VIEW("a"), VIEW(""), NOW, INT64_MAX),
        E_INVALID);
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, VIEW("a"), VIEW(""), -1, 60),
                     E_INVALID);
    assert_int_equal(jwt_sign(&out, &b.issuer.keys[0], &b.issuer, VIEW("a"),
                              view_of(long_roles, sizeof(long_roles)), NOW, 60),
                     E_LIMIT);
    assert_int_equal(out.len, 0);
    assert_int_equal(jwt_sign(&tiny, &b.issuer.keys[0], &b.issuer, VIEW("a"), VIEW(""), NOW, 60),
                     E_LIMIT);
    assert_int_equal(tiny.len, 0);
    buf_clear(&out);
    buf_clear(&tiny);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_take_three_algorithms_and_long_secrets),
        cmocka_unit_test(what_we_sign_we_accept),
        cmocka_unit_test(two_tokens_never_share_an_id),
        cmocka_unit_test(what_we_would_refuse_we_do_not_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
