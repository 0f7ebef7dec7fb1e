/* SPDX-License-Identifier: Apache-2.0 */
/* conn_events_test.c: conn.c on a poller that tells things once: what is left behind must come
 * back, ends that came with data must be seen, and events for the dead must not be. */
#include "rig.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/status.h"

#define STORM 200
#define BLOCK (64 * 1024) /* what one recv of a loop takes at most */

/* Keeps the loop from looking at its sockets until the client has done what it wants. */
static void hold_loop(struct rig *rig)
{
    atomic_store(&rig->flag, 1);
    for (int i = 0; i < 5000 && atomic_load(&rig->flag) == 1; i++)
        (void)usleep(1000);
}

static void hold(struct rig *rig)
{
    rig_call(rig, hold_loop);
    while (atomic_load(&rig->flag) != 1)
        (void)usleep(1000);
}

static void let_go(struct rig *rig)
{
    atomic_store(&rig->flag, 2);
}

/* Whoever is heard first ends all others and then itself, when told to. */
static void end_all(struct conn *c, uint8_t *data, size_t len)
{
    struct rig_peer *p = (struct rig_peer *)c;

    if (data[0] == 'e') {
        rig_echo(c, data, len);
        return;
    }
    p->rig->number++;
    for (struct link *at = p->rig->peers.next; at != &p->rig->peers; at = at->next) {
        struct rig_peer *other = LINK_ITEM(at, struct rig_peer, link);
        if (other != p)
            conn_abort(&other->conn);
    }
    conn_abort(c);
}

static void storm(struct rig *rig)
{
    int fds[STORM];
    char in;

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < STORM; i++) {
            fds[i] = rig_connect(rig);
            CHECK(rig, fds[i] >= 0 && send(fds[i], "e", 1, 0) == 1);
        }
        for (int i = 0; i < STORM; i++)
            CHECK(rig, rig_read_full(fds[i], &in, 1) && in == 'e');
        hold(rig);
        for (int i = 0; i < STORM; i++)
            CHECK(rig, send(fds[i], "x", 1, MSG_NOSIGNAL) == 1);
        let_go(rig);
        for (int i = 0; i < STORM; i++) {
            (void)rig_at_eof(fds[i]);
            (void)close(fds[i]);
        }
    }
}

static void one_of_many_that_are_ready_ends_all(void **state)
{
    static const struct conn_ops ops = {NULL, end_all, NULL, NULL, rig_closed};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &ops);
    rig_run(&rig, storm);
    assert_int_equal(rig.number, 5); /* nobody was heard after its end */
    assert_int_equal(rig.ends[CONN_END_ABORTED], 5 * STORM);
    rig_close(&rig);
}

static const size_t last_words[] = {1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 5 * BLOCK + 7};

static void count_bytes(struct conn *c, uint8_t *data, size_t len)
{
    struct rig_peer *p = (struct rig_peer *)c;

    for (size_t i = 0; i < len; i++)
        assert_int_equal(data[i], rig_pattern(p->got + i));
    p->got += len;
}

static void at_end(struct conn *c)
{
    struct rig_peer *p = (struct rig_peer *)c;

    assert_int_equal(p->got, last_words[p->number]);
    conn_shutdown(c);
}

static void say_all_and_leave(struct rig *rig)
{
    static uint8_t out[5 * BLOCK + 7];
    const int room = 4 * 1024 * 1024;

    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = rig_pattern(i);
    for (size_t i = 0; i < sizeof(last_words) / sizeof(last_words[0]); i++) {
        int fd = rig_connect(rig);
        CHECK(rig, fd >= 0);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        hold(rig);
        CHECK(rig, send(fd, out, last_words[i], 0) == (ssize_t)last_words[i]);
        (void)shutdown(fd, SHUT_WR);
        (void)usleep(10000);
        let_go(rig);
        CHECK(rig, rig_at_eof(fd));
        (void)close(fd);
    }
}

static void an_end_behind_much_data_is_seen(void **state)
{
    static const struct conn_ops ops = {NULL, count_bytes, at_end, NULL, rig_closed};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &ops);
    rig_run(&rig, say_all_and_leave);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], sizeof(last_words) / sizeof(last_words[0]));
    rig_close(&rig);
}

