/* SPDX-License-Identifier: Apache-2.0 */
/* tls_record_test.c: the trace of RFC 8448 section 3, all three suites against records that were
 * made by hand, and a table of records that are refused, each with its alert. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/status.h"
#include "crypto/nonce_audit.h"
#include "crypto/tls_record.h"
#include "three_ways.h"
#include "tls_sealer.h"

#define RECORD_ROOM (5 + 65535)

static const uint16_t suites[] = {TLS_SUITE_AES_128_GCM_SHA256, TLS_SUITE_AES_256_GCM_SHA384,
                                  TLS_SUITE_CHACHA20_POLY1305_SHA256};

static size_t from_hex(uint8_t *out, const char *hex)
{
    size_t n = 0;

    for (; hex[0] != '\0'; hex += 2)
        out[n++] = (uint8_t)strtoul((char[]){hex[0], hex[1], '\0'}, NULL, 16);
    return n;
}

static const uint8_t none[RECORD_ROOM];

static struct tls_crypto *crypto_of(void **state)
{
    return *state;
}

static int open_crypto(void **state)
{
    struct tls_crypto *c = NULL;
    int rc = tls_crypto_new(&c);

    *state = c;
    return rc;
}

static int close_crypto(void **state)
{
    tls_crypto_free(*state);
    tls_crypto_free(NULL);
    return 0;
}

static void key_of(void **state, struct tls_keys *keys, uint16_t suite)
{
    static uint8_t count;
    uint8_t secret[TLS_SECRET_MAX];

    memset(secret, 0x40 + count++ % 64, sizeof(secret));
    secret[0] = count;
    assert_int_equal(
        tls_keys_set(crypto_of(state), keys, suite, secret, sealer_secret_bytes(suite)), OK);
}

/* ---- RFC 8448 section 3 ---- */

struct trace {
    const char *secret, *key, *iv;
    struct {
        uint8_t type;
        const char *content, *record;
    } rows[3];
};

#define COUNT_TO_49                                                                                \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829"         \
    "2a2b2c2d2e2f3031"

static const struct trace server_trace = {
    "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
    "9f02283b6c9c07efc26bb9f2ac92e356",
    "cf782b88dd83549aadf1e984",
    {{TLS_CONTENT_HANDSHAKE,
      "040000c90000001efad6aac502000000b22c035d829359ee5ff7af4ec900000000262a6494dc486d2c8a34cb33fa"
      "90bf1b0070ad3c498883c9367c09a2be785abc55cd226097a3a982117283f82a03a143efd3ff5dd36d64e861be7f"
      "d61d2827db279cce145077d454a3664d4e6da4d29ee03725a6a4dafcd0fc67d2aea70529513e3da2677fa5906c5b"
      "3f7d8f92f228bda40dda721470f9fbf297b5aea617646fac5c03272e970727c621a79141ef5f7de6505e5bfbc388"
      "e93343694093934ae4d3570008002a000400000400",
      "17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6b580dcf3d11d63c758db"
      "289a015940252f55713e061dc13e078891a38efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3"
      "d03f75e09c30ba1e62972ac46f75f7b981be63439b2999ce13064615139891d5e4c5b406f16e3fc181a77ca47584"
      "0025db2f0a77f81b5ab05b94c01346755f69232c86519d86cbeeac87aac347d143f9605d64f650db4d023e70e952"
      "ca49fe5137121c74bc2697687e248746d6df353005f3bce18696129c8153556b3b6c6779b37bf15985684f"},
     {TLS_CONTENT_DATA, COUNT_TO_49,
      "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a"
      "59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d"},
     {TLS_CONTENT_ALERT, "0100", "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"}},
};

static const struct trace client_trace = {
    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
    "17422dda596ed5d9acd890e3c63f5051",
    "5b78923dee08579033e523d9",
    {{TLS_CONTENT_DATA, COUNT_TO_49,
      "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a2044"
      "1e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4"},
     {TLS_CONTENT_ALERT, "0100", "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"}},
};

