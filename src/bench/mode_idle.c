/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that do nothing, for what they cost in memory; or sockets that do not even ask for an
 * upgrade, for how soon the server is rid of them. */
#include "base/clock.h"
#include "base/status.h"
#include "bench/modes.h"

#define TURN_NS 100000000U

static void on_gone(void *owner, struct bench_link *l)
{
    (void)owner; /* counted as lost */
    (void)l;
}

static double each(const struct crowd *c, uint64_t before, uint64_t after)
{
    return ((double)after - (double)before) / (double)c->plan->connections;
}

static void stay(struct crowd *c)
{
    uint64_t end = clock_mono_ns() + (uint64_t)(c->plan->seconds * 1e9);

    while (!c->has_failed && clock_mono_ns() < end)
        crowd_turn(c, TURN_NS);
}

/* Until all are gone, or the time is over. */
static void outlast(struct crowd *c, struct result *r)
{
    uint64_t begin = clock_mono_ns(), now = begin, first = 0, last = 0, lost = 0;

    while (!c->has_failed && c->open > 0 && (double)(now - begin) < c->plan->seconds * 1e9) {
        crowd_turn(c, TURN_NS);
        now = clock_mono_ns();
        if (c->lost == lost)
            continue;
        lost = c->lost;
        last = now;
        if (first == 0)
            first = now;
    }
    if (first == 0)
        return;
    result_extra(r, "first_gone_seconds", (double)(first - r->began_ns) / 1e9);
    result_extra(r, "last_gone_seconds", (double)(last - r->began_ns) / 1e9);
}

void mode_idle(struct crowd *c, struct result *r)
{
    struct usage_memory opened = {0, 0};
    struct usage_cpu later = {0, 0, 0};
    struct error why;

    r->unit = "connections";
    c->events = (struct crowd_events){.on_gone = on_gone};
    mode_rest(c);
    mode_memory(c, &r->memory_before);
    mode_begin(c, r);
    crowd_open_links(c, 0, c->links_count);
    r->messages = c->opened;
    mode_end(c, r);
    opened = r->memory_after;
    if (c->plan->is_silent)
        outlast(c, r);
    else
        stay(c);
    mode_memory(c, &r->memory_after);
    if (!c->has_failed && usage_cpu_read(&later, &c->plan->pids, &why) != OK)
        crowd_fail(c, "%s", why.text);
    result_extra(r, "lost", (double)c->lost);
    if (c->plan->pids.count == 0)
        return;
    result_extra(r, "anonymous_bytes_each",
                 each(c, r->memory_before.anonymous_bytes, opened.anonymous_bytes));
    result_extra(r, "anonymous_bytes_each_later",
                 each(c, r->memory_before.anonymous_bytes, r->memory_after.anonymous_bytes));
    result_extra(r, "rss_bytes_each",
                 each(c, r->memory_before.rss_bytes, r->memory_after.rss_bytes));
    result_extra(r, "idle_cpu_seconds", (double)(later.ns - r->after.ns) / 1e9);
}
