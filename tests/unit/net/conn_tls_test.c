/* SPDX-License-Identifier: Apache-2.0 */
/* conn_tls_test.c: TLS connections against OpenSSL's own client: odd handshakes, resumption, records, short sends, ends. */
#include "rig.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"
#include "net/tls_private.h"

#define SLOW_BYTES (16 * 1024 * 1024)

static void run(enum rig_kind kind, const struct conn_ops *ops, void (*client)(struct rig *rig), enum conn_end end,
                unsigned count)
{
    struct rig rig;

    rig_open(&rig, kind, ops);
    rig_run(&rig, client);
    assert_int_equal(rig.ends[end], count);
    rig_close(&rig);
}

/* A client whose bytes go through our hands. */
struct hand {
    SSL *ssl;
    BIO *in, *out;
    int fd;
};

static bool hand_open(struct hand *h, SSL_CTX *context, struct rig *rig)
{
    h->fd = rig_connect(rig);
    h->ssl = SSL_new(context);
    h->in = BIO_new(BIO_s_mem());
    h->out = BIO_new(BIO_s_mem());
    SSL_set_bio(h->ssl, h->in, h->out);
    SSL_set_connect_state(h->ssl);
    return h->fd >= 0;
}

static void hand_close(struct hand *h)
{
    SSL_free(h->ssl);
    (void)close(h->fd);
}

static int hand_take(struct hand *h, uint8_t *into, int cap)
{
    return BIO_read(h->out, into, cap);
}

static bool hand_receive(struct hand *h)
{
    uint8_t in[16384];
    ssize_t n = recv(h->fd, in, sizeof(in), 0);

    return n > 0 && BIO_write(h->in, in, (int)n) == n;
}

/* Goes on until the handshake is done; what the client wants to say last stays in h->out. */
static bool hand_finish(struct hand *h)
{
    while (SSL_do_handshake(h->ssl) != 1) {
        if (!hand_receive(h))
            return false;
    }
    return true;
}

