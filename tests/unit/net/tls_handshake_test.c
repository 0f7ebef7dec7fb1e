/* SPDX-License-Identifier: Apache-2.0 */
/* tls_handshake_test.c: the step from OpenSSL to records of our own: when it is made, when it is
 * not, and that a client cannot tell which way it went. Each case talks through a server on a loop.
 * send() is ours here, so that the kernel takes as little as a case wants. */
#include "rig.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/status.h"
#include "net/conn_private.h"
#include "net/loop_private.h"
#include "net/tls_handshake.h"
#include "net/tls_private.h"
#include "net/tls_taken.h"

/* ---- send() that takes little ---- */

static _Thread_local size_t take_at_most; /* 0: as much as the kernel does */
static _Thread_local struct rig *taking;

/* The kernel would say that there is room again; here nobody does unless we ask. */
static void have_it_said(int fd)
{
    for (struct link *at = taking->peers.next; at != &taking->peers; at = at->next) {
        struct conn *c = &LINK_ITEM(at, struct rig_peer, link)->conn;
        if (c->fd == fd)
            poller_again(taking->loop->poller, fd, c->events | POLLER_WRITABLE, c);
    }
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, len};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

    if (take_at_most > 0 && len > take_at_most) {
        piece.iov_len = take_at_most;
        have_it_said(fd);
    }
    return sendmsg(fd, &message, flags);
}

/* ---- who carries the records ---- */

static void note_records(struct conn *c)
{
    struct rig_peer *p = (struct rig_peer *)c;
    enum tls_records records = TLS_RECORDS_COUNT;

    assert_true(conn_tls_records(c, &records));
    p->rig->number = records;
    if (records == TLS_RECORDS_OWN) {
        /* All that is left of TLS while the connection is idle. */
        assert_null(c->tls->shake);
        assert_null(c->tls->cipher);
        assert_null(c->tls->stream.openssl);
        assert_true(sizeof(*c->tls) + tls_taken_bytes(c->tls->stream.taken) <= 400);
    }
}

static const struct conn_ops ops = {note_records, rig_echo, rig_shutdown, NULL, rig_closed};

static void talk(struct rig *rig, SSL_CTX *context)
{
    int fd = rig_connect(rig);
    SSL *ssl = rig_ssl(context, fd);

    CHECK(rig, ssl != NULL);
    for (int i = 0; i < 3; i++)
        CHECK(rig, rig_ssl_echo(ssl, "nineteen characters"));
    CHECK(rig, SSL_shutdown(ssl) == 0 && SSL_shutdown(ssl) == 1); /* theirs comes as well */
    rig_ssl_close(ssl, fd);
}

static void talk_plainly(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);

    talk(rig, context);
    SSL_CTX_free(context);
}

/* Runs it against a server that `change` (NULL: none) has had its way with. */
static void expect(enum tls_records records, void (*change)(SSL_CTX *context),
                   void (*client)(struct rig *rig), unsigned count)
{
    struct rig rig;

    rig_open(&rig, RIG_TLS, &ops);
    if (change != NULL)
        change(tls_server_context(rig.tls));
    rig_run(&rig, client);
    assert_int_equal(rig.number, records);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], count);
    rig_close(&rig);
}

/* ---- one record at a time ---- */

static void openssl_is_never_offered_a_second_record(void **state)
{
    static const size_t bodies[] = {1, 0, 300, 5, 16640, 4, 65535, 2};
    static uint8_t wire[100000];
    size_t len = 0, ends[8], pieces[] = {1, 2, 3, 4, 5, 6, 7, 100, 5000, 100000};

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        memcpy(wire + len, (uint8_t[]){22, 3, 3, (uint8_t)(bodies[i] >> 8), (uint8_t)bodies[i]}, 5);
        len += 5 + bodies[i];
        ends[i] = len;
    }
    for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
        struct tls_feed feed = {.have = 0};
        size_t at = 0, record = 0;

        while (at < len) {
            size_t here = len - at < pieces[p] ? len - at : pieces[p];
            size_t window = tls_feed_window(&feed, wire + at, here);

            assert_true(window > 0 && window <= here);
            assert_true(at + window <= ends[record]);
            /* And never less than there is of it. */
            assert_true(window == here || at + window == ends[record]);
            tls_feed_advance(&feed, wire + at, window);
            at += window;
            assert_int_equal(feed.left == 0 && feed.have == 0, at == ends[record]);
            if (at == ends[record])
                record++;
        }
    }
}

