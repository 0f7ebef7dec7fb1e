/* SPDX-License-Identifier: Apache-2.0 */
/* Echo, in one of two ways. Closed: each connection has `depth` messages under way and sends the
 * next when one comes back, which finds out what a server can do. Open: messages go out when their
 * time has come, whatever has come back, and their latency counts from that time: a server that
 * stands still for a second shows it in every message of that second (otherwise the load waits with
 * it and the second is one slow message: "coordinated omission"). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "bench/modes.h"
#include "bench/payload.h"
#include "bench/volley.h"
#include "wire/ws_deflate.h"

#define PROBE_NS      2000000000U /* how long the saturation rate is looked for */
#define PROBE_WARM_NS 500000000U
#define WARM_SECONDS  0.5
#define NO_TARGET     UINT64_MAX

struct echo {
    struct crowd *crowd;
    struct histogram *latency;
    const struct plan *plan;
    struct buf payload;
    struct volley volley;
    uint64_t received, under_way;
    uint32_t owed; /* messages that came in the read under way */
    bool is_sending, is_open;
    uint64_t *sent_ns; /* closed: when, for each of a link's messages under way, in a ring */
    uint64_t *sent;    /* open: how many, for each link */
    uint64_t next, from, total; /* open: the next message's number; the first measured; how many */
    uint64_t start_ns;
    double interval_ns;
};

/* --- both --- */

static void send_copies(struct echo *e, struct bench_link *l, uint64_t copies)
{
    e->under_way += copies;
    while (copies > 0) {
        uint64_t once = copies < e->volley.copies ? copies : e->volley.copies;

        bench_link_write(e->crowd, l, e->volley.bytes, (size_t)once * e->volley.frame_bytes);
        copies -= once;
    }
}

static void check_echo(struct echo *e, const struct bench_link *l, const struct frame_event *event)
{
    const char *word = e->plan->answer;
    struct view begin = event->begin;

    if (event->is_compressed)
        return;
    if (word != NULL) {
        if (begin.len == 0 || memmem(begin.ptr, begin.len, word, strlen(word)) == NULL)
            crowd_fail(e->crowd, "an answer does not hold %s: " VIEW_FMT, word,
                       (int)(begin.len < 120 ? begin.len : 120), begin.ptr);
        return;
    }
    if (event->bytes != e->payload.len)
        crowd_fail(
            e->crowd,
            "%zu bytes were sent and %llu came back: this is no echo (connection %u): " VIEW_FMT,
            e->payload.len, (unsigned long long)event->bytes, l->index + 1,
            (int)(event->begin.len < 120 ? event->begin.len : 120), event->begin.ptr);
    else if (l->messages == 1 && event->begin.len > 0 &&
             memcmp(event->begin.ptr, e->payload.data, event->begin.len) != 0)
        crowd_fail(e->crowd, "what came back is not what was sent: this is no echo");
}

static uint64_t due_ns(const struct echo *e, uint64_t number)
{
    return e->start_ns + (uint64_t)((double)number * e->interval_ns);
}

static void on_message(void *owner, struct bench_link *l, const struct frame_event *event)
{
    struct echo *e = owner;
    uint64_t now = e->crowd->now_ns, since, number;

    check_echo(e, l, event);
    e->received++;
    e->under_way--;
    if (e->is_open) {
        number = (l->messages - 1) * e->plan->connections + l->index;
        since = due_ns(e, number);
        if (number >= e->from)
            histogram_add(e->latency, now > since ? now - since : 0);
        return;
    }
    /* The place in the ring that this message leaves is that of the one sent for it. */
    since = e->sent_ns[(size_t)l->index * e->plan->depth + (l->messages - 1) % e->plan->depth];
    e->sent_ns[(size_t)l->index * e->plan->depth + (l->messages - 1) % e->plan->depth] = now;
    histogram_add(e->latency, now - since);
    e->owed++;
}

/* --- closed --- */

static void on_read_end(void *owner, struct bench_link *l)
{
    struct echo *e = owner;

    if (e->owed > 0 && e->is_sending && !e->is_open)
        send_copies(e, l, e->owed);
    e->owed = 0;
}

static void start_closed(struct echo *e)
{
    const struct plan *plan = e->plan;
    uint64_t now = clock_mono_ns();

    e->is_sending = true;
    for (size_t i = 0; i < (size_t)plan->connections * plan->depth; i++)
        e->sent_ns[i] = now;
    for (uint32_t i = 0; i < plan->connections && !e->crowd->has_failed; i++)
        send_copies(e, &e->crowd->links[i], plan->depth);
}

/* What was under way while this thread waited for others counts from now on. */
static void forgive(struct echo *e)
{
    uint64_t now = clock_mono_ns();

    for (size_t i = 0; i < (size_t)e->plan->connections * e->plan->depth; i++)
        e->sent_ns[i] = now;
    e->crowd->now_ns = now;
}

static void await_closed(struct echo *e, uint64_t received, uint64_t until_ns)
{
    while (!e->crowd->has_failed && e->received < received && e->crowd->now_ns < until_ns)
        crowd_await(e->crowd, "echoes");
}

static void run_closed(struct echo *e, struct result *r)
{
    const struct plan *plan = e->plan;
    uint64_t from;

    start_closed(e);
    await_closed(e, mode_warm_up(plan, (uint64_t)plan->connections * plan->depth), UINT64_MAX);
    if (mode_meet(e->crowd))
        forgive(e);
    histogram_clear(e->latency);
    mode_begin(e->crowd, r);
    from = e->received;
    await_closed(e, plan->messages > 0 ? from + plan->messages : NO_TARGET,
                 plan->messages > 0 ? UINT64_MAX : r->began_ns + (uint64_t)(plan->seconds * 1e9));
    r->messages = e->received - from;
    mode_end(e->crowd, r);
}

