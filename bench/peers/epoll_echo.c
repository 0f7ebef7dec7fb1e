/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling for an echo: one epoll, one recv, unmask, one send, and nothing that a server needs
 * besides: no limits, no queue, no timers, no UTF-8, no fragments put together, no control frames.
 * A payload goes back as it comes in, even where a frame comes in several pieces.
 *
 *   epoll_echo PORT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define FDS    65536

struct conn {
    bool is_upgraded;
    uint8_t head[14], head_len;
    uint64_t left, mask; /* of the payload coming in; the mask turned to its next byte, eight bytes wide */
};

static struct conn conns[FDS];
static uint8_t in[65536], out[2 * 65536];

static void answer_upgrade(int fd, char *head, size_t len)
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char hash[EVP_MAX_MD_SIZE], text[64];
    char answer[256], key[24 + sizeof(magic)];
    unsigned hash_len = 0;
    char *at;
    int n;

    head[len] = '\0';
    at = strcasestr(head, "Sec-WebSocket-Key: ");
    if (at == NULL)
        return;
    memcpy(key, at + 19, 24);
    memcpy(key + 24, magic, sizeof(magic));
    (void)EVP_Digest(key, strlen(key), hash, &hash_len, EVP_sha1(), NULL);
    (void)EVP_EncodeBlock(text, hash, (int)hash_len);
    n = snprintf(answer, sizeof(answer),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n\r\n",
                 (const char *)text);
    (void)!write(fd, answer, (size_t)n);
    conns[fd] = (struct conn){.is_upgraded = true};
}

/* Takes a byte of a frame's head; when that was the last one, writes the head of the answer and returns its length. */
static size_t take_head(struct conn *c, uint8_t byte, uint8_t *to)
{
    size_t extra, want;
    uint32_t mask;

    c->head[c->head_len++] = byte;
    if (c->head_len < 2)
        return 0;
    extra = (c->head[1] & 127U) == 126 ? 2 : (c->head[1] & 127U) == 127 ? 8 : 0;
    want = 2 + extra + 4;
    if (c->head_len < want)
        return 0;
    c->left = extra > 0 ? 0 : c->head[1] & 127U;
    for (size_t i = 0; i < extra; i++)
        c->left = c->left << 8 | c->head[2 + i];
    memcpy(&mask, c->head + want - 4, 4);
    c->mask = (uint64_t)mask << 32 | mask;
    memcpy(to, c->head, want - 4);
    to[1] &= 127U;
    c->head_len = 0;
    return want - 4;
}

static void take_payload(struct conn *c, uint8_t *to, const uint8_t *from, size_t n)
{
    unsigned turn = (unsigned)(n % 4) * 8;
    size_t i = 0;
    uint64_t word;

    for (; i + 8 <= n; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= c->mask;
        memcpy(to + i, &word, 8);
    }
    for (; i < n; i++)
        to[i] = (uint8_t)(from[i] ^ c->mask >> i % 8 * 8);
    c->mask = turn > 0 ? c->mask >> turn | c->mask << (64 - turn) : c->mask;
    c->left -= n;
}

static void send_all(int fd, size_t len)
{
    for (size_t at = 0; at < len;) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        ssize_t n = send(fd, out + at, len - at, MSG_NOSIGNAL);
        if (n < 0 && (errno != EAGAIN || poll(&p, 1, 1000) != 1))
            return;
        at += n > 0 ? (size_t)n : 0;
    }
}

static void readable(int fd)
{
    ssize_t got = recv(fd, in, sizeof(in) - 1, 0);
    struct conn *c = &conns[fd];
    size_t made = 0;

    if (got <= 0) {
        c->is_upgraded = false;
        close(fd);
    } else if (!c->is_upgraded) {
        answer_upgrade(fd, (char *)in, (size_t)got);
    } else {
        for (size_t at = 0, n; at < (size_t)got; at += n) {
            n = 1;
            if (c->left == 0) {
                made += take_head(c, in[at], out + made);
                continue;
            }
            n = (size_t)got - at < c->left ? (size_t)got - at : (size_t)c->left;
            take_payload(c, out + made, in + at, n);
            made += n;
        }
        send_all(fd, made);
    }
}

static void accept_one(int epoll, int listener)
{
    struct epoll_event event = {.events = EPOLLIN};
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return;
    event.data.fd = fd;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (fd >= FDS || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        close(fd);
}

int main(int argc, char **argv)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);

    if (argc < 2 || listener < 0 || epoll < 0)
        return 2;
    here.sin_port = htons((uint16_t)atoi(argv[1]));
    signal(SIGPIPE, SIG_IGN);
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    event.data.fd = listener;
    if (bind(listener, (struct sockaddr *)&here, sizeof(here)) != 0 || listen(listener, 1024) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0)
        return 1;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                accept_one(epoll, listener);
            else
                readable(events[i].data.fd);
        }
    }
}