static void follow_trace(void **state, const struct trace *trace)
{
    uint8_t secret[32], expected[32], content[256], record[300], sealed[300], plain[300];
    struct tls_keys open_keys, seal_keys;

    assert_int_equal(from_hex(secret, trace->secret), 32);
    assert_int_equal(
        tls_keys_set(crypto_of(state), &open_keys, TLS_SUITE_AES_128_GCM_SHA256, secret, 32), OK);
    assert_memory_equal(open_keys.key, expected, from_hex(expected, trace->key));
    assert_memory_equal(open_keys.iv, expected, from_hex(expected, trace->iv));
    assert_memory_equal(open_keys.secret, secret, 32);
    seal_keys = open_keys;
    for (unsigned i = 0; i < 3 && trace->rows[i].record != NULL; i++) {
        size_t len = from_hex(content, trace->rows[i].content);
        size_t bytes = from_hex(record, trace->rows[i].record);
        struct tls_plain in = {content, len, trace->rows[i].type};
        struct tls_opened out = {.plain = plain};

        assert_int_equal(tls_record_seal(crypto_of(state), &seal_keys, &in, sealed), bytes);
        assert_memory_equal(sealed, record, bytes);
        assert_int_equal(tls_record_open(crypto_of(state), &open_keys, record, &out), OK);
        assert_int_equal(out.type, trace->rows[i].type);
        assert_int_equal(out.len, len);
        assert_memory_equal(plain, content, len);
        assert_int_equal(open_keys.sequence, i + 1);
        assert_int_equal(seal_keys.sequence, i + 1);
    }
}

static void rfc8448_section_3(void **state)
{
    follow_trace(state, &server_trace);
    follow_trace(state, &client_trace);
}

/* ---- keys ---- */

static void updates_agree_with_hkdf_by_hand(void **state)
{
    for (size_t s = 0; s < 3; s++) {
        struct tls_keys ours, theirs;

        key_of(state, &ours, suites[s]);
        theirs = ours;
        for (unsigned i = 0; i < 100; i++) {
            ours.sequence = i;
            assert_int_equal(tls_keys_update(crypto_of(state), &ours), OK);
            sealer_update(&theirs);
            assert_int_equal(ours.sequence, 0);
            assert_memory_equal(&ours, &theirs, sizeof(ours));
        }
    }
}

static void secrets_of_other_sizes_and_unknown_suites_are_refused(void **state)
{
    uint8_t secret[64] = {1};
    struct tls_keys keys;

    for (size_t s = 0; s < 3; s++)
        for (size_t len = 0; len <= sizeof(secret); len++) {
            bool is_right = len == sealer_secret_bytes(suites[s]);

            memset(&keys, 7, sizeof(keys));
            assert_int_equal(tls_keys_set(crypto_of(state), &keys, suites[s], secret, len),
                             is_right ? OK : E_INVALID);
            assert_int_equal(memcmp(&keys, none, sizeof(keys)) == 0, !is_right);
        }
    for (unsigned suite = 0; suite <= 0xffff; suite++) {
        if (suite >= 0x1301 && suite <= 0x1303)
            continue;
        assert_int_equal(tls_keys_set(crypto_of(state), &keys, (uint16_t)suite, secret, 32),
                         E_INVALID);
    }
}

static void wiped_keys_neither_seal_nor_open_nor_go_on(void **state)
{
    struct tls_keys keys, other;
    uint8_t record[64], plain[64];
    struct tls_plain in = {(const uint8_t *)"hello", 5, TLS_CONTENT_DATA};
    struct tls_opened out = {.plain = plain};

    key_of(state, &keys, suites[0]);
    other = keys;
    assert_int_equal(tls_record_seal(crypto_of(state), &other, &in, record), 27);
    tls_keys_wipe(&keys);
    assert_int_equal(tls_record_seal(crypto_of(state), &keys, &in, record + 30), 0);
    assert_int_equal(tls_record_open(crypto_of(state), &keys, record, &out), E_DENIED);
    assert_int_equal(out.alert, TLS_ALERT_INTERNAL_ERROR);
    assert_int_equal(tls_keys_update(crypto_of(state), &keys), E_CRYPTO);
}

