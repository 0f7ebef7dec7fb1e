/* SPDX-License-Identifier: Apache-2.0 */
/* poller.h: what a loop sleeps on: the sockets of its connections, one alarm, and libuv for
 * everything else. Loop thread only. poller_epoll.c where there is epoll, else poller_uv.c (or with
 * -Dpoller=uv).
 *
 * Events may come only once: whoever is told that a socket is readable reads until a recv brings
 * less than it had room for, or asks by poller_again to be told again. The same for writing. */
#ifndef NET_POLLER_H
#define NET_POLLER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

enum poller_event {
    POLLER_READABLE = 1,
    POLLER_WRITABLE = 2,
    POLLER_FAULT = 4, /* alone, and never asked for: an error waits in the socket; no more comes */
    POLLER_LAST = 8   /* with READABLE: behind what can be read the peer's end is there already */
};

struct poller;

/* on_ready may add, change and remove any descriptor. It may be called for an item that was removed
 * earlier in the same turn: items must live until poller_turn returns. E_NOMEM, E_IO. */
int poller_new(struct poller **out, uv_loop_t *uv, void (*on_ready)(void *item, int events));
/* Runs uv until the poller's handles are closed; NULL is fine. */
void poller_free(struct poller *p);

/* events: READABLE, WRITABLE, both, or 0 to be told nothing. E_NOMEM, E_IO. */
int poller_add(struct poller *p, int fd, int events, void *item);
/* What is ready already is told, too. */
void poller_change(struct poller *p, int fd, int events, void *item);
void poller_again(struct poller *p, int fd, int events, void *item);
/* Before fd is closed. */
void poller_remove(struct poller *p, int fd);

/* The alarm ends the sleep of a turn at `at_ms` of clock_mono_ms, or at once if that is past;
 * UINT64_MAX: never. Once it has rung it must be set anew before the next turn. */
void poller_set_alarm(struct poller *p, uint64_t at_ms);
/* Sleeps, if it may, until there is something to do, and does it: on_ready for each socket and what
 * libuv has to do. True when the alarm rang. */
bool poller_turn(struct poller *p, bool may_sleep);

#endif
