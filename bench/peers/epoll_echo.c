/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling for an echo: one epoll, one recv, unmask, one send, and nothing that a server needs
 * besides: no limits, no queue, no timers, no UTF-8, no fragments, messages up to 125 bytes only.
 *
 *   epoll_echo PORT */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
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

static bool is_upgraded[FDS];
static uint8_t in[65536], out[65536];

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
    is_upgraded[fd] = true;
}

static void echo(int fd, size_t len)
{
    size_t at = 0, made = 0;

    while (at + 6 <= len) {
        size_t n = in[at + 1] & 0x7fU;
        if (n > 125 || at + 6 + n > len)
            break;
        out[made] = in[at];
        out[made + 1] = (uint8_t)n;
        for (size_t i = 0; i < n; i++)
            out[made + 2 + i] = in[at + 6 + i] ^ in[at + 2 + (i & 3)];
        made += 2 + n;
        at += 6 + n;
    }
    (void)!send(fd, out, made, MSG_NOSIGNAL);
}

static void readable(int fd)
{
    ssize_t n = recv(fd, in, sizeof(in) - 1, 0);

    if (n <= 0) {
        is_upgraded[fd] = false;
        close(fd);
    } else if (is_upgraded[fd]) {
        echo(fd, (size_t)n);
    } else {
        answer_upgrade(fd, (char *)in, (size_t)n);
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
