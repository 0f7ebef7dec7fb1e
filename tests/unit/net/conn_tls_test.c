/* SPDX-License-Identifier: Apache-2.0 */
/* conn_tls_test.c: TLS connections against OpenSSL's own client: odd handshakes, records, short
 * sends, ends. What is agreed on and what records may hold is in tls_stream_test.c. */
#include "rig.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/status.h"

#define SLOW_BYTES (16 * 1024 * 1024)

static void run(enum rig_kind kind, const struct conn_ops *ops, void (*client)(struct rig *rig),
                enum conn_end end, unsigned count)
{
    struct rig rig;

    rig_open(&rig, kind, ops);
    rig_run(&rig, client);
    assert_int_equal(rig.ends[end], count);
    rig_close(&rig);
}

/* ---- echo ---- */

static void echo_100(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    int fd = rig_connect(rig);
    SSL *ssl = rig_ssl(context, fd);

    CHECK(rig, ssl != NULL);
    CHECK(rig, strcmp(SSL_get_version(ssl), "TLSv1.3") == 0);
    for (int i = 0; i < 100; i++)
        CHECK(rig, rig_ssl_echo(ssl, "nineteen characters"));
    rig_ssl_close(ssl, fd);
    SSL_CTX_free(context);
}

static void expect_tls13(struct conn *c)
{
    assert_string_equal(conn_tls_version(c), "TLSv1.3");
}

static void an_echo_is_one_recv_and_one_send(void **state)
{
    static const struct conn_ops ops = {expect_tls13, rig_echo, rig_shutdown, NULL, rig_closed};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &ops);
    rig_run(&rig, echo_100);
    /* ClientHello, Finished (the first echo may come with it), 100 echoes, close_notify, EOF. */
    assert_in_range(loop_counters(rig.loop)->recv_calls, 102, 105);
    /* Server flight, ticket, 100 echoes, close_notify. */
    assert_in_range(loop_counters(rig.loop)->send_calls, 102, 103);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
    rig_close(&rig);
}

/* ---- the ClientHello in pieces ---- */

static void hello_byte_by_byte(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    uint8_t hello[4096];
    struct hand h;
    char in[5];
    int len;

    CHECK(rig, hand_open(&h, context, rig));
    CHECK(rig, SSL_do_handshake(h.ssl) == -1);
    len = hand_take(&h, hello, sizeof(hello));
    for (int i = 0; i < len; i++) {
        CHECK(rig, send(h.fd, hello + i, 1, 0) == 1);
        if (i % 8 == 0)
            (void)usleep(100);
    }
    CHECK(rig, hand_finish(&h) && SSL_write(h.ssl, "hello", 5) == 5 && hand_flush(&h));
    CHECK(rig, hand_read(&h, in, 5) && memcmp(in, "hello", 5) == 0);
    hand_close(&h);
    SSL_CTX_free(context);
}

/* The hello cut into records of `rig->number` bytes; and the first data in one segment with
 * Finished. */
static void hello_in_small_records(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    uint8_t hello[4096], wire[24576];
    struct hand h;
    char in[5];
    size_t len, used = 0;

    CHECK(rig, hand_open(&h, context, rig));
    CHECK(rig, SSL_do_handshake(h.ssl) == -1);
    len = (size_t)hand_take(&h, hello, sizeof(hello));
    for (size_t at = 5; at < len; at += rig->number) {
        size_t n = len - at < rig->number ? len - at : rig->number;
        memcpy(wire + used, hello, 3);
        wire[used + 3] = (uint8_t)(n >> 8);
        wire[used + 4] = (uint8_t)n;
        memcpy(wire + used + 5, hello + at, n);
        used += 5 + n;
    }
    CHECK(rig, send(h.fd, wire, used, 0) == (ssize_t)used);
    CHECK(rig, hand_finish(&h) && SSL_write(h.ssl, "hello", 5) == 5 && hand_flush(&h));
    CHECK(rig, hand_read(&h, in, 5) && memcmp(in, "hello", 5) == 0);
    hand_close(&h);
    SSL_CTX_free(context);
}

static void a_hello_in_pieces_is_gathered(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 100};
    struct rig rig;

    (void)state;
    run(RIG_TLS, &rig_echo_ops, hello_byte_by_byte, CONN_END_SHUTDOWN, 1);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        rig_open(&rig, RIG_TLS, &rig_echo_ops);
        rig.number = sizes[i];
        rig_run(&rig, hello_in_small_records);
        assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
        rig_close(&rig);
    }
}

