/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto wire net */
/* tls_taken_fuzz.c: records of a peer that holds the right keys and says what the input wants: any
 * inner bytes sealed, key updates, plain bytes, spoiled records, and our answers in between. The
 * same talk in whole turns and in pieces gives the same data, answers and verdict; every record of
 * ours opens under the next key and number; memory stays below its ceiling. */
#include "../unit/net/tls_taken_rig.h"

#include "base/assert.h"

#define STEPS_MAX  60
#define TRACE_ROOM (256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at, *end;
};

static uint8_t next(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static size_t take(struct input *in, const uint8_t **bytes, size_t n)
{
    if (n > (size_t)(in->end - in->at))
        n = (size_t)(in->end - in->at);
    *bytes = in->at;
    in->at += n;
    return n;
}

struct talk {
    struct tls_crypto *crypto;
    struct tls_io *io;
    struct tls_taken *t;
    struct tls_keys to, from;
    size_t piece;   /* 0: whole turns */
    uint8_t *trace; /* data that came, and what was said */
    size_t trace_len;
    enum tls_step step;
};

static void note(struct talk *k, uint8_t kind, const uint8_t *bytes, size_t len)
{
    ASSERT(len + 1 < TRACE_ROOM - k->trace_len);
    k->trace[k->trace_len++] = kind;
    if (len > 0)
        memcpy(k->trace + k->trace_len, bytes, len);
    k->trace_len += len;
}

/* What we said must be well-formed, under the next number of the right key. */
static void check_output(struct talk *k)
{
    static uint8_t plain[TLS_RECORD_BODY_MAX];

    for (size_t at = 0; at < k->io->out_len;) {
        const uint8_t *record = k->io->out + at;
        uint8_t type = 0;
        long n = sealer_open(&k->from, record, plain, &type);

        ASSERT(n >= 0 && n <= TLS_RECORD_PLAIN_MAX);
        ASSERT(type >= 21 && type <= 23);
        note(k, type, plain, type == 23 ? 0 : (size_t)n);
        if (type == 21)
            ASSERT(n == 2 && (plain[0] == 2) == (plain[1] != 0));
        if (type == 22) {
            ASSERT(n == 5 && memcmp(plain, "\x18\0\0\1", 4) == 0 && plain[4] <= 1);
            sealer_update(&k->from);
        }
        at += 5 + ((size_t)record[3] << 8 | record[4]);
        ASSERT(at <= k->io->out_len);
    }
    k->io->out_len = 0;
}

static void hear(struct talk *k, const uint8_t *bytes, size_t len)
{
    static uint8_t plain[TLS_RECORD_BODY_MAX + 64];
    size_t piece = k->piece == 0 ? len : k->piece;

    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        uint8_t *exact = malloc(n);

        ASSERT(exact != NULL);
        memcpy(exact, bytes + at, n);
        k->io->in = exact;
        k->io->in_len = n;
        do {
            bool was_over = k->step == TLS_STEP_FAILED;
            enum tls_step step = tls_taken_open(k->t, k->io, plain, sizeof(plain), &n);

            ASSERT(n <= sizeof(plain) && (!was_over || (step == TLS_STEP_FAILED && n == 0)));
            for (size_t i = 0; i < n; i++)
                note(k, plain[i], NULL, 0);
            k->step = step;
        } while (k->step == TLS_STEP_DONE);
        ASSERT(k->step == TLS_STEP_FAILED || k->io->in_len == 0);
        ASSERT(tls_taken_bytes(k->t) <= 256 + 5 + TLS_RECORD_BODY_MAX);
        free(exact);
    }
    check_output(k);
}

/* Seals and sends inner bytes; keeps the peer's key in step when they were a KeyUpdate. */
static void send_inner(struct talk *k, const uint8_t *inner, size_t len)
{
    static uint8_t record[5 + 16700 + 16];
    size_t n = len;

    hear(k, record, sealer_inner(&k->to, record, inner, len));
    while (n > 0 && inner[n - 1] == 0)
        n--;
    if (n == 6 && inner[5] == 22 && memcmp(inner, "\x18\0\0\1", 4) == 0 && inner[4] <= 1)
        sealer_update(&k->to);
}

