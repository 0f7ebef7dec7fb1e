/* SPDX-License-Identifier: Apache-2.0 */
/* listener_test.c: accepting, running out of descriptors, Unix sockets, sharing, closing from
 * inside. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/status.h"
#include "net/listener.h"

struct door {
    struct loop *loop;
    struct listener *listener;
    unsigned accepted, expected;
    bool closes_inside;
    int last_fd;
    struct ip_address peer;
    uint16_t port;
    struct timer timer;
};

static void on_accept(void *context, int fd, const struct ip_address *peer, uint16_t port)
{
    struct door *door = context;

    if (door->last_fd >= 0)
        (void)close(door->last_fd);
    door->last_fd = fd;
    door->peer = *peer;
    door->port = port;
    door->accepted++;
    if (door->closes_inside)
        listener_close(door->listener);
    if (door->accepted == door->expected || door->closes_inside)
        loop_stop(door->loop);
}

static void on_time(struct timer *t)
{
    loop_stop(LINK_ITEM(t, struct door, timer)->loop);
}

static void door_open(struct door *door, int fd)
{
    memset(door, 0, sizeof(*door));
    door->last_fd = -1;
    door->expected = 1;
    timer_init(&door->timer, on_time);
    assert_int_equal(loop_new(&door->loop), OK);
    assert_int_equal(listener_open(&door->listener, door->loop, fd, on_accept, door), OK);
}

/* Until `expected` peers came or time is over. */
static void door_run(struct door *door, uint64_t limit_ms)
{
    timer_start(door->loop, &door->timer, clock_mono_ms() + limit_ms);
    loop_run(door->loop);
    timer_stop(&door->timer);
}

static void door_close(struct door *door)
{
    if (!door->closes_inside)
        listener_close(door->listener);
    if (door->last_fd >= 0)
        (void)close(door->last_fd);
    loop_free(door->loop);
}

static int bind_to(const char *text, uint16_t *port)
{
    struct listen_address address;
    struct error why;
    int fd;

    assert_int_equal(listen_address_parse(&address, text, &why), OK);
    if (*port != 0)
        address.port = *port;
    fd = listener_bind(&address, port, &why);
    assert_true(fd >= 0);
    return fd;
}

static int call(uint16_t port)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