static void speak_http(struct rig *rig)
{
    static const char *const starts[] = {"GET / HTTP/1.1\r\n\r\n", "P", "OPTIONS * HTTP/1.1\r\n"};

    for (size_t i = 0; i < 3; i++) {
        int fd = rig_connect(rig);
        CHECK(rig, fd >= 0 && send(fd, starts[i], strlen(starts[i]), 0) > 0);
        CHECK(rig, rig_at_eof(fd));
        (void)close(fd);
    }
}

static void speak_noise(struct rig *rig)
{
    int fd = rig_connect(rig);

    CHECK(rig, fd >= 0 && send(fd, "\x80\x2e\x01\x03\x01", 5, 0) == 5);
    CHECK(rig, rig_at_eof(fd));
    (void)close(fd);
}

static void what_is_not_tls_is_refused_and_plain_http_named(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    rig_run(&rig, speak_http);
    assert_int_equal(rig.ends[CONN_END_TLS], 3);
    assert_true(rig.spoke_plain);
    rig_run(&rig, speak_noise);
    assert_int_equal(rig.ends[CONN_END_TLS], 4);
    assert_false(rig.spoke_plain);
    assert_string_equal(rig.detail, "not a TLS ClientHello");
    rig_close(&rig);
}

/* ---- much data ---- */

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
}

static void read_slowly(struct rig *rig)
{
    static uint8_t in[9973];
    SSL_CTX *context = rig_ssl_context(rig);
    int fd = rig_connect(rig);
    SSL *ssl = rig_ssl(context, fd);
    size_t have = 0;
    int n;

    CHECK(rig, ssl != NULL && SSL_write(ssl, "go", 2) == 2);
    while ((n = SSL_read(ssl, in, (int)(1 + have % sizeof(in)))) > 0) {
        for (int i = 0; i < n; i++)
            CHECK(rig, in[i] == rig_pattern(have + (size_t)i));
        have += (size_t)n;
    }
    CHECK(rig, have == SLOW_BYTES);
    CHECK(rig, SSL_get_error(ssl, n) == SSL_ERROR_ZERO_RETURN); /* close_notify came */
    CHECK(rig, rig_at_eof(fd));
    rig_ssl_close(ssl, fd);
    SSL_CTX_free(context);
}

static void sixteen_mebibytes_go_through_a_slow_pipe(void **state)
{
    static const struct conn_ops ops = {NULL, write_pattern, NULL, NULL, rig_closed};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &ops);
    rig.send_buffer = 65536;
    rig_run(&rig, read_slowly);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
    rig_close(&rig);
}

/* The same bytes both ways at once: output waits while input still comes. */
static void send_much(struct rig *rig)
{
    static uint8_t block[1 << 20];
    SSL_CTX *context = rig_ssl_context(rig);
    int fd = rig_connect(rig);
    SSL *ssl = rig_ssl(context, fd);
    size_t have = 0;

    CHECK(rig, ssl != NULL);
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = rig_pattern(i);
    CHECK(rig, SSL_write(ssl, block, sizeof(block)) == sizeof(block));
    while (have < sizeof(block)) {
        int n = SSL_read(ssl, block, 16384);
        CHECK(rig, n > 0);
        for (int i = 0; i < n; i++)
            CHECK(rig, block[i] == rig_pattern(have + (size_t)i));
        have += (size_t)n;
    }
    rig_ssl_close(ssl, fd);
    SSL_CTX_free(context);
}

static void a_megabyte_is_echoed(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    rig.send_buffer = 65536;
    rig_run(&rig, send_much);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
    rig_close(&rig);
}

/* ---- ends ---- */

static void note_calls(struct rig *rig)
{
    atomic_store(&rig->flag, (unsigned)loop_counters(rig->loop)->recv_calls);
}

