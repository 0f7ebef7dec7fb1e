/* SPDX-License-Identifier: Apache-2.0 */
/* signature_test.c: what is signed verifies, under each algorithm, and nothing else does: no other
 * bytes, no other key, no other algorithm, length, salt or form; and from several threads at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <cmocka.h>

#include "base/status.h"
#include "signer.h"

static const char text[] = "header.payload";
#define TEXT_LEN (sizeof(text) - 1)

static struct signer signers[SIGNATURE_ALGORITHMS];

static int open_signers(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++) {
        if (i > SIGNATURE_RS256 && i <= SIGNATURE_PS512) {
            signers[i] = signers[0]; /* one RSA key will do, and is slow to make */
            signers[i].algorithm = (enum signature_algorithm)i;
            signer_need(EVP_PKEY_up_ref(signers[i].pkey));
        } else {
            signer_open(&signers[i], (enum signature_algorithm)i, 2048);
        }
    }
    return 0;
}

static int close_signers(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++)
        signer_close(&signers[i]);
    return 0;
}

/* The public half, for this algorithm. */
static struct signature_key *key_of(const struct signer *s, enum signature_algorithm algorithm)
{
    uint8_t a[SIGNER_BYTES_MAX], b[SIGNER_BYTES_MAX];
    struct signature_key *key = NULL;
    struct error why;
    int width = (EVP_PKEY_get_bits(s->pkey) + 7) / 8;
    size_t a_len, b_len;

    if (s->algorithm == SIGNATURE_EDDSA) {
        a_len = signer_number(a, s, NULL, 0);
        assert_int_equal(signature_key_new_ed25519(&key, view_of(a, a_len), &why), OK);
    } else if (signer_is_rsa(s)) {
        a_len = signer_number(a, s, OSSL_PKEY_PARAM_RSA_N, 0);
        b_len = signer_number(b, s, OSSL_PKEY_PARAM_RSA_E, 0);
        assert_int_equal(
            signature_key_new_rsa(&key, algorithm, view_of(a, a_len), view_of(b, b_len), &why), OK);
    } else {
        a_len = signer_number(a, s, OSSL_PKEY_PARAM_EC_PUB_X, width);
        b_len = signer_number(b, s, OSSL_PKEY_PARAM_EC_PUB_Y, width);
        assert_int_equal(
            signature_key_new_ec(&key, algorithm, view_of(a, a_len), view_of(b, b_len), &why), OK);
    }
    return key;
}

static void names_are_exact(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++)
        assert_int_equal(signature_find(view_of_text(signature_name((enum signature_algorithm)i))),
                         i);
    assert_int_equal(signature_find(VIEW("rs256")), E_MISSING);
    assert_int_equal(signature_find(VIEW("RS256 ")), E_MISSING);
    assert_int_equal(signature_find(VIEW("HS256")), E_MISSING);
    assert_int_equal(signature_find(VIEW("none")), E_MISSING);
    assert_int_equal(signature_find(VIEW("")), E_MISSING);
}

static void what_is_signed_verifies_and_nothing_else(void **state)
{
    static const unsigned bits[] = {2048, 2048, 2048, 2048, 2048, 2048, 256, 384, 521, 256};

    (void)state;
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++) {
        struct signature_key *key = key_of(&signers[i], signers[i].algorithm);
        uint8_t signature[SIGNER_BYTES_MAX + 1] = {0};
        size_t len = signer_sign(signature, &signers[i], text, TEXT_LEN);

        assert_int_equal(signature_key_algorithm(key), i);
        assert_int_equal(signature_key_bits(key), bits[i]);
        for (int again = 0; again < 3; again++)
            assert_int_equal(signature_verify(key, text, TEXT_LEN, signature, len), OK);
        assert_int_equal(signature_verify(key, text, TEXT_LEN - 1, signature, len), E_DENIED);
        assert_int_equal(signature_verify(key, text, 0, signature, len), E_DENIED);
        assert_int_equal(signature_verify(key, text, TEXT_LEN, signature, len - 1), E_DENIED);
        assert_int_equal(signature_verify(key, text, TEXT_LEN, signature, len + 1), E_DENIED);
        assert_int_equal(signature_verify(key, text, TEXT_LEN, signature, 0), E_DENIED);
        for (size_t at = 0; at < len; at += 7) {
            signature[at] ^= 0x10;
            assert_int_equal(signature_verify(key, text, TEXT_LEN, signature, len), E_DENIED);
            signature[at] ^= 0x10;
        }
        assert_int_equal(ERR_peek_error(), 0); /* nothing is left for the next TLS call */
        signature_key_free(key);
    }
}

static void a_key_serves_its_one_algorithm(void **state)
{
    (void)state;
    for (int i = 0; i <= SIGNATURE_PS512; i++) {
        uint8_t signature[SIGNER_BYTES_MAX];
        size_t len = signer_sign(signature, &signers[i], text, TEXT_LEN);

        for (int k = 0; k <= SIGNATURE_PS512; k++) {
            struct signature_key *key = key_of(&signers[k], (enum signature_algorithm)k);

            assert_int_equal(signature_verify(key, text, TEXT_LEN, signature, len),
                             i == k ? OK : E_DENIED);
            signature_key_free(key);
        }
    }
}

static void the_salt_of_pss_is_as_long_as_the_hash(void **state)
{
    static const int salts[] = {0, 20, 31, 33, RSA_PSS_SALTLEN_MAX};

    (void)state;
    for (int i = SIGNATURE_PS256; i <= SIGNATURE_PS512; i++) {
        struct signature_key *key = key_of(&signers[i], (enum signature_algorithm)i);
        uint8_t signature[SIGNER_BYTES_MAX];

        for (size_t s = 0; s < sizeof(salts) / sizeof(salts[0]); s++) {
            size_t len = signer_sign_salted(signature, &signers[i], text, TEXT_LEN, salts[s]);

            assert_int_equal(signature_verify(key, text, TEXT_LEN, signature, len), E_DENIED);
        }
        signature_key_free(key);
    }
}

