/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto message limit access config wire net broker auth hub api server */
/* fuzz-sources: mock_net.c mock_mail.c session_side.c */
/* The whole server above the socket: two workers, up to eight peers that say anything in any
 * pieces, time, ends, a kernel that takes what it likes, and drains. What may never happen is
 * asserted: bytes that are not HTTP followed by unmasked frames, anything behind a Close, a welcome
 * without a token, a push to one who may not have it, a connection that outlives its deadlines, a
 * counter or memory that stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status.h"
#include "config/problems.h"
#include "crypto/hmac.h"
#include "server/server.h"
#include "session_side.h"

#define WORKERS     2
#define INBOX_BYTES (64u * 1024u)
#define TOKENS      8
#define TOKENS_GOOD 5

struct input {
    const uint8_t *at, *end;
};

static char folder[] = "/tmp/gateward-fuzz-XXXXXX";
static char tokens[TOKENS][512];
static struct server *server;
static const char config_text[] =
    "server: {workers: 2, drain: 2s}\n"
    "listen: [{address: \"127.0.0.1:0\"}]\n"
    "hosts: [localhost]\n"
    "origins: [https://app.example.com]\n"
    "auth: {timeout: 10s, jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, "
    "audience: null}]}\n"
    "channels: [{pattern: \"public:chat\"}, {pattern: \"private:room-{room_id}\", allow: [user]},\n"
    "  {pattern: \"user:{user_id}:messages\"}, {pattern: \"chat:mod-only\", allow: [moderator]}]\n"
    "limits: {connections: {total: 6, per_ip: 4}, handshakes: {per_second: 100, burst: 100},\n"
    "  messages: {per_minute: 30, per_hour: 100}, control_frames: {per_minute: 20},\n"
    "  message_size: 2KiB, fragments: 8, assembly: 5s, subscriptions: 3, channels: 4, users: 3,\n"
    "  queue: {size: 4KiB, stall: 2s}}\n"
    "log: {events: off}\n"
    "routes: [{path: /ws, serve: channels}, {path: /echo, serve: echo}]\n";
static const char *const compressions[] = {
    "compression: {enabled: false}\n", "compression: {enabled: true}\n",
    "compression: {enabled: true, context_takeover: true, window_bits: 9}\n",
    "compression: {enabled: true, context_takeover: true}\n"};

static uint8_t take(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* --- tokens --- */

static void make_token(char *out, const char *header, const char *claims, const char *secret)
{
    struct hmac_key *key;
    uint8_t mac[64];
    size_t len;

    ASSERT(hmac_key_new(&key, HMAC_SHA256, secret, strlen(secret)) == OK);
    len = base64url_encode(out, header, strlen(header));
    out[len++] = '.';
    len += base64url_encode(out + len, claims, strlen(claims));
    ASSERT(hmac_sign(mac, key, out, len) == OK);
    out[len++] = '.';
    len += base64url_encode(out + len, mac, 32);
    out[len] = '\0';
    hmac_key_free(key);
}

static void make_tokens(const char *secret)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    static const char *const claims[TOKENS] = {
        "{\"sub\":\"alice\",\"roles\":[\"user\"],\"exp\":1900000000}",
        "{\"sub\":\"bob\",\"roles\":[\"guest\"],\"exp\":1900000000}",
        "{\"sub\":\"mod\",\"roles\":[\"moderator\"],\"exp\":1900000000}",
        "{\"sub\":\"alice\",\"roles\":[\"user\"],\"exp\":1800000030}",
        "{\"sub\":\"alice\",\"roles\":[\"guest\"],\"exp\":1800000090}",
        "{\"sub\":\"mod\",\"roles\":[\"moderator\"],\"exp\":1700000000}",  /* expired */
        "{\"sub\":\"mod\",\"roles\":[\"moderator\"],\"exp\":1900000000}",  /* another secret */
        "{\"sub\":\"mod\",\"roles\":[\"moderator\"],\"exp\":1900000000}"}; /* alg none */

    for (int i = 0; i < TOKENS; i++)
        make_token(tokens[i], i == 7 ? "{\"alg\":\"none\"}" : header, claims[i],
                   i == 6 ? "0123456789abcdef0123456789abcdef0123" : secret);
}