/* ---- the secrets ---- */

#define RANDOM "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SECRET "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fff"
#define CLIENT "CLIENT_TRAFFIC_SECRET_0 "
#define SERVER "SERVER_TRAFFIC_SECRET_0 "

static void two_lines_are_read_and_no_others(void **state)
{
    static const char *const passed_over[] = {
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET " RANDOM " " SECRET, "EXPORTER_SECRET " RANDOM " " SECRET,
        "CLIENT_TRAFFIC_SECRET_1 " RANDOM " " SECRET, "CLIENT_RANDOM " RANDOM " " SECRET, ""};
    struct tls_secrets s = {.is_bad = false};

    (void)state;
    for (size_t i = 0; i < sizeof(passed_over) / sizeof(passed_over[0]); i++)
        tls_secrets_note(&s, passed_over[i]);
    assert_int_equal(s.client_bytes + s.server_bytes, 0);
    tls_secrets_note(&s, CLIENT RANDOM " " SECRET);
    tls_secrets_note(&s, SERVER RANDOM " " SECRET);
    assert_false(s.is_bad);
    assert_int_equal(s.client_bytes, 32);
    assert_int_equal(s.client[0], 1);
    assert_int_equal(s.client[31], 255);
    tls_secrets_wipe(&s);
    for (size_t i = 0; i < sizeof(s); i++)
        assert_int_equal(((const uint8_t *)&s)[i], 0);
}

static void a_line_of_another_form_is_no_secret(void **state)
{
    static const char *const lines[] = {CLIENT RANDOM,         CLIENT RANDOM " ",
                                        CLIENT RANDOM " 0",    CLIENT RANDOM " 0g",
                                        CLIENT RANDOM " A0",   CLIENT RANDOM " " SECRET SECRET,
                                        SERVER RANDOM " 00 0", SERVER RANDOM " " SECRET "0"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct tls_secrets s = {.is_bad = false};
        tls_secrets_note(&s, lines[i]);
        assert_true(s.is_bad);
    }
    for (int i = 0; i < 2; i++) {
        struct tls_secrets s = {.is_bad = false};
        tls_secrets_note(&s, i == 0 ? CLIENT RANDOM " " SECRET : SERVER RANDOM " " SECRET);
        assert_false(s.is_bad);
        tls_secrets_note(&s, i == 0 ? CLIENT RANDOM " " SECRET : SERVER RANDOM " " SECRET);
        assert_true(s.is_bad); /* twice */
    }
}

/* ---- what is taken over ---- */

static void no_tickets(SSL_CTX *context)
{
    (void)SSL_CTX_set_num_tickets(context, 0);
}
static void two_tickets(SSL_CTX *context)
{
    (void)SSL_CTX_set_num_tickets(context, 2);
}
static void five_tickets(SSL_CTX *context)
{
    (void)SSL_CTX_set_num_tickets(context, 5);
}

static void any_number_of_tickets_is_found_out(void **state)
{
    (void)state;
    expect(TLS_RECORDS_OWN, NULL, talk_plainly, 1);
    expect(TLS_RECORDS_OWN, no_tickets, talk_plainly, 1);
    expect(TLS_RECORDS_OWN, two_tickets, talk_plainly, 1);
    expect(TLS_RECORDS_OWN, five_tickets, talk_plainly, 1);
}

static void talk_in_each_suite(struct rig *rig)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256"};
    SSL_CTX *context = rig_ssl_context(rig);

    for (size_t i = 0; i < 3; i++) {
        CHECK(rig, SSL_CTX_set_ciphersuites(context, suites[i]) == 1);
        talk(rig, context);
        CHECK(rig, rig->number == TLS_RECORDS_OWN);
    }
    SSL_CTX_free(context);
}

/* The first key share is of a group that the server does not know. */
static void be_asked_again(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);

    CHECK(rig, SSL_CTX_set1_groups_list(context, "X448:X25519") == 1);
    talk(rig, context);
    SSL_CTX_free(context);
}

static void ask_for_small_records(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);

    (void)SSL_CTX_set_tlsext_max_fragment_length(context, TLSEXT_max_fragment_length_512);
    talk(rig, context);
    SSL_CTX_free(context);
}

