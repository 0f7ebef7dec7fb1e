/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured. Each mode prints one line of name=value pairs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zlib.h>

#include "load.h"

#define WARM_MESSAGES 20

static void print_cpu(const struct usage *before, const struct usage *after, double wall_s, uint64_t units)
{
    double cpu_s = after->cpu_s - before->cpu_s;

    printf("units=%llu wall_s=%.4f cpu_s=%.4f user_s=%.2f system_s=%.2f us_per_unit=%.4f units_per_cpu_s=%.0f",
           (unsigned long long)units, wall_s, cpu_s, after->user_s - before->user_s, after->system_s - before->system_s,
           cpu_s * 1e6 / (double)units, cpu_s > 0 ? (double)units / cpu_s : 0);
}

/* Compressed once: no message rests on the one before it. */
static size_t deflated(const char *plain, size_t len, char *text, size_t cap)
{
    z_stream z = {0};

    if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        die("zlib");
    z.next_in = (Bytef *)(uintptr_t)plain;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)text;
    z.avail_out = (uInt)cap;
    if (deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_in > 0)
        die("zlib");
    (void)deflateEnd(&z);
    return cap - z.avail_out - 4; /* RFC 7692 section 7.2.1: without the empty block at the end */
}

size_t measured_message(const struct load *l, char *text, size_t cap)
{
    char filled[65536];
    const char *plain = l->o.text != NULL ? l->o.text : memset(filled, 'x', sizeof(filled));
    size_t len = l->o.text != NULL ? strlen(l->o.text) : (size_t)l->o.bytes;

    if (len > sizeof(filled) || len > cap)
        die("message too long");
    if (l->o.has_deflate)
        return deflated(plain, len, text, cap);
    memcpy(text, plain, len);
    return len;
}

unsigned measured_opcode(const struct load *l)
{
    return l->o.has_deflate ? 0x41U : 1U;
}

void await_received(struct load *l, uint64_t until)
{
    while (l->received < until) {
        if (!poll_once(l, 10000))
            die("only %llu of %llu deliveries came", (unsigned long long)l->received, (unsigned long long)until);
        if (l->gone > 0)
            die("the server closed a connection");
    }
}

/* What one publication brings: one frame a subscriber, and the ack to the publisher. */
static uint64_t frames_each(const struct load *l)
{
    return (uint64_t)l->o.conns + (l->o.has_no_ack ? 0 : 1);
}

static void setup_fanout(struct load *l)
{
    setup_all(l, 0, l->o.conns, true);
    setup_all(l, l->o.conns, l->o.conns + 1, false);
}

/* One message, waiting until everyone has it. */
static void publish_one(struct load *l, const char *text, size_t len)
{
    uint64_t until = l->received + frames_each(l);

    client_send(&l->clients[l->o.conns], 1, text, len);
    await_received(l, until);
}

void run_turn(struct load *l)
{
    char text[65536];
    size_t len = measured_message(l, text, sizeof(text));
    struct usage before, after;
    double start;

    setup_fanout(l);
    for (int i = 0; i < WARM_MESSAGES; i++)
        publish_one(l, text, len);
    before = usage_of(l->o.pid);
    start = now_s();
    for (int i = 0; i < l->o.messages; i++)
        publish_one(l, text, len);
    after = usage_of(l->o.pid);
    print_cpu(&before, &after, now_s() - start, (uint64_t)l->o.messages * (uint64_t)l->o.conns);
    printf(" ms_to_all=%.3f\n", (now_s() - start) * 1000 / l->o.messages);
}

/* The publisher goes on when its message is acknowledged, whoever has it by then. */
void run_acked(struct load *l)
{
    char text[65536];
    size_t len = measured_message(l, text, sizeof(text));
    struct client *publisher = &l->clients[l->o.conns];
    uint64_t from;
    struct usage before, after;
    double start;

    setup_fanout(l);
    from = l->received;
    before = usage_of(l->o.pid);
    start = now_s();
    for (int i = 0; i < l->o.messages; i++) {
        uint64_t until = publisher->frames + 1;
        client_send(publisher, 1, text, len);
        while (publisher->frames < until)
            (void)poll_once(l, 10000);
    }
    await_received(l, from + (uint64_t)l->o.messages * frames_each(l));
    after = usage_of(l->o.pid);
    print_cpu(&before, &after, now_s() - start, (uint64_t)l->o.messages * (uint64_t)l->o.conns);
    printf(" ms_to_all=%.3f\n", (now_s() - start) * 1000 / l->o.messages);
}

/* Messages at fixed times. ms_to_all: from one's time until everything sent so far had come, over those after which the
 * next was not yet due. */
void run_rate(struct load *l)
{
    char text[65536];
    size_t len = measured_message(l, text, sizeof(text));
    struct usage before, after;
    double start, late_s = 0;
    uint64_t from, caught_up = 0;

    setup_fanout(l);
    from = l->received;
    before = usage_of(l->o.pid);
    start = now_s();
    for (int i = 0; i < l->o.messages; i++) {
        double at = start + (double)i / l->o.per_second;
        double next = at + 1.0 / l->o.per_second;
        bool is_waiting = true;
        client_send(&l->clients[l->o.conns], 1, text, len);
        while (now_s() < next) {
            (void)poll_once(l, 1 + (int)((next - now_s()) * 1000));
            if (is_waiting && l->received >= from + (uint64_t)(i + 1) * frames_each(l)) {
                is_waiting = false;
                caught_up++;
                late_s += now_s() - at;
            }
        }
    }
    await_received(l, from + (uint64_t)l->o.messages * frames_each(l));
    after = usage_of(l->o.pid);
    print_cpu(&before, &after, now_s() - start, (uint64_t)l->o.messages * (uint64_t)l->o.conns);
    printf(" ms_to_all=%.3f caught_up=%llu\n", caught_up > 0 ? late_s * 1000 / (double)caught_up : 0,
           (unsigned long long)caught_up);
}