static bool hand_flush(struct hand *h)
{
    uint8_t out[65536];
    int n = hand_take(h, out, sizeof(out));

    return n <= 0 || send(h->fd, out, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool hand_read(struct hand *h, char *into, int len)
{
    int have = 0;

    while (have < len) {
        int n = SSL_read(h->ssl, into + have, len - have);
        if (n > 0)
            have += n;
        else if (!hand_receive(h))
            return false;
    }
    return true;
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

/* The hello cut into records of `rig->number` bytes; and the first data in one segment with Finished. */
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

/* ---- what is offered ---- */

static bool connects(struct rig *rig, SSL_CTX *context)
{
    int fd = rig_connect(rig);
    SSL *ssl = rig_ssl(context, fd);
    bool is_fine = ssl != NULL && rig_ssl_echo(ssl, "hello");

    if (ssl != NULL)
        rig_ssl_close(ssl, fd);
    else
        (void)close(fd);
    return is_fine;
}

static void use_tls12(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);

    (void)SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    rig->number = connects(rig, context);
    (void)SSL_CTX_set_cipher_list(context, "ECDHE+AES+SHA256:AES128-GCM-SHA256");
    CHECK(rig, !connects(rig, context)); /* neither CBC nor RSA key transport */
    SSL_CTX_free(context);
}

static void tls12_is_for_those_who_ask(void **state)
{
    struct rig rig;

    (void)state;
    for (int i = 0; i < 2; i++) {
        rig_open(&rig, i == 0 ? RIG_TLS : RIG_TLS12, &rig_echo_ops);
        rig_run(&rig, use_tls12);
        assert_int_equal(rig.number, i);
        assert_int_equal(rig.ends[CONN_END_TLS], 2 - i);
        rig_close(&rig);
    }
}

static void use_alpn(struct rig *rig)
{
    static const unsigned char h2[] = {2, 'h', '2'}, both[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX *context = rig_ssl_context(rig);
    const unsigned char *chosen;
    unsigned chosen_len;
    int fd = rig_connect(rig);
    SSL *ssl;

    (void)SSL_CTX_set_alpn_protos(context, both, sizeof(both));
    ssl = rig_ssl(context, fd);
    CHECK(rig, ssl != NULL);
    SSL_get0_alpn_selected(ssl, &chosen, &chosen_len);
    CHECK(rig, chosen_len == 8 && memcmp(chosen, "http/1.1", 8) == 0);
    rig_ssl_close(ssl, fd);
    (void)SSL_CTX_set_alpn_protos(context, h2, sizeof(h2));
    ERR_clear_error();
    fd = rig_connect(rig);
    CHECK(rig, rig_ssl(context, fd) == NULL);
    CHECK(rig, ERR_GET_REASON(ERR_peek_error()) == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
    (void)close(fd);
    SSL_CTX_free(context);
}

static void alpn_without_overlap_is_fatal(void **state)
{
    (void)state;
    run(RIG_TLS, &rig_echo_ops, use_alpn, CONN_END_TLS, 1);
}

/* ---- tickets ---- */

/* Connects with the session in *session, if any, and puts the newest one there. -1: failed. 1: resumed. */
static int visit(struct rig *rig, SSL_CTX *context, SSL_SESSION **session)
{
    int fd = rig_connect(rig), answer = -1;
    SSL *ssl = SSL_new(context);

    if (*session != NULL)
        (void)SSL_set_session(ssl, *session);
    if (SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1 && rig_ssl_echo(ssl, "hello")) {
        answer = SSL_session_reused(ssl);
        SSL_SESSION_free(*session);
        *session = SSL_get1_session(ssl);
    }
    rig_ssl_close(ssl, fd);
    return answer;
}

static void come_back(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    struct tls_tickets *tickets = tls_server_tickets(rig->tls);
    SSL_SESSION *session = NULL, *old;
    uint64_t now_ms = clock_mono_ms();

    CHECK(rig, visit(rig, context, &session) == 0);
    CHECK(rig, SSL_SESSION_get_max_early_data(session) == 0);
    CHECK(rig, visit(rig, context, &session) == 1);
    CHECK(rig, visit(rig, context, &session) == 1);
    old = SSL_SESSION_dup(session);
    tls_tickets_turn(tickets, now_ms + TLS_TICKET_ROTATE_MS - 60000); /* too soon for a change */
    CHECK(rig, visit(rig, context, &session) == 1);
    tls_tickets_turn(tickets, now_ms + TLS_TICKET_ROTATE_MS);
    CHECK(rig, visit(rig, context, &session) == 1); /* the previous key still opens */
    tls_tickets_turn(tickets, now_ms + 2 * TLS_TICKET_ROTATE_MS + 1);
    CHECK(rig, visit(rig, context, &old) == 0); /* two changes: gone, a full handshake */
    CHECK(rig, visit(rig, context, &session) == 1); /* that one was made under the key in between */
    SSL_SESSION_free(session);
    SSL_SESSION_free(old);
    SSL_CTX_free(context);
}

static void tickets_resume_until_their_key_is_gone(void **state)
{
    (void)state;
    run(RIG_TLS, &rig_echo_ops, come_back, CONN_END_SHUTDOWN, 7);
    run(RIG_TLS12, &rig_echo_ops, come_back, CONN_END_SHUTDOWN, 7);
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
    rig.send_buffer = 16384;
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
    rig.send_buffer = 16384;
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

static void send_bad_record(struct rig *rig)
{
    static const uint8_t bad[] = {23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    SSL_CTX *context = rig_ssl_context(rig);
    int fd = rig_connect(rig);
    SSL *ssl = rig_ssl(context, fd);
    char in[10];

    CHECK(rig, ssl != NULL && rig_ssl_echo(ssl, "hello"));
    CHECK(rig, send(fd, bad, sizeof(bad), 0) == sizeof(bad));
    ERR_clear_error();
    CHECK(rig, SSL_read(ssl, in, sizeof(in)) <= 0);
    CHECK(rig, ERR_GET_REASON(ERR_peek_error()) == SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
    SSL_free(ssl);
    (void)close(fd);
    SSL_CTX_free(context);
}

static void a_bad_record_is_answered_with_an_alert(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    rig_run(&rig, send_bad_record);
    assert_int_equal(rig.ends[CONN_END_TLS], 1);
    assert_string_equal(rig.detail, "decryption failed or bad record mac");
    rig_close(&rig);
}

static void update_keys(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    int fd = rig_connect(rig);
    SSL *ssl = rig_ssl(context, fd);

    CHECK(rig, ssl != NULL);
    for (int i = 0; i < 20; i++) {
        CHECK(rig, SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
        CHECK(rig, rig_ssl_echo(ssl, "hello"));
    }
    rig_ssl_close(ssl, fd);
    SSL_CTX_free(context);
}

static void key_updates_are_followed(void **state)
{
    (void)state;
    run(RIG_TLS, &rig_echo_ops, update_keys, CONN_END_SHUTDOWN, 1);
}

/* `rig->number` key updates in one segment, nothing else. */
static void flood_with_updates(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    struct hand h;
    char in[5];

    CHECK(rig, hand_open(&h, context, rig));
    (void)SSL_do_handshake(h.ssl);
    CHECK(rig, hand_flush(&h) && hand_finish(&h) && SSL_write(h.ssl, "hello", 5) == 5 && hand_flush(&h));
    CHECK(rig, hand_read(&h, in, 5));
    for (size_t i = 0; i < rig->number; i++)
        CHECK(rig, SSL_key_update(h.ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(h.ssl) == 1);
    CHECK(rig, hand_flush(&h));
    (void)shutdown(h.fd, SHUT_WR);
    CHECK(rig, rig_at_eof(h.fd));
    hand_close(&h);
    SSL_CTX_free(context);
}

static void a_flood_of_key_updates_is_cut_off(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    rig.number = 20;
    rig_run(&rig, flood_with_updates);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
    rig.number = 500;
    rig_run(&rig, flood_with_updates);
    assert_int_equal(rig.ends[CONN_END_TLS], 1);
    assert_string_equal(rig.detail, "too many key updates");
    rig_close(&rig);
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

/* Writes to all others and has it sent at once, in the middle of its own event; then closes them. */
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
    static const enum conn_end expected[] = {CONN_END_ABORTED, CONN_END_ABORTED,  CONN_END_PEER_EOF,
                                             CONN_END_ABORTED, CONN_END_SHUTDOWN, CONN_END_SHUTDOWN};

    (void)state;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        run(RIG_TLS, &ops[i], talk_and_be_cut, expected[i], 4);
}

/* Two connections; what one event writes to the other leaves at once, tickets and own answers notwithstanding. */
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
    CHECK(rig, hand_flush(&h) && hand_finish(&h) && SSL_write(h.ssl, "hello", 5) == 5 && hand_flush(&h));
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
    CHECK(rig, hand_finish(&second) && SSL_write(second.ssl, "hello", 5) == 5 && hand_flush(&second));
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

/* ---- our own client ---- */

static void client_ready(struct conn *c)
{
    assert_string_equal(conn_tls_version(c), "TLSv1.3");
    assert_int_equal(conn_write(c, "hello", 5), OK);
}

static void client_data(struct conn *c, uint8_t *data, size_t len)
{
    assert_int_equal(len, 5);
    assert_memory_equal(data, "hello", 5);
    conn_shutdown(c);
}

static void client_closed(struct conn *c, enum conn_end end)
{
    struct rig_peer *p = (struct rig_peer *)c;

    p->rig->number = (size_t)end;
    (void)snprintf(p->rig->user, 128, "%s", conn_end_detail(c));
    rig_closed(c, end);
}

static void nothing(struct rig *rig)
{
    (void)rig;
}

static void visit_as(const char *name, enum conn_end end, bool has_ca, const char *detail)
{
    static const struct conn_ops ops = {client_ready, client_data, NULL, NULL, client_closed};
    char seen[128];
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct tls_client *tls = NULL;
    struct error why;
    struct rig rig;
    struct rig_peer *p = calloc(1, sizeof(*p));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    assert_int_equal(tls_client_new(&tls, has_ca ? rig.ca : NULL, &why), OK);
    sa.sin_port = htons(rig.port);
    (void)connect(fd, (struct sockaddr *)&sa, sizeof(sa));
    p->rig = &rig;
    p->number = 99;
    rig.user = seen;
    rig.live = 1;
    link_init(&p->link);
    link_append(&rig.peers, &p->link);
    assert_int_equal(conn_open_client(&p->conn, rig.loop, fd, tls, name, &ops), OK);
    rig_run(&rig, nothing);
    assert_int_equal(rig.number, end);
    assert_string_equal(seen, detail);
    rig_close(&rig);
    tls_client_free(tls);
}

static void our_client_verifies_whom_it_talks_to(void **state)
{
    (void)state;
    visit_as("localhost", CONN_END_SHUTDOWN, true, "");
    visit_as("127.0.0.1", CONN_END_SHUTDOWN, true, "");
    visit_as("example.com", CONN_END_TLS, true, "hostname mismatch");
    visit_as("127.0.0.2", CONN_END_TLS, true, "IP address mismatch");
    visit_as("localhost", CONN_END_TLS, false, "unable to get local issuer certificate");
    visit_as("", CONN_END_TLS, true, "cannot begin a TLS handshake");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_is_one_recv_and_one_send),
        cmocka_unit_test(a_hello_in_pieces_is_gathered),
        cmocka_unit_test(what_is_not_tls_is_refused_and_plain_http_named),
        cmocka_unit_test(tls12_is_for_those_who_ask),
        cmocka_unit_test(alpn_without_overlap_is_fatal),
        cmocka_unit_test(tickets_resume_until_their_key_is_gone),
        cmocka_unit_test(sixteen_mebibytes_go_through_a_slow_pipe),
        cmocka_unit_test(a_megabyte_is_echoed),
        cmocka_unit_test(a_close_notify_ends_without_spinning),
        cmocka_unit_test(a_bad_record_is_answered_with_an_alert),
        cmocka_unit_test(key_updates_are_followed),
        cmocka_unit_test(a_flood_of_key_updates_is_cut_off),
        cmocka_unit_test(every_callback_may_abort),
        cmocka_unit_test(one_event_may_send_to_many),
        cmocka_unit_test(handshakes_wait_for_a_place),
        cmocka_unit_test(our_client_verifies_whom_it_talks_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
