/* SPDX-License-Identifier: Apache-2.0 */
/* conn_test.c: plain connections over real sockets: system calls per event, short sends, shutdown,
 * aborts from everywhere. */
#include "rig.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/status.h"

#define SLOW_BYTES (16 * 1024 * 1024)

static void echo_100(struct rig *rig)
{
    char out[20] = "nineteen characters", in[20];
    int fd = rig_connect(rig);

    CHECK(rig, fd >= 0);
    for (int i = 0; i < 100; i++) {
        CHECK(rig, send(fd, out, sizeof(out), 0) == sizeof(out));
        CHECK(rig, rig_read_full(fd, in, sizeof(in)));
        CHECK(rig, memcmp(in, out, sizeof(in)) == 0);
    }
    (void)close(fd);
}

static void an_echo_is_one_recv_and_one_send(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &rig_echo_ops);
    rig_run(&rig, echo_100);
    assert_int_equal(loop_counters(rig.loop)->recv_calls, 101); /* and the EOF */
    assert_int_equal(loop_counters(rig.loop)->send_calls, 100);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
    rig_close(&rig);
}

/* Answers each event with pieces that stand in cork, chunk and blob. */
static void write_many(struct conn *c, uint8_t *data, size_t len)
{
    struct blob *blob = blob_new(1000);

    (void)data;
    (void)len;
    assert_non_null(blob);
    memset(blob->data, 'b', blob->len);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(conn_write2(c, "head", 4, "payload", 7), OK);
        assert_int_equal(conn_write_blob(c, blob), OK);
    }
    assert_int_equal(conn_backlog(c), 50 * 1011);
    blob_drop(blob);
}

static void read_many(struct rig *rig)
{
    static char in[50 * 1011];
    int fd = rig_connect(rig);

    CHECK(rig, fd >= 0 && send(fd, "x", 1, 0) == 1);
    CHECK(rig, rig_read_full(fd, in, sizeof(in)));
    for (size_t i = 0; i < sizeof(in); i += 1011)
        CHECK(rig, memcmp(in + i, "headpayloadbbb", 14) == 0);
    (void)close(fd);
}

static void what_one_event_writes_leaves_in_one_send(void **state)
{
    static const struct conn_ops ops = {NULL, write_many, rig_shutdown, NULL, rig_closed};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &ops);
    rig_run(&rig, read_many);
    assert_int_equal(loop_counters(rig.loop)->send_calls, 1);
    rig_close(&rig);
}

/* The second connection's data goes to the first one, as 40 references. */
static void send_to_first(struct conn *c, uint8_t *data, size_t len)
{
    struct rig_peer *p = (struct rig_peer *)c;
    struct rig_peer *first = rig_peer(p->rig, 0);
    struct blob *blob = blob_new((uint32_t)len);
    int64_t before = loop_queued_bytes(p->rig->loop), place = 0;

    assert_non_null(blob);
    memcpy(blob->data, data, len);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(conn_write_blob(&first->conn, blob), OK);
        if (i == 0)
            place = loop_queued_bytes(p->rig->loop) - before - (int64_t)blob_bytes(blob);
    }
    assert_int_equal(conn_backlog(&first->conn), 40 * len);
    /* It lies there once. */
    assert_int_equal(loop_queued_bytes(p->rig->loop),
                     before + 40 * place + (int64_t)blob_bytes(blob));
    blob_drop(blob);
}

static void publish(struct rig *rig)
{
    char in[40 * 5];
    int first = rig_connect(rig), second;

    CHECK(rig, first >= 0);
    (void)usleep(50000);
    second = rig_connect(rig);
    CHECK(rig, second >= 0 && send(second, "hello", 5, 0) == 5);
    CHECK(rig, rig_read_full(first, in, sizeof(in)));
    CHECK(rig, memcmp(in + 195, "hello", 5) == 0);
    (void)close(first);
    (void)close(second);
}

static void what_a_turn_queues_for_another_leaves_in_one_send(void **state)
{
    static const struct conn_ops ops = {NULL, send_to_first, rig_shutdown, NULL, rig_closed};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &ops);
    rig_run(&rig, publish);
    assert_int_equal(loop_counters(rig.loop)->send_calls, 1);
    rig_close(&rig);
}

/* Writes SLOW_BYTES of the pattern in pieces of all sizes, as copies and as blobs, then shuts down.
 */
/* 'p' queues a byte for each of the crowd and makes another connection readable; its 'q' must be
 * heard before all of them have left. */
#define CROWD 200
struct crowd {
    int talker;
    uint64_t sends_before, sends_heard;
};

