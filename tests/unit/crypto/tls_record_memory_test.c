/* SPDX-License-Identifier: Apache-2.0 */
/* tls_record_memory_test.c: OpenSSL gets no memory, at each place where it asks for some: keys,
 * seals and opens fail as a whole, leave nothing secret behind, and work again afterwards. And what
 * a finished connection leaves in OpenSSL's memory, in use or freed: no key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/crypto.h>

#include "base/random.h"
#include "base/status.h"
#include "crypto/tls_record.h"
#include "tls_sealer.h"

#define NEVER 1000000000L

static const uint16_t suites[] = {TLS_SUITE_AES_128_GCM_SHA256, TLS_SUITE_AES_256_GCM_SHA384,
                                  TLS_SUITE_CHACHA20_POLY1305_SHA256};
static long allowed = NEVER; /* allocations of OpenSSL's until one fails */

/* While it is watched, every block of OpenSSL's is noted, and freed ones stay as they were. */
static struct watched {
    uint8_t *bytes;
    size_t len;
    bool is_freed;
} watched[4096];
static size_t watched_len;
static bool is_watching;

static void *get(size_t len, const char *file, int line)
{
    size_t *block;

    (void)file;
    (void)line;
    if (allowed-- == 0)
        return NULL;
    block = malloc(len + 16);
    if (block == NULL)
        return NULL;
    block[0] = len;
    if (is_watching && watched_len < 4096)
        watched[watched_len++] = (struct watched){(uint8_t *)(block + 2), len, false};
    return block + 2;
}

static void put(void *bytes, const char *file, int line)
{
    size_t *block = bytes;

    (void)file;
    (void)line;
    if (bytes == NULL)
        return;
    for (size_t i = 0; i < watched_len; i++)
        if (watched[i].bytes == bytes) {
            watched[i].is_freed = true;
            return;
        }
    block -= 2;
    free(block);
}

static void *get_more(void *bytes, size_t len, const char *file, int line)
{
    uint8_t *grown;
    size_t had;

    if (bytes == NULL)
        return get(len, file, line);
    grown = get(len, file, line);
    if (grown == NULL)
        return NULL;
    had = ((size_t *)bytes)[-2];
    memcpy(grown, bytes, had < len ? had : len);
    put(bytes, file, line);
    return grown;
}

static bool is_zero(const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((const uint8_t *)bytes)[i] != 0)
            return false;
    return true;
}

static void keys_are_whole_or_wiped(void **state)
{
    uint8_t secret[TLS_SECRET_MAX];
    struct tls_crypto *c = NULL;
    struct tls_keys keys, right, next;

    (void)state;
    assert_int_equal(tls_crypto_new(&c), OK);
    for (size_t s = 0; s < 3; s++) {
        size_t len = sealer_secret_bytes(suites[s]);
        unsigned failures = 0;
        int rc = E_CRYPTO;

        random_bytes(secret, sizeof(secret));
        assert_int_equal(tls_keys_set(c, &right, suites[s], secret, len), OK);
        next = right;
        sealer_update(&next);
        for (long n = 0; rc != OK; n++, failures++) {
            memset(&keys, 1, sizeof(keys));
            allowed = n;
            rc = tls_keys_set(c, &keys, suites[s], secret, len);
            allowed = NEVER;
            assert_true(rc == OK || (rc == E_CRYPTO && is_zero(&keys, sizeof(keys))));
        }
        assert_memory_equal(&keys, &right, sizeof(keys));
        rc = E_CRYPTO;
        for (long n = 0; rc != OK; n++, failures++) {
            keys = right;
            allowed = n;
            rc = tls_keys_update(c, &keys);
            allowed = NEVER;
            assert_true(rc == OK || (rc == E_CRYPTO && is_zero(&keys, sizeof(keys))));
        }
        assert_memory_equal(&keys, &next, sizeof(keys));
        assert_true(failures > 4);
    }
    tls_crypto_free(c);
}

