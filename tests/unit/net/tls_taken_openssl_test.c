/* SPDX-License-Identifier: Apache-2.0 */
/* tls_taken_openssl_test.c: after a handshake between two SSL objects in memory, one of them goes
 * and our record layer talks to the other: data of all sizes, key updates of both sides, closing,
 * as a server and as a client, in all three suites. */
#include "tls_taken_rig.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#define TALKS 400

/* ---- a handshake ---- */

struct secrets {
    uint8_t of[2][TLS_SECRET_MAX]; /* client's, server's */
    size_t len;
};

struct couple {
    SSL_CTX *contexts[2];
    SSL *ssl; /* the one that stays */
    BIO *in, *out;
    struct secrets secrets;
    struct tls_crypto *crypto;
    struct tls_io *io;
    struct tls_taken *t;
    uint32_t chance;
    uint8_t plain[TLS_RECORD_BODY_MAX * 8];
};

static void on_key(const SSL *ssl, const char *line)
{
    struct secrets *secrets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    int who = strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0   ? 0
              : strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0 ? 1
                                                                   : -1;

    if (who >= 0)
        secrets->len = script_hex(secrets->of[who], strrchr(line, ' ') + 1);
}

static X509 *certificate_of(EVP_PKEY *key)
{
    X509 *cert = X509_new();

    (void)X509_set_version(cert, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    (void)X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

/* All that one of them says, to the other. */
static void carry(SSL *from, SSL *to)
{
    char bytes[16384];
    int n;

    while ((n = BIO_read(SSL_get_wbio(from), bytes, sizeof(bytes))) > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(to), bytes, n), n);
}

static void shake(SSL *client, SSL *server)
{
    for (int i = 0; i < 5; i++) {
        (void)SSL_do_handshake(client);
        carry(client, server);
        (void)SSL_do_handshake(server);
        if (!SSL_is_init_finished(server))
            carry(server, client);
    }
    assert_true(SSL_is_init_finished(client) && SSL_is_init_finished(server));
}

static const char *suite_name(uint16_t suite)
{
    static const char *const names[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                        "TLS_CHACHA20_POLY1305_SHA256"};

    return names[suite - TLS_SUITE_AES_128_GCM_SHA256];
}

static SSL *ssl_new(struct couple *c, int who, uint16_t suite, const char *length)
{
    SSL_CTX *context = SSL_CTX_new(who == 0 ? TLS_client_method() : TLS_server_method());
    SSL *ssl;

    c->contexts[who] = context;
    assert_int_equal(SSL_CTX_set_ciphersuites(context, suite_name(suite)), 1);
    (void)SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_app_data(context, &c->secrets);
    SSL_CTX_set_keylog_callback(context, on_key);
    if (who == 1) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert = certificate_of(key);

        assert_int_equal(SSL_CTX_use_certificate(context, cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
        X509_free(cert);
        EVP_PKEY_free(key);
    }
    if (who == 0 && strcmp(length, "512") == 0)
        assert_int_equal(
            SSL_CTX_set_tlsext_max_fragment_length(context, TLSEXT_max_fragment_length_512), 1);
    ssl = SSL_new(context);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (who == 0)
        SSL_set_connect_state(ssl);
    else
        SSL_set_accept_state(ssl);
    return ssl;
}

/* Moves `keys` over the tickets that the server has said since: each must open. */
static void pass_tickets(struct couple *c, struct tls_keys *keys, SSL *server)
{
    uint8_t bytes[8192], plain[8192];
    int len = BIO_read(SSL_get_wbio(server), bytes, sizeof(bytes));

    assert_true(len > 0);
    assert_int_equal(BIO_write(SSL_get_wbio(server), bytes, len), len);
    for (size_t at = 0; at < (size_t)len;) {
        struct tls_opened out = {.plain = plain};

        assert_int_equal(tls_record_open(c->crypto, keys, bytes + at, &out), OK);
        assert_int_equal(out.type, TLS_CONTENT_HANDSHAKE);
        assert_int_equal(plain[0], 4);
        at += 5 + ((size_t)bytes[at + 3] << 8 | bytes[at + 4]);
    }
    assert_int_equal(keys->sequence, 2);
}

/* We take the place of the server, or of the client. */
static void couple_open(struct couple *c, bool as_client, uint16_t suite, const char *length)
{
    SSL *client = ssl_new(c, 0, suite, length), *server = ssl_new(c, 1, suite, length);
    SSL *gone = as_client ? client : server;
    struct tls_taken_start start = {.is_client = as_client, .key_records = 60};
    int me = as_client ? 0 : 1;

    assert_int_equal(tls_crypto_new(&c->crypto), OK);
    assert_int_equal(tls_io_new(&c->io), OK);
    shake(client, server);
    assert_int_equal(
        tls_keys_set(c->crypto, &start.write, suite, c->secrets.of[me], c->secrets.len), OK);
    assert_int_equal(
        tls_keys_set(c->crypto, &start.read, suite, c->secrets.of[1 - me], c->secrets.len), OK);
    if (!as_client)
        pass_tickets(c, &start.write, server);
    carry(server, client); /* the tickets; for us as a client they lie there still */
    start.fragment_max = strcmp(length, "512") == 0 ? 512 : 0;
    start.crypto = c->crypto;
    assert_int_equal(tls_taken_new(&c->t, &start), OK);
    c->ssl = as_client ? server : client;
    c->in = SSL_get_rbio(c->ssl);
    c->out = SSL_get_wbio(c->ssl);
    if (as_client) {
        char bytes[8192];
        int n = BIO_read(SSL_get_rbio(client), bytes, sizeof(bytes));

        assert_true(n > 0);
        (void)BIO_write(c->out, bytes, n);
    }
    SSL_set_shutdown(gone, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(gone);
}

static void couple_close(struct couple *c)
{
    tls_taken_free(c->t);
    tls_io_free(c->io);
    tls_crypto_free(c->crypto);
    SSL_free(c->ssl);
    SSL_CTX_free(c->contexts[0]);
    SSL_CTX_free(c->contexts[1]);
    free(c);
}

/* ---- talking ---- */

static uint32_t any(struct couple *c, uint32_t below)
{
    c->chance = c->chance * 1664525u + 1013904223u;
    return (c->chance >> 8) % below;
}

static size_t any_size(struct couple *c)
{
    static const size_t edges[] = {1, 15, 16, 17, 511, 512, 513, 16383, 16384, 16385, 40000};

    return any(c, 3) == 0 ? edges[any(c, 11)] : 1 + any(c, 1u << (1 + any(c, 14)));
}

/* What OpenSSL has said, into ours, in pieces of any size. `expected`: NULL, it may be nothing. */
static enum tls_step hear(struct couple *c, const uint8_t *expected, size_t expected_len)
{
    static uint8_t bytes[512 * 1024];
    enum tls_step step = TLS_STEP_MORE;
    size_t got = 0, at = 0, n;
    int len = BIO_read(c->out, bytes, sizeof(bytes));

    while (step == TLS_STEP_MORE && len > 0 && at < (size_t)len) {
        size_t piece = any(c, 3) == 0 ? 1 + any(c, 40) : 1 + any(c, 30000);

        if (piece > (size_t)len - at)
            piece = (size_t)len - at;
        c->io->in = bytes + at;
        c->io->in_len = piece;
        at += piece;
        do {
            step = tls_taken_open(c->t, c->io, c->plain, sizeof(c->plain), &n);
            assert_true(got + n <= expected_len);
            if (n > 0)
                assert_memory_equal(c->plain, expected + got, n);
            got += n;
        } while (step == TLS_STEP_DONE);
    }
    if (step == TLS_STEP_FAILED)
        fprintf(stderr, "%s\n", tls_taken_detail(c->t));
    assert_int_equal(got, expected_len);
    return step;
}

static void pass_out(struct couple *c)
{
    if (c->io->out_len > 0)
        assert_int_equal(BIO_write(c->in, c->io->out, (int)c->io->out_len), (int)c->io->out_len);
    c->io->out_len = 0;
}

static void they_speak(struct couple *c)
{
    static uint8_t text[40000];
    size_t n = any_size(c);

    for (size_t i = 0; i < n; i++)
        text[i] = (uint8_t)any(c, 256);
    assert_int_equal(SSL_write(c->ssl, text, (int)n), (int)n);
    assert_int_equal(hear(c, text, n), TLS_STEP_MORE);
}

static void we_speak(struct couple *c)
{
    static uint8_t text[40000], got[40000];
    size_t n = any_size(c), have = 0, more;

    for (size_t i = 0; i < n; i++)
        text[i] = (uint8_t)any(c, 256);
    assert_true(tls_taken_seal(c->t, c->io, text, n));
    pass_out(c);
    while (have < n) {
        assert_int_equal(SSL_read_ex(c->ssl, got + have, n - have, &more), 1);
        have += more;
    }
    assert_memory_equal(got, text, n);
    assert_int_equal(hear(c, NULL, 0), TLS_STEP_MORE); /* what OpenSSL answers to a key update */
}

static void talk(bool as_client, uint16_t suite, const char *length)
{
    struct couple *c = calloc(1, sizeof(*c));
    char byte;

    c->chance = suite * 2u + as_client;
    couple_open(c, as_client, suite, length);
    for (unsigned i = 0; i < TALKS; i++) {
        unsigned what = any(c, 10);

        if (what < 2) {
            assert_int_equal(SSL_key_update(c->ssl, what == 0 ? SSL_KEY_UPDATE_REQUESTED
                                                              : SSL_KEY_UPDATE_NOT_REQUESTED),
                             1);
            if (any(c, 2) == 0) {
                assert_int_equal(SSL_do_handshake(c->ssl), 1);
                assert_int_equal(hear(c, NULL, 0), TLS_STEP_MORE);
            }
        }
        if (what % 2 == 0)
            they_speak(c);
        else
            we_speak(c);
    }
    tls_taken_close(c->t, c->io);
    pass_out(c);
    assert_int_equal(SSL_read(c->ssl, &byte, 1), 0);
    assert_int_equal(SSL_get_error(c->ssl, 0), SSL_ERROR_ZERO_RETURN);
    they_speak(c); /* the other direction is open still */
    assert_true(SSL_shutdown(c->ssl) >= 0);
    assert_int_equal(hear(c, NULL, 0), TLS_STEP_CLOSED);
    couple_close(c);
}

static void openssl_talks_to_us_as_a_server(void **state)
{
    (void)state;
    for (size_t s = 0; s < 3; s++)
        talk(false, taken_suites[s], "");
}

static void openssl_talks_to_us_as_a_client(void **state)
{
    (void)state;
    for (size_t s = 0; s < 3; s++)
        talk(true, taken_suites[s], "");
}

static void openssl_asks_for_short_records(void **state)
{
    (void)state;
    talk(false, taken_suites[0], "512");
}

/* ---- what OpenSSL says to hostile records, and we ---- */

/* Scripts of tls_script.h that both answer with the same alert. */
static const char *const hostile[] = {
    "D16385",
    "Z1",
    "Z300",
    "T20:01",
    "T24:0100",
    "R140303000101",
    "R15030300020100",
    "R160303000401000000",
    "X0304",
    "R1703034101",
    "R17030300101111111111111111111111111111111111",
    "D5 F10",
    "D5 F26",
    "D5 Y",
    "N D5",
    "33*D0",
    "H1800000102",
    "H18000000",
    "H180000010000",
    "H01000000",
    "H14000020",
    "H0b00000400000000",
    "H0400000100",
    "H",
    "A",
    "33*A015a",
    "H1800 D5",
    "H1800000100 D5",
    "D16600",
};

/* The last alert in `bytes`, which are sealed under `keys`; -1: none. */
static int alert_in(struct tls_keys *keys, const uint8_t *bytes, size_t len)
{
    static uint8_t plain[TLS_RECORD_BODY_MAX];
    uint8_t type = 0;
    int alert = -1;

    for (size_t at = 0; at + 5 <= len; at += 5 + ((size_t)bytes[at + 3] << 8 | bytes[at + 4]))
        if (sealer_open(keys, bytes + at, plain, &type) == 2 && type == 21)
            alert = plain[1];
    return alert;
}

static int alert_of_openssl(uint16_t suite, const char *line)
{
    struct couple *c = calloc(1, sizeof(*c));
    SSL *client = ssl_new(c, 0, suite, ""), *server = ssl_new(c, 1, suite, "");
    struct tls_keys to, from;
    struct tls_script script = {.keys = &to, .bytes = malloc(SCRIPT_ROOM)};
    uint8_t bytes[4096];
    size_t n;
    int len;

    assert_int_equal(tls_crypto_new(&c->crypto), OK);
    shake(client, server);
    assert_int_equal(tls_keys_set(c->crypto, &to, suite, c->secrets.of[0], c->secrets.len), OK);
    assert_int_equal(tls_keys_set(c->crypto, &from, suite, c->secrets.of[1], c->secrets.len), OK);
    script_run(&script, line);
    assert_int_equal(BIO_write(SSL_get_rbio(server), script.bytes, (int)script.len),
                     (int)script.len);
    while (SSL_read_ex(server, c->plain, sizeof(c->plain), &n) == 1)
        continue;
    ERR_clear_error();
    len = BIO_read(SSL_get_wbio(server), bytes, sizeof(bytes));
    free(script.bytes);
    SSL_free(client);
    c->ssl = server;
    couple_close(c);
    return alert_in(&from, bytes, len > 0 ? (size_t)len : 0);
}

static int alert_of_ours(uint16_t suite, const char *line)
{
    struct taken_rig *r = taken_rig_open(suite, 0, 0, false);
    struct tls_script script = taken_rig_script(r);
    int alert;

    script_run(&script, line);
    (void)taken_rig_feed(r, script.bytes, script.len, script.len);
    alert = alert_in(&r->from, r->io->out, r->io->out_len);
    taken_rig_close(r);
    return alert;
}

static void hostile_records_get_the_alert_that_openssl_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        for (size_t s = 0; s < 3; s++) {
            int theirs = alert_of_openssl(taken_suites[s], hostile[i]);
            int ours = alert_of_ours(taken_suites[s], hostile[i]);

            if (theirs != ours || ours < 0)
                fprintf(stderr, "%s: OpenSSL %d, we %d\n", hostile[i], theirs, ours);
            assert_true(ours >= 0);
            assert_int_equal(theirs, ours);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_talks_to_us_as_a_server),
        cmocka_unit_test(openssl_talks_to_us_as_a_client),
        cmocka_unit_test(openssl_asks_for_short_records),
        cmocka_unit_test(hostile_records_get_the_alert_that_openssl_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
