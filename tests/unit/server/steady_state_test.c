/* SPDX-License-Identifier: Apache-2.0 */
/* Once a server is warm a message costs no memory: nothing is taken from the heap and nothing given
 * back while echoes, messages with a schema and publications to many subscribers go through a
 * server in this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/jwt.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "counted_heap.h"
#include "crypto/x509.h"
#include "server/options.h"
#include "server/server.h"
#include "wire/ws_frame.h"

#define SUBSCRIBERS 100
#define WARM        100 /* rounds before anything is counted */
#define COUNTED     500
#define SECRET      "0f6d2a9be8137c54a1d0e9b86f3c2d7145a8b9c0d1e2f30415263748596a7b8c"

static const char config[] =
    "server: {workers: 1, drain: 1s, state_dir: %s}\n"
    "listen: [{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:0\", tls: {cert: server.crt, key: "
    "server.key}}]\n"
    "hosts: [localhost]\n"
    "auth:\n"
    "  jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, audience: null}]\n"
    "channels: [{pattern: \"room-{room_id}\"}]\n"
    "messages:\n"
    "  chat_message: {schema_file: chat.json, publish: \"room-{/room_id}\", sanitize: {/content: "
    "strip}}\n"
    "limits:\n"
    "  connections: {total: 1000, per_ip: 1000}\n"
    "  handshakes: {per_second: 1000, burst: 1000}\n"
    "  messages: {per_minute: 10000000, per_hour: 600000000}\n"
    "timeouts: {ping: 10m}\n"
    "log: {events: \"off\"}\n"
    "routes: [{path: /ws, serve: channels}, {path: /echo, serve: echo}]\n";
static const char schema[] =
    "{\"type\":\"object\",\"required\":[\"type\",\"content\",\"room_id\"],\"properties\":{"
    "\"content\":{\"type\":\"string\",\"maxLength\":5000},"
    "\"room_id\":{\"type\":\"string\",\"pattern\":\"^[a-z0-9]{1,50}$\"}}}";
static const char chat[] =
    "{\"type\":\"chat_message\",\"room_id\":\"42\",\"content\":\"Shall we meet at the station "
    "at a quarter past nine?\",\"id\":7}";
static const char published[] = "{\"type\":\"publish\",\"channel\":\"room-42\",\"data\":{\"text\":"
                                "\"the tea is here\",\"n\":[1,2,3]}}";

struct line {
    int fd;   /* -1: none */
    SSL *ssl; /* NULL: plain */
};
struct house {
    char folder[64];
    struct server *server;
    pthread_t thread;
    char token[2048];
    struct line lines[SUBSCRIBERS + 1]; /* subscribers, then who publishes */
    SSL_CTX *context;
    bool is_tls;
};

/* --- a client --- */

static void send_all(const struct line *to, const void *bytes, size_t len)
{
    if (to->ssl != NULL)
        assert_int_equal(SSL_write(to->ssl, bytes, (int)len), len);
    else
        assert_int_equal(send(to->fd, bytes, len, MSG_NOSIGNAL), len);
}

static void receive_all(const struct line *from, void *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        long got = from->ssl != NULL ? SSL_read(from->ssl, (char *)bytes + done, (int)(len - done))
                                     : recv(from->fd, (char *)bytes + done, len - done, 0);

        assert_true(got > 0);
        done += (size_t)got;
    }
}

static void send_text(const struct line *to, const char *text)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t frame[WS_FRAME_HEADER_MAX + 4096];
    size_t len = strlen(text);
    size_t header = ws_frame_encode(frame, WS_TEXT, true, false, len, mask);

    assert_true(len <= 4096);
    ws_mask_copy(frame + header, (const uint8_t *)text, len, mask, 0);
    send_all(to, frame, header + len);
}

/* The next message into text, which holds 4096 bytes. */
static void receive_text(const struct line *from, char *text)
{
    uint8_t header[4];
    size_t len;

    receive_all(from, header, 2);
    assert_int_equal(header[0], 0x81);
    len = header[1];
    if (len == 126) {
        receive_all(from, header + 2, 2);
        len = (size_t)header[2] << 8 | header[3];
    }
    assert_true(len < 4096);
    receive_all(from, text, len);
    text[len] = '\0';
}

static void expect_text(const struct line *from, const char *word)
{
    char text[4096];

    receive_text(from, text);
    if (strstr(text, word) == NULL)
        fail_msg("expected %s, got %s", word, text);
}

