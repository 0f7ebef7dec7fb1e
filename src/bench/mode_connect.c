/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are opened: TCP, TLS in full or resumed, the upgrade, login if there is a token.
 * Each leaves at once, or all stay and are closed together, which tells opening and closing apart.
 */
#include "base/clock.h"
#include "bench/modes.h"

#define TICKET_WAIT_NS 2000000000U

struct opening {
    struct crowd *crowd;
    struct histogram *latency;
    uint32_t cursor; /* where to look for a free link next */
};

static void on_open(void *owner, struct bench_link *l)
{
    struct opening *o = owner;

    histogram_add(o->latency, o->crowd->now_ns - l->began_ns);
    if (!o->crowd->plan->keeps)
        bench_link_leave(o->crowd, l);
}

static void on_gone(void *owner, struct bench_link *l)
{
    struct opening *o = owner;

    if (o->crowd->plan->keeps)
        crowd_fail(o->crowd, "the server ended connection %u, which was open", l->index + 1);
}

static struct bench_link *free_link(struct opening *o)
{
    for (uint32_t i = 0; i < o->crowd->links_count; i++) {
        struct bench_link *l = &o->crowd->links[o->cursor++ % o->crowd->links_count];

        if (l->state == LINK_FREE)
            return l;
    }
    return NULL;
}

/* One connection for a ticket to resume with. */
static void fetch_ticket(struct crowd *c)
{
    const struct tls_load *tls = c->doors[0].tls;
    uint64_t begin = clock_mono_ns();

    crowd_open_links(c, 0, 1);
    while (!c->has_failed && !tls_load_has_ticket(tls) && clock_mono_ns() - begin < TICKET_WAIT_NS)
        crowd_turn(c, 10000000);
    if (!c->has_failed && !tls_load_has_ticket(tls))
        crowd_fail(c, "the server gives no TLS ticket: there is nothing to resume (--full)");
    bench_link_drop(c, &c->links[0]);
    c->resumed = 0;
}

static void open_and_leave(struct opening *o)
{
    struct crowd *c = o->crowd;
    uint64_t began = c->opened, started = 0;
    struct bench_link *l;

    c->last_ns = clock_mono_ns();
    while (!c->has_failed && c->opened - began < c->plan->connections) {
        while (started < c->plan->connections && c->under_way < c->plan->batch && !c->has_failed &&
               (l = free_link(o)) != NULL) {
            bench_link_start(c, l);
            started++;
        }
        crowd_await(c, "connections to open");
    }
}

static void close_all(struct opening *o, struct result *r)
{
    struct crowd *c = o->crowd;
    struct usage_cpu closed = {0, 0, 0};
    struct error why;

    for (uint32_t i = 0; i < c->links_count; i++)
        bench_link_drop(c, &c->links[i]);
    mode_rest(c);
    if (c->has_failed || c->plan->pids.count == 0)
        return;
    if (usage_cpu_read(&closed, &c->plan->pids, &why) != 0)
        crowd_fail(c, "%s", why.text);
    result_extra(r, "cpu_us_per_close",
                 (double)(closed.ns - r->after.ns) / 1e3 / c->plan->connections);
}

void mode_connect(struct crowd *c, struct result *r)
{
    struct opening o = {.crowd = c, .latency = &r->latency};
    uint64_t opened_ns;

    r->unit = "connections";
    r->has_latency = true;
    if (c->plan->resumes)
        fetch_ticket(c);
    c->owner = &o;
    c->events = (struct crowd_events){.on_open = on_open, .on_gone = on_gone};
    mode_rest(c);
    mode_begin(c, r);
    if (c->plan->keeps)
        crowd_open_links(c, 0, c->links_count);
    else
        open_and_leave(&o);
    opened_ns = clock_mono_ns();
    if (c->plan->keeps)
        mode_rest(c);
    r->messages = c->plan->connections;
    mode_end(c, r);
    r->ended_ns = opened_ns;
    result_extra(r, "sessions_resumed", (double)c->resumed);
    if (c->plan->resumes && c->resumed == 0)
        crowd_fail(c, "the server resumed none of the TLS sessions");
    if (c->plan->keeps)
        close_all(&o, r);
}
