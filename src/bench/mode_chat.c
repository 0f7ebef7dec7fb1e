/* SPDX-License-Identifier: Apache-2.0 */
/* Life as it is: people come, subscribe, say something, leave, and others take their places.
 * Publications and departures have their times by the clock. What is counted are deliveries; a
 * message is known by the time in it. */
#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "bench/modes.h"
#include "bench/publisher.h"

#define TRIES 16 /* to find somebody who is there */

struct chat {
    struct crowd *crowd;
    const struct plan *plan;
    struct publisher publisher;
    uint64_t delivered, left, said, departures; /* said, departures: how many have been due */
    uint64_t random;
    uint32_t cursor;
};

static void on_message(void *owner, struct bench_link *l, const struct frame_event *event)
{
    struct chat *chat = owner;

    (void)l;
    if (publisher_heard(&chat->publisher, event))
        chat->delivered++;
}

static void on_gone(void *owner, struct bench_link *l)
{
    struct chat *chat = owner;

    (void)l;
    chat->left++;
}

static struct bench_link *anybody(struct chat *chat)
{
    for (unsigned i = 0; i < TRIES; i++) {
        struct bench_link *l =
            &chat->crowd->links[random_jitter(&chat->random, chat->plan->connections)];

        if (l->state == LINK_OPEN)
            return l;
    }
    return NULL;
}

/* Those who left are followed by others. */
static void fill_places(struct chat *chat)
{
    struct crowd *c = chat->crowd;

    for (uint32_t i = 0; i < c->links_count && c->under_way < chat->plan->batch && !c->has_failed &&
                         c->open + c->under_way < chat->plan->connections;
         i++) {
        struct bench_link *l = &c->links[chat->cursor++ % c->links_count];

        if (l->state == LINK_FREE)
            bench_link_start(c, l);
    }
}

static void say_what_is_due(struct chat *chat, uint64_t begin, uint64_t now)
{
    double since_s = (double)(now - begin) / 1e9;
    struct bench_link *l;

    for (; (double)chat->said < since_s * chat->plan->rate; chat->said++) {
        l = anybody(chat);
        if (l != NULL)
            publisher_send(&chat->publisher, l,
                           begin + (uint64_t)((double)chat->said * 1e9 / chat->plan->rate));
    }
    for (; (double)chat->departures < since_s * chat->plan->churn; chat->departures++) {
        l = anybody(chat);
        if (l != NULL)
            bench_link_leave(chat->crowd, l);
    }
}

static void talk(struct chat *chat, uint64_t begin)
{
    uint64_t end = begin + (uint64_t)(chat->plan->seconds * 1e9), now, step = 1000000;

    while (!chat->crowd->has_failed && (now = clock_mono_ns()) < end) {
        say_what_is_due(chat, begin, now);
        fill_places(chat);
        crowd_turn(chat->crowd, step);
    }
}

void mode_chat(struct crowd *c, struct result *r)
{
    struct chat chat = {.crowd = c, .plan = c->plan, .random = random_u64()};
    uint64_t opened, lost;

    r->unit = "deliveries";
    if (publisher_init(&chat.publisher, c, &r->latency) != OK)
        crowd_fail(c, "out of memory");
    c->owner = &chat;
    c->events = (struct crowd_events){.on_message = on_message, .on_gone = on_gone};
    if (!c->has_failed)
        crowd_open_links(c, 0, c->links_count);
    opened = c->opened;
    lost = c->lost;
    mode_begin(c, r);
    if (!c->has_failed)
        talk(&chat, r->began_ns);
    r->messages = chat.delivered;
    r->has_latency = true;
    mode_end(c, r);
    result_extra(r, "published", (double)chat.publisher.published);
    result_extra(r, "joined", (double)(c->opened - opened));
    result_extra(r, "left", (double)(chat.left - (c->lost - lost)));
    result_extra(r, "lost", (double)(c->lost - lost));
    if (!c->has_failed && chat.publisher.published > 0 && chat.delivered == 0)
        crowd_fail(c,
                   "%llu messages were published and none came: are --join and --send what this "
                   "server understands?",
                   (unsigned long long)chat.publisher.published);
    publisher_clear(&chat.publisher);
}