static void records_are_whole_or_nothing(void **state)
{
    struct tls_crypto *c = NULL;
    uint8_t secret[TLS_SECRET_MAX], record[64], plain[64], type;
    struct tls_plain in = {(const uint8_t *)"secret", 6, TLS_CONTENT_DATA};
    unsigned failures = 0;

    (void)state;
    assert_int_equal(tls_crypto_new(&c), OK);
    for (size_t s = 0; s < 3; s++) {
        struct tls_keys keys, peer;
        size_t bytes = 0;
        int rc = E_DENIED;

        random_bytes(secret, sizeof(secret));
        assert_int_equal(tls_keys_set(c, &keys, suites[s], secret, sealer_secret_bytes(suites[s])),
                         OK);
        for (long n = 0; bytes == 0; n++) {
            memset(record, 0, sizeof(record));
            peer = keys;
            tls_crypto_forget(c); /* so that the context is built anew */
            allowed = n;
            bytes = tls_record_seal(c, &keys, &in, record);
            allowed = NEVER;
            assert_int_equal(keys.sequence, peer.sequence + 1);
            assert_true(bytes == 28 || is_zero(record, sizeof(record)));
            failures += bytes == 0;
        }
        assert_int_equal(sealer_open(&peer, record, plain, &type), 6);
        for (long n = 0; rc != OK; n++) {
            struct tls_opened out = {.plain = plain};

            peer = keys;
            assert_int_equal(sealer_content(&peer, record, 23, "secret", 6, 0), 28);
            memset(plain, 0, sizeof(plain));
            tls_crypto_forget(c);
            allowed = n;
            rc = tls_record_open(c, &keys, record, &out);
            allowed = NEVER;
            if (rc != OK) {
                assert_int_equal(out.alert, TLS_ALERT_INTERNAL_ERROR);
                assert_true(is_zero(plain, sizeof(plain)));
                failures++;
            }
        }
    }
    assert_true(failures >= 6);
    tls_crypto_free(c);
}

static void a_loop_without_memory_has_no_contexts(void **state)
{
    struct tls_crypto *c = NULL;
    int rc = E_CRYPTO;

    (void)state;
    for (long n = 0; rc != OK; n++) {
        assert_null(c);
        allowed = n;
        rc = tls_crypto_new(&c);
        allowed = NEVER;
        assert_true(rc == OK || rc == E_CRYPTO);
    }
    tls_crypto_free(c);
}

static bool is_found(const uint8_t *what, size_t len)
{
    for (size_t i = 0; i < watched_len; i++)
        if (memmem(watched[i].bytes, watched[i].len, what, len) != NULL)
            return true;
    return false;
}

static void watch_end(void)
{
    size_t n = watched_len;

    watched_len = 0;
    while (n > 0)
        if (watched[--n].is_freed)
            put(watched[n].bytes, NULL, 0);
}

static void nothing_of_a_key_stays_behind(void **state)
{
    uint8_t secret[TLS_SECRET_MAX], record[64];
    struct tls_plain in = {(const uint8_t *)"hello", 5, TLS_CONTENT_DATA};
    struct tls_crypto *c = NULL;

    (void)state;
    assert_int_equal(tls_crypto_new(&c), OK);
    for (size_t s = 0; s < 3; s++) {
        size_t key_bytes = s == 0 ? 16 : 32;
        struct tls_keys keys, old, now;

        random_bytes(secret, sizeof(secret));
        is_watching = true;
        assert_int_equal(tls_keys_set(c, &keys, suites[s], secret, sealer_secret_bytes(suites[s])),
                         OK);
        old = keys;
        assert_int_equal(tls_record_seal(c, &keys, &in, record), 27);
        assert_true(is_found(old.key, key_bytes));
        assert_int_equal(tls_keys_update(c, &keys), OK);
        assert_false(is_found(old.key, key_bytes));
        now = keys;
        assert_int_equal(tls_record_seal(c, &keys, &in, record), 27);
        assert_true(
            is_found(now.key, key_bytes)); /* in the context: the search finds what is there */
        tls_keys_wipe(&keys);
        tls_crypto_forget(c);
        is_watching = false;
        assert_true(is_zero(&keys, sizeof(keys)));
        assert_true(watched_len > 10 && watched_len < 4096);
        assert_false(is_found(secret, 16));
        assert_false(is_found(old.key, key_bytes));
        assert_false(is_found(now.secret, 16));
        assert_false(is_found(now.key, key_bytes));
        watch_end();
    }
    tls_crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_whole_or_wiped),
        cmocka_unit_test(records_are_whole_or_nothing),
        cmocka_unit_test(a_loop_without_memory_has_no_contexts),
        cmocka_unit_test(nothing_of_a_key_stays_behind),
    };

    if (CRYPTO_set_mem_functions(get, get_more, put) != 1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
