/* SPDX-License-Identifier: Apache-2.0 */
/* http_host.c: see http_host.h. */
#include "http_host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_whole(const struct http_host_connection *c)
{
    const char *end = strstr(c->request, "\r\n\r\n");
    const char *length = strstr(c->request, "\r\nContent-Length: ");
    size_t body_bytes = length == NULL ? 0 : (size_t)atol(length + 18);

    return end != NULL && c->bytes >= (size_t)(end + 4 - c->request) + body_bytes;
}

static void answer(struct host *h, struct http_host_connection *c)
{
    const char *body = atomic_load(&h->body);
    char head[256];
    int len;

    memcpy(h->last, c->request, c->bytes + 1);
    c->bytes = 0;
    atomic_fetch_add(&h->requests, 1);
    if (atomic_load(&h->is_silent))
        return;
    len = snprintf(head, sizeof(head),
                   "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                   atomic_load(&h->status), strlen(body));
    if (send(c->fd, head, (size_t)len, MSG_NOSIGNAL) > 0)
        (void)!send(c->fd, body, strlen(body), MSG_NOSIGNAL);
}

static void read_more(struct host *h, struct http_host_connection *c)
{
    ssize_t n = recv(c->fd, c->request + c->bytes, sizeof(c->request) - 1 - c->bytes, 0);

    if (n <= 0) {
        (void)close(c->fd);
        c->fd = -1;
        return;
    }
    c->bytes += (size_t)n;
    c->request[c->bytes] = '\0';
    if (is_whole(c))
        answer(h, c);
}

static void take_connection(struct host *h)
{
    int fd = accept(h->fd, NULL, NULL);

    if (fd < 0)
        return;
    for (size_t i = 0; i < HTTP_HOST_CONNECTIONS_MAX; i++) {
        if (h->open[i].fd >= 0)
            continue;
        h->open[i].fd = fd;
        h->open[i].bytes = 0;
        atomic_fetch_add(&h->connections, 1);
        return;
    }
    (void)close(fd);
}

static void *serve(void *argument)
{
    struct host *h = argument;
    struct pollfd fds[1 + HTTP_HOST_CONNECTIONS_MAX];

    while (!atomic_load(&h->is_over)) {
        fds[0] = (struct pollfd){.fd = h->fd, .events = POLLIN};
        for (size_t i = 0; i < HTTP_HOST_CONNECTIONS_MAX; i++)
            fds[1 + i] = (struct pollfd){.fd = h->open[i].fd, .events = POLLIN};
        (void)poll(fds, 1 + HTTP_HOST_CONNECTIONS_MAX, 20);
        for (size_t i = 0; i < HTTP_HOST_CONNECTIONS_MAX; i++) {
            if (h->open[i].fd >= 0 && fds[1 + i].revents != 0)
                read_more(h, &h->open[i]);
        }
        if (fds[0].revents != 0)
            take_connection(h);
    }
    return NULL;
}

void host_open(struct host *h)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    memset(h, 0, sizeof(*h));
    for (size_t i = 0; i < HTTP_HOST_CONNECTIONS_MAX; i++)
        h->open[i].fd = -1;
    atomic_store(&h->status, "200 OK");
    atomic_store(&h->body, "{}");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(h->fd >= 0 && bind(h->fd, (struct sockaddr *)&address, len) == 0 &&
         listen(h->fd, 64) == 0 && getsockname(h->fd, (struct sockaddr *)&address, &len) == 0);
    h->port = ntohs(address.sin_port);
    must(pthread_create(&h->thread, NULL, serve, h) == 0);
}

void host_close(struct host *h)
{
    atomic_store(&h->is_over, true);
    (void)pthread_join(h->thread, NULL);
    for (size_t i = 0; i < HTTP_HOST_CONNECTIONS_MAX; i++) {
        if (h->open[i].fd >= 0)
            (void)close(h->open[i].fd);
    }
    (void)close(h->fd);
}