static void talk_to_crowd(struct conn *c, uint8_t *data, size_t len)
{
    struct rig *rig = ((struct rig_peer *)c)->rig;
    struct crowd *crowd = rig->user;
    uint64_t sends = loop_counters(rig->loop)->send_calls;

    assert_int_equal(len, 1);
    if (data[0] == 'q') {
        crowd->sends_heard = sends - crowd->sends_before;
        return;
    }
    crowd->sends_before = sends;
    for (unsigned i = 0; i < CROWD; i++)
        assert_int_equal(conn_write(&rig_peer(rig, i)->conn, "x", 1), OK);
    assert_int_equal(send(crowd->talker, "q", 1, 0), 1);
}

static void listen_in_crowd(struct rig *rig)
{
    struct crowd *crowd = rig->user;
    int fds[CROWD + 2];
    char in;

    for (int i = 0; i < CROWD + 2; i++) {
        fds[i] = rig_connect(rig);
        CHECK(rig, fds[i] >= 0);
    }
    (void)usleep(50000);
    crowd->talker = fds[CROWD];
    CHECK(rig, send(fds[CROWD + 1], "p", 1, 0) == 1);
    for (int i = 0; i < CROWD; i++)
        CHECK(rig, rig_read_full(fds[i], &in, 1) && in == 'x');
    for (int i = 0; i < CROWD + 2; i++)
        (void)close(fds[i]);
}

static void others_are_heard_while_much_is_sent(void **state)
{
    static const struct conn_ops ops = {NULL, talk_to_crowd, rig_shutdown, NULL, rig_closed};
    struct crowd crowd = {0};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &ops);
    rig.user = &crowd;
    rig_run(&rig, listen_in_crowd);
    assert_in_range(crowd.sends_heard, 1, CROWD / 2);
    assert_int_equal(loop_counters(rig.loop)->send_calls, CROWD);
    rig_close(&rig);
}

static void write_pattern(struct conn *c, uint8_t *data, size_t len)
{
    struct rig_peer *p = (struct rig_peer *)c;
    size_t piece = 1;

    (void)data;
    (void)len;
    while (p->sent < SLOW_BYTES) {
        size_t n = SLOW_BYTES - p->sent < piece ? SLOW_BYTES - p->sent : piece;
        struct blob *blob = blob_new((uint32_t)n);
        assert_non_null(blob);
        for (size_t i = 0; i < n; i++)
            blob->data[i] = rig_pattern(p->sent + i);
        if (piece % 3 == 0)
            assert_int_equal(conn_write_blob(c, blob), OK);
        else
            assert_int_equal(conn_write2(c, blob->data, n / 2, blob->data + n / 2, n - n / 2), OK);
        blob_drop(blob);
        p->sent += n;
        piece = piece * 5 % 40009 + 1;
    }
    conn_shutdown(c);
    assert_int_equal(conn_write(c, "x", 1), E_CLOSED);
    assert_true(conn_is_closing(c));
}

static void read_slowly(struct rig *rig)
{
    static uint8_t in[9973];
    size_t have = 0;
    int fd = rig_connect(rig);

    CHECK(rig, fd >= 0 && send(fd, "go", 2, 0) == 2);
    for (;;) {
        ssize_t n = recv(fd, in, 1 + have % sizeof(in), 0);
        CHECK(rig, n >= 0);
        if (n == 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            CHECK(rig, in[i] == rig_pattern(have + (size_t)i));
        have += (size_t)n;
    }
    CHECK(rig, have == SLOW_BYTES);
    /* What is said after the server's FIN is discarded, not answered with a reset. */
    CHECK(rig, send(fd, "late", 4, MSG_NOSIGNAL) == 4);
    (void)usleep(10000);
    CHECK(rig, rig_at_eof(fd));
    (void)close(fd);
}

static void sixteen_mebibytes_go_through_a_slow_pipe(void **state)
{
    static const struct conn_ops ops = {NULL, write_pattern, NULL, NULL, rig_closed};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &ops);
    rig.send_buffer = 65536;
    rig_run(&rig, read_slowly);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
    rig_close(&rig);
}

/* One megabyte a request; the reader comes late, so that there is a backlog, and a drain. */
static void write_backlog(struct conn *c, uint8_t *data, size_t len)
{
    static uint8_t block[1 << 20];
    struct rig_peer *p = (struct rig_peer *)c;
    uint64_t now_ms = loop_now_ms(p->rig->loop);

    (void)data;
    (void)len;
    assert_false(conn_is_stalled(c, now_ms, 100, 1));
    assert_int_equal(conn_write(c, block, sizeof(block)), OK);
    assert_int_equal(conn_backlog(c), sizeof(block));
    assert_true(loop_queued_bytes(p->rig->loop) >= (int64_t)sizeof(block));
}

