/* SPDX-License-Identifier: Apache-2.0 */
/* signature_make_test.c: which keys are refused, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/status.h"
#include "signer.h"

static struct signer rsa;
static uint8_t modulus[SIGNER_BYTES_MAX];
static struct view n;
static const struct view e = {"\x01\x00\x01", 3};

static int open_key(void **state)
{
    (void)state;
    signer_open(&rsa, SIGNATURE_RS256, 2048);
    n = view_of(modulus, signer_number(modulus, &rsa, OSSL_PKEY_PARAM_RSA_N, 0));
    return 0;
}

static int close_key(void **state)
{
    (void)state;
    signer_close(&rsa);
    return 0;
}

static void refuses_rsa(struct view number, struct view exponent, const char *says)
{
    struct signature_key *key = NULL;
    struct error why = {{0}, 0, 0};

    assert_int_equal(signature_key_new_rsa(&key, SIGNATURE_RS256, number, exponent, &why),
                     E_INVALID);
    assert_null(key);
    if (strstr(why.text, says) == NULL)
        fail_msg("wanted `%s`, got `%s`", says, why.text);
    assert_int_equal(ERR_peek_error(), 0);
}

static void rsa_exponents(void **state)
{
    static const struct view good[] = {
        {"\x03", 1}, {"\x11", 1}, {"\0\x01\0\x01", 4}, {"\xff\xff\xff\xff", 4}};
    static const struct view small[] = {{"", 0},         {"\0", 1},   {"\x01", 1},
                                        {"\0\0\x01", 3}, {"\x02", 1}, {"\x01\0\0", 3}};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct signature_key *key = NULL;

        assert_int_equal(signature_key_new_rsa(&key, SIGNATURE_PS512, n, good[i], NULL), OK);
        signature_key_free(key);
    }
    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
        refuses_rsa(n, small[i], "must be odd and greater than 1");
    refuses_rsa(n, view_of("\x01\0\0\0\x01", 5), "longer than 32 bits");
    refuses_rsa(n, n, "longer than 32 bits");
}

static void rsa_moduli(void **state)
{
    static uint8_t long_one[SIGNATURE_RSA_BITS_MAX / 8 + 1];
    uint8_t other[257];
    struct signature_key *key = NULL;

    (void)state;
    assert_int_equal(n.len, 256);
    refuses_rsa(view_of("", 0), e, "shorter than 2048");
    refuses_rsa(view_of(modulus, 255), e, "shorter than 2048");
    memcpy(other, modulus, 256);
    other[0] &= 0x7f;
    refuses_rsa(view_of(other, 256), e, "shorter than 2048"); /* 2047 bits */
    memcpy(other, modulus, 256);
    other[255] &= 0xfe;
    refuses_rsa(view_of(other, 256), e, "even");
    memset(long_one, 0xff, sizeof(long_one));
    refuses_rsa(view_of(long_one, sizeof(long_one)), e, "longer than 8192");
    /* 2^2048 - 1 has small factors. */
    refuses_rsa(view_of(long_one, 256), e, "no product of two large primes");
    /* A sign byte in front changes nothing. */
    other[0] = 0;
    memcpy(other + 1, modulus, 256);
    assert_int_equal(signature_key_new_rsa(&key, SIGNATURE_RS256, view_of(other, 257), e, NULL),
                     OK);
    assert_int_equal(signature_key_bits(key), 2048);
    signature_key_free(key);
}

/* A prime is a modulus whose private key is known to everyone. */
static void a_prime_is_no_modulus(void **state)
{
    BIGNUM *prime = BN_new();
    uint8_t bytes[256];

    (void)state;
    /* 2^2048 - 1557 is prime. */
    assert_true(BN_set_bit(prime, 2048) && BN_sub_word(prime, 1557));
    assert_int_equal(BN_check_prime(prime, NULL, NULL), 1);
    assert_int_equal(BN_bn2binpad(prime, bytes, 256), 256);
    refuses_rsa(view_of(bytes, 256), e, "no product of two large primes");
    BN_free(prime);
}

/* Modulus with the fingerprint: 65537^128 has 2049 bits. */
static void a_modulus_of_the_broken_library_is_refused(void **state)
{
    BIGNUM *power = BN_new(), *base = BN_new(), *exponent = BN_new();
    BN_CTX *context = BN_CTX_new();
    uint8_t bytes[300];
    int len;

    (void)state;
    assert_true(BN_set_word(base, 65537) && BN_set_word(exponent, 128) &&
                BN_exp(power, base, exponent, context));
    len = BN_bn2bin(power, bytes);
    refuses_rsa(view_of(bytes, (size_t)len), e, "ROCA");
    BN_free(power);
    BN_free(base);
    BN_free(exponent);
    BN_CTX_free(context);
}

