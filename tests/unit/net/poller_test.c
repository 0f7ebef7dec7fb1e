/* SPDX-License-Identifier: Apache-2.0 */
/* poller_test.c: what poller.h promises, whichever of its two files was built: sockets by the
 * thousand, ends and faults, removal in the middle of a turn, the alarm, and libuv beside it all.
 */
#include "net/poller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"

struct end {
    int fd, other; /* other: the far end of a pair, ours to write to */
    unsigned times;
    int events; /* of the last time */
    size_t cap; /* what one read takes; 0: nothing is read */
};

static uv_loop_t uv;
static struct poller *poller;
static struct end *victim; /* to be removed by whoever is told first */
static unsigned told;

static void on_ready(void *item, int events)
{
    struct end *e = item;
    char in[4096];

    told++;
    e->times++;
    e->events = events;
    if (victim != NULL && victim != e && victim->fd >= 0) {
        poller_remove(poller, victim->fd);
        (void)close(victim->fd);
        victim->fd = -1;
    }
    if (e->fd >= 0 && e->cap > 0)
        (void)!recv(e->fd, in, e->cap, MSG_DONTWAIT);
}

static void open_all(void)
{
    victim = NULL;
    told = 0;
    assert_int_equal(uv_loop_init(&uv), 0);
    assert_int_equal(poller_new(&poller, &uv, on_ready), OK);
}

static void close_all(void)
{
    poller_free(poller);
    (void)uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&uv), 0);
}

static void end_open(struct end *e, int events)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *e = (struct end){.fd = fds[0], .other = fds[1], .cap = 4096};
    assert_int_equal(poller_add(poller, e->fd, events, e), OK);
}

static void end_close(struct end *e)
{
    if (e->fd >= 0) {
        poller_remove(poller, e->fd);
        (void)close(e->fd);
    }
    if (e->other >= 0)
        (void)close(e->other);
}

static void turns(unsigned count)
{
    while (count-- > 0)
        (void)poller_turn(poller, false);
}

static void readable_and_writable_are_told_when_asked(void **state)
{
    struct end e;

    (void)state;
    open_all();
    end_open(&e, POLLER_READABLE);
    turns(3);
    assert_int_equal(told, 0);
    assert_int_equal(write(e.other, "x", 1), 1);
    assert_false(poller_turn(poller, true));
    assert_int_equal(e.events, POLLER_READABLE);
    turns(3);
    assert_int_equal(told, 1); /* it was read */
    poller_change(poller, e.fd, POLLER_READABLE | POLLER_WRITABLE, &e);
    turns(2);
    assert_true(told >= 2);
    assert_int_equal(e.events, POLLER_WRITABLE);
    poller_change(poller, e.fd, 0, &e);
    told = 0;
    assert_int_equal(write(e.other, "x", 1), 1);
    turns(3);
    assert_int_equal(told, 0);
    poller_change(poller, e.fd, POLLER_READABLE, &e); /* what came meanwhile is told */
    turns(3);
    assert_int_equal(told, 1);
    end_close(&e);
    close_all();
}

static void what_is_left_comes_back_when_asked_for(void **state)
{
    char out[1000] = {0};
    struct end e;

    (void)state;
    open_all();
    end_open(&e, POLLER_READABLE);
    e.cap = 100;
    assert_int_equal(write(e.other, out, sizeof(out)), sizeof(out));
    for (unsigned i = 1; i <= 10; i++) {
        assert_false(poller_turn(poller, true));
        assert_int_equal(told, i);
        poller_again(poller, e.fd, POLLER_READABLE, &e);
    }
    turns(3);
    assert_int_equal(told, 10);
    end_close(&e);
    close_all();
}

static void the_end_is_told_and_told_again(void **state)
{
    struct end e;

    (void)state;
    open_all();
    end_open(&e, POLLER_READABLE);
    assert_int_equal(write(e.other, "x", 1), 1);
    assert_int_equal(close(e.other), 0);
    e.other = -1;
    assert_false(poller_turn(poller, true));
    assert_true((e.events & POLLER_READABLE) != 0);
    poller_again(poller, e.fd, POLLER_READABLE, &e);
    turns(1);
    assert_int_equal(told, 2);
    assert_true((e.events & POLLER_READABLE) != 0);
    end_close(&e);
    close_all();
}