static void look_at_stall(struct rig *rig)
{
    struct conn *c = &rig_peer(rig, 0)->conn;
    uint64_t now_ms = loop_now_ms(rig->loop);

    assert_true(conn_backlog(c) > 0);
    assert_false(conn_is_stalled(c, now_ms, 60000, 1));
    assert_true(conn_is_stalled(c, now_ms + 60000, 60000, 1 << 20));
    conn_flush(c); /* the kernel is full: changes nothing */
    assert_true(conn_backlog(c) > 0);
    atomic_store(&rig->flag, 1);
}

static void on_drained(struct conn *c)
{
    struct rig_peer *p = (struct rig_peer *)c;

    assert_int_equal(conn_backlog(c), 0);
    assert_false(conn_is_stalled(c, loop_now_ms(p->rig->loop) + 60000, 1, 1));
    p->rig->number++;
    conn_shutdown(c);
}

static void on_drained_abort(struct conn *c)
{
    on_drained(c);
    conn_abort(c);
}

static void read_late(struct rig *rig)
{
    static uint8_t in[1 << 20];
    int fd = rig_connect(rig);

    CHECK(rig, fd >= 0 && send(fd, "x", 1, 0) == 1);
    (void)usleep(50000);
    rig_call(rig, look_at_stall);
    for (int i = 0; i < 1000 && atomic_load(&rig->flag) == 0; i++)
        (void)usleep(1000);
    CHECK(rig, atomic_load(&rig->flag) == 1);
    CHECK(rig, rig_read_full(fd, in, sizeof(in)));
    CHECK(rig, rig_at_eof(fd));
    (void)close(fd);
}

static void a_backlog_stalls_and_drains(void **state)
{
    static const struct conn_ops ops[] = {
        {NULL, write_backlog, NULL, on_drained, rig_closed},
        {NULL, write_backlog, NULL, on_drained_abort, rig_closed},
    };
    static const enum conn_end expected[] = {CONN_END_SHUTDOWN, CONN_END_ABORTED};
    struct rig rig;

    (void)state;
    for (int i = 0; i < 2; i++) {
        rig_open(&rig, RIG_PLAIN, &ops[i]);
        rig.send_buffer = 65536;
        rig_run(&rig, read_late);
        assert_int_equal(rig.number, 1);
        assert_int_equal(rig.ends[expected[i]], 1);
        rig_close(&rig);
    }
}

/* ---- pause ---- */

static void resume_first(struct rig *rig)
{
    struct rig_peer *p = rig_peer(rig, 0);

    assert_int_equal(p->got, 1);
    conn_read_resume(&p->conn);
}

static void pause_after_first(struct conn *c, uint8_t *data, size_t len)
{
    struct rig_peer *p = (struct rig_peer *)c;

    if (p->got == 0)
        conn_read_pause(c);
    rig_echo(c, data, len);
}

static void talk_to_paused(struct rig *rig)
{
    char in[3];
    int fd = rig_connect(rig);

    CHECK(rig, fd >= 0 && send(fd, "1", 1, 0) == 1);
    CHECK(rig, rig_read_full(fd, in, 1));
    CHECK(rig, send(fd, "23", 2, 0) == 2);
    (void)usleep(50000);
    CHECK(rig, recv(fd, in, 1, MSG_DONTWAIT) == -1);
    rig_call(rig, resume_first);
    CHECK(rig, rig_read_full(fd, in, 2) && memcmp(in, "23", 2) == 0);
    (void)close(fd);
}

static void a_paused_connection_reads_nothing_until_resumed(void **state)
{
    static const struct conn_ops ops = {NULL, pause_after_first, rig_shutdown, NULL, rig_closed};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &ops);
    rig_run(&rig, talk_to_paused);
    rig_close(&rig);
}

/* ---- ends ---- */

static void abort_self(struct conn *c)
{
    conn_abort(c);
    conn_abort(c);
    assert_int_equal(conn_write(c, "x", 1), E_CLOSED);
    conn_shutdown(c);
    conn_read_pause(c);
    conn_read_resume(c);
    conn_flush(c);
}

static void abort_on_data(struct conn *c, uint8_t *data, size_t len)
{
    assert_int_equal(conn_write(c, data, len), OK);
    abort_self(c);
}

