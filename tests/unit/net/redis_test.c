/* SPDX-License-Identifier: Apache-2.0 */
/* redis_test.c: a connection to a real Redis server that is started, stopped, stalled and started
 * again. Made to run under TSan. */
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "crypto/x509.h"
#include "net/redis.h"
#include "redis_server.h"

#define ASKERS 4
#define ASKS   5000

struct desk {
    struct redis_server server;
    struct redis *redis;
    atomic_uint ups, downs, turns;
    pthread_mutex_t lock;
    char why[256];
};
struct question {
    struct redis_ask ask;
    sem_t done;
    char text[128];
    enum redis_type type;
    int64_t number;
    uint32_t count;
};

static void on_tell(void *context, bool is_up, const char *why)
{
    struct desk *d = context;

    (void)pthread_mutex_lock(&d->lock);
    (void)snprintf(d->why, sizeof(d->why), "%s", why);
    (void)pthread_mutex_unlock(&d->lock);
    atomic_fetch_add(is_up ? &d->ups : &d->downs, 1);
}

static void on_turn(void *context, uint64_t now_ms)
{
    (void)now_ms;
    atomic_fetch_add(&((struct desk *)context)->turns, 1);
}

static bool wait_until(atomic_uint *counter, unsigned count)
{
    for (int i = 0; i < 1000 && atomic_load(counter) < count; i++)
        (void)usleep(10 * 1000);
    return atomic_load(counter) >= count;
}

static bool heard(struct desk *d, const char *part)
{
    bool is_there;

    (void)pthread_mutex_lock(&d->lock);
    is_there = strstr(d->why, part) != NULL;
    (void)pthread_mutex_unlock(&d->lock);
    if (!is_there)
        print_message("# heard instead: %s\n", d->why);
    return is_there;
}

static void connect_desk(struct desk *d, const struct redis_options *more)
{
    struct redis_options o = *more;
    struct error why = {{0}, 0, 0};

    o.url = o.url != NULL ? o.url : d->server.url;
    o.tell = on_tell;
    o.turn = on_turn;
    o.turn_ms = 20;
    o.context = d;
    (void)pthread_mutex_init(&d->lock, NULL);
    assert_int_equal(redis_new(&d->redis, &o, &why), OK);
    assert_int_equal(redis_start(d->redis), OK);
}

static void open_desk(struct desk *d, const char *const *extra)
{
    memset(d, 0, sizeof(*d));
    if (!redis_server_is_there())
        skip();
    redis_server_open(&d->server, extra);
}

static void close_desk(struct desk *d)
{
    redis_stop(d->redis);
    redis_free(d->redis);
    redis_server_close(&d->server);
    (void)pthread_mutex_destroy(&d->lock);
}

static void on_done(struct redis_ask *ask, const struct redis_value *reply)
{
    struct question *q = (struct question *)(void *)ask;

    if (reply != NULL) {
        q->type = reply->type;
        q->number = reply->number;
        q->count = reply->count;
        (void)snprintf(q->text, sizeof(q->text), VIEW_FMT, VIEW_ARG(reply->text));
    }
    (void)sem_post(&q->done);
}

static int put(struct desk *d, struct question *q, uint32_t count, const struct redis_command *all)
{
    memset(q, 0, sizeof(*q));
    (void)sem_init(&q->done, 0, 0);
    q->ask.done = on_done;
    return redis_ask(d->redis, &q->ask, all, count);
}

/* The status of one command of up to three words. */
static int ask(struct desk *d, struct question *q, const char *a, const char *b, const char *c)
{
    struct view words[3] = {view_of_text(a), view_of_text(b), view_of_text(c)};
    struct redis_command one = {words, c != NULL ? 3 : b != NULL ? 2 : 1};
    int rc = put(d, q, 1, &one);

    if (rc != OK)
        return rc;
    (void)sem_wait(&q->done);
    return q->ask.status;
}

