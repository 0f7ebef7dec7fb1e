/* SPDX-License-Identifier: Apache-2.0 */
/* tls_taken_rig.h: one connection of ours and the keys of its peer, for tests. */
#ifndef TESTS_TLS_TAKEN_RIG_H
#define TESTS_TLS_TAKEN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/random.h"
#include "base/status.h"
#include "net/tls_taken.h"
#include "tls_script.h"

static const uint16_t taken_suites[3] = {TLS_SUITE_AES_128_GCM_SHA256, TLS_SUITE_AES_256_GCM_SHA384,
                                         TLS_SUITE_CHACHA20_POLY1305_SHA256};

struct taken_rig {
    struct tls_crypto *crypto;
    struct tls_io *io;
    struct tls_taken *t;
    struct tls_keys to, from; /* the peer's: it seals under `to`, and opens under `from` */
    uint8_t *script_bytes;
    size_t plain_len;
    uint8_t plain[TLS_RECORD_BODY_MAX + 1000]; /* less than two large records */
};

static inline struct taken_rig *taken_rig_open(uint16_t suite, uint16_t fragment_max,
                                               uint32_t key_records, bool is_client)
{
    struct taken_rig *r = calloc(1, sizeof(*r));
    struct tls_taken_start start = {
        .fragment_max = fragment_max, .is_client = is_client, .key_records = key_records};
    uint8_t secret[TLS_SECRET_MAX];

    assert_int_equal(tls_crypto_new(&r->crypto), OK);
    assert_int_equal(tls_io_new(&r->io), OK);
    random_bytes(secret, sizeof(secret));
    assert_int_equal(tls_keys_set(r->crypto, &r->to, suite, secret, sealer_secret_bytes(suite)),
                     OK);
    random_bytes(secret, sizeof(secret));
    assert_int_equal(tls_keys_set(r->crypto, &r->from, suite, secret, sealer_secret_bytes(suite)),
                     OK);
    r->from.sequence = 2; /* of tickets */
    start.crypto = r->crypto;
    start.read = r->to;
    start.write = r->from;
    assert_int_equal(tls_taken_new(&r->t, &start), OK);
    for (size_t i = 0; i < sizeof(start.read); i++)
        assert_int_equal(((uint8_t *)&start.read)[i] | ((uint8_t *)&start.write)[i], 0);
    r->script_bytes = malloc(SCRIPT_ROOM);
    return r;
}

static inline void taken_rig_close(struct taken_rig *r)
{
    tls_taken_free(r->t);
    tls_io_free(r->io);
    tls_crypto_free(r->crypto);
    free(r->script_bytes);
    free(r);
}

/* Input in pieces of `step` bytes until it is used up or the connection ends. Checks the data
 * against what scripts say. */
static inline enum tls_step taken_rig_feed(struct taken_rig *r, const uint8_t *bytes, size_t len,
                                           size_t step)
{
    enum tls_step answer = TLS_STEP_MORE;
    size_t n;

    for (size_t at = 0; at < len && answer == TLS_STEP_MORE; at += step) {
        r->io->in = bytes + at;
        r->io->in_len = len - at < step ? len - at : step;
        do {
            answer = tls_taken_open(r->t, r->io, r->plain, sizeof(r->plain), &n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(r->plain[i], (uint8_t)((r->plain_len + i) * 131 >> 3));
            r->plain_len += n;
            assert_true(tls_taken_bytes(r->t) <= 256 + 5 + TLS_RECORD_BODY_MAX);
        } while (answer == TLS_STEP_DONE);
        if (answer == TLS_STEP_MORE)
            assert_int_equal(r->io->in_len, 0);
    }
    return answer;
}

/* The next record of ours, out of io->out from *at on. Its content's length; -1: none, or a wrong
 * one. */
static inline long taken_rig_take(struct taken_rig *r, size_t *at, uint8_t *content, uint8_t *type)
{
    const uint8_t *record = r->io->out + *at;

    if (r->io->out_len - *at < 22)
        return -1;
    *at += 5 + ((size_t)record[3] << 8 | record[4]);
    if (*at > r->io->out_len)
        return -1;
    return sealer_open(&r->from, record, content, type);
}

static inline struct tls_script taken_rig_script(struct taken_rig *r)
{
    return (struct tls_script){.keys = &r->to, .bytes = r->script_bytes};
}

#endif