static void numbers_end_where_a_key_is_worn_out(void **state)
{
    struct tls_keys keys, peer;
    uint8_t record[64], plain[64], type;
    struct tls_plain in = {(const uint8_t *)"hello", 5, TLS_CONTENT_DATA};
    struct tls_opened out = {.plain = plain};

    key_of(state, &keys, suites[1]);
    keys.sequence = TLS_KEY_RECORDS_MAX - 1;
    peer = keys;
    assert_int_equal(tls_record_seal(crypto_of(state), &keys, &in, record), 27);
    assert_int_equal(sealer_open(&peer, record, plain, &type), 5);
    assert_int_equal(tls_record_seal(crypto_of(state), &keys, &in, record), 0);
    assert_int_equal(keys.sequence, TLS_KEY_RECORDS_MAX);
    assert_int_equal(tls_keys_update(crypto_of(state), &keys), OK);
    assert_int_equal(tls_record_seal(crypto_of(state), &keys, &in, record), 27);
    /* A peer's numbers are its own affair, but none comes twice. */
    key_of(state, &keys, suites[1]);
    keys.sequence = UINT64_MAX - 1;
    peer = keys;
    assert_int_equal(sealer_content(&peer, record, 23, "hello", 5, 0), 27);
    assert_int_equal(tls_record_open(crypto_of(state), &keys, record, &out), OK);
    assert_int_equal(sealer_content(&peer, record, 23, "hello", 5, 0), 27);
    assert_int_equal(tls_record_open(crypto_of(state), &keys, record, &out), E_DENIED);
    assert_int_equal(out.alert, TLS_ALERT_INTERNAL_ERROR);
    assert_true(keys.sequence == UINT64_MAX);
}

/* ---- good records ---- */

static void seal_and_check(void **state, struct tls_keys *keys, struct tls_keys *peer, size_t len)
{
    static uint8_t content[TLS_RECORD_PLAIN_MAX], plain[TLS_RECORD_BODY_MAX];
    uint8_t type = (uint8_t)(21 + len % 3), seen = 0;
    struct guarded in, out = guarded_copy(none, len + TLS_RECORD_OVERHEAD);
    struct tls_plain text;

    for (size_t i = 0; i < len; i++)
        content[i] = (uint8_t)(i * 7 + len);
    in = guarded_copy(content, len);
    text = (struct tls_plain){len == 0 ? NULL : in.data, len, type};
    assert_int_equal(tls_record_seal(crypto_of(state), keys, &text, out.data),
                     len + TLS_RECORD_OVERHEAD);
    assert_int_equal(sealer_open(peer, out.data, plain, &seen), len);
    assert_int_equal(seen, type);
    assert_memory_equal(plain, content, len);
    guarded_free(&in);
    guarded_free(&out);
}

static void open_and_check(void **state, struct tls_keys *keys, struct tls_keys *peer, size_t len)
{
    static uint8_t content[TLS_RECORD_PLAIN_MAX], record[RECORD_ROOM];
    size_t padding = len % 3 == 0 ? 0 : len % 200;
    struct guarded in, out;
    struct tls_opened got;

    for (size_t i = 0; i < len; i++)
        content[i] = (uint8_t)(i * 5 + len);
    in = guarded_copy(record, sealer_content(peer, record, 23, content, len, padding));
    out = guarded_copy(none, len + 1 + padding + 16);
    got.plain = len % 2 == 0 ? out.data : in.data + 5;
    assert_int_equal(tls_record_open(crypto_of(state), keys, in.data, &got), OK);
    assert_int_equal(got.len, len);
    assert_int_equal(got.type, 23);
    assert_memory_equal(got.plain, content, len);
    guarded_free(&in);
    guarded_free(&out);
}

static void all_sizes_go_both_ways(void **state)
{
    static const size_t sizes[] = {1000, 1023, 4096, 8191, 16367, 16368, 16383, 16384};

    for (size_t s = 0; s < 3; s++) {
        struct tls_keys write, read, write_peer, read_peer;

        key_of(state, &write, suites[s]);
        key_of(state, &read, suites[s]);
        write_peer = write;
        read_peer = read;
        for (size_t len = 0; len < 300; len++) {
            seal_and_check(state, &write, &write_peer, len);
            open_and_check(state, &read, &read_peer, len);
        }
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            seal_and_check(state, &write, &write_peer, sizes[i]);
            open_and_check(state, &read, &read_peer, sizes[i]);
        }
        assert_int_equal(write.sequence, 308);
        assert_int_equal(read.sequence, 308);
    }
}

static void too_much_content_is_not_sealed(void **state)
{
    static uint8_t content[TLS_RECORD_PLAIN_MAX + 1], out[RECORD_ROOM];
    struct tls_keys keys;
    struct tls_plain in = {content, sizeof(content), TLS_CONTENT_DATA};

    key_of(state, &keys, suites[0]);
    assert_int_equal(tls_record_seal(crypto_of(state), &keys, &in, out), 0);
}