static void echo_again(struct load *l, struct client *c)
{
    static char bytes[65536];
    static size_t len;

    if (len == 0)
        len = measured_message(l, bytes, sizeof(bytes));
    client_send(c, measured_opcode(l), bytes, len);
}

void run_echo(struct load *l)
{
    struct usage before = {0}, after;
    uint64_t warm = (uint64_t)(l->o.messages / 10 + l->o.conns), from;
    double start;

    setup_all(l, 0, l->o.conns, false);
    l->on_frame = echo_again;
    for (int i = 0; i < l->o.conns; i++) {
        for (int k = 0; k < l->o.depth; k++)
            echo_again(l, &l->clients[i]);
    }
    await_received(l, l->received + warm);
    before = usage_of(l->o.pid);
    start = now_s();
    from = l->received;
    await_received(l, from + (uint64_t)l->o.messages);
    after = usage_of(l->o.pid);
    print_cpu(&before, &after, now_s() - start, l->received - from);
    printf("\n");
}

/* The server has nothing more to do when it took no CPU for a while. */
static struct usage usage_at_rest(pid_t pid)
{
    struct usage last = usage_of(pid), now;

    for (;;) {
        (void)usleep(40000);
        now = usage_of(pid);
        if (now.cpu_s - last.cpu_s < 20e-6)
            return now;
        last = now;
    }
}

/* Connections are opened, one batch after the other, and closed together. */
void run_handshake(struct load *l)
{
    struct usage before, opened, after;

    if (l->o.resumes) /* the publisher's place: a connection whose session the others resume */
        setup_all(l, l->o.conns, l->o.conns + 1, false);
    before = usage_at_rest(l->o.pid);
    setup_all(l, 0, l->o.conns, false);
    opened = usage_at_rest(l->o.pid);
    for (int i = 0; i < l->o.conns; i++)
        client_close(&l->clients[i]);
    after = usage_at_rest(l->o.pid);
    printf("conns=%d resumed=%d cpu_per_open_us=%.2f cpu_per_close_us=%.2f\n", l->o.conns,
           l->o.resumes ? l->o.conns - (int)l->not_resumed : 0, (opened.cpu_s - before.cpu_s) * 1e6 / l->o.conns,
           (after.cpu_s - opened.cpu_s) * 1e6 / l->o.conns);
}

void run_idle(struct load *l)
{
    struct usage before = usage_of(l->o.pid), opened, after;
    double end, start = now_s(), opened_s;

    setup_all(l, 0, l->o.conns, l->o.token != NULL);
    opened_s = now_s() - start;
    opened = usage_of(l->o.pid);
    for (end = now_s() + l->o.seconds; now_s() < end;)
        (void)poll_once(l, 200);
    after = usage_of(l->o.pid);
    printf("conns=%d gone=%llu open_s=%.2f cpu_per_open_us=%.1f anonymous_bytes_each=%.0f "
           "anonymous_bytes_each_later=%.0f rss_bytes_each=%.0f idle_cpu_s=%.4f\n",
           l->o.conns, (unsigned long long)l->gone, opened_s, (opened.cpu_s - before.cpu_s) * 1e6 / l->o.conns,
           (opened.anonymous_kib - before.anonymous_kib) * 1024 / l->o.conns,
           (after.anonymous_kib - before.anonymous_kib) * 1024 / l->o.conns,
           (after.rss_kib - before.rss_kib) * 1024 / l->o.conns, after.cpu_s - opened.cpu_s);
}

/* Sockets that connect and say nothing; when is the first gone, when the last? */
void run_silent(struct load *l)
{
    struct usage before = usage_of(l->o.pid), after = before;
    double start = now_s(), first_s = 0, opened_s;

    for (int i = 0; i < l->o.conns; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = &l->clients[i]}};
        client_connect(l, &l->clients[i], i);
        /* Only the socket is wanted: what comes on it is not TLS to look at but an end. */
        SSL_free(l->clients[i].ssl);
        l->clients[i].ssl = NULL;
        if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->clients[i].fd, &event) != 0)
            die("epoll_ctl");
    }
    opened_s = now_s() - start;
    (void)poll_once(l, 500);
    after = usage_of(l->o.pid);
    while (l->gone < (uint64_t)l->o.conns && now_s() - start < l->o.seconds) {
        (void)poll_once(l, 100);
        if (first_s == 0 && l->gone > 0)
            first_s = now_s() - start;
    }
    printf("conns=%d gone=%llu open_s=%.2f first_gone_s=%.2f last_gone_s=%.2f anonymous_bytes_each=%.0f\n", l->o.conns,
           (unsigned long long)l->gone, opened_s, first_s, now_s() - start,
           (after.anonymous_kib - before.anonymous_kib) * 1024 / l->o.conns);
}
