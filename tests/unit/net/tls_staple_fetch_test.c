/* SPDX-License-Identifier: Apache-2.0 */
/* tls_staple_fetch_test.c: answers that come from a responder on loopback while other threads shake
 * hands. When and how often is tested from outside, in tests/integration/test_ocsp_fetch.py. Made
 * to run under TSan. */
#include <arpa/inet.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/staple_fetch.h"
#include "net/tls_private.h"

enum manner { GOOD, REVOKED, BROKEN, SILENT };

struct rig {
    char folder[32], cert_path[64], key_path[64];
    EVP_PKEY *key; /* one for all: who signs is told by names */
    X509 *ca, *leaf;
    int fd;
    uint16_t port;
    pthread_t thread;
    _Atomic(enum manner) manner;
    atomic_uint requests;
    atomic_bool is_over;
    struct tls_server *tls;
    struct outbound *outbound;
    struct staple_fetch *fetch;
    sem_t told;
    atomic_uint news[3];
    char code[32], url[64];
};

/* --- certificates and answers --- */

static X509 *make(struct rig *r, const char *name, long serial, int extension, const char *value)
{
    X509 *cert = X509_new();
    X509_EXTENSION *more = X509V3_EXT_conf_nid(NULL, NULL, extension, value);

    (void)X509_set_version(cert, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                     (const unsigned char *)name, -1, -1, 0);
    (void)X509_set_issuer_name(cert, X509_get_subject_name(r->ca != NULL ? r->ca : cert));
    (void)X509_set_pubkey(cert, r->key);
    assert_int_equal(X509_add_ext(cert, more, -1), 1);
    X509_EXTENSION_free(more);
    assert_true(X509_sign(cert, r->key, EVP_sha256()) > 0);
    return cert;
}

static void write_files(struct rig *r)
{
    FILE *to;

    strcpy(r->folder, "/tmp/staple_fetch_XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    (void)snprintf(r->cert_path, sizeof(r->cert_path), "%s/cert", r->folder);
    (void)snprintf(r->key_path, sizeof(r->key_path), "%s/key", r->folder);
    to = fopen(r->cert_path, "w");
    assert_non_null(to);
    assert_int_equal(PEM_write_X509(to, r->leaf), 1);
    assert_int_equal(PEM_write_X509(to, r->ca), 1);
    (void)fclose(to);
    to = fopen(r->key_path, "w");
    assert_non_null(to);
    (void)fchmod(fileno(to), 0600);
    assert_int_equal(PEM_write_PrivateKey(to, r->key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(to);
}

static int make_answer(const struct rig *r, bool is_good, unsigned char **der)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, -60), *until = X509_gmtime_adj(NULL, 3600);
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), r->leaf, r->ca);
    OCSP_RESPONSE *response;
    int len;

    (void)OCSP_basic_add1_status(basic, id,
                                 is_good ? V_OCSP_CERTSTATUS_GOOD : V_OCSP_CERTSTATUS_REVOKED, -1,
                                 is_good ? NULL : from, from, until);
    (void)OCSP_basic_sign(basic, r->ca, r->key, EVP_sha256(), NULL, OCSP_NOCERTS);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    *der = NULL;
    len = i2d_OCSP_RESPONSE(response, der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return len;
}

/* --- the responder --- */

static bool read_request(int fd)
{
    char bytes[4096];
    size_t len = 0;

    while (len < sizeof(bytes) - 1) {
        ssize_t n = recv(fd, bytes + len, sizeof(bytes) - 1 - len, 0);
        const char *body, *length;

        if (n <= 0)
            return false;
        len += (size_t)n;
        bytes[len] = '\0';
        body = strstr(bytes, "\r\n\r\n");
        length = strstr(bytes, "Content-Length: ");
        if (body != NULL && length != NULL &&
            len >= (size_t)(body + 4 - bytes) + strtoul(length + 16, NULL, 10))
            return strncmp(bytes, "POST /x HTTP/1.1\r\n", 18) == 0 &&
                   strstr(bytes, "\r\nContent-Type: application/ocsp-request\r\n") != NULL;
    }
    return false;
}