/* Connections take turns on the shared contexts, in both directions and all suites. */
static void connections_share_contexts_and_nothing_else(void **state)
{
    struct tls_keys write[9], write_peer[9], read[9], read_peer[9];
    uint32_t chance = 1;

    for (size_t i = 0; i < 9; i++) {
        key_of(state, &write[i], suites[i % 3]);
        key_of(state, &read[i], suites[i / 3]);
        write_peer[i] = write[i];
        read_peer[i] = read[i];
    }
    for (unsigned i = 0; i < 3000; i++) {
        size_t a, b;

        chance = chance * 1103515245u + 12345u;
        a = (chance >> 16) % 9;
        b = (chance >> 24) % 9;
        seal_and_check(state, &write[a], &write_peer[a], chance >> 20 & 255);
        open_and_check(state, &read[b], &read_peer[b], chance >> 12 & 255);
        if (i % 97 == 0)
            tls_crypto_forget(crypto_of(state));
        if (i % 31 == 0) {
            assert_int_equal(tls_keys_update(crypto_of(state), &write[a]), OK);
            sealer_update(&write_peer[a]);
        }
    }
}

/* Two copies of one struct: what builds with the audit never let pass. Asked of a child. */
static void a_number_used_twice_ends_builds_that_test(void **state)
{
    struct nonce_audit *audit = NULL;
    struct tls_keys keys, copy;
    uint8_t record[64];
    struct tls_plain in = {(const uint8_t *)"hello", 5, TLS_CONTENT_DATA};
    int status = 0;
    pid_t child;

    assert_int_equal(nonce_audit_new(&audit), OK);
    key_of(state, &keys, suites[0]);
    copy = keys;
    assert_int_equal(tls_record_seal(crypto_of(state), &keys, &in, record), 27);
    child = fork();
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        _exit(tls_record_seal(crypto_of(state), &copy, &in, record) == 27 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : status, audit != NULL ? SIGABRT : 0);
    nonce_audit_free(audit);
}

/* ---- records that are refused ---- */

/* Opens one that must be refused; nothing of what decryption gave may stay. */
static void refuse(void **state, struct tls_keys *keys, const uint8_t *record, uint8_t alert)
{
    static uint8_t plain[TLS_RECORD_BODY_MAX];
    size_t body = (size_t)record[3] << 8 | record[4];
    struct guarded in = guarded_copy(record, 5 + body);
    struct tls_opened out = {.plain = plain};

    memset(plain, 0, sizeof(plain));
    assert_int_equal(tls_record_open(crypto_of(state), keys, in.data, &out), E_DENIED);
    assert_int_equal(out.alert, alert);
    for (size_t i = 0; i < sizeof(plain); i++)
        assert_int_equal(plain[i], 0);
    guarded_free(&in);
}

static void every_flipped_bit_is_refused(void **state)
{
    for (size_t s = 0; s < 3; s++) {
        struct tls_keys keys, peer;
        uint8_t record[64], alert;
        size_t bytes, body;

        key_of(state, &keys, suites[s]);
        peer = keys;
        bytes = sealer_content(&peer, record, 23, "0123456789", 10, 5);
        assert_int_equal(bytes, 5 + 16 + 16);
        for (size_t bit = 0; bit < bytes * 8; bit++) {
            struct tls_keys now = keys;
            uint8_t changed[5 + 65535] = {0};

            memcpy(changed, record, bytes);
            changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            alert = TLS_ALERT_BAD_RECORD_MAC;
            if (bit < 8)
                alert = TLS_ALERT_UNEXPECTED_MESSAGE;
            else if (bit < 24)
                alert = TLS_ALERT_DECODE_ERROR;
            body = (size_t)changed[3] << 8 | changed[4];
            if (body > TLS_RECORD_BODY_MAX)
                alert = TLS_ALERT_RECORD_OVERFLOW;
            refuse(state, &now, changed, alert);
        }
    }
}

