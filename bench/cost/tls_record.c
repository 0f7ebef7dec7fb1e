/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS 1.3 records cost in CPU time of one thread, inside one process and without sockets:
 * opening a record that a client sealed and sealing the same bytes as the answer, by SSL_read and
 * SSL_write over the loop's shared BIO, and by our record layer over the same buffers. Both serve
 * connections that were set up by a handshake between two SSL objects in memory. The two take turns
 * round by round; printed are medians, of the times and of the rounds' ratios. */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/status.h"
#include "net/tls_taken.h"

#define ROUNDS    301
#define PER_ROUND 200
#define CROWD     1000

struct side {
    struct tls_keys peer; /* a client's, whose records are opened */
    SSL *ssl;
    struct tls_taken *taken;
};

struct bench {
    SSL_CTX *client, *server;
    struct tls_crypto *crypto, *client_crypto;
    struct tls_io *io;
    uint8_t secrets[2][TLS_SECRET_MAX];
    size_t secret_bytes;
    uint16_t suite;
    uint8_t *records, *plain;
};

static const struct {
    uint16_t number;
    const char *name;
} suites[] = {
    {TLS_SUITE_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"},
    {TLS_SUITE_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"},
    {TLS_SUITE_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"},
};

static void must(bool is_good, const char *what)
{
    if (is_good)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static void on_key(const SSL *ssl, const char *line)
{
    struct bench *b = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const char *hex = strrchr(line, ' ') + 1;
    int who = strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0   ? 0
              : strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0 ? 1
                                                                   : -1;

    if (who < 0)
        return;
    b->secret_bytes = strlen(hex) / 2;
    for (size_t i = 0; i < b->secret_bytes; i++)
        b->secrets[who][i] = (uint8_t)strtoul((char[]){hex[2 * i], hex[2 * i + 1], 0}, NULL, 16);
}

static void contexts_new(struct bench *b, const char *suite)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();

    b->client = SSL_CTX_new(TLS_client_method());
    b->server = SSL_CTX_new(TLS_server_method());
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    (void)X509_set_pubkey(cert, key);
    must(X509_sign(cert, key, EVP_sha256()) > 0 && SSL_CTX_use_certificate(b->server, cert) == 1 &&
             SSL_CTX_use_PrivateKey(b->server, key) == 1 &&
             SSL_CTX_set_ciphersuites(b->client, suite) == 1,
         "contexts");
    (void)SSL_CTX_set_num_tickets(b->server, 0);
    (void)SSL_CTX_set_mode(b->server, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_app_data(b->server, b);
    SSL_CTX_set_keylog_callback(b->server, on_key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void carry(SSL *from, SSL *to)
{
    char bytes[16384];
    int n;

    while ((n = BIO_read(SSL_get_wbio(from), bytes, sizeof(bytes))) > 0)
        must(BIO_write(SSL_get_rbio(to), bytes, n) == n, "carry");
}

/* A server's SSL after its handshake, on the loop's BIO; the secrets are in b. */
static SSL *shake(struct bench *b)
{
    SSL *client = SSL_new(b->client), *server = SSL_new(b->server);

    SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int i = 0; i < 3; i++) {
        (void)SSL_do_handshake(client);
        carry(client, server);
        (void)SSL_do_handshake(server);
        carry(server, client);
    }
    must(SSL_is_init_finished(client) && SSL_is_init_finished(server), "handshake");
    SSL_free(client);
    (void)BIO_up_ref(b->io->bio);
    (void)BIO_up_ref(b->io->bio);
    SSL_set0_rbio(server, b->io->bio);
    SSL_set0_wbio(server, b->io->bio);
    return server;
}

static void side_new(struct bench *b, struct side *side, bool is_taken)
{
    struct tls_taken_start start = {.crypto = b->crypto};

    side->ssl = shake(b);
    must(tls_keys_set(b->crypto, &side->peer, b->suite, b->secrets[0], b->secret_bytes) == OK,
         "keys");
    if (!is_taken)
        return;
    start.read = side->peer;
    must(tls_keys_set(b->crypto, &start.write, b->suite, b->secrets[1], b->secret_bytes) == OK &&
             tls_taken_new(&side->taken, &start) == OK,
         "taken");
    SSL_free(side->ssl);
    side->ssl = NULL;
}

static void side_free(struct side *side)
{
    SSL_free(side->ssl);
    tls_taken_free(side->taken);
    *side = (struct side){0};
}

static uint64_t cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void say(struct bench *b, struct side *side, const uint8_t *bytes, size_t len)
{
    size_t n;

    if (side->taken != NULL)
        must(tls_taken_seal(side->taken, b->io, bytes, len), "seal");
    else
        must(SSL_write_ex(side->ssl, bytes, len, &n) == 1 && n == len, "SSL_write");
    b->io->out_len = 0;
}

/* One round of echoes; nanoseconds each. */
static double echo(struct bench *b, struct side *side, size_t len)
{
    size_t each = len + TLS_RECORD_OVERHEAD, n;
    struct tls_plain plain = {b->plain, len, TLS_CONTENT_DATA};
    uint64_t start;

    for (size_t i = 0; i < PER_ROUND; i++)
        must(tls_record_seal(b->client_crypto, &side->peer, &plain, b->records + i * each) == each,
             "client");
    start = cpu_ns();
    for (size_t i = 0; i < PER_ROUND; i++) {
        b->io->in = b->records + i * each;
        b->io->in_len = each;
        if (side->taken != NULL)
            must(tls_taken_open(side->taken, b->io, b->plain, 2 * TLS_RECORD_BODY_MAX, &n) ==
                     TLS_STEP_MORE,
                 "open");
        else
            must(SSL_read_ex(side->ssl, b->plain, 2 * TLS_RECORD_BODY_MAX, &n) == 1, "SSL_read");
        must(n == len, "bytes");
        say(b, side, b->plain, n);
    }
    return (double)(cpu_ns() - start) / PER_ROUND;
}

static double broadcast(struct bench *b, struct side *sides, size_t len)
{
    uint64_t start = cpu_ns();

    for (size_t i = 0; i < CROWD; i++)
        say(b, &sides[i], b->plain, len);
    return (double)(cpu_ns() - start) / CROWD;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print(const char *what, double *openssl, double *taken, size_t rounds)
{
    double ratios[ROUNDS];

    for (size_t i = 0; i < rounds; i++)
        ratios[i] = taken[i] / openssl[i];
    qsort(ratios, rounds, sizeof(double), by_size);
    qsort(openssl, rounds, sizeof(double), by_size);
    qsort(taken, rounds, sizeof(double), by_size);
    printf("  %-24s %8.0f %8.0f   x%.2f (%.2f-%.2f)\n", what, openssl[rounds / 2],
           taken[rounds / 2], ratios[rounds / 2], ratios[rounds / 10], ratios[rounds * 9 / 10]);
}

static void measure_echo(struct bench *b)
{
    static const size_t sizes[] = {20, 128, 1024, 16384};
    struct side openssl = {0}, taken = {0};
    double times[2][ROUNDS];

    side_new(b, &openssl, false);
    side_new(b, &taken, true);
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        char what[40];

        for (size_t i = 0; i < ROUNDS; i++) {
            times[0][i] = echo(b, &openssl, sizes[s]);
            times[1][i] = echo(b, &taken, sizes[s]);
        }
        (void)snprintf(what, sizeof(what), "open and seal %zu B", sizes[s]);
        print(what, times[0], times[1], ROUNDS);
    }
    side_free(&openssl);
    side_free(&taken);
}

static void measure_broadcast(struct bench *b)
{
    struct side *openssl = calloc(CROWD, sizeof(*openssl)), *taken = calloc(CROWD, sizeof(*taken));
    double times[2][ROUNDS];

    for (size_t i = 0; i < CROWD; i++) {
        side_new(b, &openssl[i], false);
        side_new(b, &taken[i], true);
    }
    for (size_t i = 0; i < 101; i++) {
        times[0][i] = broadcast(b, openssl, 128);
        times[1][i] = broadcast(b, taken, 128);
    }
    print("seal 128 B, 1,000 conns", times[0], times[1], 101);
    for (size_t i = 0; i < CROWD; i++) {
        side_free(&openssl[i]);
        side_free(&taken[i]);
    }
    free(openssl);
    free(taken);
}

static void measure_keys(struct bench *b)
{
    double set = 1e12, update = 1e12, forget = 1e12;
    struct tls_plain plain = {b->plain, 1, TLS_CONTENT_DATA};
    struct tls_keys keys;

    for (int i = 0; i < 2000; i++) {
        uint64_t a = cpu_ns(), c;

        (void)tls_keys_set(b->crypto, &keys, b->suite, b->secrets[0], b->secret_bytes);
        c = cpu_ns();
        set = (double)(c - a) < set ? (double)(c - a) : set;
        keys.secret[0] = (uint8_t)i;
        (void)tls_keys_update(b->crypto, &keys);
        a = cpu_ns();
        update = (double)(a - c) < update ? (double)(a - c) : update;
        (void)tls_record_seal(b->crypto, &keys, &plain, b->records);
        a = cpu_ns();
        tls_crypto_forget(b->crypto);
        c = cpu_ns();
        forget = (double)(c - a) < forget ? (double)(c - a) : forget;
    }
    printf("  key and IV of a secret %.0f, next generation %.0f, forgetting the last key %.0f\n",
           set, update, forget);
}

int main(void)
{
    struct bench b = {0};

    printf("%s; ns: OpenSSL, ours, median ratio (10-90 %%)\n", OpenSSL_version(OPENSSL_VERSION));
    must(tls_crypto_new(&b.crypto) == OK && tls_crypto_new(&b.client_crypto) == OK &&
             tls_io_new(&b.io) == OK,
         "crypto");
    b.records = malloc(PER_ROUND * (TLS_RECORD_PLAIN_MAX + TLS_RECORD_OVERHEAD));
    b.plain = calloc(2, TLS_RECORD_BODY_MAX);
    must(b.records != NULL && b.plain != NULL, "memory");
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        b.suite = suites[i].number;
        contexts_new(&b, suites[i].name);
        printf("%s\n", suites[i].name);
        measure_echo(&b);
        if (i == 0)
            measure_broadcast(&b);
        measure_keys(&b);
        SSL_CTX_free(b.client);
        SSL_CTX_free(b.server);
    }
    free(b.records);
    free(b.plain);
    tls_io_free(b.io);
    tls_crypto_free(b.client_crypto);
    tls_crypto_free(b.crypto);
    return 0;
}