static void a_key_is_of_the_family_of_its_algorithm(void **state)
{
    struct signature_key *key = NULL;
    uint8_t half[66] = {0};

    (void)state;
    for (int i = SIGNATURE_ES256; i <= SIGNATURE_EDDSA; i++)
        assert_int_equal(signature_key_new_rsa(&key, (enum signature_algorithm)i, n, e, NULL),
                         E_INVALID);
    for (int i = 0; i <= SIGNATURE_EDDSA; i++) {
        if (i < SIGNATURE_ES256 || i > SIGNATURE_ES512)
            assert_int_equal(signature_key_new_ec(&key, (enum signature_algorithm)i,
                                                  view_of(half, 32), view_of(half, 32), NULL),
                             E_INVALID);
    }
    assert_null(key);
}

static void points_lie_on_their_curve(void **state)
{
    (void)state;
    for (int i = SIGNATURE_ES256; i <= SIGNATURE_ES512; i++) {
        enum signature_algorithm algorithm = (enum signature_algorithm)i;
        struct signer s;
        struct signature_key *key = NULL;
        struct error why;
        uint8_t x[SIGNER_BYTES_MAX], y[SIGNER_BYTES_MAX];
        int width;
        size_t len;

        signer_open(&s, algorithm, 0);
        width = (EVP_PKEY_get_bits(s.pkey) + 7) / 8;
        len = signer_number(x, &s, OSSL_PKEY_PARAM_EC_PUB_X, width);
        (void)signer_number(y, &s, OSSL_PKEY_PARAM_EC_PUB_Y, width);
        assert_int_equal(
            signature_key_new_ec(&key, algorithm, view_of(x, len), view_of(y, len), &why), OK);
        signature_key_free(key);
        key = NULL;
        assert_int_equal(
            signature_key_new_ec(&key, algorithm, view_of(x, len - 1), view_of(y, len), &why),
            E_INVALID);
        assert_int_equal(
            signature_key_new_ec(&key, algorithm, view_of(x, len), view_of(y, len - 1), &why),
            E_INVALID);
        y[len - 1] ^= 1;
        assert_int_equal(
            signature_key_new_ec(&key, algorithm, view_of(x, len), view_of(y, len), &why),
            E_INVALID);
        assert_non_null(strstr(why.text, "not on the curve"));
        memset(x, 0, len);
        memset(y, 0, len);
        assert_int_equal(
            signature_key_new_ec(&key, algorithm, view_of(x, len), view_of(y, len), &why),
            E_INVALID);
        memset(x, 0xff, len);
        assert_int_equal(
            signature_key_new_ec(&key, algorithm, view_of(x, len), view_of(y, len), &why),
            E_INVALID);
        assert_null(key);
        assert_int_equal(ERR_peek_error(), 0);
        signer_close(&s);
    }
}

static void ed25519_keys(void **state)
{
    /* Of small order (0, 1, -1 and the two of order 8), then not below p: p, p+1, 2^255-1. */
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct signature_key *key = NULL;
    struct error why;
    struct signer s;
    uint8_t x[SIGNER_BYTES_MAX] = {0};
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (int sign = 0; sign < 2; sign++) {
            for (size_t b = 0; b < 32; b++) {
                unsigned byte = 0;

                assert_int_equal(sscanf(bad[i] + 2 * b, "%2x", &byte), 1);
                x[b] = (uint8_t)byte;
            }
            x[31] |= sign ? 0x80 : 0;
            assert_int_equal(signature_key_new_ed25519(&key, view_of(x, 32), &why), E_INVALID);
        }
    }
    signer_open(&s, SIGNATURE_EDDSA, 0);
    len = signer_number(x, &s, NULL, 0);
    assert_int_equal(len, 32);
    assert_int_equal(signature_key_new_ed25519(&key, view_of(x, 31), &why), E_INVALID);
    assert_int_equal(signature_key_new_ed25519(&key, view_of(x, 33), &why), E_INVALID);
    assert_int_equal(signature_key_new_ed25519(&key, view_of(x, 0), &why), E_INVALID);
    assert_null(key);
    assert_int_equal(signature_key_new_ed25519(&key, view_of(x, 32), &why), OK);
    signature_key_free(key);
    signature_key_free(NULL);
    signer_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_exponents),
        cmocka_unit_test(rsa_moduli),
        cmocka_unit_test(a_prime_is_no_modulus),
        cmocka_unit_test(a_modulus_of_the_broken_library_is_refused),
        cmocka_unit_test(a_key_is_of_the_family_of_its_algorithm),
        cmocka_unit_test(points_lie_on_their_curve),
        cmocka_unit_test(ed25519_keys),
    };

    return cmocka_run_group_tests(tests, open_key, close_key);
}