/* A TCP connection that was reset. */
static void a_fault_is_told(void **state)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct linger hard = {1, 0};
    socklen_t len = sizeof(sa);
    struct end e = {0};
    int listener;

    (void)state;
    open_all();
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &len), 0);
    e.other = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(e.other, (struct sockaddr *)&sa, sizeof(sa)), 0);
    e.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    assert_int_equal(poller_add(poller, e.fd, POLLER_READABLE, &e), OK);
    (void)setsockopt(e.other, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    assert_int_equal(close(e.other), 0);
    e.other = -1;
    assert_false(poller_turn(poller, true));
    assert_int_equal(e.events, POLLER_FAULT);
    end_close(&e);
    (void)close(listener);
    close_all();
}

/* Both are ready at once; whoever is told first removes the other, whose descriptor's number is
 * then taken by a third. */
static void removal_in_the_middle_of_a_turn(void **state)
{
    struct end ends[2], third;

    (void)state;
    open_all();
    end_open(&ends[0], POLLER_READABLE);
    end_open(&ends[1], POLLER_READABLE);
    victim = &ends[1];
    assert_int_equal(write(ends[1].other, "x", 1), 1);
    assert_int_equal(write(ends[0].other, "x", 1), 1);
    turns(1);
    assert_int_equal(ends[0].times, 1);
    assert_int_equal(victim->fd, -1);
    assert_in_range(ends[1].times, 0, 1);
    end_open(&third, POLLER_READABLE);
    turns(3);
    assert_int_equal(third.times, 0);
    assert_int_equal(write(third.other, "x", 1), 1);
    turns(2);
    assert_int_equal(third.times, 1);
    assert_in_range(ends[1].times, 0, 1);
    for (int i = 0; i < 2; i++)
        end_close(&ends[i]);
    end_close(&third);
    close_all();
}

#define MANY 10000

/* Each is told exactly once, however many are ready in one turn. */
static void ten_thousand_are_told_once_each(void **state)
{
    struct rlimit limit = {2 * MANY + 100, 2 * MANY + 100};
    struct end *ends = calloc(MANY, sizeof(*ends));
    unsigned count = MANY;

    (void)state;
    assert_non_null(ends);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        count = limit.rlim_cur / 2 - 50 < MANY ? (unsigned)limit.rlim_cur / 2 - 50 : MANY;
    }
    open_all();
    for (unsigned i = 0; i < count; i++)
        end_open(&ends[i], POLLER_READABLE);
    for (unsigned round = 1; round <= 2; round++) {
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(write(ends[i].other, "x", 1), 1);
        for (unsigned i = 0; i < count && told < count * round; i++)
            turns(1);
        turns(2);
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(ends[i].times, round);
    }
    for (unsigned i = 0; i < count; i++)
        end_close(&ends[i]);
    close_all();
    free(ends);
}

static void the_alarm_is_never_early(void **state)
{
    uint64_t at_ms;

    (void)state;
    open_all();
    for (unsigned wait_ms = 0; wait_ms <= 60; wait_ms += 20) {
        at_ms = clock_mono_ms() + wait_ms;
        poller_set_alarm(poller, at_ms + 1000); /* the last word counts */
        poller_set_alarm(poller, at_ms);
        while (!poller_turn(poller, true)) {
        }
        assert_in_range(clock_mono_ms(), at_ms, at_ms + 250);
    }
    poller_set_alarm(poller, 0); /* past: at once */
    while (!poller_turn(poller, true)) {
    }
    poller_set_alarm(poller, UINT64_MAX);
    turns(3);
    close_all();
}

static void count_timer(uv_timer_t *timer)
{
    ++*(unsigned *)timer->data;
}

static void count_async(uv_async_t *async)
{
    ++*(unsigned *)async->data;
}

