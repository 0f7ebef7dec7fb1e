/* SPDX-License-Identifier: Apache-2.0 */
/* Opening many connections: in batches, each step for the whole batch before the next, so that the
 * server has `batch` handshakes under way at a time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "load.h"

#define EVENTS_MAX 512

static void say(struct load *l, int from, int to, const char *text, const char *word)
{
    for (int i = from; i < to && text != NULL; i++)
        client_send(&l->clients[i], 1, text, strlen(text));
    for (int i = from; i < to && word != NULL; i++)
        client_await(l, &l->clients[i], word);
}

static void log_in(struct load *l, int from, int to)
{
    char text[4096];
    int n = snprintf(text, sizeof(text), "auth:%s", l->o.token);

    for (int i = from; i < to && !l->o.in_header; i++)
        client_send(&l->clients[i], 1, text, (size_t)n);
    for (int i = from; i < to; i++)
        client_await(l, &l->clients[i], "welcome");
}

static void open_batch(struct load *l, int from, int to, bool subscribes)
{
    for (int i = from; i < to; i++)
        client_connect(l, &l->clients[i], i);
    for (int i = from; i < to; i++)
        client_shake(&l->clients[i], false);
    for (int i = from; i < to; i++)
        client_shake(&l->clients[i], true);
    for (int i = from; i < to; i++)
        client_ask_upgrade(l, &l->clients[i]);
    for (int i = from; i < to; i++)
        client_await_upgrade(l, &l->clients[i]);
    for (int i = from; i < to; i++)
        client_keep_session(l, &l->clients[i]);
    if (l->o.token != NULL)
        log_in(l, from, to);
    say(l, from, to, l->o.hello, l->o.hello_word);
    if (subscribes)
        say(l, from, to, l->o.subscribe, l->o.subscribe_word);
}

void setup_all(struct load *l, int from, int to, bool subscribes)
{
    for (int i = from; i < to; i += l->o.batch) {
        int end = i + l->o.batch < to ? i + l->o.batch : to;
        open_batch(l, i, end, subscribes);
        for (int k = i; k < end; k++) {
            struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = &l->clients[k]}};
            if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->clients[k].fd, &event) != 0)
                die("epoll_ctl: %s", strerror(errno));
            client_read(l, &l->clients[k]); /* what came behind the last answer */
        }
        while (poll_once(l, 0)) { /* those opened earlier have pings to answer */
        }
    }
}

bool poll_once(struct load *l, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(l->epoll, events, EVENTS_MAX, timeout_ms);

    for (int i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;
        if (!c->is_gone)
            client_read(l, c);
    }
    return n > 0;
}