/* CVE-2022-21449 and its relatives: r and s outside [1, n-1]. */
static void numbers_out_of_range_are_no_signature(void **state)
{
    (void)state;
    for (int i = SIGNATURE_ES256; i <= SIGNATURE_ES512; i++) {
        struct signature_key *key = key_of(&signers[i], (enum signature_algorithm)i);
        uint8_t good[SIGNER_BYTES_MAX], bad[SIGNER_BYTES_MAX];
        size_t len = signer_sign(good, &signers[i], text, TEXT_LEN);
        size_t half = len / 2;
        BIGNUM *order = NULL, *sum = NULL;

        memset(bad, 0, len);
        assert_int_equal(signature_verify(key, text, TEXT_LEN, bad, len), E_DENIED);
        memset(bad, 0xff, len);
        assert_int_equal(signature_verify(key, text, TEXT_LEN, bad, len), E_DENIED);
        assert_int_equal(EVP_PKEY_get_bn_param(signers[i].pkey, OSSL_PKEY_PARAM_EC_ORDER, &order),
                         1);
        for (size_t which = 0; which < 2; which++) {
            uint8_t *number = bad + which * half;

            memcpy(bad, good, len);
            memset(number, 0, half);
            assert_int_equal(signature_verify(key, text, TEXT_LEN, bad, len), E_DENIED);
            assert_int_equal(BN_bn2binpad(order, number, (int)half), half);
            assert_int_equal(signature_verify(key, text, TEXT_LEN, bad, len), E_DENIED);
            /* The same number modulo n, where it still fits. */
            sum = BN_bin2bn(good + which * half, (int)half, NULL);
            assert_true(BN_add(sum, sum, order));
            if (BN_bn2binpad(sum, number, (int)half) == (int)half)
                assert_int_equal(signature_verify(key, text, TEXT_LEN, bad, len), E_DENIED);
            BN_free(sum);
        }
        BN_free(order);
        ERR_clear_error();
        signature_key_free(key);
    }
}

static void der_is_no_form_of_a_jose_signature(void **state)
{
    struct signature_key *key = key_of(&signers[SIGNATURE_ES256], SIGNATURE_ES256);
    uint8_t der[SIGNER_BYTES_MAX];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len = sizeof(der);

    (void)state;
    assert_int_equal(EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL,
                                           signers[SIGNATURE_ES256].pkey, NULL),
                     1);
    assert_int_equal(EVP_DigestSign(context, der, &len, (const uint8_t *)text, TEXT_LEN), 1);
    assert_int_equal(signature_verify(key, text, TEXT_LEN, der, len), E_DENIED);
    assert_int_equal(signature_verify(key, text, TEXT_LEN, der, 64), E_DENIED);
    EVP_MD_CTX_free(context);
    signature_key_free(key);
}

static void another_key_has_not_signed_it(void **state)
{
    (void)state;
    for (int i = SIGNATURE_ES256; i <= SIGNATURE_EDDSA; i++) {
        struct signer other;
        struct signature_key *key = key_of(&signers[i], (enum signature_algorithm)i);
        uint8_t signature[SIGNER_BYTES_MAX];
        size_t len;

        signer_open(&other, (enum signature_algorithm)i, 0);
        len = signer_sign(signature, &other, text, TEXT_LEN);
        assert_int_equal(signature_verify(key, text, TEXT_LEN, signature, len), E_DENIED);
        signer_close(&other);
        signature_key_free(key);
    }
}

struct shared {
    const struct signature_key *key;
    const uint8_t *signature;
    size_t len;
    unsigned wrong;
};

static void *verify_often(void *context)
{
    struct shared mine = *(struct shared *)context;

    for (int i = 0; i < 50; i++) {
        mine.wrong += signature_verify(mine.key, text, TEXT_LEN, mine.signature, mine.len) != OK;
        mine.wrong += signature_verify(mine.key, text, 3, mine.signature, mine.len) != E_DENIED;
    }
    return mine.wrong == 0 ? NULL : context;
}

static void one_key_serves_several_threads(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNATURE_ALGORITHMS; i++) {
        struct signature_key *key = key_of(&signers[i], (enum signature_algorithm)i);
        uint8_t signature[SIGNER_BYTES_MAX];
        size_t len = signer_sign(signature, &signers[i], text, TEXT_LEN);
        struct shared shared = {key, signature, len, 0};
        pthread_t threads[3];

        for (int t = 0; t < 3; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, verify_often, &shared), 0);
        for (int t = 0; t < 3; t++) {
            void *wrong = &shared;

            assert_int_equal(pthread_join(threads[t], &wrong), 0);
            assert_null(wrong);
        }
        signature_key_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_exact),
        cmocka_unit_test(what_is_signed_verifies_and_nothing_else),
        cmocka_unit_test(a_key_serves_its_one_algorithm),
        cmocka_unit_test(the_salt_of_pss_is_as_long_as_the_hash),
        cmocka_unit_test(numbers_out_of_range_are_no_signature),
        cmocka_unit_test(der_is_no_form_of_a_jose_signature),
        cmocka_unit_test(another_key_has_not_signed_it),
        cmocka_unit_test(one_key_serves_several_threads),
    };

    return cmocka_run_group_tests(tests, open_signers, close_signers);
}
