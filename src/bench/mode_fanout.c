/* SPDX-License-Identifier: Apache-2.0 */
/* One publisher, which is the last link, and many subscribers. What is counted are deliveries. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "bench/modes.h"
#include "bench/publisher.h"
#include "bench/word_count.h"

#define WARM_PUBLICATIONS 20
#define SETTLE_NS         300000000U

struct fanout {
    struct crowd *crowd;
    const struct plan *plan;
    struct publisher publisher;
    struct bench_link *from;
    struct word_count *words; /* one a subscriber, where a word is counted */
    uint64_t delivered;
    uint64_t until_ns; /* when no more is to be published; 0: a number is wanted */
    uint64_t to_all_ns, to_all_count;
};

static void on_message(void *owner, struct bench_link *l, const struct frame_event *event)
{
    struct fanout *f = owner;

    (void)publisher_heard(&f->publisher, event);
    if (l != f->from && f->words == NULL)
        f->delivered++;
}

static void on_bytes(void *owner, struct bench_link *l, struct view bytes)
{
    struct fanout *f = owner;

    if (l != f->from)
        f->delivered +=
            word_count_feed(&f->words[l->index], view_of_text(f->plan->count_word), bytes);
}

/* Has everything arrived that was published, at the subscribers and with its acknowledgement? */
static bool is_complete(const struct fanout *f)
{
    return f->delivered >= f->publisher.published * f->plan->connections &&
           (!f->plan->gets_ack || f->from->messages >= f->publisher.published);
}

static void await_all(struct fanout *f)
{
    while (!f->crowd->has_failed && !is_complete(f))
        crowd_await(f->crowd, "deliveries");
}

/* --- the three paces --- */

static void publish_awaited(struct fanout *f)
{
    uint64_t begin = clock_mono_ns();

    publisher_send(&f->publisher, f->from, begin);
    await_all(f);
    f->to_all_ns += clock_mono_ns() - begin;
    f->to_all_count++;
}

static void publish_acked(struct fanout *f)
{
    uint64_t begin = clock_mono_ns();

    publisher_send(&f->publisher, f->from, begin);
    while (!f->crowd->has_failed && f->from->messages < f->publisher.published)
        crowd_await(f->crowd, "the answer to a publication");
    f->to_all_ns += clock_mono_ns() - begin;
    f->to_all_count++;
}

/* Until the next one is due. How long a message takes to reach everybody is known where it does
 * before that. */
static void publish_due(struct fanout *f, uint64_t due, uint64_t next)
{
    bool is_waiting = true;
    uint64_t now;

    publisher_send(&f->publisher, f->from, due);
    while (!f->crowd->has_failed && (now = clock_mono_ns()) < next) {
        crowd_turn(f->crowd, next - now < 100000000 ? next - now : 100000000);
        if (is_waiting && is_complete(f)) {
            is_waiting = false;
            f->to_all_ns += clock_mono_ns() - due;
            f->to_all_count++;
        }
    }
}

static void publish(struct fanout *f, uint64_t count)
{
    uint64_t begin = clock_mono_ns();
    double interval = f->plan->rate > 0 ? 1e9 / f->plan->rate : 0;

    for (uint64_t i = 0; i < count && !f->crowd->has_failed; i++) {
        if (f->until_ns > 0 && clock_mono_ns() >= f->until_ns)
            break;
        if (f->plan->pace == PLAN_AWAITED)
            publish_awaited(f);
        else if (f->plan->pace == PLAN_ACKED)
            publish_acked(f);
        else
            publish_due(f, begin + (uint64_t)((double)i * interval),
                        begin + (uint64_t)((double)(i + 1) * interval));
    }
    await_all(f);
}

/* --- the mode --- */

/* Where a subscription is not answered, time is all that can be given. */
static void settle(struct crowd *c)
{
    uint64_t end = clock_mono_ns() + SETTLE_NS;
    bool is_answered = true;

    for (uint32_t i = 0; i < c->plan->steps_count; i++)
        is_answered = is_answered && c->plan->steps[i].expect != NULL;
    while (!is_answered && !c->has_failed && clock_mono_ns() < end)
        crowd_turn(c, SETTLE_NS / 10);
}

static void measure(struct fanout *f, struct result *r)
{
    const struct plan *plan = f->plan;
    uint64_t published, delivered;

    publish(f, mode_warm_up(plan, WARM_PUBLICATIONS));
    histogram_clear(&r->latency);
    f->to_all_ns = f->to_all_count = 0;
    published = f->publisher.published;
    delivered = f->delivered;
    mode_begin(f->crowd, r);
    if (plan->messages == 0)
        f->until_ns = r->began_ns + (uint64_t)(plan->seconds * 1e9);
    publish(f, plan->messages > 0 ? plan->messages : UINT64_MAX);
    r->messages = f->delivered - delivered;
    mode_end(f->crowd, r);
    r->has_latency = f->publisher.has_stamp;
    result_extra(r, "published", (double)(f->publisher.published - published));
    if (f->to_all_count > 0)
        result_extra(r, "ms_to_all", (double)f->to_all_ns / 1e6 / (double)f->to_all_count);
}

void mode_fanout(struct crowd *c, struct result *r)
{
    struct fanout f = {.crowd = c, .plan = c->plan};

    r->unit = "deliveries";
    f.from = &c->links[c->plan->connections];
    f.from->is_publisher = true;
    if (publisher_init(&f.publisher, c, &r->latency) != OK)
        crowd_fail(c, "out of memory");
    c->owner = &f;
    c->events = (struct crowd_events){.on_message = on_message};
    if (c->plan->count_word != NULL) {
        f.words = calloc(c->plan->connections, sizeof(*f.words));
        c->events.on_bytes = on_bytes;
        if (f.words == NULL)
            crowd_fail(c, "out of memory");
    }
    if (!c->has_failed)
        crowd_open_links(c, 0, c->links_count);
    settle(c);
    if (!c->has_failed)
        measure(&f, r);
    publisher_clear(&f.publisher);
    free(f.words);
}
