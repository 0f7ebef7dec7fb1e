/* SPDX-License-Identifier: Apache-2.0 */
/* rig.c: see rig.h. */
#include "rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "crypto/x509.h"

uint8_t rig_pattern(size_t offset)
{
    return (uint8_t)(offset ^ (offset >> 8) * 31 ^ (offset >> 16) * 7);
}

static void make_certificates(struct rig *rig)
{
    static const char *const names[] = {"localhost", "127.0.0.1"};
    struct x509_pair ca = {BUF_INIT(65536), BUF_INIT(65536)};
    struct x509_pair leaf = {BUF_INIT(65536), BUF_INIT(65536)};
    struct error why;

    assert_int_equal(x509_make_ca(&ca, "rig", &why), OK);
    assert_int_equal(x509_make_leaf(&leaf, &ca, names, 2, &why), OK);
    assert_int_equal(file_write(rig->ca, ca.cert_pem.data, ca.cert_pem.len, 0644), OK);
    assert_int_equal(file_write(rig->cert, leaf.cert_pem.data, leaf.cert_pem.len, 0644), OK);
    assert_int_equal(file_write(rig->key, leaf.key_pem.data, leaf.key_pem.len, 0600), OK);
    x509_pair_clear(&ca);
    x509_pair_clear(&leaf);
}

static void on_accept(void *context, int fd, const struct ip_address *peer, uint16_t port)
{
    struct rig *rig = context;
    struct rig_peer *p = calloc(1, sizeof(*p));

    (void)port;
    assert_non_null(p);
    assert_int_equal(peer->family, 4);
    if (rig->send_buffer > 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &rig->send_buffer, sizeof(rig->send_buffer));
    p->rig = rig;
    p->number = rig->opened++;
    rig->live++;
    link_init(&p->link);
    link_append(&rig->peers, &p->link);
    assert_int_equal(conn_open(&p->conn, rig->loop, fd, rig->tls, rig->ops), OK);
}

