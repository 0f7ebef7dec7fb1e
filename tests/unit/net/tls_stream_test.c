/* SPDX-License-Identifier: Apache-2.0 */
/* tls_stream_test.c: what is agreed on in a handshake, against OpenSSL's own client and with ours:
 * versions, suites, ALPN, certificates. */
#include "rig.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/status.h"

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
    static const unsigned char h2[] = {2, 'h', '2'},
                               both[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
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
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    rig_run(&rig, use_alpn);
    assert_int_equal(rig.ends[CONN_END_TLS], 1);
    rig_close(&rig);
}

/* ---- client certificates ---- */

static int was_asked;

static int on_asked(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
    (void)ssl;
    (void)cert;
    (void)key;
    was_asked++;
    return 0;
}

static void wait_to_be_asked(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);

    SSL_CTX_set_client_cert_cb(context, on_asked);
    CHECK(rig, connects(rig, context));
    SSL_CTX_free(context);
}

static void no_certificate_is_asked_of_clients(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    rig_run(&rig, wait_to_be_asked);
    assert_int_equal(was_asked, 0);
    rig_close(&rig);
}

/* ---- records ---- */

static void send_bad_record(struct rig *rig)
{
    static const uint8_t bad[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
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
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    rig_run(&rig, update_keys);
    assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 1);
    rig_close(&rig);
}

/* `rig->number` key updates in one segment, nothing else. */
static void flood_with_updates(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    struct hand h;
    char in[5];

    CHECK(rig, hand_open(&h, context, rig));
    (void)SSL_do_handshake(h.ssl);
    CHECK(rig,
          hand_flush(&h) && hand_finish(&h) && SSL_write(h.ssl, "hello", 5) == 5 && hand_flush(&h));
    CHECK(rig, hand_read(&h, in, 5));
    for (size_t i = 0; i < rig->number; i++)
        CHECK(rig,
              SSL_key_update(h.ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(h.ssl) == 1);
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
    visit_as("example.com", CONN_END_TLS, true, "server name unknown"); /* says the server */
    visit_as("127.0.0.2", CONN_END_TLS, true, "IP address mismatch");
    visit_as("localhost", CONN_END_TLS, false, "unable to get local issuer certificate");
    visit_as("", CONN_END_TLS, true, "cannot begin a TLS handshake");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls12_is_for_those_who_ask),
        cmocka_unit_test(alpn_without_overlap_is_fatal),
        cmocka_unit_test(no_certificate_is_asked_of_clients),
        cmocka_unit_test(a_bad_record_is_answered_with_an_alert),
        cmocka_unit_test(key_updates_are_followed),
        cmocka_unit_test(a_flood_of_key_updates_is_cut_off),
        cmocka_unit_test(our_client_verifies_whom_it_talks_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