static void a_peer_arrives_ready_for_use(void **state)
{
    struct door door;
    uint16_t port = 0;
    int fd, on = 0;
    socklen_t len = sizeof(on);
    struct sockaddr_in own;
    socklen_t own_len = sizeof(own);

    (void)state;
    door_open(&door, bind_to("127.0.0.1:0", &port));
    fd = call(port);
    door_run(&door, 5000);
    assert_int_equal(door.accepted, 1);
    assert_true((fcntl(door.last_fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(door.last_fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(getsockopt(door.last_fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_true(on != 0);
    assert_int_equal(door.peer.family, 4);
    assert_memory_equal(door.peer.bytes, "\x7f\x00\x00\x01", 4);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &own_len), 0);
    assert_int_equal(door.port, ntohs(own.sin_port));
    (void)close(fd);
    door_close(&door);
}

static void many_peers_come_in_bounded_bunches(void **state)
{
    struct door door;
    uint16_t port = 0;
    int fds[200];

    (void)state;
    door_open(&door, bind_to("localhost:0", &port));
    for (int i = 0; i < 200; i++)
        fds[i] = call(port);
    door.expected = 200;
    door_run(&door, 5000);
    assert_int_equal(door.accepted, 200);
    for (int i = 0; i < 200; i++)
        (void)close(fds[i]);
    door_close(&door);
}

static void two_workers_share_a_port(void **state)
{
    uint16_t port = 0, again;
    int first = bind_to("127.0.0.1:0", &port), second;

    (void)state;
    again = port;
    second = bind_to("127.0.0.1:0", &again);
    assert_int_equal(again, port);
    (void)close(first);
    (void)close(second);
}

static void a_listener_may_be_closed_by_its_own_callback(void **state)
{
    struct door door;
    uint16_t port = 0;
    int a, b;

    (void)state;
    door_open(&door, bind_to("127.0.0.1:0", &port));
    door.closes_inside = true;
    a = call(port);
    b = call(port);
    door_run(&door, 5000);
    assert_int_equal(door.accepted, 1);
    (void)close(a);
    (void)close(b);
    door_close(&door);
}

/* SC-22: no descriptor left, somebody waits outside. */
static void running_out_of_descriptors_rests_and_recovers(void **state)
{
    struct rlimit saved, tight;
    struct rusage before, after;
    struct door door;
    uint16_t port = 0;
    char byte;
    int fds[40], used;
    long spent_us;

    (void)state;
    door_open(&door, bind_to("127.0.0.1:0", &port));
    for (int i = 0; i < 40; i++)
        fds[i] = call(port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
    used = fds[39] + 1;
    tight = saved;
    tight.rlim_cur = (rlim_t)used;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    (void)getrusage(RUSAGE_SELF, &before);
    door_run(&door, 400);
    (void)getrusage(RUSAGE_SELF, &after);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
    assert_int_equal(door.accepted, 0);
    /* The first were turned away at once instead of left hanging. */
    assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0);
    spent_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
                before.ru_stime.tv_sec) *
                   1000000 +
               after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
               before.ru_stime.tv_usec;
    assert_true(spent_us < 100000); /* of 400,000: no spinning */
    (void)close(fds[0]);
    fds[0] = call(port);
    door_run(&door, 1500);
    assert_true(door.accepted >= 1);
    for (int i = 0; i < 40; i++)
        (void)close(fds[i]);
    door_close(&door);
}

static void unix_sockets_replace_the_dead_and_spare_the_living(void **state)
{
    char dir[] = "/tmp/net_test_XXXXXX", path[64], text[80];
    struct listen_address address;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct error why;
    struct door door;
    struct stat st;
    uint16_t port = 7;
    FILE *file;
    int fd, shared, client;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    (void)snprintf(text, sizeof(text), "unix:%s", path);
    (void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
    assert_int_equal(listen_address_parse(&address, text, &why), OK);
    assert_true(listen_address_is_local(&address));
    fd = listener_bind(&address, &port, &why);
    assert_true(fd >= 0);
    assert_int_equal(port, 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(listener_bind(&address, &port, &why), E_EXISTS); /* somebody lives here */
    assert_non_null(strstr(why.text, "in use"));
    shared = listener_share(fd);
    assert_true(shared >= 0);
    (void)close(fd);
    door_open(&door, shared); /* the socket lives on in its copy */
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&sa, sizeof(sa)), 0);
    door.expected = 2; /* the other server's look inside, and the client */
    door_run(&door, 5000);
    assert_int_equal(door.accepted, 2);
    assert_int_equal(door.peer.family, 0);
    (void)close(client);
    door_close(&door);
    fd = listener_bind(&address, &port, &why); /* a dead predecessor's file */
    assert_true(fd >= 0);
    (void)close(fd);
    (void)unlink(path);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(listener_bind(&address, &port, &why), E_EXISTS); /* never somebody's file */
    assert_int_equal(stat(path, &st), 0);
    (void)unlink(path);
    (void)rmdir(dir);
}

static void failures_say_what_to_do(void **state)
{
    struct listen_address address;
    struct error why;
    uint16_t port = 0;
    int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in sa;
    socklen_t len = sizeof(sa);
    char text[64];

    (void)state;
    assert_int_equal(listen(holder, 1), 0);
    assert_int_equal(getsockname(holder, (struct sockaddr *)&sa, &len), 0);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(sa.sin_port));
    assert_int_equal(listen_address_parse(&address, text, &why), OK);
    assert_int_equal(listener_bind(&address, &port, &why), E_EXISTS);
    assert_non_null(strstr(why.text, "address in use: 127.0.0.1:"));
    (void)close(holder);
    assert_int_equal(listen_address_parse(&address, "192.0.2.1:0", &why), OK);
    assert_int_equal(listener_bind(&address, &port, &why), E_IO);
    assert_non_null(strstr(why.text, "192.0.2.1"));
}

/* SO_REUSEPORT lets our own workers share a port; another program must be seen all the same. */
static void a_port_shared_by_another_program_is_found_out(void **state)
{
    struct listen_address address;
    struct error why;
    int holder;

    (void)state;
    assert_int_equal(listen_address_parse(&address, "127.0.0.1:0", &why), OK);
    assert_int_equal(listener_probe(&address, &why), OK);
    holder = listener_bind(&address, &address.port, &why);
    assert_true(holder >= 0);
    assert_int_equal(listener_probe(&address, &why), E_EXISTS);
    assert_non_null(strstr(why.text, "address in use: 127.0.0.1:"));
    (void)close(holder);
    assert_int_equal(listener_probe(&address, &why), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_arrives_ready_for_use),
        cmocka_unit_test(many_peers_come_in_bounded_bunches),
        cmocka_unit_test(two_workers_share_a_port),
        cmocka_unit_test(a_listener_may_be_closed_by_its_own_callback),
        cmocka_unit_test(running_out_of_descriptors_rests_and_recovers),
        cmocka_unit_test(unix_sockets_replace_the_dead_and_spare_the_living),
        cmocka_unit_test(failures_say_what_to_do),
        cmocka_unit_test(a_port_shared_by_another_program_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