static void say_close_and_stay(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    int fd = rig_connect(rig);
    SSL *ssl = rig_ssl(context, fd);
    unsigned calls;

    CHECK(rig, ssl != NULL && rig_ssl_echo(ssl, "hello"));
    (void)SSL_shutdown(ssl);
    (void)usleep(50000);
    rig_call(rig, note_calls);
    (void)usleep(50000);
    calls = atomic_exchange(&rig->flag, 0);
    CHECK(rig, calls > 0 && calls < 10);
    rig_call(rig, note_calls);
    (void)usleep(50000);
    CHECK(rig, atomic_load(&rig->flag) == calls);
    CHECK(rig, SSL_shutdown(ssl) == 1); /* theirs came as well */
    rig_ssl_close(ssl, fd);
    SSL_CTX_free(context);
}

static void a_close_notify_ends_without_spinning(void **state)
{
    (void)state;
    run(RIG_TLS, &rig_echo_ops, say_close_and_stay, CONN_END_SHUTDOWN, 1);
}

static void abort_self(struct conn *c)
{
    assert_int_equal(conn_write(c, "bye", 3), OK);
    conn_abort(c);
    assert_int_equal(conn_write(c, "x", 1), E_CLOSED);
    conn_flush(c);
    conn_shutdown(c);
}

static void abort_on_data(struct conn *c, uint8_t *data, size_t len)
{
    (void)data;
    (void)len;
    abort_self(c);
}

static void shut_on_data(struct conn *c, uint8_t *data, size_t len)
{
    assert_int_equal(conn_write(c, data, len), OK);
    conn_shutdown(c);
}

/* Writes to all others and has it sent at once, in the middle of its own event; then closes them.
 */
static void flush_and_abort_all(struct conn *c, uint8_t *data, size_t len)
{
    struct rig_peer *p = (struct rig_peer *)c;

    for (struct link *at = p->rig->peers.next; at != &p->rig->peers; at = at->next) {
        struct rig_peer *other = LINK_ITEM(at, struct rig_peer, link);
        (void)conn_write(&other->conn, data, len);
        conn_flush(&other->conn);
        conn_abort(&other->conn);
    }
}

static void talk_and_be_cut(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    SSL *ssl[4];
    int fd[4];

    for (int i = 0; i < 4; i++) {
        fd[i] = rig_connect(rig);
        ssl[i] = rig_ssl(context, fd[i]);
        CHECK(rig, ssl[i] != NULL);
    }
    for (int i = 0; i < 4; i++) {
        (void)SSL_write(ssl[i], "data", 4);
        (void)SSL_shutdown(ssl[i]);
    }
    for (int i = 0; i < 4; i++) {
        (void)rig_at_eof(fd[i]);
        SSL_free(ssl[i]);
        (void)close(fd[i]);
    }
    SSL_CTX_free(context);
}

static void every_callback_may_abort(void **state)
{
    static const struct conn_ops ops[] = {
        {abort_self, rig_echo, NULL, NULL, rig_closed},
        {NULL, abort_on_data, NULL, NULL, rig_closed},
        {NULL, rig_echo, abort_self, NULL, rig_closed},
        {NULL, flush_and_abort_all, NULL, NULL, rig_closed},
        {NULL, shut_on_data, NULL, NULL, rig_closed},
        {rig_shutdown, rig_echo, NULL, NULL, rig_closed},
    };
    static const enum conn_end expected[] = {CONN_END_ABORTED,  CONN_END_ABORTED,
                                             CONN_END_PEER_EOF, CONN_END_ABORTED,
                                             CONN_END_SHUTDOWN, CONN_END_SHUTDOWN};

    (void)state;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        run(RIG_TLS, &ops[i], talk_and_be_cut, expected[i], 4);
}

/* Two connections; what one event writes to the other leaves at once, tickets and own answers
 * notwithstanding. */
static void write_to_other(struct conn *c, uint8_t *data, size_t len)
{
    struct rig_peer *p = (struct rig_peer *)c;
    struct rig_peer *other = rig_peer(p->rig, p->number ^ 1);

    assert_int_equal(conn_write(c, data, len), OK);
    if (other != NULL) {
        assert_int_equal(conn_write(&other->conn, data, len), OK);
        conn_flush(&other->conn);
    }
    conn_flush(c);
    assert_int_equal(conn_write(c, data, len), OK);
}

