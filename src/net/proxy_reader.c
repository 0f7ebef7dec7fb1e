/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_reader.c: looks at the bytes first (MSG_PEEK) and takes only those that belong to the
 * header. While it is incomplete that is all of them, so the level-triggered poll rests until more
 * come. */
#include "net/proxy_reader.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/status.h"

static void on_handle_closed(uv_handle_t *handle)
{
    struct proxy_reader *r = handle->data;

    buf_clear(&r->kept);
    r->ops->on_closed(r);
}

/* The handle leaves the descriptor; it is closed unless it is handed on. */
static void let_go(struct proxy_reader *r)
{
    r->is_over = true;
    timer_stop(&r->timer);
    (void)uv_poll_stop(&r->poll);
    uv_close((uv_handle_t *)&r->poll, on_handle_closed);
}

static void give_up(struct proxy_reader *r, const char *fault)
{
    let_go(r);
    (void)close(r->fd);
    r->ops->on_header(r, -1, NULL, fault);
}

void proxy_reader_abort(struct proxy_reader *r)
{
    if (r->is_over)
        return;
    let_go(r);
    (void)close(r->fd);
}

static void on_timeout(struct timer *timer)
{
    give_up(LINK_ITEM(timer, struct proxy_reader, timer), "proxy_header_timeout");
}

/* Takes `count` bytes that were seen already. */
static bool take(struct proxy_reader *r, size_t count)
{
    uint8_t bytes[PROXY_HEADER_MAX];

    while (count > 0) {
        ssize_t n = recv(r->fd, bytes, count, 0);
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return false;
        count -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void on_bytes(struct proxy_reader *r, const uint8_t *bytes, size_t len)
{
    struct proxy_header header;
    size_t had = r->kept.len;

    if (buf_append(&r->kept, bytes, len) != OK) {
        give_up(r, "proxy_header_malformed");
        return;
    }
    switch (proxy_header_decode(&header, r->kept.data, r->kept.len)) {
    case PROXY_MORE:
        if (!take(r, len))
            give_up(r, NULL);
        return;
    case PROXY_DONE:
        if (!take(r, header.bytes - had)) {
            give_up(r, NULL);
            return;
        }
        let_go(r);
        r->ops->on_header(r, r->fd, &header, NULL);
        return;
    case PROXY_BAD:
        break;
    }
    give_up(r, "proxy_header_malformed");
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct proxy_reader *r = handle->data;
    uint8_t bytes[PROXY_HEADER_MAX];
    ssize_t n = recv(r->fd, bytes, sizeof(bytes) - r->kept.len, MSG_PEEK);

    (void)events;
    if (n > 0)
        on_bytes(r, bytes, (size_t)n);
    else if (n == 0 || status < 0 || (errno != EAGAIN && errno != EINTR))
        give_up(r, NULL);
}

int proxy_reader_open(struct proxy_reader *r, struct loop *loop, int fd, uint64_t deadline_ms,
                      const struct proxy_reader_ops *ops)
{
    r->loop = loop;
    r->ops = ops;
    r->fd = fd;
    r->is_over = false;
    r->kept = BUF_INIT(PROXY_HEADER_MAX);
    timer_init(&r->timer, on_timeout);
    if (uv_poll_init(loop_uv(loop), &r->poll, fd) != 0) {
        (void)close(fd);
        return E_IO;
    }
    r->poll.data = r;
    (void)uv_poll_start(&r->poll, UV_READABLE, on_poll);
    timer_start(loop, &r->timer, deadline_ms);
    return OK;
}