static void replayed_and_reordered_records_are_refused(void **state)
{
    for (size_t s = 0; s < 3; s++) {
        struct tls_keys keys, peer, now;
        uint8_t first[64], second[64], plain[64];
        struct tls_opened out = {.plain = plain};

        key_of(state, &keys, suites[s]);
        peer = keys;
        (void)sealer_content(&peer, first, 23, "one", 3, 0);
        (void)sealer_content(&peer, second, 23, "two", 3, 0);
        now = keys;
        refuse(state, &now, second, TLS_ALERT_BAD_RECORD_MAC);
        now = keys;
        assert_int_equal(tls_record_open(crypto_of(state), &now, first, &out), OK);
        refuse(state, &now, first, TLS_ALERT_BAD_RECORD_MAC);
        /* A record of the generation before. */
        now = keys;
        assert_int_equal(tls_keys_update(crypto_of(state), &now), OK);
        refuse(state, &now, first, TLS_ALERT_BAD_RECORD_MAC);
    }
}

static void sizes_and_padding_are_judged(void **state)
{
    static const struct {
        size_t inner, content; /* content 0: all of inner is zeros */
        uint8_t alert;
    } rows[] = {
        {1, 0, TLS_ALERT_UNEXPECTED_MESSAGE},      {2, 0, TLS_ALERT_UNEXPECTED_MESSAGE},
        {16385, 0, TLS_ALERT_UNEXPECTED_MESSAGE},  {16624, 0, TLS_ALERT_UNEXPECTED_MESSAGE},
        {16386, 16385, TLS_ALERT_RECORD_OVERFLOW}, {16400, 16385, TLS_ALERT_RECORD_OVERFLOW},
        {16624, 16623, TLS_ALERT_RECORD_OVERFLOW}, {16625, 16, TLS_ALERT_RECORD_OVERFLOW},
        {16625, 16384, TLS_ALERT_RECORD_OVERFLOW}, {0, 0, TLS_ALERT_BAD_RECORD_MAC},
    };
    static uint8_t inner[16700], record[RECORD_ROOM];

    for (size_t s = 0; s < 3; s++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct tls_keys keys, peer;

            key_of(state, &keys, suites[s]);
            peer = keys;
            memset(inner, 0, sizeof(inner));
            if (rows[i].content > 0) {
                memset(inner, 'x', rows[i].content);
                inner[rows[i].content] = 23;
            }
            assert_int_equal(sealer_inner(&peer, record, inner, rows[i].inner), rows[i].inner + 21);
            refuse(state, &keys, record, rows[i].alert);
        }
}

static void headers_alone_tell(void **state)
{
    uint8_t header[5] = {23, 3, 3, 0, 0}, alert;
    size_t body;

    (void)state;
    for (unsigned len = 0; len <= 0xffff; len++) {
        int wanted = len < 17 || len > 16640 ? E_DENIED : OK;

        header[3] = (uint8_t)(len >> 8);
        header[4] = (uint8_t)len;
        assert_int_equal(tls_record_look(header, &body, &alert), wanted);
        if (wanted == OK)
            assert_int_equal(body, len);
        else
            assert_int_equal(alert,
                             len < 17 ? TLS_ALERT_BAD_RECORD_MAC : TLS_ALERT_RECORD_OVERFLOW);
    }
    header[3] = 1;
    for (unsigned type = 0; type <= 0xff; type++) {
        header[0] = (uint8_t)type;
        assert_int_equal(tls_record_look(header, &body, &alert), type == 23 ? OK : E_DENIED);
        if (type != 23)
            assert_int_equal(alert, TLS_ALERT_UNEXPECTED_MESSAGE);
    }
    header[0] = 23;
    for (unsigned version = 0; version <= 0xffff; version++) {
        header[1] = (uint8_t)(version >> 8);
        header[2] = (uint8_t)version;
        assert_int_equal(tls_record_look(header, &body, &alert), version == 0x0303 ? OK : E_DENIED);
        if (version != 0x0303)
            assert_int_equal(alert, TLS_ALERT_DECODE_ERROR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc8448_section_3),
        cmocka_unit_test(updates_agree_with_hkdf_by_hand),
        cmocka_unit_test(secrets_of_other_sizes_and_unknown_suites_are_refused),
        cmocka_unit_test(wiped_keys_neither_seal_nor_open_nor_go_on),
        cmocka_unit_test(numbers_end_where_a_key_is_worn_out),
        cmocka_unit_test(all_sizes_go_both_ways),
        cmocka_unit_test(too_much_content_is_not_sealed),
        cmocka_unit_test(connections_share_contexts_and_nothing_else),
        cmocka_unit_test(a_number_used_twice_ends_builds_that_test),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(replayed_and_reordered_records_are_refused),
        cmocka_unit_test(sizes_and_padding_are_judged),
        cmocka_unit_test(headers_alone_tell),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