static void dial(const struct house *h, struct line *line)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(server_port(h->server, h->is_tls))};
    struct timeval patience = {.tv_sec = 20};
    int on = 1;

    line->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(line->fd >= 0 && connect(line->fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    (void)setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(line->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (!h->is_tls)
        return;
    line->ssl = SSL_new(h->context);
    assert_non_null(line->ssl);
    assert_int_equal(SSL_set_tlsext_host_name(line->ssl, "localhost"), 1);
    assert_int_equal(SSL_set_fd(line->ssl, line->fd), 1);
    assert_int_equal(SSL_connect(line->ssl), 1);
}

static void hang_up(struct line *line)
{
    SSL_free(line->ssl);
    line->ssl = NULL;
    if (line->fd >= 0)
        (void)close(line->fd);
    line->fd = -1;
}

static void enter(const struct house *h, struct line *line, const char *path)
{
    char head[512];
    size_t len;

    dial(h, line);
    len = (size_t)snprintf(
        head, sizeof(head),
        "GET %s HTTP/1.1\r\nHost: localhost:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        path, (unsigned)server_port(h->server, h->is_tls));
    send_all(line, head, len);
    for (len = 0; len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0; len++) {
        assert_true(len < sizeof(head));
        receive_all(line, head + len, 1);
    }
    assert_memory_equal(head, "HTTP/1.1 101", 12);
}

/* --- a house --- */

static void put_file(const struct house *h, const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", h->folder, name);
    assert_int_equal(file_write(path, text, strlen(text), 0600), OK);
}

static void put_pem(const struct house *h, const char *name, struct buf *pem)
{
    assert_int_equal(buf_append(pem, "", 1), OK);
    put_file(h, name, (const char *)pem->data);
}

static void make_certificate(const struct house *h)
{
    static const char *const names[] = {"localhost"};
    struct x509_pair ca = {BUF_INIT(65536), BUF_INIT(65536)},
                     leaf = {BUF_INIT(65536), BUF_INIT(65536)};
    struct error why = {.text = ""};

    if (x509_make_ca(&ca, "steady", &why) != OK || x509_make_leaf(&leaf, &ca, names, 1, &why) != OK)
        fail_msg("%s", why.text);
    put_pem(h, "server.crt", &leaf.cert_pem);
    put_pem(h, "server.key", &leaf.key_pem);
    x509_pair_clear(&ca);
    x509_pair_clear(&leaf);
}

static void make_token(struct house *h)
{
    struct jwt_issuer issuer = {.roles_claim = "roles"};
    struct jwt_grant grant = {
        .user = VIEW("alice"), .roles = VIEW("user"), .wall_s = clock_wall_s(), .ttl_s = 3600};
    struct buf token = BUF_INIT(sizeof(h->token));
    struct jwt_key key;

    assert_int_equal(jwt_key_init_hmac(&key, "HS256", "", SECRET, strlen(SECRET)), OK);
    assert_int_equal(jwt_sign(&token, &key, &issuer, &grant), OK);
    (void)snprintf(h->token, sizeof(h->token), "auth:" VIEW_FMT, VIEW_ARG(buf_view(&token)));
    hmac_key_free(key.hmac);
    buf_clear(&token);
}

static void *serve(void *context)
{
    struct house *h = context;

    return (void *)(intptr_t)server_run(h->server);
}

static int open_house(void **state)
{
    struct house *h = calloc(1, sizeof(*h));
    char text[2 * sizeof(config)], path[128];
    struct options *options = NULL;
    struct problems problems;
    struct error why = {.text = ""};

    assert_non_null(h);
    (void)snprintf(h->folder, sizeof(h->folder), "/tmp/gateward-steady-XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    (void)snprintf(text, sizeof(text), config, h->folder);
    put_file(h, "jwt.secret", SECRET);
    put_file(h, "chat.json", schema);
    put_file(h, "c.yaml", text);
    make_certificate(h);
    (void)snprintf(path, sizeof(path), "%s/c.yaml", h->folder);
    problems_init(&problems, path);
    if (options_load(&options, path, &problems) != OK) {
        problems_print(&problems, stderr);
        fail();
    }
    problems_clear(&problems);
    if (server_open(&h->server, options, &why) != OK)
        fail_msg("%s", why.text);
    make_token(h);
    assert_int_equal(pthread_create(&h->thread, NULL, serve, h), 0);
    for (unsigned i = 0; i < SUBSCRIBERS + 1; i++)
        h->lines[i].fd = -1;
    h->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(h->context);
    *state = h;
    return 0;
}

static void remove_file(const struct house *h, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", h->folder, name);
    (void)unlink(path);
}

static int close_house(void **state)
{
    struct house *h = *state;

    for (unsigned i = 0; i < SUBSCRIBERS + 1; i++)
        hang_up(&h->lines[i]);
    SSL_CTX_free(h->context);
    server_drain(h->server);
    server_drain(h->server);
    (void)pthread_join(h->thread, NULL);
    server_free(h->server);
    remove_file(h, "jwt.secret");
    remove_file(h, "server.crt");
    remove_file(h, "server.key");
    remove_file(h, "chat.json");
    remove_file(h, "c.yaml");
    (void)rmdir(h->folder);
    free(h);
    return 0;
}

/* --- what is counted --- */

static void count(struct house *h, void (*round)(struct house *h), const char *what)
{
    unsigned long taken, given;

    for (unsigned i = 0; i < WARM; i++)
        round(h);
    counted_heap_start();
    for (unsigned i = 0; i < COUNTED; i++)
        round(h);
    counted_heap_stop();
    taken = atomic_load(&counted_taken);
    given = atomic_load(&counted_given);
    if (taken != 0 || given != 0)
        fail_msg("%u times %s took memory %lu times and gave it back %lu times", COUNTED, what,
                 taken, given);
}

static void echo_round(struct house *h)
{
    char text[4096];

    send_text(&h->lines[0], published);
    receive_text(&h->lines[0], text);
    assert_string_equal(text, published);
}

static void an_echo_takes_no_memory(void **state)
{
    struct house *h = *state;

    for (unsigned is_tls = 0; is_tls < 2; is_tls++) {
        h->is_tls = is_tls == 1;
        enter(h, &h->lines[0], "/echo");
        count(h, echo_round, "an echo");
        hang_up(&h->lines[0]);
    }
}

static void log_in(struct house *h)
{
    for (unsigned i = 0; i < SUBSCRIBERS + 1; i++) {
        enter(h, &h->lines[i], "/ws");
        send_text(&h->lines[i], h->token);
        expect_text(&h->lines[i], "welcome");
        if (i == SUBSCRIBERS)
            continue;
        send_text(&h->lines[i], "{\"type\":\"subscribe\",\"channel\":\"room-42\"}");
        expect_text(&h->lines[i], "subscribed");
    }
}

static void to_all(struct house *h, const char *message, const char *word)
{
    send_text(&h->lines[SUBSCRIBERS], message);
    expect_text(&h->lines[SUBSCRIBERS], "\"ack\"");
    for (unsigned i = 0; i < SUBSCRIBERS; i++)
        expect_text(&h->lines[i], word);
}

static void publish_round(struct house *h)
{
    to_all(h, published, "the tea is here");
}

static void chat_round(struct house *h)
{
    to_all(h, chat, "the station");
}

static void ping_round(struct house *h)
{
    send_text(&h->lines[SUBSCRIBERS], "{\"type\":\"ping\",\"id\":1}");
    expect_text(&h->lines[SUBSCRIBERS], "pong");
}

static void count_logged_in(struct house *h)
{
    log_in(h);
    count(h, ping_round, "a message and its answer");
    count(h, publish_round, "a publication to 100 subscribers");
    count(h, chat_round, "a message with schema and sanitiser to 100 subscribers");
    for (unsigned i = 0; i < SUBSCRIBERS + 1; i++)
        hang_up(&h->lines[i]);
}

static void messages_and_publications_take_no_memory(void **state)
{
    struct house *h = *state;

    h->is_tls = false;
    count_logged_in(h);
}

static void over_tls_they_take_none_either(void **state)
{
    struct house *h = *state;

    h->is_tls = true;
    count_logged_in(h);
}

/* The count itself: what is taken and given back is seen. */
static void the_heap_is_counted(void **state)
{
    char *volatile taken;

    (void)state;
    counted_is_looked_over = false;
    counted_heap_start();
    taken = malloc(10);
    free(taken);
    taken = OPENSSL_malloc(10);
    OPENSSL_free(taken);
    counted_heap_stop();
    counted_is_looked_over = true;
    assert_int_equal(atomic_load(&counted_taken), 2);
    assert_int_equal(atomic_load(&counted_given), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heap_is_counted),
        cmocka_unit_test(an_echo_takes_no_memory),
        cmocka_unit_test(messages_and_publications_take_no_memory),
        cmocka_unit_test(over_tls_they_take_none_either),
    };

    if (!counted_heap_open())
        return 1;
    counted_is_looked_over = true; /* the client's; the server has threads of its own */
    return cmocka_run_group_tests(tests, open_house, close_house);
}