static void come_back(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    SSL_SESSION *session = NULL;

    for (int i = 0; i < 4; i++) {
        int fd = rig_connect(rig);
        SSL *ssl = SSL_new(context);

        if (session != NULL)
            (void)SSL_set_session(ssl, session);
        SSL_SESSION_free(session);
        CHECK(rig, SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1);
        CHECK(rig, rig_ssl_echo(ssl, "hello"));
        CHECK(rig, SSL_session_reused(ssl) == (i > 0));
        session = SSL_get1_session(ssl);
        rig_ssl_close(ssl, fd);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(context);
}

static void every_kind_of_handshake_is_taken_over(void **state)
{
    (void)state;
    expect(TLS_RECORDS_OWN, NULL, talk_in_each_suite, 3);
    expect(TLS_RECORDS_OWN, NULL, be_asked_again, 1);
    expect(TLS_RECORDS_OWN, NULL, ask_for_small_records, 1);
    expect(TLS_RECORDS_OWN, NULL, come_back, 4);
}

/* ---- what is not ---- */

static void other_suite(SSL_CTX *context)
{
    (void)SSL_CTX_set_ciphersuites(context, "TLS_AES_128_CCM_SHA256");
}

static void talk_in_ccm(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);

    other_suite(context);
    talk(rig, context);
    SSL_CTX_free(context);
}

static void silence(SSL_CTX *context)
{
    SSL_CTX_set_keylog_callback(context, NULL);
}

static SSL_CTX_keylog_cb_func truth;

/* One bit of the server's secret is not as it was. */
static void tell_wrongly(const SSL *ssl, const char *line)
{
    char wrong[256];
    size_t len = strlen(line);

    assert_true(len < sizeof(wrong));
    memcpy(wrong, line, len + 1);
    if (line[0] == 'S')
        wrong[len - 1] = wrong[len - 1] == '0' ? '1' : '0';
    truth(ssl, wrong);
}

static void lie(SSL_CTX *context)
{
    truth = SSL_CTX_get_keylog_callback(context);
    SSL_CTX_set_keylog_callback(context, tell_wrongly);
}

static void tell_twice(const SSL *ssl, const char *line)
{
    truth(ssl, line);
    truth(ssl, line);
}

static void stutter(SSL_CTX *context)
{
    truth = SSL_CTX_get_keylog_callback(context);
    SSL_CTX_set_keylog_callback(context, tell_twice);
}

static void any_doubt_leaves_the_connection_with_openssl(void **state)
{
    (void)state;
    expect(TLS_RECORDS_SUITE, other_suite, talk_in_ccm, 1);
    expect(TLS_RECORDS_SECRETS, silence, talk_plainly, 1);
    expect(TLS_RECORDS_SECRETS, stutter, talk_plainly, 1);
    expect(TLS_RECORDS_MISMATCH, lie, talk_plainly, 1);
}

static void use_tls12(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);

    (void)SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    talk(rig, context);
    SSL_CTX_free(context);
}

static void tls12_and_those_told_to_stay_do(void **state)
{
    struct tls_site_options site;
    struct tls_server_options options = {.sites = &site, .sites_count = 1, .stays_openssl = true};
    struct error why;
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS12, &ops);
    rig_run(&rig, use_tls12);
    assert_int_equal(rig.number, TLS_RECORDS_VERSION);
    rig_run(&rig, talk_plainly);
    assert_int_equal(rig.number, TLS_RECORDS_OWN);
    tls_server_drop(rig.tls);
    site = (struct tls_site_options){.cert_path = rig.cert, .key_path = rig.key};
    assert_int_equal(tls_server_new(&rig.tls, &options, &why), OK);
    rig_run(&rig, talk_plainly);
    assert_int_equal(rig.number, TLS_RECORDS_CONFIGURED);
    assert_null(SSL_CTX_get_keylog_callback(tls_server_context(rig.tls)));
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 3);
    rig_close(&rig);
}

/* ---- however the bytes come and go ---- */

static bool flush_bytewise(struct hand *h)
{
    uint8_t out[65536];
    int n = hand_take(h, out, sizeof(out));

    for (int i = 0; i < n; i++) {
        if (send(h->fd, out + i, 1, MSG_NOSIGNAL) != 1)
            return false;
        (void)usleep(200);
    }
    return n > 0;
}