static void close_timer(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

/* Sleeps must end for libuv's own deadlines and letters, and for what was started outside of it. */
static void libuv_sleeps_no_longer_than_it_wants(void **state)
{
    uint64_t start_ms = clock_mono_ms();
    unsigned ticks = 0, rings = 0;
    uv_timer_t timer, once;
    uv_async_t async;

    (void)state;
    open_all();
    (void)uv_timer_init(&uv, &timer);
    (void)uv_timer_init(&uv, &once);
    (void)uv_async_init(&uv, &async, count_async);
    timer.data = &ticks;
    async.data = &rings;
    (void)uv_timer_start(&timer, count_timer, 20, 20);
    while (ticks < 5)
        (void)poller_turn(poller, true);
    assert_in_range(clock_mono_ms() - start_ms, 95, 100 + 500);
    (void)uv_timer_stop(&timer);
    (void)uv_async_send(&async);
    while (rings == 0)
        (void)poller_turn(poller, true);
    (void)uv_timer_start(&once, close_timer, 0, 0);
    while (uv_is_closing((uv_handle_t *)&once) == 0)
        (void)poller_turn(poller, true);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_close((uv_handle_t *)&async, NULL);
    turns(2);
    close_all();
}

static unsigned idles, polls;

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
    idles++;
}

static void on_uv_poll(uv_poll_t *poll, int status, int events)
{
    char in;
    uv_os_fd_t fd;

    (void)status;
    (void)events;
    polls++;
    assert_int_equal(uv_fileno((uv_handle_t *)poll, &fd), 0);
    (void)!read(fd, &in, 1);
}

/* A libuv that is never done and sockets that are always ready: neither waits for the other. */
static void neither_side_starves_the_other(void **state)
{
    struct end busy[300]; /* more than one look at the sockets brings */
    struct end quiet;
    uv_idle_t idle;
    uv_poll_t poll;
    int fds[2];

    (void)state;
    open_all();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(uv_poll_init(&uv, &poll, fds[0]), 0);
    (void)uv_poll_start(&poll, UV_READABLE, on_uv_poll);
    assert_int_equal(write(fds[1], "x", 1), 1);
    polls = 0;
    while (polls == 0)
        (void)poller_turn(poller, true);
    (void)uv_idle_init(&uv, &idle);
    (void)uv_idle_start(&idle, on_idle);
    for (int i = 0; i < 300; i++)
        end_open(&busy[i], POLLER_READABLE);
    end_open(&quiet, POLLER_READABLE);
    idles = polls = 0;
    for (unsigned round = 0; round < 20; round++) {
        if (round == 10) { /* from here on libuv has to be told by its descriptor */
            (void)uv_idle_stop(&idle);
            turns(1);
        }
        for (int i = 0; i < 300; i++)
            assert_int_equal(write(busy[i].other, "x", 1), 1);
        assert_int_equal(write(fds[1], "x", 1), 1);
        assert_int_equal(write(quiet.other, "x", 1), 1);
        turns(4);
        assert_int_equal(polls, round + 1);
        assert_int_equal(quiet.times, round + 1);
    }
    assert_in_range(idles, 40, 41);
    uv_close((uv_handle_t *)&idle, NULL);
    uv_close((uv_handle_t *)&poll, NULL);
    turns(2);
    for (int i = 0; i < 300; i++)
        end_close(&busy[i]);
    end_close(&quiet);
    close_all();
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readable_and_writable_are_told_when_asked),
        cmocka_unit_test(what_is_left_comes_back_when_asked_for),
        cmocka_unit_test(the_end_is_told_and_told_again),
        cmocka_unit_test(a_fault_is_told),
        cmocka_unit_test(removal_in_the_middle_of_a_turn),
        cmocka_unit_test(ten_thousand_are_told_once_each),
        cmocka_unit_test(the_alarm_is_never_early),
        cmocka_unit_test(libuv_sleeps_no_longer_than_it_wants),
        cmocka_unit_test(neither_side_starves_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
