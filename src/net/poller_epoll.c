/* SPDX-License-Identifier: Apache-2.0 */
/* poller_epoll.c: connections in an epoll set of our own. libuv is one descriptor in it, its
 * backend, and has its turn when that is ready or when it says so (uv_backend_timeout); so nothing
 * of libuv is run for a message. The alarm is a timerfd: it takes the deadline as it is, and a
 * sleep needs neither a clock reading nor a timeout. Sockets are edge-triggered: the kernel need
 * not look again at each that was read. */
#include "net/poller.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/status.h"

/* Sockets served between two looks at everything else. */
#define EVENTS_PER_TURN 256

struct poller {
    int fd, alarm_fd;
    uv_loop_t *uv;
    void (*on_ready)(void *item, int events);
    struct epoll_event events[EVENTS_PER_TURN];
};

static int control(struct poller *p, int op, int fd, uint32_t events, void *item)
{
    struct epoll_event event = {.events = events, .data.ptr = item};

    return epoll_ctl(p->fd, op, fd, &event);
}

static uint32_t mask_of(int events)
{
    uint32_t mask = EPOLLET;

    if ((events & POLLER_READABLE) != 0)
        mask |= EPOLLIN | EPOLLRDHUP;
    if ((events & POLLER_WRITABLE) != 0)
        mask |= EPOLLOUT;
    return mask;
}

static int events_of(uint32_t mask)
{
    int events = 0;

    if (mask == EPOLLIN) /* nearly always */
        return POLLER_READABLE;
    if ((mask & EPOLLERR) != 0)
        return POLLER_FAULT;
    /* Both directions are over: whichever is waited for will find that out. */
    if ((mask & EPOLLHUP) != 0)
        return POLLER_READABLE | POLLER_WRITABLE | POLLER_LAST;
    if ((mask & (EPOLLIN | EPOLLRDHUP)) != 0)
        events |= POLLER_READABLE;
    if ((mask & EPOLLRDHUP) != 0)
        events |= POLLER_LAST;
    if ((mask & EPOLLOUT) != 0)
        events |= POLLER_WRITABLE;
    return events;
}

int poller_new(struct poller **out, uv_loop_t *uv, void (*on_ready)(void *item, int events))
{
    struct poller *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return E_NOMEM;
    p->uv = uv;
    p->on_ready = on_ready;
    p->fd = epoll_create1(EPOLL_CLOEXEC);
    p->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    /* Level-triggered, both: what is not served is told again. */
    if (p->fd < 0 || p->alarm_fd < 0 ||
        control(p, EPOLL_CTL_ADD, p->alarm_fd, EPOLLIN, &p->alarm_fd) != 0 ||
        control(p, EPOLL_CTL_ADD, uv_backend_fd(uv), EPOLLIN, uv) != 0) {
        poller_free(p);
        return E_IO;
    }
    *out = p;
    return OK;
}

void poller_free(struct poller *p)
{
    if (p == NULL)
        return;
    if (p->alarm_fd >= 0)
        (void)close(p->alarm_fd);
    if (p->fd >= 0)
        (void)close(p->fd);
    free(p);
}

int poller_add(struct poller *p, int fd, int events, void *item)
{
    return control(p, EPOLL_CTL_ADD, fd, mask_of(events), item) == 0 ? OK : E_IO;
}

/* A change makes the kernel look: what is ready then is an event. */
void poller_change(struct poller *p, int fd, int events, void *item)
{
    int rc = control(p, EPOLL_CTL_MOD, fd, mask_of(events), item);

    ASSERT(rc == 0);
}

void poller_again(struct poller *p, int fd, int events, void *item)
{
    poller_change(p, fd, events, item);
}

/* close would do it, too, but not while a forked child holds the same socket: events would then
 * come for an item that is gone. */
void poller_remove(struct poller *p, int fd)
{
    (void)control(p, EPOLL_CTL_DEL, fd, 0, NULL);
}

void poller_set_alarm(struct poller *p, uint64_t at_ms)
{
    struct itimerspec at = {0}; /* none */
    int rc;

    if (at_ms != UINT64_MAX) {
        at.it_value.tv_sec = (time_t)(at_ms / 1000);
        at.it_value.tv_nsec = (long)(at_ms % 1000) * 1000000 + 1; /* all zero would mean none */
    }
    rc = timerfd_settime(p->alarm_fd, TFD_TIMER_ABSTIME, &at, NULL);
    ASSERT(rc == 0);
}

/* How long libuv wants to sleep at most; -1: as long as may be. */
static int uv_patience_ms(uv_loop_t *uv)
{
    int ms = uv_backend_timeout(uv);

    if (ms > 0) {
        uv_update_time(uv); /* it reckons from the last time it ran */
        ms = uv_backend_timeout(uv);
    }
    /* It says 0 as well when it has nothing at all to wait for. */
    return ms == 0 && !uv_loop_alive(uv) ? -1 : ms;
}

bool poller_turn(struct poller *p, bool may_sleep)
{
    int patience_ms = uv_patience_ms(p->uv);
    bool is_uv_due = patience_ms == 0, has_rung = false;
    int count = epoll_wait(p->fd, p->events, EVENTS_PER_TURN, may_sleep ? patience_ms : 0);

    for (int i = 0; i < count; i++) {
        void *item = p->events[i].data.ptr;

        if (item != p->uv && item != &p->alarm_fd)
            p->on_ready(item, events_of(p->events[i].events));
        else if (item == p->uv)
            is_uv_due = true;
        else
            has_rung = true;
    }
    if (is_uv_due || (count == 0 && patience_ms > 0))
        (void)uv_run(p->uv, UV_RUN_NOWAIT);
    return has_rung;
}