static void answer(struct rig *r, int fd)
{
    enum manner manner = r->manner;
    unsigned char *der;
    char head[64], byte;
    int len, head_len;

    if (manner == SILENT) {
        while (!atomic_load(&r->is_over) && recv(fd, &byte, 1, 0) > 0)
            ;
        return;
    }
    len = make_answer(r, manner == GOOD, &der);
    if (manner == BROKEN)
        der[len - 1] ^= 1;
    head_len = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len);
    (void)send(fd, head, (size_t)head_len, MSG_NOSIGNAL);
    (void)send(fd, der, (size_t)len, MSG_NOSIGNAL);
    OPENSSL_free(der);
}

static void *serve(void *rig)
{
    struct rig *r = rig;
    int fd;

    while ((fd = accept(r->fd, NULL, NULL)) >= 0) {
        if (!atomic_load(&r->is_over) && read_request(fd)) {
            atomic_fetch_add(&r->requests, 1);
            answer(r, fd);
        }
        (void)close(fd);
    }
    return NULL;
}

/* --- the rig --- */

static void tell(void *rig, const struct staple_news *news)
{
    struct rig *r = rig;

    (void)snprintf(r->code, sizeof(r->code), "%s", news->code);
    (void)snprintf(r->url, sizeof(r->url), "%s", news->url != NULL ? news->url : "");
    atomic_fetch_add(&r->news[news->health], 1);
    (void)sem_post(&r->told);
}

static struct tls_server *load(const struct rig *r)
{
    struct tls_site_options site = {
        .cert_path = r->cert_path, .key_path = r->key_path, .fetches_staple = true};
    struct tls_server_options options = {.sites = &site, .sites_count = 1};
    struct error why = {.text = ""};
    struct tls_server *tls = NULL;

    if (tls_server_new(&tls, &options, &why) != OK)
        fail_msg("%s", why.text);
    return tls;
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    char value[64];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(r->fd, (struct sockaddr *)&address, len) != 0 || listen(r->fd, 16) != 0 ||
        getsockname(r->fd, (struct sockaddr *)&address, &len) != 0)
        return -1;
    r->port = ntohs(address.sin_port);
    r->key = EVP_EC_gen("P-256");
    r->ca = make(r, "authority", 1, NID_basic_constraints, "critical,CA:TRUE");
    (void)snprintf(value, sizeof(value), "OCSP;URI:http://127.0.0.1:%u/x", r->port);
    r->leaf = make(r, "leaf.example.com", 7, NID_info_access, value);
    write_files(r);
    r->tls = load(r);
    (void)sem_init(&r->told, 0, 0);
    *state = r;
    if (pthread_create(&r->thread, NULL, serve, r) != 0 || outbound_start(&r->outbound) != OK)
        return -1;
    return staple_fetch_new(&r->fetch, tell, r);
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    staple_fetch_stop(r->fetch);
    outbound_stop(r->outbound);
    outbound_free(r->outbound);
    staple_fetch_free(r->fetch);
    tls_server_drop(r->tls);
    atomic_store(&r->is_over, true);
    (void)shutdown(r->fd, SHUT_RDWR);
    (void)pthread_join(r->thread, NULL);
    (void)close(r->fd);
    X509_free(r->ca);
    X509_free(r->leaf);
    EVP_PKEY_free(r->key);
    (void)unlink(r->cert_path);
    (void)unlink(r->key_path);
    (void)rmdir(r->folder);
    (void)sem_destroy(&r->told);
    free(r);
    return 0;
}

/* --- handshakes --- */

static void pump(BIO *from, BIO *to)
{
    char bytes[4096];
    int n;

    while ((n = BIO_read(from, bytes, sizeof(bytes))) > 0)
        (void)BIO_write(to, bytes, n);
}

/* A whole handshake in memory: how many bytes of OCSP answer the client was sent. */
static long staple_bytes(struct tls_server *tls)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(context), *server = SSL_new(tls_server_context(tls));
    unsigned char *der = NULL;
    long len;

    SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    (void)SSL_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
    for (int i = 0; i < 8 && !SSL_is_init_finished(client); i++) {
        (void)SSL_do_handshake(client);
        pump(SSL_get_wbio(client), SSL_get_rbio(server));
        (void)SSL_do_handshake(server);
        pump(SSL_get_wbio(server), SSL_get_rbio(client));
    }
    len = SSL_is_init_finished(client) ? SSL_get_tlsext_status_ocsp_resp(client, &der) : -2;
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(context);
    return len;
}

