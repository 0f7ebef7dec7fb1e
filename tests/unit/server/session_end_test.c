/* SPDX-License-Identifier: Apache-2.0 */
/* session_end_test.c: ends of sessions from several threads reach the connections of all workers,
 * also more of them than anyone remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"
#include "server/close_job.h"

#define WORKERS 2
#define PEERS   40
#define ENDS    3000

struct house {
    struct server server;
    struct worker workers[WORKERS];
    struct peer peers[WORKERS][PEERS];
    int far[WORKERS][PEERS];
    bool is_gone[WORKERS][PEERS];
    struct timer timers[WORKERS];
};

static struct house *house;

static void name_session(uint8_t out[IDENTITY_SESSION_BYTES], uint32_t number)
{
    memset(out, 0, IDENTITY_SESSION_BYTES);
    memcpy(out, &number, sizeof(number));
}

static void on_closed(struct conn *conn, enum conn_end end)
{
    struct peer *p = peer_of_conn(conn);
    unsigned worker = p->worker->index;

    (void)end;
    house->is_gone[worker][p - house->peers[worker]] = true;
    peer_who_clear(p);
    link_remove(&p->link);
}

static void on_data(struct conn *conn, uint8_t *data, size_t len)
{
    (void)conn;
    (void)data;
    (void)len;
}

static const struct conn_ops ops = {.on_data = on_data, .on_closed = on_closed};

static void open_peer(struct worker *w, unsigned i)
{
    struct peer *p = &house->peers[w->index][i];
    struct identity who = {.has_session = i != 0}; /* the first came by a token */
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    house->far[w->index][i] = fds[1];
    p->worker = w;
    p->phase = PEER_HEAD;
    name_session(who.session, i);
    assert_true(peer_who_set(p, &who));
    assert_int_equal(conn_open(&p->conn, w->loop, fds[0], NULL, &ops), OK);
    link_append(&w->peers, &p->link);
}