static void commands_are_answered(void **state)
{
    struct view set[3] = {VIEW("SET"), VIEW("k"), VIEW("v")}, get[2] = {VIEW("GET"), VIEW("k")};
    struct redis_command both[2] = {{set, 3}, {get, 2}};
    struct desk d;
    struct question q;

    (void)state;
    open_desk(&d, NULL);
    connect_desk(&d, &(struct redis_options){.url = NULL});
    assert_true(wait_until(&d.ups, 1));
    assert_true(redis_is_up(d.redis));
    assert_int_equal(put(&d, &q, 2, both), OK);
    (void)sem_wait(&q.done);
    assert_int_equal(q.ask.status, OK);
    assert_int_equal(q.type, REDIS_LIST);
    assert_int_equal(q.count, 2);
    assert_int_equal(ask(&d, &q, "GET", "k", NULL), OK);
    assert_string_equal(q.text, "v");
    assert_int_equal(ask(&d, &q, "GET", "no", NULL), OK);
    assert_int_equal(q.type, REDIS_NIL);
    assert_int_equal(ask(&d, &q, "INCR", "n", NULL), OK);
    assert_int_equal(q.number, 1);
    assert_int_equal(ask(&d, &q, "INCR", "k", NULL), E_DENIED);
    assert_int_equal(q.type, REDIS_ERROR);
    set[0] = VIEW("NOSUCH");
    assert_int_equal(put(&d, &q, 2, both), OK); /* a transaction with a fault does nothing */
    (void)sem_wait(&q.done);
    assert_int_equal(q.ask.status, E_DENIED);
    assert_int_equal(ask(&d, &q, "GET", "k", NULL), OK); /* and the answers stay in step */
    assert_string_equal(q.text, "v");
    assert_true(wait_until(&d.turns, 3));
    close_desk(&d);
    assert_int_equal(atomic_load(&d.downs), 0);
}

struct asker {
    struct desk *d;
    pthread_t thread;
    unsigned number;
    atomic_uint answered, wrong;
};
struct note {
    struct redis_ask ask;
    struct asker *asker;
    char text[24];
};

static void on_echo(struct redis_ask *a, const struct redis_value *reply)
{
    struct note *n = (struct note *)(void *)a;

    if (a->status != OK || !view_eq(reply->text, view_of_text(n->text)))
        atomic_fetch_add(&n->asker->wrong, 1);
    atomic_fetch_add(&n->asker->answered, 1);
}

static void *ask_many(void *context)
{
    struct asker *a = context;
    struct note *notes = calloc(ASKS, sizeof(*notes));

    for (unsigned i = 0; i < ASKS; i++) {
        struct view words[2] = {VIEW("ECHO"), {notes[i].text, 0}};

        notes[i].ask.done = on_echo;
        notes[i].asker = a;
        words[1].len =
            (size_t)snprintf(notes[i].text, sizeof(notes[i].text), "%u-%u", a->number, i);
        if (redis_ask(a->d->redis, &notes[i].ask, &(struct redis_command){words, 2}, 1) != OK)
            on_echo(&notes[i].ask, &(struct redis_value){.type = REDIS_NIL});
    }
    if (!wait_until(&a->answered, ASKS))
        atomic_fetch_add(&a->wrong, 1);
    free(notes);
    return NULL;
}

static void everyone_gets_the_own_answer(void **state)
{
    static struct asker askers[ASKERS];
    struct desk d;

    (void)state;
    open_desk(&d, NULL);
    connect_desk(&d, &(struct redis_options){.deadline_ms = 10000});
    assert_true(wait_until(&d.ups, 1));
    for (unsigned i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.d = &d, .number = i};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_many, &askers[i]), 0);
    }
    for (unsigned i = 0; i < ASKERS; i++) {
        (void)pthread_join(askers[i].thread, NULL);
        assert_int_equal(atomic_load(&askers[i].answered), ASKS);
        assert_int_equal(atomic_load(&askers[i].wrong), 0);
    }
    close_desk(&d);
}

static void a_server_that_dies_is_found_again(void **state)
{
    struct desk d;
    struct question q;

    (void)state;
    open_desk(&d, NULL);
    connect_desk(&d, &(struct redis_options){.url = NULL});
    assert_true(wait_until(&d.ups, 1));
    redis_server_kill(&d.server);
    assert_true(wait_until(&d.downs, 1));
    assert_int_equal(ask(&d, &q, "GET", "k", NULL), E_IO);
    redis_server_run(&d.server, NULL);
    assert_true(wait_until(&d.ups, 2));
    assert_int_equal(ask(&d, &q, "GET", "k", NULL), OK);
    close_desk(&d);
}

