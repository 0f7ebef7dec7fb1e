/* SPDX-License-Identifier: Apache-2.0 */
/* tls_wipe_test.c: once a connection has ended, no copy of its secrets or keys is left in the
 * memory of the process. OpenSSL leaves copies in the memory that it frees; here it is given an
 * allocator that wipes, so that any copy found is ours. What is looked for is kept masked, or the
 * search would find itself. */
#include "rig.h"

#include <fcntl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <unistd.h>

#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/tls_record.h"

#define MASK        0x5a
#define MAPPING_MAX ((size_t)1 << 30) /* larger ones belong to sanitizers */
#define CHUNK       65536

enum { CLIENT_SECRET, SERVER_SECRET, CLIENT_KEY, SERVER_KEY, NEEDLES };

struct needle {
    uint8_t masked[TLS_SECRET_MAX];
    size_t len;
};
static struct needle needles[NEEDLES];
static unsigned found_open[NEEDLES];
static atomic_bool was_searched;

/* ---- an allocator that wipes ---- */

static void wiping_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (p != NULL)
        secret_wipe(p, malloc_usable_size(p));
    free(p);
}

static void *plain_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(len);
}

static void *wiping_realloc(void *p, size_t len, const char *file, int line)
{
    size_t had = p != NULL ? malloc_usable_size(p) : 0;
    void *grown = malloc(len);

    if (grown == NULL)
        return NULL;
    if (p != NULL)
        memcpy(grown, p, had < len ? had : len);
    wiping_free(p, file, line);
    return grown;
}

/* ---- the search ---- */

static bool is_at(const struct needle *n, const uint8_t *at)
{
    for (size_t i = 0; i < n->len; i++)
        if ((at[i] ^ MASK) != n->masked[i])
            return false;
    return true;
}

static unsigned count_in(const struct needle *n, const uint8_t *bytes, size_t len)
{
    const uint8_t *at = bytes, *end = bytes + len;
    unsigned count = 0;

    while ((at = memchr(at, n->masked[0] ^ MASK, (size_t)(end - at))) != NULL) {
        count += (size_t)(end - at) >= n->len && is_at(n, at);
        at++;
    }
    return count;
}

static void search_mapping(int memory, size_t from, size_t to, unsigned found[NEEDLES])
{
    static uint8_t chunk[CHUNK];

    while (from < to) {
        ssize_t n = pread(memory, chunk, to - from < CHUNK ? to - from : CHUNK, (off_t)from);

        for (int k = 0; n > 0 && k < NEEDLES; k++)
            found[k] += count_in(&needles[k], chunk, (size_t)n);
        if (n < CHUNK)
            break;
        from += CHUNK - TLS_SECRET_MAX + 1; /* one may stand across the border */
    }
    secret_wipe(chunk, sizeof(chunk)); /* or the next search would find what this one read */
}

static void search(unsigned found[NEEDLES])
{
    FILE *maps = fopen("/proc/self/maps", "re");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char line[512], rights[5];
    unsigned long from, to;

    memset(found, 0, NEEDLES * sizeof(*found));
    assert_non_null(maps);
    assert_true(memory >= 0);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3 && rights[0] == 'r' &&
            rights[1] == 'w' && to - from < MAPPING_MAX)
            search_mapping(memory, from, to, found);
    }
    (void)fclose(maps);
    (void)close(memory);
}

/* ---- the client ---- */

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static void note(const SSL *ssl, const char *line)
{
    const char *hex = strrchr(line, ' ') + 1;
    struct needle *n;

    (void)ssl;
    if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0)
        n = &needles[CLIENT_SECRET];
    else if (strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0)
        n = &needles[SERVER_SECRET];
    else
        return;
    n->len = strlen(hex) / 2;
    for (size_t i = 0; i < n->len; i++)
        n->masked[i] = (uint8_t)((digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1])) ^ MASK);
}

static void note_keys(uint16_t suite)
{
    struct tls_crypto *crypto = NULL;
    struct tls_keys keys;
    uint8_t secret[TLS_SECRET_MAX];

    assert_int_equal(tls_crypto_new(&crypto), OK);
    for (int k = 0; k < 2; k++) {
        struct needle *n = &needles[CLIENT_KEY + k];

        for (size_t i = 0; i < needles[k].len; i++)
            secret[i] = needles[k].masked[i] ^ MASK;
        assert_int_equal(tls_keys_set(crypto, &keys, suite, secret, needles[k].len), OK);
        n->len = suite == TLS_SUITE_AES_128_GCM_SHA256 ? 16 : 32;
        for (size_t i = 0; i < n->len; i++)
            n->masked[i] = keys.key[i] ^ MASK;
        tls_keys_wipe(&keys);
    }
    secret_wipe(secret, sizeof(secret));
    tls_crypto_free(crypto);
}

static void search_open(struct rig *rig)
{
    (void)rig;
    search(found_open);
    atomic_store(&was_searched, true);
}

/* Goes without a word, so that for a moment the server alone has the keys. */
static void visit(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    int fd = rig_connect(rig);
    uint16_t suite;
    SSL *ssl;

    SSL_CTX_set_keylog_callback(context, note);
    CHECK(rig, SSL_CTX_set_ciphersuites(context, rig->user) == 1);
    ssl = rig_ssl(context, fd);
    CHECK(rig, ssl != NULL && rig_ssl_echo(ssl, "hello"));
    suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl));
    SSL_free(ssl);
    SSL_CTX_free(context);
    note_keys(suite);
    atomic_store(&was_searched, false);
    rig_call(rig, search_open);
    while (!atomic_load(&was_searched))
        (void)usleep(1000);
    (void)close(fd);
}

static void note_records(struct conn *c)
{
    struct rig_peer *p = (struct rig_peer *)c;
    enum tls_records records;

    assert_true(conn_tls_records(c, &records));
    p->rig->number = records;
}

static void nothing_of_its_keys_outlives_a_connection(void **state)
{
    static const struct conn_ops ops = {note_records, rig_echo, NULL, NULL, rig_closed};
    static char suites[][32] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                "TLS_CHACHA20_POLY1305_SHA256"};
    unsigned found[NEEDLES];
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rig_open(&rig, RIG_TLS, &ops);
        rig.user = suites[i];
        rig_run(&rig, visit);
        assert_int_equal(rig.number, TLS_RECORDS_OWN);
        search(found); /* the loop and all of its buffers are still there */
        for (int k = 0; k < NEEDLES; k++) {
            assert_true(found_open[k] > 0);
            assert_int_equal(found[k], 0);
        }
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_its_keys_outlives_a_connection),
    };
    if (CRYPTO_set_mem_functions(plain_malloc, wiping_realloc, wiping_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