/* Closes every other connection and then itself, with output queued on all. */
static void abort_all(struct conn *c, uint8_t *data, size_t len)
{
    struct rig_peer *p = (struct rig_peer *)c;

    for (struct link *at = p->rig->peers.next; at != &p->rig->peers; at = at->next) {
        struct rig_peer *other = LINK_ITEM(at, struct rig_peer, link);
        (void)conn_write(&other->conn, data, len);
        conn_abort(&other->conn);
    }
}

static void talk_and_be_cut(struct rig *rig)
{
    int fd[8];

    for (int i = 0; i < 8; i++) {
        fd[i] = rig_connect(rig);
        CHECK(rig, fd[i] >= 0);
    }
    (void)usleep(20000);
    for (int i = 0; i < 8; i++)
        (void)send(fd[i], "data", 4, MSG_NOSIGNAL);
    for (int i = 0; i < 8; i++) {
        (void)shutdown(fd[i], SHUT_WR);
        (void)rig_at_eof(fd[i]);
        (void)close(fd[i]);
    }
}

static void every_callback_may_abort(void **state)
{
    static const struct conn_ops ops[] = {
        {abort_self, rig_echo, NULL, NULL, rig_closed},
        {NULL, abort_on_data, NULL, NULL, rig_closed},
        {NULL, rig_echo, abort_self, NULL, rig_closed},
        {NULL, abort_all, NULL, NULL, rig_closed},
        {rig_shutdown, rig_echo, NULL, NULL, rig_closed},
    };
    static const enum conn_end expected[] = {CONN_END_ABORTED, CONN_END_ABORTED, CONN_END_PEER_EOF,
                                             CONN_END_ABORTED, CONN_END_SHUTDOWN};
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        rig_open(&rig, RIG_PLAIN, &ops[i]);
        rig_run(&rig, talk_and_be_cut);
        assert_int_equal(rig.ends[expected[i]], 8);
        rig_close(&rig);
    }
}

static void reset(struct rig *rig)
{
    struct linger hard = {1, 0};
    int fd = rig_connect(rig);

    CHECK(rig, fd >= 0 && send(fd, "x", 1, 0) == 1);
    (void)usleep(20000);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    (void)close(fd);
}

static void a_reset_ends_as_peer_eof(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &rig_echo_ops);
    rig_run(&rig, reset);
    assert_int_equal(rig.ends[CONN_END_PEER_EOF], 1);
    assert_string_not_equal(rig.detail, "");
    rig_close(&rig);
}

static void nothing(struct rig *rig)
{
    (void)rig;
}

static void refused(struct conn *c, enum conn_end end)
{
    assert_int_equal(end, CONN_END_ERROR);
    assert_string_equal(conn_end_detail(c), "Connection refused");
    assert_null(conn_tls_version(c));
    rig_closed(c, end);
}

static void a_refused_client_ends_with_its_reason(void **state)
{
    static const struct conn_ops ops = {rig_shutdown, rig_echo, NULL, NULL, refused};
    struct rig rig;
    struct rig_peer *p = calloc(1, sizeof(*p));
    int fd, holder;
    uint8_t sa[128];
    socklen_t sa_len = sizeof(sa);

    (void)state;
    rig_open(&rig, RIG_PLAIN, &rig_echo_ops);
    /* A port that is bound and does not listen refuses for certain. */
    holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(listen(holder, 1), 0);
    assert_int_equal(getsockname(holder, (struct sockaddr *)sa, &sa_len), 0);
    (void)close(holder);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)sa, sa_len), -1);
    p->rig = &rig;
    rig.live = 1;
    link_init(&p->link);
    link_append(&rig.peers, &p->link);
    assert_int_equal(conn_open_client(&p->conn, rig.loop, fd, NULL, NULL, &ops), OK);
    rig_run(&rig, nothing);
    assert_int_equal(rig.ends[CONN_END_ERROR], 1);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_is_one_recv_and_one_send),
        cmocka_unit_test(what_one_event_writes_leaves_in_one_send),
        cmocka_unit_test(what_a_turn_queues_for_another_leaves_in_one_send),
        cmocka_unit_test(others_are_heard_while_much_is_sent),
        cmocka_unit_test(sixteen_mebibytes_go_through_a_slow_pipe),
        cmocka_unit_test(a_backlog_stalls_and_drains),
        cmocka_unit_test(a_paused_connection_reads_nothing_until_resumed),
        cmocka_unit_test(every_callback_may_abort),
        cmocka_unit_test(a_reset_ends_as_peer_eof),
        cmocka_unit_test(a_refused_client_ends_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