static void hear_from_other(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    char in[15];
    int fd = rig_connect(rig), have = 0;
    SSL *ssl = rig_ssl(context, fd);
    struct hand h;

    CHECK(rig, ssl != NULL);
    (void)usleep(20000);
    /* Finished and the first data in one segment: the server has tickets to send as well. */
    CHECK(rig, hand_open(&h, context, rig));
    (void)SSL_do_handshake(h.ssl);
    CHECK(rig,
          hand_flush(&h) && hand_finish(&h) && SSL_write(h.ssl, "hello", 5) == 5 && hand_flush(&h));
    CHECK(rig, hand_read(&h, in, 10) && memcmp(in, "hellohello", 10) == 0);
    while (have < 5) {
        int n = SSL_read(ssl, in + have, 5 - have);
        CHECK(rig, n > 0);
        have += n;
    }
    CHECK(rig, memcmp(in, "hello", 5) == 0);
    hand_close(&h);
    rig_ssl_close(ssl, fd);
    SSL_CTX_free(context);
}

static void one_event_may_send_to_many(void **state)
{
    static const struct conn_ops ops = {NULL, write_to_other, rig_shutdown, NULL, rig_closed};

    (void)state;
    run(RIG_TLS, &ops, hear_from_other, CONN_END_SHUTDOWN, 2);
}

/* ---- handshakes wait for places ---- */

static void crowd(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    struct hand first, second;
    char in[5];

    CHECK(rig, hand_open(&first, context, rig) && hand_open(&second, context, rig));
    (void)SSL_do_handshake(first.ssl);
    CHECK(rig, hand_flush(&first));
    CHECK(rig, hand_receive(&first)); /* it has the one place now, and keeps it */
    (void)SSL_do_handshake(second.ssl);
    CHECK(rig, hand_flush(&second));
    (void)usleep(50000);
    CHECK(rig, recv(second.fd, in, 1, MSG_DONTWAIT) == -1);
    hand_close(&first);
    CHECK(rig,
          hand_finish(&second) && SSL_write(second.ssl, "hello", 5) == 5 && hand_flush(&second));
    CHECK(rig, hand_read(&second, in, 5) && memcmp(in, "hello", 5) == 0);
    hand_close(&second);
    SSL_CTX_free(context);
}

static void handshakes_wait_for_a_place(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    conn_set_max_handshakes(rig.loop, 1);
    rig_run(&rig, crowd);
    assert_int_equal(rig.ends[CONN_END_PEER_EOF], 1);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
    rig_close(&rig);
}

/* It has the one place and stays, and says a byte now and then. */
static void overstay(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    struct hand first, second;
    char in[5];

    CHECK(rig, hand_open(&first, context, rig) && hand_open(&second, context, rig));
    (void)SSL_do_handshake(first.ssl);
    CHECK(rig, hand_flush(&first) && hand_receive(&first));
    (void)SSL_do_handshake(second.ssl);
    CHECK(rig, hand_flush(&second));
    for (int i = 0; i < 4; i++) {
        CHECK(rig, recv(second.fd, in, 1, MSG_DONTWAIT) == -1);
        (void)usleep(200000);
        CHECK(rig, send(first.fd, &"\x14\x03\x03\x00"[i], 1, MSG_NOSIGNAL) == 1);
    }
    CHECK(rig, rig_at_eof(first.fd));
    CHECK(rig,
          hand_finish(&second) && SSL_write(second.ssl, "hello", 5) == 5 && hand_flush(&second));
    CHECK(rig, hand_read(&second, in, 5) && memcmp(in, "hello", 5) == 0);
    hand_close(&first);
    hand_close(&second);
    SSL_CTX_free(context);
}

static void who_stays_too_long_makes_room_when_others_wait(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    conn_set_max_handshakes(rig.loop, 1);
    rig_run(&rig, overstay);
    assert_int_equal(rig.ends[CONN_END_TLS], 1);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_is_one_recv_and_one_send),
        cmocka_unit_test(a_hello_in_pieces_is_gathered),
        cmocka_unit_test(what_is_not_tls_is_refused_and_plain_http_named),
        cmocka_unit_test(sixteen_mebibytes_go_through_a_slow_pipe),
        cmocka_unit_test(a_megabyte_is_echoed),
        cmocka_unit_test(a_close_notify_ends_without_spinning),
        cmocka_unit_test(every_callback_may_abort),
        cmocka_unit_test(one_event_may_send_to_many),
        cmocka_unit_test(handshakes_wait_for_a_place),
        cmocka_unit_test(who_stays_too_long_makes_room_when_others_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