static void remove_folder(void)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "%s/jwt.secret", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char secret[] = "kT9vQ2xWm4Zr7Lp0Ns3Jb6Hd1Fg8Yc5AuEoIi+/RtUw";
    char path[64];

    (void)argc;
    (void)argv;
    log_level_set(LOG_ERROR);
    ASSERT(mkdtemp(folder) != NULL);
    (void)atexit(remove_folder);
    (void)snprintf(path, sizeof(path), "%s/jwt.secret", folder);
    ASSERT(file_write(path, secret, strlen(secret), 0600) == OK);
    make_tokens(secret);
    return 0;
}

/* --- what goes in --- */

static struct worker *worker_of(const struct side *s)
{
    return &server->workers[s->worker];
}

static void turn_all(void)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        if (!mock_is_stopped(server->workers[i].loop))
            mock_turn(server->workers[i].loop);
    }
}

static void pass(uint64_t ms)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        if (!mock_is_stopped(server->workers[i].loop))
            mock_pass(&server->workers[i].loop, 1, ms);
    }
}

/* What lies in the inbox is read in pieces of at most `piece`, while the server reads. */
static void feed(struct side *s, size_t piece)
{
    while (s->peer != NULL && s->inbox_bytes > 0 && !s->peer->conn.is_paused) {
        size_t n = s->inbox_bytes < piece ? s->inbox_bytes : piece;
        uint8_t *data = malloc(n);
        ASSERT(data != NULL);
        memcpy(data, s->inbox, n);
        memmove(s->inbox, s->inbox + n, s->inbox_bytes - n);
        s->inbox_bytes -= n;
        mock_receive(&s->peer->conn, data, n);
        free(data);
        if (piece < 100)
            mock_turn(worker_of(s)->loop);
    }
}

static void put(struct side *s, const void *bytes, size_t len)
{
    if (s->peer == NULL || s->inbox_bytes + len > INBOX_BYTES)
        return;
    if (s->inbox == NULL)
        s->inbox = malloc(INBOX_BYTES);
    ASSERT(s->inbox != NULL);
    memcpy(s->inbox + s->inbox_bytes, bytes, len);
    s->inbox_bytes += len;
}

static void put_frame(struct side *s, uint8_t first, const void *payload, size_t len)
{
    static const uint8_t key[4] = {1, 2, 3, 4};
    uint8_t frame[8 + 2048];

    ASSERT(len <= 2048);
    frame[0] = first;
    frame[1] = (uint8_t)(0x80 | (len < 126 ? len : 126));
    frame[2] = (uint8_t)(len >> 8);
    frame[3] = (uint8_t)len;
    size_t at = len < 126 ? 2 : 4;
    memcpy(frame + at, key, 4);
    at += 4;
    for (size_t i = 0; i < len; i++)
        frame[at + i] = ((const uint8_t *)payload)[i] ^ key[i & 3];
    put(s, frame, at + len);
}

static void put_text(struct side *s, const char *text)
{
    put_frame(s, 0x81, text, strlen(text));
}

static void connect_peer(unsigned slot, struct input *in)
{
    struct side *s = &sides[slot];
    uint8_t how = take(in);
    struct ip_address ip = {.family = 4, .bytes = {10, 0, 0, how & 3}};
    struct worker_listener from;

    s->worker = slot % WORKERS;
    if (s->peer != NULL || server->workers[s->worker].is_draining)
        return;
    if ((how & 4) != 0)
        ip = (struct ip_address){0}; /* a Unix socket */
    from = server->workers[s->worker].listeners[0];
    if ((how & 8) != 0)
        from.tls = (struct tls_server *)(void *)&server; /* only asked whether it is there */
    buf_init(&s->head, 65536);
    uint32_t before = worker_of(s)->peers_count;
    peer_accept(&from, (how & 0xf0) == 0xf0 ? -1 : FD_FIRST + (int)slot, &ip, how);
    if (worker_of(s)->peers_count == before)
        return;
    s->peer = LINK_ITEM(worker_of(s)->peers.prev, struct peer, link);
}