struct shaker {
    struct tls_server *tls;
    pthread_t thread;
    atomic_bool is_over;
    unsigned with, without, failed;
};

static void *shake(void *shaker)
{
    struct shaker *s = shaker;

    while (!atomic_load(&s->is_over)) {
        long len = staple_bytes(s->tls);
        s->with += len > 0;
        s->without += len == -1;
        s->failed += len == -2;
    }
    return NULL;
}

static void wait_for(struct rig *r, enum staple_health health, unsigned count)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    while (atomic_load(&r->news[health]) < count)
        assert_int_equal(sem_timedwait(&r->told, &until), 0);
}

/* --- tests --- */

static void answers_come_and_go_while_others_shake_hands(void **state)
{
    struct rig *r = *state;
    struct shaker shakers[2] = {{.tls = r->tls}, {.tls = r->tls}};

    assert_int_equal(staple_bytes(r->tls), -1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&shakers[i].thread, NULL, shake, &shakers[i]), 0);
    assert_int_equal(staple_fetch_replace(r->fetch, &r->tls, 1), OK); /* waits for the start */
    staple_fetch_start(r->fetch, r->outbound);
    wait_for(r, STAPLE_FETCHED, 1);
    assert_string_equal(r->code, "fetched");
    assert_true(staple_bytes(r->tls) > 0);
    for (unsigned i = 0; i < 6; i++) {
        r->manner = i % 2 == 0 ? REVOKED : GOOD;
        assert_int_equal(staple_fetch_replace(r->fetch, &r->tls, 1), OK);
        wait_for(r, i % 2 == 0 ? STAPLE_REVOKED : STAPLE_FETCHED, 1 + (i + 1) / 2);
        assert_true((staple_bytes(r->tls) > 0) == (i % 2 == 1));
    }
    for (int i = 0; i < 2; i++) {
        atomic_store(&shakers[i].is_over, true);
        (void)pthread_join(shakers[i].thread, NULL);
        assert_int_equal(shakers[i].failed, 0);
        assert_true(shakers[i].with + shakers[i].without > 0);
    }
}

static void a_certificate_that_stays_keeps_its_answer(void **state)
{
    struct rig *r = *state;
    struct tls_server *next = load(r);

    staple_fetch_start(r->fetch, r->outbound);
    assert_int_equal(staple_fetch_replace(r->fetch, &r->tls, 1), OK);
    wait_for(r, STAPLE_FETCHED, 1);
    assert_int_equal(staple_bytes(next), -1);
    r->manner = BROKEN;
    assert_int_equal(staple_fetch_replace(r->fetch, &next, 1), OK);
    wait_for(r, STAPLE_FAILED, 1);
    assert_string_equal(r->code, "bad_answer");
    assert_true(staple_bytes(next) > 0);
    assert_true(staple_bytes(r->tls) > 0); /* open connections go on as they were */
    tls_server_drop(next);
}

/* Nothing to check but that it ends, and what the sanitizers say. */
static void a_list_may_change_and_all_may_end_while_a_responder_is_silent(void **state)
{
    struct rig *r = *state;
    struct tls_server *sets[3] = {r->tls, NULL, load(r)};

    r->manner = SILENT;
    staple_fetch_start(r->fetch, r->outbound);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(staple_fetch_replace(r->fetch, sets, 1 + (unsigned)i % 3), OK);
        if (i % 10 == 0)
            (void)usleep(20 * 1000);
    }
    assert_int_equal(staple_fetch_replace(r->fetch, NULL, 0), OK);
    tls_server_drop(sets[2]);
    assert_int_equal(atomic_load(&r->news[STAPLE_FETCHED]), 0);
    staple_fetch_stop(r->fetch);
    assert_int_equal(staple_fetch_replace(r->fetch, sets, 1), OK); /* a reload that comes late */
    atomic_store(&r->is_over, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_come_and_go_while_others_shake_hands, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_certificate_that_stays_keeps_its_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_list_may_change_and_all_may_end_while_a_responder_is_silent, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