void rig_open(struct rig *rig, enum rig_kind kind, const struct conn_ops *ops)
{
    struct listen_address address;
    struct error why;
    int fd;

    memset(rig, 0, sizeof(*rig));
    rig->ops = ops;
    link_init(&rig->peers);
    assert_int_equal(loop_new(&rig->loop), OK);
    assert_int_equal(mailbox_new(&rig->mail, rig->loop, 64, rig), OK);
    if (kind != RIG_PLAIN) {
        struct tls_site_options site = {.cert_path = rig->cert, .key_path = rig->key};
        struct tls_server_options options = {.sites = &site,
                                             .sites_count = 1,
                                             .allows_tls12 = kind == RIG_TLS12,
                                             .stays_openssl = kind == RIG_TLS_OPENSSL};
        (void)snprintf(rig->dir, sizeof(rig->dir), "/tmp/net_test_XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        (void)snprintf(rig->cert, sizeof(rig->cert), "%s/cert", rig->dir);
        (void)snprintf(rig->key, sizeof(rig->key), "%s/key", rig->dir);
        (void)snprintf(rig->ca, sizeof(rig->ca), "%s/ca", rig->dir);
        make_certificates(rig);
        assert_int_equal(tls_server_new(&rig->tls, &options, &why), OK);
    }
    assert_int_equal(listen_address_parse(&address, "127.0.0.1:0", &why), OK);
    fd = listener_bind(&address, &rig->port, &why);
    assert_true(fd >= 0);
    assert_int_equal(listener_open(&rig->listener, rig->loop, fd, on_accept, rig), OK);
}

void rig_close(struct rig *rig)
{
    listener_close(rig->listener);
    mailbox_close(rig->mail);
    assert_int_equal(loop_queued_bytes(rig->loop), 0); /* whatever happened, it was counted off */
    loop_free(rig->loop);
    tls_server_drop(rig->tls);
    if (rig->dir[0] != '\0') {
        (void)unlink(rig->cert);
        (void)unlink(rig->key);
        (void)unlink(rig->ca);
        (void)rmdir(rig->dir);
    }
}

static void open_work(void *context, void *a, void *b)
{
    struct rig *rig = context;

    (void)a;
    (void)b;
    rig->work(rig);
}

void rig_call(struct rig *rig, void (*work)(struct rig *rig))
{
    rig->work = work;
    CHECK(rig, mailbox_post(rig->mail, (struct letter){open_work, NULL, NULL}));
}

static void stop_when_done(struct rig *rig)
{
    if (rig->live == 0)
        loop_stop(rig->loop);
}

static void on_late(struct timer *timer)
{
    struct rig *rig = LINK_ITEM(timer, struct rig, timer);

    /* Connections should have ended by themselves. */
    rig->failed_line = -1;
    loop_stop(rig->loop);
}

static void client_done(void *context, void *a, void *b)
{
    struct rig *rig = context;

    (void)a;
    (void)b;
    rig->client = NULL;
    timer_init(&rig->timer, on_late);
    timer_start(rig->loop, &rig->timer, loop_now_ms(rig->loop) + 5000);
    stop_when_done(rig);
}

static void *client_thread(void *argument)
{
    struct rig *rig = argument;
    sigset_t set;

    /* OpenSSL's client writes without MSG_NOSIGNAL. Only this thread is deaf: the code under test
     * must not need it. */
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    rig->client(rig);
    while (!mailbox_post(rig->mail, (struct letter){client_done, NULL, NULL}))
        (void)usleep(1000);
    return NULL;
}

void rig_run(struct rig *rig, void (*client)(struct rig *rig))
{
    pthread_t thread;

    rig->client = client;
    assert_int_equal(pthread_create(&thread, NULL, client_thread, rig), 0);
    loop_run(rig->loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    timer_stop(&rig->timer);
    assert_int_equal(rig->failed_line, 0);
    assert_int_equal(rig->live, 0);
}

void rig_echo(struct conn *c, uint8_t *data, size_t len)
{
    struct rig_peer *p = (struct rig_peer *)c;

    p->got += len;
    if (conn_write(c, data, len) != OK)
        conn_abort(c);
}

void rig_shutdown(struct conn *c)
{
    conn_shutdown(c);
}

void rig_closed(struct conn *c, enum conn_end end)
{
    struct rig_peer *p = (struct rig_peer *)c;
    struct rig *rig = p->rig;

    rig->ends[end]++;
    rig->spoke_plain = conn_spoke_plain(c);
    (void)snprintf(rig->detail, sizeof(rig->detail), "%s", conn_end_detail(c));
    link_remove(&p->link);
    free(p);
    rig->live--;
    if (rig->client == NULL)
        stop_when_done(rig);
}

const struct conn_ops rig_echo_ops = {NULL, rig_echo, rig_shutdown, NULL, rig_closed};

struct rig_peer *rig_peer(struct rig *rig, unsigned number)
{
    for (struct link *at = rig->peers.next; at != &rig->peers; at = at->next) {
        struct rig_peer *p = LINK_ITEM(at, struct rig_peer, link);
        if (p->number == number)
            return p;
    }
    return NULL;
}

int rig_connect(struct rig *rig)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(rig->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {5, 0};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

bool rig_read_full(int fd, void *into, size_t len)
{
    return recv(fd, into, len, MSG_WAITALL) == (ssize_t)len;
}

bool rig_at_eof(int fd)
{
    char rest[4096];
    ssize_t n;

    do
        n = recv(fd, rest, sizeof(rest), 0);
    while (n > 0);
    return n == 0;
}

SSL_CTX *rig_ssl_context(const struct rig *rig)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL || SSL_CTX_load_verify_file(context, rig->ca) != 1)
        return NULL;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}

SSL *rig_ssl(SSL_CTX *context, int fd)
{
    SSL *ssl = SSL_new(context);

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

bool rig_ssl_echo(SSL *ssl, const char *text)
{
    char back[4096];
    int len = (int)strlen(text), have = 0;

    if (SSL_write(ssl, text, len) != len)
        return false;
    while (have < len) {
        int n = SSL_read(ssl, back + have, len - have);
        if (n <= 0)
            return false;
        have += n;
    }
    return memcmp(back, text, (size_t)len) == 0;
}

void rig_ssl_close(SSL *ssl, int fd)
{
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    (void)close(fd);
}

bool hand_open(struct hand *h, SSL_CTX *context, struct rig *rig)
{
    h->fd = rig_connect(rig);
    h->ssl = SSL_new(context);
    h->in = BIO_new(BIO_s_mem());
    h->out = BIO_new(BIO_s_mem());
    SSL_set_bio(h->ssl, h->in, h->out);
    SSL_set_connect_state(h->ssl);
    return h->fd >= 0;
}

void hand_close(struct hand *h)
{
    SSL_free(h->ssl);
    (void)close(h->fd);
}

int hand_take(struct hand *h, uint8_t *into, int cap)
{
    return BIO_read(h->out, into, cap);
}

bool hand_receive(struct hand *h)
{
    uint8_t in[16384];
    ssize_t n = recv(h->fd, in, sizeof(in), 0);

    return n > 0 && BIO_write(h->in, in, (int)n) == n;
}

/* Goes on until the handshake is done; what the client wants to say last stays in h->out. */
bool hand_finish(struct hand *h)
{
    while (SSL_do_handshake(h->ssl) != 1) {
        if (!hand_receive(h))
            return false;
    }
    return true;
}

bool hand_flush(struct hand *h)
{
    uint8_t out[65536];
    int n = hand_take(h, out, sizeof(out));

    return n <= 0 || send(h->fd, out, (size_t)n, MSG_NOSIGNAL) == n;
}

bool hand_read(struct hand *h, char *into, int len)
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