static void put_head(struct side *s, struct input *in)
{
    static const char *const extras[] = {
        "",
        "Origin: https://app.example.com\r\n",
        "Origin: https://evil.example.com\r\n",
        "Sec-WebSocket-Protocol: gateward.v1\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        "Sec-WebSocket-Extensions: " WS_DEFLATE_OFFER "\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n",
        "Cookie: a=b\r\n"};
    uint8_t which = take(in);
    uint8_t token = take(in);
    bool is_echo = (which & 0x10) != 0;
    char text[1500];
    int len;

    if (s->peer == NULL || s->has_head)
        return;
    len = snprintf(text, sizeof(text),
                   "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                   "%s%s%s%s\r\n",
                   is_echo ? "/echo" : "/ws", (which & 0x20) != 0 ? "other" : "localhost",
                   extras[which & 7], (token & 8) != 0 ? "Authorization: Bearer " : "",
                   (token & 8) != 0 ? tokens[token & 7] : "", (token & 8) != 0 ? "\r\n" : "");
    if ((token & 8) != 0 && (token & 7) < TOKENS_GOOD)
        s->users |= 1u << (token & 7);
    put(s, text, (size_t)len);
}

static void put_auth(struct side *s, struct input *in)
{
    uint8_t which = take(in);
    char text[700];

    if ((which & 7) < TOKENS_GOOD)
        s->users |= 1u << (which & 7);
    (void)snprintf(text, sizeof(text),
                   (which & 8) != 0 ? "auth:%s" : "{\"type\":\"auth\",\"token\":\"%s\",\"id\":1}",
                   tokens[which & 7]);
    if (s->peer != NULL)
        put_text(s, text);
}

static void put_message(struct side *s, struct input *in)
{
    static const char *const types[] = {"subscribe", "publish", "unsubscribe", "ping",
                                        "message",   "auth",    "x",           "presence"};
    static const char *const channels[] = {
        "public:chat",   "private:room-1",      "private:room-2",    "private:room-3",
        "chat:mod-only", "user:alice:messages", "user:bob:messages", "user:mod:messages"};
    uint8_t which = take(in), size = take(in);
    char data[1600], text[2040];

    memset(data, (which & 0x80) != 0 ? '<' : 'd', sizeof(data));
    data[size * 6u] = '\0';
    (void)snprintf(text, sizeof(text),
                   "{\"type\":\"%s\",\"channel\":\"%s\",\"data\":\"%s\",\"id\":\"%c\"}",
                   types[which & 7], channels[which >> 3 & 7], data, 'a' + (which & 7));
    put_text(s, text);
}

static void put_raw(struct side *s, struct input *in, bool is_frame)
{
    uint8_t first = is_frame ? take(in) : 0;
    size_t len = take(in), left = (size_t)(in->end - in->at);

    len = len < left ? len : left;
    if (is_frame)
        put_frame(s, first, in->at, len);
    else
        put(s, in->at, len);
    in->at += len;
}

static void publish(struct input *in)
{
    uint8_t which = take(in);

    (void)server_publish(server, (which & 1) != 0 ? VIEW("public:chat") : VIEW("chat:mod-only"),
                         (which & 2) != 0 ? VIEW("{\"a\":[1,2]}") : VIEW("\"hello\""));
}

static void end_peer(struct side *s, uint8_t how)
{
    if (s->peer == NULL)
        return;
    if (how == 0)
        mock_eof(&s->peer->conn);
    else if (how == 1)
        mock_reset(&s->peer->conn);
    else
        mock_handshake(&s->peer->conn, how != 2);
}

/* At the end of a turn: what waits is bounded, and who is not read from has something to wait for.
 */