/* Each byte of the connection in a segment of its own. */
static void talk_byte_by_byte(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    struct hand h;
    char in[5];

    CHECK(rig, hand_open(&h, context, rig));
    CHECK(rig, SSL_do_handshake(h.ssl) == -1 && flush_bytewise(&h));
    CHECK(rig, hand_finish(&h) && SSL_write(h.ssl, "hello", 5) == 5 && flush_bytewise(&h));
    CHECK(rig, hand_read(&h, in, 5) && memcmp(in, "hello", 5) == 0);
    CHECK(rig, SSL_shutdown(h.ssl) == 0 && flush_bytewise(&h));
    CHECK(rig, rig_at_eof(h.fd));
    hand_close(&h);
    SSL_CTX_free(context);
}

/* Finished, data, a key update, data and close_notify in one segment. */
static void say_all_at_once(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    struct hand h;
    char in[10];

    CHECK(rig, hand_open(&h, context, rig));
    CHECK(rig, SSL_do_handshake(h.ssl) == -1 && hand_flush(&h) && hand_finish(&h));
    CHECK(rig, SSL_write(h.ssl, "hello", 5) == 5);
    CHECK(rig, SSL_key_update(h.ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
    CHECK(rig, SSL_write(h.ssl, "world", 5) == 5);
    CHECK(rig, hand_flush(&h) && hand_read(&h, in, 10) && memcmp(in, "helloworld", 10) == 0);
    (void)SSL_shutdown(h.ssl);
    CHECK(rig, hand_flush(&h) && rig_at_eof(h.fd));
    hand_close(&h);
    SSL_CTX_free(context);
}

static void segments_make_no_difference(void **state)
{
    (void)state;
    expect(TLS_RECORDS_OWN, NULL, talk_byte_by_byte, 1);
    expect(TLS_RECORDS_OWN, NULL, say_all_at_once, 1);
}

#define BLOCK 40000

static void echo_a_block(struct rig *rig)
{
    static uint8_t block[BLOCK], back[BLOCK];
    SSL_CTX *context = rig_ssl_context(rig);
    int fd = rig_connect(rig), have = 0, n;
    SSL *ssl = rig_ssl(context, fd);

    CHECK(rig, ssl != NULL);
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = rig_pattern(i);
    CHECK(rig, SSL_write(ssl, block, BLOCK) == BLOCK);
    for (; have < BLOCK; have += n) {
        n = SSL_read(ssl, back + have, BLOCK - have);
        CHECK(rig, n > 0);
    }
    CHECK(rig, memcmp(block, back, BLOCK) == 0);
    CHECK(rig, SSL_shutdown(ssl) == 0 && SSL_shutdown(ssl) == 1);
    rig_ssl_close(ssl, fd);
    SSL_CTX_free(context);
}

/* Every send of the server ends after so many bytes: within tickets, headers, tags, goodbyes. */
static void a_short_send_may_end_anywhere(void **state)
{
    static const size_t sizes[] = {1,  2,   3,   4,    5,    6,     7,     13,    21,    22,   23,
                                   64, 255, 256, 1000, 4096, 16384, 16405, 16406, 16407, 32768};
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        rig_open(&rig, RIG_TLS, &ops);
        taking = &rig;
        take_at_most = sizes[i];
        rig_run(&rig, sizes[i] < 64 ? talk_plainly : echo_a_block);
        take_at_most = 0;
        assert_int_equal(rig.number, TLS_RECORDS_OWN);
        assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
        assert_true(loop_counters(rig.loop)->send_calls >=
                    loop_counters(rig.loop)->send_bytes / sizes[i]);
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_is_never_offered_a_second_record),
        cmocka_unit_test(two_lines_are_read_and_no_others),
        cmocka_unit_test(a_line_of_another_form_is_no_secret),
        cmocka_unit_test(any_number_of_tickets_is_found_out),
        cmocka_unit_test(every_kind_of_handshake_is_taken_over),
        cmocka_unit_test(any_doubt_leaves_the_connection_with_openssl),
        cmocka_unit_test(tls12_and_those_told_to_stay_do),
        cmocka_unit_test(segments_make_no_difference),
        cmocka_unit_test(a_short_send_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
