/* SPDX-License-Identifier: Apache-2.0 */
/* local_dial_test.c: the three kinds of local addresses, and those that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/local_dial.h"

static void reaches(const char *text)
{
    struct listen_address address;
    struct error why = {{0}, 0, 0};
    int listening, fd;
    char byte;

    assert_int_equal(listen_address_parse(&address, text, &why), OK);
    listening = listener_bind(&address, &address.port, &why);
    assert_true(listening >= 0);
    fd = local_dial(&address, 100, &why);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, &byte, 1), -1); /* nobody answers: the time is up */
    (void)close(fd);
    (void)close(listening);
    assert_int_equal(local_dial(&address, 100, &why), E_IO);
    assert_true(why.text[0] != '\0');
}

static void loopback_and_unix_sockets_are_reached(void **state)
{
    char path[64], text[80];

    (void)state;
    reaches("127.0.0.1:0");
    reaches("[::1]:0");
    (void)snprintf(path, sizeof(path), "/tmp/gateward-dial-%ld.sock", (long)getpid());
    (void)snprintf(text, sizeof(text), "unix:%s", path);
    reaches(text);
    (void)unlink(path);
}

static void addresses_of_others_are_refused(void **state)
{
    struct listen_address address;
    struct error why = {{0}, 0, 0};

    (void)state;
    assert_int_equal(listen_address_parse(&address, "192.0.2.1:80", &why), OK);
    assert_int_equal(local_dial(&address, 100, &why), E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_and_unix_sockets_are_reached),
        cmocka_unit_test(addresses_of_others_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
