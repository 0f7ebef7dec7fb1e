/* SPDX-License-Identifier: Apache-2.0 */
/* hmac_test.c: RFC 4231 cases whose keys are long enough for us, tampering, truncation, and two
 * threads on one key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#include "base/status.h"
#include "crypto/hmac.h"

/* RFC 4231 test case 6: 131 bytes of 0xaa, longer than any block. */
static const char case6_text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
static const uint8_t case6_starts[][8] = {
    [HMAC_SHA256] = {0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f},
    [HMAC_SHA384] = {0x4e, 0xce, 0x08, 0x44, 0x85, 0x81, 0x3e, 0x90},
    [HMAC_SHA512] = {0x80, 0xb2, 0x42, 0x63, 0xc7, 0xc1, 0xa3, 0xeb},
};

static struct hmac_key *case6_key(enum hmac_hash hash)
{
    uint8_t secret[131];
    struct hmac_key *key = NULL;

    memset(secret, 0xaa, sizeof(secret));
    assert_int_equal(hmac_key_new(&key, hash, secret, sizeof(secret)), OK);
    return key;
}

static void rfc4231_case_6_in_all_three_hashes(void **state)
{
    (void)state;
    for (int hash = HMAC_SHA256; hash <= HMAC_SHA512; hash++) {
        struct hmac_key *key = case6_key((enum hmac_hash)hash);
        uint8_t mac[HMAC_BYTES_MAX];

        assert_int_equal(hmac_sign(mac, key, case6_text, strlen(case6_text)), OK);
        assert_memory_equal(mac, case6_starts[hash], 8);
        /* The same key again: signing must not have used it up. */
        assert_int_equal(
            hmac_verify(key, case6_text, strlen(case6_text), mac, hmac_bytes((enum hmac_hash)hash)),
            OK);
        assert_int_equal(
            hmac_verify(key, case6_text, strlen(case6_text), mac, hmac_bytes((enum hmac_hash)hash)),
            OK);
        hmac_key_free(key);
    }
}

static void every_changed_bit_and_every_other_length_is_denied(void **state)
{
    struct hmac_key *key = case6_key(HMAC_SHA256);
    uint8_t mac[HMAC_BYTES_MAX] = {0};

    (void)state;
    assert_int_equal(hmac_sign(mac, key, "text", 4), OK);
    for (size_t bit = 0; bit < 256; bit++) {
        mac[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(hmac_verify(key, "text", 4, mac, 32), E_DENIED);
        mac[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t len = 0; len <= HMAC_BYTES_MAX; len++)
        assert_int_equal(hmac_verify(key, "text", 4, mac, len), len == 32 ? OK : E_DENIED);
    assert_int_equal(hmac_verify(key, "texT", 4, mac, 32), E_DENIED);
    hmac_key_free(key);
}

static void a_key_shorter_than_the_hash_is_refused(void **state)
{
    uint8_t secret[64] = {1, 2, 3};

    (void)state;
    for (int hash = HMAC_SHA256; hash <= HMAC_SHA512; hash++) {
        struct hmac_key *key = NULL;
        size_t need = hmac_bytes((enum hmac_hash)hash);

        assert_int_equal(hmac_key_new(&key, (enum hmac_hash)hash, secret, need - 1), E_INVALID);
        assert_null(key);
        assert_int_equal(hmac_key_new(&key, (enum hmac_hash)hash, secret, need), OK);
        hmac_key_free(key);
    }
    hmac_key_free(NULL);
}

static void an_empty_text_has_a_mac(void **state)
{
    struct hmac_key *key = case6_key(HMAC_SHA256);
    uint8_t mac[HMAC_BYTES_MAX];

    (void)state;
    assert_int_equal(hmac_sign(mac, key, NULL, 0), OK);
    assert_int_equal(hmac_verify(key, "", 0, mac, 32), OK);
    hmac_key_free(key);
}

static void *verify_many(void *context)
{
    const struct hmac_key *key = context;
    uintptr_t wrong = 0;

    for (int i = 0; i < 2000; i++) {
        uint8_t mac[HMAC_BYTES_MAX];

        if (hmac_sign(mac, key, &i, sizeof(i)) != OK ||
            hmac_verify(key, &i, sizeof(i), mac, 32) != OK)
            wrong++;
    }
    return (void *)wrong;
}

static void two_threads_share_one_key(void **state)
{
    struct hmac_key *key = case6_key(HMAC_SHA256);
    pthread_t threads[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_many, key), 0);
    for (int i = 0; i < 2; i++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    hmac_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc4231_case_6_in_all_three_hashes),
        cmocka_unit_test(every_changed_bit_and_every_other_length_is_denied),
        cmocka_unit_test(a_key_shorter_than_the_hash_is_refused),
        cmocka_unit_test(an_empty_text_has_a_mac),
        cmocka_unit_test(two_threads_share_one_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
