/* SPDX-License-Identifier: Apache-2.0 */
/* syslog_link_test.c: a daemon that is absent, full, gone, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/syslog_link.h"

static char directory[] = "/tmp/gateward-syslog-XXXXXX", path[64];

static int listen_there(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)unlink(path);
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void assert_heard(int fd, const char *wanted)
{
    char bytes[64];
    ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    assert_int_equal(got, strlen(wanted));
    assert_memory_equal(bytes, wanted, strlen(wanted));
}

static void a_daemon_may_come_late_and_come_again(void **state)
{
    struct syslog_link link;
    int fd;

    (void)state;
    syslog_link_init(&link, path);
    assert_int_equal(syslog_link_send(&link, "a", 1), E_CLOSED);
    fd = listen_there();
    assert_int_equal(syslog_link_send(&link, "b", 1), OK);
    assert_heard(fd, "b");
    (void)close(fd);
    assert_int_equal(syslog_link_send(&link, "c", 1), E_CLOSED);
    fd = listen_there();
    assert_int_equal(syslog_link_send(&link, "d", 1), OK);
    (void)close(fd);
    fd = listen_there();
    assert_int_equal(syslog_link_send(&link, "e", 1), OK); /* not lost in the old connection */
    assert_heard(fd, "e");
    syslog_link_close(&link);
    syslog_link_close(&link);
    (void)close(fd);
}

static void a_full_one_is_not_waited_for(void **state)
{
    struct syslog_link link;
    int fd = listen_there(), sent = 0, rc;
    char *huge;

    (void)state;
    syslog_link_init(&link, path);
    while ((rc = syslog_link_send(&link, "x", 1)) == OK)
        assert_true(++sent < 100000);
    assert_int_equal(rc, E_FULL);
    syslog_link_wait(&link, 1);
    for (int i = 0; i < sent; i++)
        assert_heard(fd, "x");
    assert_int_equal(syslog_link_send(&link, "y", 1), OK);
    assert_heard(fd, "y");
    huge = calloc(1, 16 << 20);
    assert_non_null(huge);
    assert_int_equal(syslog_link_send(&link, huge, 16 << 20), E_LIMIT);
    assert_int_equal(syslog_link_send(&link, "z", 1), OK);
    free(huge);
    syslog_link_close(&link);
    (void)close(fd);
}

static void what_can_be_no_socket_is_none(void **state)
{
    struct syslog_link link;
    char long_path[SYSLOG_PATH_MAX + 2];

    (void)state;
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    syslog_link_init(&link, long_path);
    assert_int_equal(syslog_link_send(&link, "a", 1), E_CLOSED);
    syslog_link_init(&link, directory);
    assert_int_equal(syslog_link_send(&link, "a", 1), E_CLOSED);
    assert_int_equal(link.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daemon_may_come_late_and_come_again),
        cmocka_unit_test(a_full_one_is_not_waited_for),
        cmocka_unit_test(what_can_be_no_socket_is_none),
    };
    int failed;

    if (mkdtemp(directory) == NULL)
        return 1;
    (void)snprintf(path, sizeof(path), "%s/log", directory);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(directory);
    return failed;
}