static void nobody_is_forgotten(void)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        const struct side *s = &sides[i];
        if (s->peer == NULL)
            continue;
        ASSERT(!s->peer->conn.is_paused || conn_backlog(&s->peer->conn) > 0);
        ASSERT(s->peer->extra == NULL || s->peer->extra->pong == NULL ||
               conn_is_closing(&s->peer->conn) || conn_backlog(&s->peer->conn) > 0);
        ASSERT(timer_is_running(&s->peer->timer));
        ASSERT(conn_backlog(&s->peer->conn) <= (s->is_echo ? 4 : 1) * INBOX_BYTES);
    }
}

/* One step. The upper half of its first byte says who, the lower half what. */
static void step(struct input *in)
{
    static const size_t pieces[] = {65536, 1, 7, 300};
    uint8_t op = take(in);
    struct side *s = &sides[op >> 4 & 7];
    uint8_t more;

    switch (op & 15) {
    case 0:
        connect_peer(op >> 4 & 7, in);
        break;
    case 1:
        put_raw(s, in, false);
        break;
    case 2:
        put_raw(s, in, true);
        break;
    case 3:
        put_head(s, in);
        break;
    case 4:
        put_auth(s, in);
        break;
    case 5:
    case 6:
        put_message(s, in);
        break;
    case 7:
        pass(UINT64_C(1) << (take(in) & 15));
        break;
    case 8:
        end_peer(s, take(in) & 3);
        break;
    case 9:
        more = take(in);
        if (s->peer != NULL)
            mock_kernel_takes(&s->peer->conn, more == 255 ? SIZE_MAX : more * (size_t)16);
        break;
    case 10:
        if (take(in) > 200)
            server_drain(server);
        break;
    case 11:
        publish(in);
        break;
    case 12:
        more = take(in);
        mock_wall_jump(worker_of(s)->loop, (int64_t)(more & 0x7f) * ((more & 0x80) != 0 ? -1 : 1));
        break;
    default: /* read without letting the turn end */
        feed(s, pieces[op & 3]);
        return;
    }
    if ((op & 0x80) != 0) {
        feed(s, pieces[in->at < in->end ? *in->at & 3 : 0]);
        turn_all();
        nobody_is_forgotten();
    }
}

/* --- the end --- */

static void everything_is_given_back(void)
{
    ASSERT(conn_table_total(server->connections) == 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct worker *w = &server->workers[i];
        ASSERT(w->peers_count == 0 && w->refusing == 0 && link_is_alone(&w->peers));
        ASSERT(mock_conns(w->loop) == 0 && hub_channel_count(w->hub) == 0);
    }
}

static void end_all(bool takes_all)
{
    if (takes_all) {
        for (unsigned i = 0; i < SLOTS; i++) {
            if (sides[i].peer != NULL)
                mock_kernel_takes(&sides[i].peer->conn, SIZE_MAX);
            feed(&sides[i], 65536);
        }
        /* Whoever says nothing more is gone by its deadlines: pings, answers, goodbyes. */
        pass(60000);
        everything_is_given_back();
    }
    server_drain(server);
    turn_all();
    pass(3000);
    for (unsigned i = 0; i < WORKERS; i++)
        ASSERT(mock_is_stopped(server->workers[i].loop));
    everything_is_given_back();
}

static struct options *load(uint8_t compression)
{
    struct options *options = NULL;
    struct problems problems;
    char text[4096];

    (void)snprintf(text, sizeof(text), "%s%s", config_text, compressions[compression & 3]);
    problems_init(&problems, "fuzz");
    if (options_load_text(&options, view_of_text(text), folder, &problems) != OK)
        problems_print(&problems, stderr);
    ASSERT(options != NULL);
    problems_clear(&problems);
    return options;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    struct error why = {0};
    uint8_t how = take(&in);

    mock_seed(how);
    ASSERT(server_open(&server, load(how), &why) == OK);
    for (unsigned i = 0; i < WORKERS; i++)
        worker_run(&server->workers[i]);
    while (in.at < in.end)
        step(&in);
    turn_all();
    end_all((how & 4) != 0);
    server_free(server);
    for (unsigned i = 0; i < SLOTS; i++)
        side_clear(&sides[i]);
    return 0;
}