/* ---- resets ---- */

static void cut(int fd)
{
    struct linger hard = {1, 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    (void)close(fd);
}

static void pause_self(struct conn *c, uint8_t *data, size_t len)
{
    struct rig_peer *p = (struct rig_peer *)c;

    (void)data;
    p->got += len;
    conn_read_pause(c);
}

static void resume_all(struct rig *rig)
{
    rig->number = rig->live;
    assert_true(loop_counters(rig->loop)->polls < 50); /* the fault is not told for ever */
    for (struct link *at = rig->peers.next; at != &rig->peers; at = at->next)
        conn_read_resume(&LINK_ITEM(at, struct rig_peer, link)->conn);
}

static void reset_while_paused(struct rig *rig)
{
    int fd = rig_connect(rig);

    CHECK(rig, fd >= 0 && send(fd, "x", 1, 0) == 1);
    (void)usleep(20000);
    cut(fd);
    (void)usleep(20000);
    rig_call(rig, resume_all);
}

static void a_reset_of_the_paused_waits_for_the_resume(void **state)
{
    static const struct conn_ops ops = {NULL, pause_self, rig_shutdown, NULL, rig_closed};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &ops);
    rig_run(&rig, reset_while_paused);
    assert_int_equal(rig.number, 1); /* it was still there then */
    assert_int_equal(rig.ends[CONN_END_PEER_EOF], 1);
    rig_close(&rig);
}

static void speak_and_reset(struct rig *rig)
{
    for (int i = 0; i < 20; i++) {
        int fd = rig_connect(rig);
        CHECK(rig, fd >= 0);
        hold(rig);
        CHECK(rig, send(fd, "data", 4, 0) == 4);
        cut(fd);
        (void)usleep(2000);
        let_go(rig);
    }
}

static void a_reset_behind_data_ends_once(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &rig_echo_ops);
    rig_run(&rig, speak_and_reset);
    assert_int_equal(rig.ends[CONN_END_PEER_EOF], 20);
    rig_close(&rig);
}

/* ---- writing ---- */

#define PIECES 5000

/* More pieces than one go of sends takes, and room for all of them in the kernel. */
static void write_pieces(struct conn *c, uint8_t *data, size_t len)
{
    (void)data;
    (void)len;
    for (size_t i = 0; i < PIECES; i++) {
        struct blob *blob = blob_new(20000 / PIECES);
        assert_non_null(blob);
        memset(blob->data, rig_pattern(i), blob->len);
        if (i == 0) /* from here on the queue is used, not the cork */
            assert_int_equal(conn_write(c, &(uint8_t[70000]){0}, 70000), OK);
        assert_int_equal(conn_write_blob(c, blob), OK);
        blob_drop(blob);
    }
}

static void read_pieces(struct rig *rig)
{
    static uint8_t in[70000 + 20000];
    int fd = rig_connect(rig);

    CHECK(rig, fd >= 0 && send(fd, "x", 1, 0) == 1);
    CHECK(rig, rig_read_full(fd, in, sizeof(in)));
    for (size_t i = 0; i < 20000; i++)
        CHECK(rig, in[70000 + i] == rig_pattern(i / (20000 / PIECES)));
    (void)close(fd);
}

static void what_one_go_of_sends_leaves_goes_later(void **state)
{
    static const struct conn_ops ops = {NULL, write_pieces, rig_shutdown, NULL, rig_closed};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_PLAIN, &ops);
    rig.send_buffer = 4 * 1024 * 1024;
    rig_run(&rig, read_pieces);
    assert_true(loop_counters(rig.loop)->send_calls > 32); /* of 64 pieces each */
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_many_that_are_ready_ends_all),
        cmocka_unit_test(an_end_behind_much_data_is_seen),
        cmocka_unit_test(a_reset_of_the_paused_waits_for_the_resume),
        cmocka_unit_test(a_reset_behind_data_ends_once),
        cmocka_unit_test(what_one_go_of_sends_leaves_goes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
