/* SPDX-License-Identifier: Apache-2.0 */
/* poller_uv.c: for systems without epoll: a uv_poll_t for each socket, found by the number of its
 * descriptor, and a uv_timer_t as the alarm. libuv tells again what was not served, which is more
 * than poller.h promises. */
#include "net/poller.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/status.h"

/* For an alarm that is never to ring: without an active handle libuv would not sleep. */
#define NEVER_MS (UINT64_C(1) << 40)

struct watch {
    uv_poll_t poll;
    struct poller *poller;
    void *item;
};

struct poller {
    uv_loop_t *uv;
    void (*on_ready)(void *item, int events);
    uv_timer_t alarm;
    bool has_rung;
    struct watch **watches; /* by descriptor */
    size_t watches_len;
    unsigned open_handles;
};

static void on_alarm(uv_timer_t *handle)
{
    struct poller *p = handle->data;

    p->has_rung = true;
}

int poller_new(struct poller **out, uv_loop_t *uv, void (*on_ready)(void *item, int events))
{
    struct poller *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return E_NOMEM;
    p->uv = uv;
    p->on_ready = on_ready;
    (void)uv_timer_init(uv, &p->alarm); /* cannot fail */
    p->alarm.data = p;
    p->open_handles = 1;
    poller_set_alarm(p, UINT64_MAX);
    *out = p;
    return OK;
}

static void on_alarm_closed(uv_handle_t *handle)
{
    struct poller *p = handle->data;

    p->open_handles--;
}

void poller_free(struct poller *p)
{
    if (p == NULL)
        return;
    uv_close((uv_handle_t *)&p->alarm, on_alarm_closed);
    while (p->open_handles > 0)
        (void)uv_run(p->uv, UV_RUN_NOWAIT);
    free(p->watches);
    free(p);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct watch *w = handle->data;
    int ready = 0;

    if ((events & UV_READABLE) != 0)
        ready |= POLLER_READABLE;
    if ((events & UV_WRITABLE) != 0)
        ready |= POLLER_WRITABLE;
    w->poller->on_ready(w->item, status < 0 ? POLLER_FAULT : ready);
}

static int make_room(struct poller *p, size_t fd)
{
    size_t len = p->watches_len == 0 ? 64 : p->watches_len;
    struct watch **grown;

    while (len <= fd)
        len *= 2;
    if (len == p->watches_len)
        return OK;
    grown = realloc(p->watches, len * sizeof(*grown)); /* descriptors have a limit */
    if (grown == NULL)
        return E_NOMEM;
    for (size_t i = p->watches_len; i < len; i++)
        grown[i] = NULL;
    p->watches = grown;
    p->watches_len = len;
    return OK;
}

int poller_add(struct poller *p, int fd, int events, void *item)
{
    int rc = make_room(p, (size_t)fd);
    struct watch *w = rc == OK ? calloc(1, sizeof(*w)) : NULL;

    if (w == NULL)
        return E_NOMEM;
    w->poller = p;
    w->item = item;
    w->poll.data = w;
    if (uv_poll_init(p->uv, &w->poll, fd) != 0) {
        free(w);
        return E_IO;
    }
    p->watches[fd] = w;
    p->open_handles++;
    poller_change(p, fd, events, item);
    return OK;
}

void poller_change(struct poller *p, int fd, int events, void *item)
{
    struct watch *w = p->watches[fd];
    int asked = 0;

    ASSERT(w != NULL && w->item == item);
    if ((events & POLLER_READABLE) != 0)
        asked |= UV_READABLE;
    if ((events & POLLER_WRITABLE) != 0)
        asked |= UV_WRITABLE;
    if (asked == 0)
        (void)uv_poll_stop(&w->poll);
    else
        (void)uv_poll_start(&w->poll, asked, on_poll);
}

void poller_again(struct poller *p, int fd, int events, void *item)
{
    (void)p;
    (void)fd;
    (void)events;
    (void)item; /* it comes by itself */
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *w = handle->data;

    w->poller->open_handles--;
    free(w);
}

void poller_remove(struct poller *p, int fd)
{
    struct watch *w = p->watches[fd];

    p->watches[fd] = NULL;
    uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

void poller_set_alarm(struct poller *p, uint64_t at_ms)
{
    uint64_t now_ms, wait_ms = NEVER_MS;

    if (at_ms != UINT64_MAX) {
        uv_update_time(p->uv); /* libuv counts from its own idea of now, which may lag behind */
        now_ms = clock_mono_ms();
        wait_ms = at_ms > now_ms ? at_ms - now_ms : 0;
    }
    (void)uv_timer_start(&p->alarm, on_alarm, wait_ms, 0);
}

bool poller_turn(struct poller *p, bool may_sleep)
{
    bool has_rung;

    (void)uv_run(p->uv, may_sleep ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    has_rung = p->has_rung;
    p->has_rung = false;
    return has_rung;
}
