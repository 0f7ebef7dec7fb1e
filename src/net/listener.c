/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c: accepts in bounded bunches. When descriptors run out (SC-22) a level-triggered
 * listener would spin on a queue it cannot empty: so it gives up its reserve descriptor to take
 * some waiting peers and close them at once (they learn that now is a bad time), takes the reserve
 * back and rests, 100 ms at first and up to a second while it does not get better. */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/status.h"

#define ACCEPTS_PER_TURN 64
#define REFUSALS_PER_TRY 16
#define REST_FIRST_MS    100
#define REST_MAX_MS      1000

struct listener {
    uv_poll_t poll;
    struct loop *loop;
    int fd, reserve_fd;
    unsigned spare; /* descriptors that are left to others */
    bool is_closed;
    uint32_t rest_ms; /* of the last rest; 0 while all is well */
    struct timer rest;
    void (*on_accept)(void *context, int fd, const struct ip_address *peer, uint16_t peer_port);
    void *context;
};

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void peer_of(const struct sockaddr_storage *sa, struct ip_address *ip, uint16_t *port)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)sa;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

    memset(ip, 0, sizeof(*ip));
    *port = 0;
    if (sa->ss_family == AF_INET) {
        ip->family = 4;
        memcpy(ip->bytes, &in4->sin_addr, 4);
        *port = ntohs(in4->sin_port);
    } else if (sa->ss_family == AF_INET6) {
        ip->family = 6;
        memcpy(ip->bytes, &in6->sin6_addr, 16);
        *port = ntohs(in6->sin6_port);
    }
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void rest(struct listener *l)
{
    l->rest_ms = l->rest_ms == 0 ? REST_FIRST_MS : l->rest_ms * 2;
    if (l->rest_ms > REST_MAX_MS)
        l->rest_ms = REST_MAX_MS;
    (void)uv_poll_stop(&l->poll);
    timer_start(l->loop, &l->rest, loop_now_ms(l->loop) + l->rest_ms);
}

static void on_rested(struct timer *timer)
{
    struct listener *l = LINK_ITEM(timer, struct listener, rest);

    (void)uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

static void refuse_some(struct listener *l)
{
    if (l->reserve_fd >= 0)
        (void)close(l->reserve_fd);
    for (int i = 0; i < REFUSALS_PER_TRY; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            break;
        (void)close(fd);
    }
    l->reserve_fd = open_reserve();
}

/* Descriptors are given out from the lowest free one, so the number of the newest says how many
 * there are left. The limit is asked each time: an operator may change it while we run. */
static bool is_spared(const struct listener *l, int fd)
{
    struct rlimit limit;
    rlim_t spare = l->spare;

    if (spare == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    if (spare > limit.rlim_cur / 8)
        spare = limit.rlim_cur / 8;
    return (rlim_t)fd >= limit.rlim_cur - spare;
}

/* One peer. False when there is none, or none to be had now. */
static bool accept_one(struct listener *l)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    struct ip_address peer;
    uint16_t port;
    const int on = 1;
    int fd = accept4(l->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0 && is_spared(l, fd)) {
        (void)close(fd);
        refuse_some(l);
        rest(l);
        return false;
    }
    if (fd >= 0) {
        l->rest_ms = 0;
        if (sa.ss_family != AF_UNIX)
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        peer_of(&sa, &peer, &port);
        l->on_accept(l->context, fd, &peer, port);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
        refuse_some(l);
        rest(l);
        return false;
    case ENOBUFS:
    case ENOMEM:
        rest(l);
        return false;
    default:
        /* ECONNABORTED and the network errors of accept(2) speak of that one peer. */
        return true;
    }
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct listener *l = handle->data;

    (void)events;
    if (status < 0) {
        /* libuv has stopped the handle: try again after a rest instead of never. */
        rest(l);
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_TURN && !l->is_closed; i++) {
        if (!accept_one(l))
            break;
    }
}

int listener_open(struct listener **out, struct loop *loop, int fd,
                  void (*on_accept)(void *context, int fd, const struct ip_address *peer,
                                    uint16_t peer_port),
                  void *context)
{
    struct listener *l = calloc(1, sizeof(*l));
    int rc = l != NULL ? E_IO : E_NOMEM;

    if (l == NULL)
        goto done;
    l->loop = loop;
    l->fd = fd;
    l->on_accept = on_accept;
    l->context = context;
    timer_init(&l->rest, on_rested);
    l->reserve_fd = open_reserve();
    if (l->reserve_fd < 0)
        goto done;
    if (uv_poll_init(loop_uv(loop), &l->poll, fd) != 0)
        goto done;
    l->poll.data = l;
    (void)uv_poll_start(&l->poll, UV_READABLE, on_poll);
    *out = l;
    return OK;
done:
    (void)close(fd);
    if (l != NULL && l->reserve_fd >= 0)
        (void)close(l->reserve_fd);
    free(l);
    return rc;
}

void listener_spare(struct listener *l, unsigned count)
{
    l->spare = count;
}

static void on_handle_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void listener_close(struct listener *l)
{
    if (l == NULL || l->is_closed)
        return;
    l->is_closed = true;
    timer_stop(&l->rest);
    uv_close((uv_handle_t *)&l->poll, on_handle_closed);
    (void)close(l->fd);
    if (l->reserve_fd >= 0)
        (void)close(l->reserve_fd);
}
