/* SPDX-License-Identifier: Apache-2.0 */
/* jwks_url_test.c: the real outbound thread against a host that hangs up on every handshake, and
 * workers that all miss a key at once. Good downloads are tested from outside, with certificates:
 * tests/integration/test_jwks_url.py. Made to run under TSan. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/jwks_url.h"
#include "auth/jws.h"
#include "base/status.h"

#define WORKERS 4
#define TOKENS  5000

struct rig {
    struct outbound *outbound;
    struct key_source *keys;
    struct jwks_url *source;
    pthread_t host;
    int fd;
    char url[64];
    atomic_uint connections;
    sem_t told;
    unsigned failed; /* outbound thread; read after its end */
    char code[32];
};

/* Listens, and closes whatever comes. */
static void *hang_up(void *argument)
{
    struct rig *rig = argument;
    int fd;

    while ((fd = accept(rig->fd, NULL, NULL)) >= 0) {
        atomic_fetch_add(&rig->connections, 1);
        (void)close(fd);
    }
    return NULL;
}

static int set_up(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    struct rig *rig = calloc(1, sizeof(*rig));

    if (rig == NULL)
        return -1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rig->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(rig->fd, (struct sockaddr *)&address, len) != 0 || listen(rig->fd, 16) != 0 ||
        getsockname(rig->fd, (struct sockaddr *)&address, &len) != 0 ||
        pthread_create(&rig->host, NULL, hang_up, rig) != 0)
        return -1;
    (void)snprintf(rig->url, sizeof(rig->url), "https://127.0.0.1:%u/jwks",
                   ntohs(address.sin_port));
    (void)sem_init(&rig->told, 0, 0);
    *state = rig;
    return key_source_new(&rig->keys, NULL) == OK ? outbound_start(&rig->outbound) : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    (void)shutdown(rig->fd, SHUT_RDWR);
    (void)pthread_join(rig->host, NULL);
    (void)close(rig->fd);
    jwks_url_free(rig->source);
    key_source_free(rig->keys);
    (void)sem_destroy(&rig->told);
    free(rig);
    return 0;
}

static void take_news(void *context, const struct jwks_url *from, const struct jwks_news *news)
{
    struct rig *rig = context;

    assert_ptr_equal(from, rig->source);
    rig->failed += news->health == JWKS_FAILED;
    (void)snprintf(rig->code, sizeof(rig->code), "%s", news->code);
    (void)sem_post(&rig->told);
}

static enum jwt_fault check(struct rig *rig)
{
    struct jws jws = {
        .signed_part = VIEW("a.b"), .algorithm = VIEW("EdDSA"), .signature = VIEW("")};

    return key_source_check(rig->keys, &jws);
}

static void open_source(struct rig *rig)
{
    struct jwks_url_options options = {
        .url = rig->url, .ca_pem = VIEW(""), .algorithms = JWK_ALGORITHM(SIGNATURE_EDDSA)};

    assert_int_equal(jwks_url_new(&rig->source, rig->keys, &options), OK);
    assert_string_equal(jwks_url_text(rig->source), rig->url);
}

static void only_https_urls_are_taken(void **state)
{
    static const char *const urls[] = {"http://127.0.0.1/jwks", "http://id.example.com/jwks",
                                       "file:///etc/passwd", "https://", ""};
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct jwks_url_options options = {.url = urls[i], .ca_pem = VIEW("")};

        assert_int_equal(jwks_url_new(&rig->source, rig->keys, &options), E_INVALID);
    }
    assert_null(rig->source);
    outbound_stop(rig->outbound);
    outbound_free(rig->outbound);
}

static void a_provider_that_is_down_is_tried_again_by_the_clock(void **state)
{
    struct rig *rig = *state;

    open_source(rig);
    assert_int_equal(check(rig), JWT_UNAVAILABLE);
    assert_int_equal(jwks_url_start(rig->source, rig->outbound, take_news, rig), OK);
    (void)sem_wait(&rig->told);
    (void)sem_wait(&rig->told); /* the retry */
    assert_int_equal(check(rig), JWT_UNAVAILABLE);
    outbound_stop(rig->outbound);
    outbound_free(rig->outbound);
    assert_true(rig->failed >= 2);
    assert_string_equal(rig->code, "tls_handshake");
    assert_true(atomic_load(&rig->connections) >= 2);
}

static void *miss_many(void *argument)
{
    struct rig *rig = argument;
    uintptr_t others = 0;

    for (unsigned i = 0; i < TOKENS; i++)
        others += check(rig) != JWT_ALGORITHM;
    return (void *)others;
}

static void workers_that_miss_together_cause_one_download(void **state)
{
    struct rig *rig = *state;
    struct key_set *set;
    pthread_t workers[WORKERS];
    unsigned before;
    void *others;

    open_source(rig);
    assert_int_equal(jwks_url_start(rig->source, rig->outbound, take_news, rig), OK);
    (void)sem_wait(&rig->told);
    before = atomic_load(&rig->connections);
    assert_int_equal(key_set_new(&set, 0), OK);
    key_source_replace(rig->keys, set); /* from here on every token misses its key */
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, miss_many, rig), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        (void)pthread_join(workers[i], &others);
        assert_int_equal((uintptr_t)others, 0);
    }
    outbound_stop(rig->outbound);
    assert_int_equal(check(rig), JWT_ALGORITHM); /* posting answers E_CLOSED, and that is all */
    outbound_free(rig->outbound);
    /* The clock's own retries come every second at first; the 20,000 tokens add nothing. */
    assert_true(atomic_load(&rig->connections) <= before + 8);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(only_https_urls_are_taken),
        RIGGED(a_provider_that_is_down_is_tried_again_by_the_clock),
        RIGGED(workers_that_miss_together_cause_one_download),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