static void send_long(struct talk *k, struct input *in)
{
    static uint8_t inner[16700];
    size_t len = 16300 + (size_t)next(in) * 3 / 2;

    memset(inner, 0, sizeof(inner));
    memset(inner, 'x', 1 + next(in) * 65u);
    inner[len - 1] = next(in);
    send_inner(k, inner, len);
}

static void spoil(struct talk *k, struct input *in)
{
    uint8_t record[100], inner[40] = {'a', 'b', 'c', 23};
    size_t len = sealer_inner(&k->to, record, inner, 4 + next(in) % 36u);
    uint8_t at = next(in), with = next(in);

    record[at % len] ^= with;
    hear(k, record, len);
}

static void one_step(struct talk *k, struct input *in)
{
    uint8_t inner[300], what = next(in);
    const uint8_t *bytes;
    size_t n;

    switch (what % 8) {
    case 0:
    case 1: /* content, a type that is right mostly, padding */
        n = take(in, &bytes, next(in) % 64);
        memset(inner, 0, sizeof(inner));
        memcpy(inner, bytes, n);
        inner[n] = (uint8_t)(21 + what / 8 % 3);
        send_inner(k, inner, n + 1 + what / 32);
        return;
    case 2: /* any inner bytes */
        n = take(in, &bytes, next(in));
        send_inner(k, bytes, n);
        return;
    case 3: /* a right key update */
        memcpy(inner, "\x18\0\0\1\0\x16", 6);
        inner[4] = what / 8 % 2;
        send_inner(k, inner, 6);
        return;
    case 4: /* bytes under no key */
        n = take(in, &bytes, next(in) % 64);
        hear(k, bytes, n);
        return;
    case 5:
        if (tls_taken_seal(k->t, k->io, (const uint8_t *)"an answer", 1 + what / 8 % 9))
            check_output(k);
        k->io->out_len = 0;
        return;
    case 6:
        if (what / 8 % 8 == 0)
            tls_taken_close(k->t, k->io);
        check_output(k);
        send_long(k, in);
        return;
    default:
        spoil(k, in);
        return;
    }
}

static void run(struct talk *k, const uint8_t *data, size_t size, size_t piece)
{
    struct input in = {data, data + size};
    uint8_t how = next(&in), secret[TLS_SECRET_MAX];
    uint16_t suite = taken_suites[how % 3];
    struct tls_taken_start start = {.crypto = k->crypto,
                                    .is_client = (how & 4) != 0,
                                    .fragment_max = (how & 8) != 0 ? 512 : 0,
                                    .key_records = (how & 16) != 0 ? 3 : 0};

    random_bytes(secret, sizeof(secret));
    ASSERT(tls_keys_set(k->crypto, &k->to, suite, secret, sealer_secret_bytes(suite)) == OK);
    random_bytes(secret, sizeof(secret));
    ASSERT(tls_keys_set(k->crypto, &k->from, suite, secret, sealer_secret_bytes(suite)) == OK);
    start.read = k->to;
    start.write = k->from;
    ASSERT(tls_taken_new(&k->t, &start) == OK);
    k->piece = piece;
    k->trace_len = 0;
    k->step = TLS_STEP_MORE;
    for (unsigned i = 0; i < STEPS_MAX && in.at < in.end; i++)
        one_step(k, &in);
    note(k, (uint8_t)k->step, (const uint8_t *)tls_taken_detail(k->t),
         strlen(tls_taken_detail(k->t)));
    tls_taken_free(k->t);
    k->io->in_len = k->io->out_len = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct talk whole, cut;

    if (size < 2 || size > 4096)
        return 0;
    if (whole.crypto == NULL) {
        struct talk *both[] = {&whole, &cut};

        for (int i = 0; i < 2; i++) {
            ASSERT(tls_crypto_new(&both[i]->crypto) == OK && tls_io_new(&both[i]->io) == OK);
            both[i]->trace = malloc(TRACE_ROOM);
        }
    }
    run(&whole, data, size, 0);
    run(&cut, data, size, 1 + data[0] / 32 * 3u);
    ASSERT(whole.trace_len == cut.trace_len &&
           memcmp(whole.trace, cut.trace, whole.trace_len) == 0);
    return 0;
}
