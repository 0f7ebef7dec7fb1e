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
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/jwt.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "counted_heap.h"
#include "server/options.h"
#include "server/server.h"
#include "wire/ws_frame.h"

#define SUBSCRIBERS 100
#define WARM        100 /* rounds before anything is counted */
#define COUNTED     500
#define SECRET      "0f6d2a9be8137c54a1d0e9b86f3c2d7145a8b9c0d1e2f30415263748596a7b8c"

static const char config[] =
    "server: {workers: 1, drain: 1s, state_dir: %s}\n"
    "listen: [{address: \"127.0.0.1:0\"}]\n"
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

struct house {
    char folder[64];
    struct server *server;
    pthread_t thread;
    char token[2048];
    int sockets[SUBSCRIBERS + 1]; /* subscribers, then who publishes */
};

/* --- a client that owns no heap --- */

static void send_all(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

static void receive_all(int fd, void *bytes, size_t len)
{
    if (len > 0)
        assert_int_equal(recv(fd, bytes, len, MSG_WAITALL), len);
}

static void send_text(int fd, const char *text)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t frame[WS_FRAME_HEADER_MAX + 4096];
    size_t len = strlen(text);
    size_t header = ws_frame_encode(frame, WS_TEXT, true, false, len, mask);

    assert_true(len <= 4096);
    ws_mask_copy(frame + header, (const uint8_t *)text, len, mask, 0);
    send_all(fd, frame, header + len);
}

/* The next message into text, which holds 4096 bytes. */
static void receive_text(int fd, char *text)
{
    uint8_t header[4];
    size_t len;

    receive_all(fd, header, 2);
    assert_int_equal(header[0], 0x81);
    len = header[1];
    if (len == 126) {
        receive_all(fd, header + 2, 2);
        len = (size_t)header[2] << 8 | header[3];
    }
    assert_true(len < 4096);
    receive_all(fd, text, len);
    text[len] = '\0';
}

static void expect_text(int fd, const char *word)
{
    char text[4096];

    receive_text(fd, text);
    if (strstr(text, word) == NULL)
        fail_msg("expected %s, got %s", word, text);
}

static int enter(const struct house *h, const char *path)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(server_port(h->server, 0))};
    struct timeval patience = {.tv_sec = 20};
    char head[512];
    size_t len = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    len = (size_t)snprintf(
        head, sizeof(head),
        "GET %s HTTP/1.1\r\nHost: localhost:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        path, (unsigned)server_port(h->server, 0));
    send_all(fd, head, len);
    for (len = 0; len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0; len++) {
        assert_true(len < sizeof(head));
        receive_all(fd, head + len, 1);
    }
    assert_memory_equal(head, "HTTP/1.1 101", 12);
    return fd;
}

/* --- a house --- */

static void put_file(const struct house *h, const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", h->folder, name);
    assert_int_equal(file_write(path, text, strlen(text), 0600), OK);
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
        h->sockets[i] = -1;
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
        if (h->sockets[i] >= 0)
            (void)close(h->sockets[i]);
    server_drain(h->server);
    server_drain(h->server);
    (void)pthread_join(h->thread, NULL);
    server_free(h->server);
    remove_file(h, "jwt.secret");
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

    send_text(h->sockets[0], published);
    receive_text(h->sockets[0], text);
    assert_string_equal(text, published);
}

static void an_echo_takes_no_memory(void **state)
{
    struct house *h = *state;

    h->sockets[0] = enter(h, "/echo");
    count(h, echo_round, "an echo");
    (void)close(h->sockets[0]);
    h->sockets[0] = -1;
}

static void log_in(struct house *h)
{
    for (unsigned i = 0; i < SUBSCRIBERS + 1; i++) {
        if (h->sockets[i] >= 0)
            continue;
        h->sockets[i] = enter(h, "/ws");
        send_text(h->sockets[i], h->token);
        expect_text(h->sockets[i], "welcome");
        if (i == SUBSCRIBERS)
            continue;
        send_text(h->sockets[i], "{\"type\":\"subscribe\",\"channel\":\"room-42\"}");
        expect_text(h->sockets[i], "subscribed");
    }
}

static void to_all(struct house *h, const char *message, const char *word)
{
    send_text(h->sockets[SUBSCRIBERS], message);
    expect_text(h->sockets[SUBSCRIBERS], "\"ack\"");
    for (unsigned i = 0; i < SUBSCRIBERS; i++)
        expect_text(h->sockets[i], word);
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
    send_text(h->sockets[SUBSCRIBERS], "{\"type\":\"ping\",\"id\":1}");
    expect_text(h->sockets[SUBSCRIBERS], "pong");
}

static void a_json_message_takes_no_memory(void **state)
{
    log_in(*state);
    count(*state, ping_round, "a message and its answer");
}

static void a_publication_to_many_takes_no_memory(void **state)
{
    log_in(*state);
    count(*state, publish_round, "a publication to 100 subscribers");
}

static void a_message_with_a_schema_takes_no_memory(void **state)
{
    log_in(*state);
    count(*state, chat_round, "a message with schema and sanitiser to 100 subscribers");
}

/* The count itself: what is taken and given back is seen. */
static void the_heap_is_counted(void **state)
{
    char *volatile taken;

    (void)state;
    counted_heap_start();
    taken = malloc(10);
    free(taken);
    taken = OPENSSL_malloc(10);
    OPENSSL_free(taken);
    counted_heap_stop();
    assert_int_equal(atomic_load(&counted_taken), 2);
    assert_int_equal(atomic_load(&counted_given), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heap_is_counted),
        cmocka_unit_test(an_echo_takes_no_memory),
        cmocka_unit_test(a_json_message_takes_no_memory),
        cmocka_unit_test(a_publication_to_many_takes_no_memory),
        cmocka_unit_test(a_message_with_a_schema_takes_no_memory),
    };

    if (!counted_heap_open())
        return 1;
    return cmocka_run_group_tests(tests, open_house, close_house);
}