/* What the server can do, in messages a second. Nothing is under way afterwards. */
static double probe(struct echo *e)
{
    uint64_t begin, from;

    start_closed(e);
    await_closed(e, NO_TARGET, clock_mono_ns() + PROBE_WARM_NS);
    begin = clock_mono_ns();
    from = e->received;
    await_closed(e, NO_TARGET, begin + PROBE_NS);
    from = e->received - from;
    begin = clock_mono_ns() - begin;
    e->is_sending = false;
    while (!e->crowd->has_failed && e->under_way > 0)
        crowd_await(e->crowd, "the last echoes");
    histogram_clear(e->latency);
    for (uint32_t i = 0; i < e->plan->connections; i++)
        e->crowd->links[i].messages = 0;
    return (double)from * 1e9 / (double)begin;
}

/* --- open --- */

/* Sends what is due on this link. A link whose socket is full catches up when it no longer is. */
static void catch_up(struct echo *e, struct bench_link *l)
{
    uint32_t links = e->plan->connections;
    uint64_t due = e->next > l->index ? (e->next - l->index + links - 1) / links : 0;

    while (e->sent[l->index] < due && !bench_link_is_behind(l) && !e->crowd->has_failed) {
        uint64_t once = due - e->sent[l->index];

        if (once > e->volley.copies)
            once = e->volley.copies;
        e->sent[l->index] += once;
        send_copies(e, l, once);
    }
}

static void on_writable(void *owner, struct bench_link *l)
{
    struct echo *e = owner;

    if (e->is_open)
        catch_up(e, l);
}

/* Sends what is due now; answers how long until the next is. */
static uint64_t send_due(struct echo *e)
{
    uint64_t now = clock_mono_ns(), first = e->next, next;

    while (e->next < e->total && due_ns(e, e->next) <= now)
        e->next++;
    for (uint64_t n = first; n < e->next && n < first + e->plan->connections; n++)
        catch_up(e, &e->crowd->links[n % e->plan->connections]);
    if (e->next == e->total)
        return 100000000;
    e->crowd->last_ns = now;
    next = due_ns(e, e->next);
    now = clock_mono_ns();
    return next > now ? next - now : 0;
}

static void run_open(struct echo *e, struct result *r, double rate)
{
    const struct plan *plan = e->plan;
    uint64_t measured = plan->messages > 0 ? plan->messages : (uint64_t)(plan->seconds * rate) + 1,
             before;

    e->is_open = true;
    e->interval_ns = 1e9 / rate;
    e->from = mode_warm_up(plan, (uint64_t)(rate * WARM_SECONDS));
    e->total = e->from + measured;
    before = e->received;
    (void)mode_meet(e->crowd);
    e->start_ns = clock_mono_ns();
    while (!e->crowd->has_failed && e->received - before < e->total) {
        uint64_t wait_ns = send_due(e);

        if (r->began_ns == 0 && e->next >= e->from)
            mode_begin(e->crowd, r);
        if (e->next < e->total)
            crowd_turn(e->crowd, wait_ns);
        else
            crowd_await(e->crowd, "the last echoes");
    }
    r->messages = measured;
    mode_end(e->crowd, r);
    result_extra(r, "rate_asked_per_second", rate);
}

/* --- the mode --- */

static int make_compressed(struct echo *e)
{
    struct ws_deflate *z = NULL;
    size_t len = 0;
    uint8_t *out;
    int rc = ws_deflate_new(&z, 15, 6, false);

    if (rc == OK)
        rc = ws_deflate_message(z, e->payload.data, e->payload.len, &out, &len);
    if (rc == OK)
        rc = volley_init_compressed(&e->volley, e->plan->is_binary ? WS_BINARY : WS_TEXT,
                                    view_of(out, len), e->plan->depth);
    ws_deflate_free(z);
    return rc;
}

static int echo_init(struct echo *e, struct crowd *c, struct result *r)
{
    const struct plan *plan = c->plan;
    size_t at;
    int rc;

    *e = (struct echo){.crowd = c, .latency = &r->latency, .plan = plan};
    buf_init(&e->payload, PLAN_BYTES_MAX);
    e->sent_ns = calloc((size_t)plan->connections * plan->depth, sizeof(*e->sent_ns));
    e->sent = calloc(plan->connections, sizeof(*e->sent));
    if (e->sent_ns == NULL || e->sent == NULL)
        return E_NOMEM;
    rc = payload_format(&e->payload, plan->send, plan->bytes, &at);
    if (rc == OK && plan->offers_deflate)
        return make_compressed(e);
    if (rc == OK)
        rc = volley_init(&e->volley, plan->is_binary ? WS_BINARY : WS_TEXT, buf_view(&e->payload),
                         plan->depth);
    return rc;
}

void mode_echo(struct crowd *c, struct result *r)
{
    double saturation, rate = c->plan->rate;
    struct echo e;

    r->has_latency = true;
    if (echo_init(&e, c, r) != OK)
        crowd_fail(c, "out of memory");
    c->owner = &e;
    c->events = (struct crowd_events){
        .on_message = on_message, .on_read_end = on_read_end, .on_writable = on_writable};
    crowd_open_links(c, 0, c->links_count);
    if (!c->has_failed && c->plan->rate_percent > 0) {
        (void)mode_meet(c);
        saturation = probe(&e);
        rate = saturation * c->plan->rate_percent / 100;
        result_extra(r, "saturation_per_second", saturation);
    }
    if (!c->has_failed && rate > 0)
        run_open(&e, r, rate);
    else if (!c->has_failed)
        run_closed(&e, r);
    volley_clear(&e.volley);
    buf_clear(&e.payload);
    free(e.sent_ns);
    free(e.sent);
}