static void a_server_that_hangs_is_given_up(void **state)
{
    struct desk d;
    struct question q;
    uint64_t began;

    (void)state;
    open_desk(&d, NULL);
    connect_desk(&d, &(struct redis_options){.deadline_ms = 500});
    assert_true(wait_until(&d.ups, 1));
    (void)kill(d.server.pid, SIGSTOP);
    began = clock_mono_ms();
    assert_int_equal(ask(&d, &q, "GET", "k", NULL), E_EXPIRED);
    assert_in_range(clock_mono_ms() - began, 490, 5000);
    assert_true(wait_until(&d.downs, 1));
    assert_true(heard(&d, "in time"));
    assert_int_equal(ask(&d, &q, "GET", "k", NULL), E_IO); /* at once */
    (void)usleep(1500 * 1000);
    assert_int_equal(atomic_load(&d.downs), 1); /* told once, however often it is tried */
    (void)kill(d.server.pid, SIGCONT);
    assert_true(wait_until(&d.ups, 2));
    assert_int_equal(ask(&d, &q, "GET", "k", NULL), OK);
    close_desk(&d);
}

static void stopping_answers_what_is_under_way(void **state)
{
    struct view words[1] = {VIEW("PING")};
    struct redis_command one = {words, 1};
    struct desk d;
    struct question q, late;

    (void)state;
    open_desk(&d, NULL);
    connect_desk(&d, &(struct redis_options){.deadline_ms = 60000});
    assert_true(wait_until(&d.ups, 1));
    (void)kill(d.server.pid, SIGSTOP);
    assert_int_equal(put(&d, &q, 1, &one), OK);
    redis_stop(d.redis);
    (void)sem_wait(&q.done);
    assert_int_equal(q.ask.status, E_CLOSED);
    assert_int_equal(put(&d, &late, 1, &one), E_CLOSED);
    close_desk(&d);
}

static void who_we_are_and_which_database(void **state)
{
    static const char *const locked[] = {"--user", "gate",  "on", ">a long password",
                                         "~*",     "+@all", NULL};
    struct redis_options o = {.username = "gate", .password = VIEW("a long password")};
    struct desk d;
    struct question q;
    char url[96];

    (void)state;
    open_desk(&d, locked);
    (void)snprintf(url, sizeof(url), "%s?db=3", d.server.url);
    o.url = url;
    connect_desk(&d, &o);
    assert_true(wait_until(&d.ups, 1));
    assert_int_equal(ask(&d, &q, "ACL", "WHOAMI", NULL), OK);
    assert_string_equal(q.text, "gate");
    assert_int_equal(ask(&d, &q, "SET", "k", "three"), OK);
    assert_int_equal(REDIS_SERVER_DO(&d.server, "EXISTS", "k"), 0);
    redis_stop(d.redis);
    redis_free(d.redis);
    o.password = VIEW("another password");
    connect_desk(&d, &o);
    assert_true(wait_until(&d.downs, 1));
    assert_true(heard(&d, "refuses AUTH: WRONGPASS"));
    assert_false(heard(&d, "another"));
    redis_stop(d.redis);
    redis_free(d.redis);
    o.password = VIEW("a long password");
    (void)snprintf(url, sizeof(url), "%s?db=999", d.server.url);
    connect_desk(&d, &o);
    assert_true(wait_until(&d.downs, 2));
    assert_true(heard(&d, "refuses SELECT"));
    assert_int_equal(atomic_load(&d.ups), 1);
    close_desk(&d);
}

static void a_reply_that_is_too_large_ends_the_connection(void **state)
{
    struct desk d;
    struct question q;

    (void)state;
    open_desk(&d, NULL);
    (void)REDIS_SERVER_DO(&d.server, "SETRANGE", "big", "3000000", "x");
    connect_desk(&d, &(struct redis_options){.url = NULL});
    assert_true(wait_until(&d.ups, 1));
    assert_int_equal(ask(&d, &q, "GET", "big", NULL), E_IO);
    assert_true(heard(&d, "too large"));
    assert_true(wait_until(&d.ups, 2));
    assert_int_equal(ask(&d, &q, "GETRANGE", "big", "0"), E_DENIED); /* too few words: in step */
    close_desk(&d);
}

/* --- TLS --- */

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

struct papers {
    char folder[40], ca[64], other[64], cert[64], key[64];
};