static int begin(void **state)
{
    (void)state;
    house = calloc(1, sizeof(*house));
    assert_non_null(house);
    house->server.workers = house->workers;
    house->server.workers_count = WORKERS;
    assert_int_equal(crew_new(&house->server.crew, &house->server), OK);
    assert_int_equal(closer_new(&house->server.closer, &house->server), OK);
    for (unsigned n = 0; n < WORKERS; n++) {
        struct worker *w = &house->workers[n];

        w->server = &house->server;
        w->index = n;
        link_init(&w->peers);
        peer_who_slabs_init(&w->who_slabs);
        assert_int_equal(loop_new(&w->loop), OK);
        assert_int_equal(session_ends_new(&w->ends, w), OK);
        for (unsigned i = 0; i < PEERS; i++)
            open_peer(w, i);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (unsigned n = 0; n < WORKERS; n++) {
        struct worker *w = &house->workers[n];

        session_ends_free(w->ends);
        for (unsigned i = 0; i < PEERS; i++) {
            conn_abort(&house->peers[n][i].conn);
            (void)close(house->far[n][i]);
        }
        loop_free(w->loop);
        peer_who_slabs_clear(&w->who_slabs);
    }
    closer_free(house->server.closer);
    crew_free(house->server.crew);
    free(house);
    return 0;
}

/* --- loops that run for a while --- */

static void stop(struct timer *timer)
{
    unsigned n = (unsigned)(timer - house->timers);

    loop_stop(house->workers[n].loop);
}

static void *run(void *worker)
{
    struct worker *w = worker;
    struct timer *timer = &house->timers[w->index];

    timer_init(timer, stop);
    timer_start(w->loop, timer, loop_now_ms(w->loop) + 400);
    loop_run(w->loop);
    return NULL;
}

static void *tell_even(void *unused)
{
    uint8_t session[IDENTITY_SESSION_BYTES];

    (void)unused;
    for (uint32_t i = 0; i < ENDS; i += 2) {
        name_session(session, i);
        close_session_everywhere(&house->server, session, SESSION_IDLE);
    }
    return NULL;
}

static void *tell_fourth(void *unused)
{
    uint8_t session[IDENTITY_SESSION_BYTES];

    (void)unused;
    for (uint32_t i = 1; i < ENDS; i += 4) {
        name_session(session, i);
        close_session_everywhere(&house->server, session, SESSION_LOGGED_OUT);
    }
    return NULL;
}

static void ends_from_two_threads_close_exactly_their_connections(void **state)
{
    pthread_t threads[WORKERS + 2];

    (void)state;
    for (unsigned n = 0; n < WORKERS; n++)
        assert_int_equal(pthread_create(&threads[n], NULL, run, &house->workers[n]), 0);
    assert_int_equal(pthread_create(&threads[WORKERS], NULL, tell_even, NULL), 0);
    assert_int_equal(pthread_create(&threads[WORKERS + 1], NULL, tell_fourth, NULL), 0);
    for (unsigned n = 0; n < WORKERS + 2; n++)
        assert_int_equal(pthread_join(threads[n], NULL), 0);
    for (unsigned n = 0; n < WORKERS; n++)
        for (unsigned i = 0; i < PEERS; i++)
            assert_int_equal(house->is_gone[n][i], i != 0 && (i % 2 == 0 || i % 4 == 1));
}

static void when_more_end_than_anyone_remembers_all_sessions_are_closed(void **state)
{
    uint8_t session[IDENTITY_SESSION_BYTES];

    (void)state;
    for (uint32_t i = 0; i < 65537; i++) {
        name_session(session, 1000000 + i);
        close_session_everywhere(&house->server, session, SESSION_TOO_OLD);
    }
    for (unsigned n = 0; n < WORKERS; n++)
        (void)run(&house->workers[n]);
    for (unsigned n = 0; n < WORKERS; n++)
        for (unsigned i = 0; i < PEERS; i++)
            assert_int_equal(house->is_gone[n][i], i != 0);
}

static void told_without_a_loop_it_waits_for_one(void **state)
{
    (void)state;
    (void)tell_even(NULL);
    for (unsigned i = 0; i < PEERS; i++)
        assert_false(house->is_gone[0][i]);
    (void)run(&house->workers[0]);
    for (unsigned i = 0; i < PEERS; i++)
        assert_int_equal(house->is_gone[0][i], i != 0 && i % 2 == 0);
    assert_false(house->is_gone[1][2]);
}

/* A job counts what the end of a session was quicker to close. */
static unsigned done;
static void on_done(struct close_job *job)
{
    (void)job;
    done++;
}

static void a_job_counts_whoever_closes(void **state)
{
    struct close_job job = {.target = {.by = CLOSE_BY_SESSION}, .done = on_done};

    (void)state;
    done = 0;
    name_session(job.target.bytes, 6);
    for (unsigned n = 0; n < WORKERS; n++)
        assert_int_equal(
            mailbox_new(&house->workers[n].control, house->workers[n].loop, 8, &house->workers[n]),
            OK);
    assert_true(close_job_add(house->server.closer, &job));
    close_session_everywhere(&house->server, job.target.bytes, SESSION_LOGGED_OUT);
    (void)run(&house->workers[1]);
    assert_int_equal(atomic_load(&job.closed), 1);
    assert_int_equal(done, 0);
    close_job_start(house->server.closer, &job);
    (void)run(&house->workers[1]);
    (void)run(&house->workers[0]);
    assert_int_equal(atomic_load(&job.closed), 2);
    assert_int_equal(done, 1);
    for (unsigned n = 0; n < WORKERS; n++)
        mailbox_close(house->workers[n].control);
    closer_stop(house->server.closer);
    crew_stop(house->server.crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_from_two_threads_close_exactly_their_connections,
                                        begin, end),
        cmocka_unit_test_setup_teardown(when_more_end_than_anyone_remembers_all_sessions_are_closed,
                                        begin, end),
        cmocka_unit_test_setup_teardown(told_without_a_loop_it_waits_for_one, begin, end),
        cmocka_unit_test_setup_teardown(a_job_counts_whoever_closes, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
