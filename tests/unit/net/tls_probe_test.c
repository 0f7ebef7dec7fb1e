/* SPDX-License-Identifier: Apache-2.0 */
/* tls_probe_test.c: what a probe tells of a server of ours: versions, whether the certificate is to
 * be trusted, bytes to and fro, and deadlines that hold. */
#include "net/tls_probe.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"
#include "rig.h"

static int open_probe(struct rig *rig, struct tls_probe **p, int *fd,
                      const struct tls_probe_options *options)
{
    struct tls_probe_options o = *options;
    struct error why = {{0}, 0, 0};

    *fd = rig_connect(rig);
    (void)fcntl(*fd, F_SETFL, O_NONBLOCK);
    o.deadline_ms = clock_mono_ms() + 3000;
    return tls_probe_open(p, *fd, &o, &why);
}

static void try_versions(struct rig *rig)
{
    for (enum tls_probe_version v = TLS_PROBE_10; v <= TLS_PROBE_13; v++) {
        struct tls_probe_options o = {.server_name = "localhost", .ca_path = rig->ca, .version = v};
        struct tls_probe *p = NULL;
        int fd, rc = open_probe(rig, &p, &fd, &o);

        if (rc == OK)
            rig->number |= (size_t)1 << v;
        CHECK(rig, rc == OK || rc == E_DENIED);
        CHECK(rig, rc == OK || p == NULL);
        tls_probe_free(p);
        (void)close(fd);
    }
}

static void each_version_is_tried_alone(void **state)
{
    struct rig rig;

    (void)state;
    for (int i = 0; i < 2; i++) {
        rig_open(&rig, i == 0 ? RIG_TLS : RIG_TLS12, &rig_echo_ops);
        rig.number = 0;
        rig_run(&rig, try_versions);
        assert_int_equal(rig.number,
                         i == 0 ? 1 << TLS_PROBE_13 : 1 << TLS_PROBE_12 | 1 << TLS_PROBE_13);
        rig_close(&rig);
    }
}

static void judge_certificates(struct rig *rig)
{
    static const struct {
        const char *name;
        bool has_ca, is_good;
    } cases[] = {{"localhost", true, true}, {"localhost", false, false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_probe_options o = {.server_name = cases[i].name,
                                      .ca_path = cases[i].has_ca ? rig->ca : NULL};
        struct tls_probe *p = NULL;
        long seconds = 0;
        int fd, rc = open_probe(rig, &p, &fd, &o);

        CHECK(rig, rc == OK);
        CHECK(rig, (tls_probe_distrust(p) == NULL) == cases[i].is_good);
        CHECK(rig, tls_probe_expires_in(p, &seconds) && seconds > 0);
        CHECK(rig, !tls_probe_asks_for_certificate(p));
        CHECK(rig, strcmp(tls_probe_version_text(p), "TLSv1.3") == 0);
        tls_probe_free(p);
        (void)close(fd);
    }
}

static void only_a_known_authority_is_trusted(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    rig_run(&rig, judge_certificates);
    rig_close(&rig);
}

static void talk(struct rig *rig)
{
    struct tls_probe_options o = {.server_name = "localhost", .ca_path = rig->ca};
    struct tls_probe *p = NULL;
    char bytes[8] = "";
    int fd, rc = open_probe(rig, &p, &fd, &o);
    uint64_t now;

    CHECK(rig, rc == OK);
    CHECK(rig, tls_probe_write(p, "hello", 5, clock_mono_ms() + 3000) == OK);
    CHECK(rig, tls_probe_read(p, bytes, sizeof(bytes), clock_mono_ms() + 3000) == 5);
    CHECK(rig, memcmp(bytes, "hello", 5) == 0);
    now = clock_mono_ms();
    CHECK(rig, tls_probe_read(p, bytes, sizeof(bytes), now + 50) == E_EXPIRED);
    CHECK(rig, clock_mono_ms() >= now + 50);
    tls_probe_free(p);
    (void)close(fd);
}

static void bytes_go_to_and_fro_until_the_deadline(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    rig_run(&rig, talk);
    rig_close(&rig);
}

static void who_says_nothing_is_left_at_the_deadline(void **state)
{
    struct tls_probe_options o = {.server_name = "localhost"};
    struct error why = {{0}, 0, 0};
    struct tls_probe *p = NULL;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    o.deadline_ms = clock_mono_ms() + 50;
    assert_int_equal(tls_probe_open(&p, pair[0], &o, &why), E_EXPIRED);
    assert_null(p);
    assert_string_equal(why.text, "no answer to the TLS handshake");
    o.deadline_ms = clock_mono_ms() + 1000;
    o.ca_path = "/nowhere/ca.crt";
    assert_int_equal(tls_probe_open(&p, pair[0], &o, &why), E_IO);
    (void)close(pair[1]);
    o.ca_path = NULL;
    assert_int_equal(tls_probe_open(&p, pair[0], &o, &why), E_DENIED);
    (void)close(pair[0]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_version_is_tried_alone),
        cmocka_unit_test(only_a_known_authority_is_trusted),
        cmocka_unit_test(bytes_go_to_and_fro_until_the_deadline),
        cmocka_unit_test(who_says_nothing_is_left_at_the_deadline),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