static void make_papers(struct papers *p)
{
    static const char *const names[] = {"localhost", "127.0.0.1"};
    struct x509_pair ca = {BUF_INIT(65536), BUF_INIT(65536)},
                     leaf = {BUF_INIT(65536), BUF_INIT(65536)},
                     other = {BUF_INIT(65536), BUF_INIT(65536)};

    (void)snprintf(p->folder, sizeof(p->folder), "/tmp/gateward-redis-tls-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->ca, sizeof(p->ca), "%s/ca", p->folder);
    (void)snprintf(p->other, sizeof(p->other), "%s/other", p->folder);
    (void)snprintf(p->cert, sizeof(p->cert), "%s/cert", p->folder);
    (void)snprintf(p->key, sizeof(p->key), "%s/key", p->folder);
    assert_int_equal(x509_make_ca(&ca, "a test", NULL), OK);
    assert_int_equal(x509_make_ca(&other, "another test", NULL), OK);
    assert_int_equal(x509_make_leaf(&leaf, &ca, names, 2, NULL), OK);
    assert_int_equal(file_write(p->ca, ca.cert_pem.data, ca.cert_pem.len, 0600), OK);
    assert_int_equal(file_write(p->other, other.cert_pem.data, other.cert_pem.len, 0600), OK);
    assert_int_equal(file_write(p->cert, leaf.cert_pem.data, leaf.cert_pem.len, 0600), OK);
    assert_int_equal(file_write(p->key, leaf.key_pem.data, leaf.key_pem.len, 0600), OK);
    x509_pair_clear(&ca);
    x509_pair_clear(&leaf);
    x509_pair_clear(&other);
}

static void clear_papers(const struct papers *p)
{
    (void)unlink(p->ca);
    (void)unlink(p->other);
    (void)unlink(p->cert);
    (void)unlink(p->key);
    (void)rmdir(p->folder);
}

static void tls_is_verified(void **state)
{
    struct papers p;
    char port[8], url[64], wrong_name[64];
    const char *extra[] = {"--tls-port",
                           port,
                           "--tls-cert-file",
                           p.cert,
                           "--tls-key-file",
                           p.key,
                           "--tls-auth-clients",
                           "no",
                           NULL};
    struct desk d;
    struct question q;

    (void)state;
    if (!redis_server_is_there())
        skip();
    make_papers(&p);
    (void)snprintf(port, sizeof(port), "%u", (unsigned)free_port());
    (void)snprintf(url, sizeof(url), "rediss://localhost:%s", port);
    (void)snprintf(wrong_name, sizeof(wrong_name), "rediss://[::ffff:127.0.0.1]:%s", port);
    open_desk(&d, extra);
    connect_desk(&d, &(struct redis_options){.url = url, .ca_path = p.ca});
    assert_true(wait_until(&d.ups, 1));
    for (int i = 0; i < 100; i++)
        assert_int_equal(ask(&d, &q, "SET", "k", p.folder), OK);
    assert_int_equal(ask(&d, &q, "GET", "k", NULL), OK);
    assert_string_equal(q.text, p.folder);
    redis_stop(d.redis);
    redis_free(d.redis);
    connect_desk(&d, &(struct redis_options){.url = url, .ca_path = p.other});
    assert_true(wait_until(&d.downs, 1));
    assert_true(heard(&d, "TLS: "));
    redis_stop(d.redis);
    redis_free(d.redis);
    connect_desk(&d, &(struct redis_options){.url = wrong_name, .ca_path = p.ca});
    assert_true(wait_until(&d.downs, 2));
    assert_true(heard(&d, "TLS: "));
    assert_int_equal(atomic_load(&d.ups), 1);
    close_desk(&d);
    clear_papers(&p);
}

/* --- not a Redis at all --- */

static void a_host_that_is_no_redis_is_told(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0), peer;
    struct desk d = {.redis = NULL};
    struct question q;
    char url[64];

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(listen(fd, 8), 0);
    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    connect_desk(&d, &(struct redis_options){.url = url, .deadline_ms = 500});
    peer = accept(fd, NULL, NULL);
    assert_int_equal(send(peer, "HTTP/1.1 400 Bad\r\n\r\n", 20, MSG_NOSIGNAL), 20);
    assert_true(wait_until(&d.downs, 1));
    assert_true(heard(&d, "no RESP"));
    (void)close(peer);
    assert_true(wait_until(&d.downs, 2)); /* the next one is not even answered */
    assert_true(heard(&d, "in time"));
    assert_int_equal(ask(&d, &q, "GET", "k", NULL), E_IO);
    redis_stop(d.redis);
    redis_free(d.redis);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_answered),
        cmocka_unit_test(everyone_gets_the_own_answer),
        cmocka_unit_test(a_server_that_dies_is_found_again),
        cmocka_unit_test(a_server_that_hangs_is_given_up),
        cmocka_unit_test(stopping_answers_what_is_under_way),
        cmocka_unit_test(who_we_are_and_which_database),
        cmocka_unit_test(a_reply_that_is_too_large_ends_the_connection),
        cmocka_unit_test(tls_is_verified),
        cmocka_unit_test(a_host_that_is_no_redis_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
