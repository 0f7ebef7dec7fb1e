/* SPDX-License-Identifier: Apache-2.0 */
/* hub_test.c: one hub over an engine that only keeps books and fails on request. Crossing between
 * workers is tested in hub_workers_test.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/status.h"
#include "broker/broker_engine.h"
#include "hub/hub.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifdef IS_SANITIZED
#define FLOOD 200000
#else
#define FLOOD 1000000
#endif

/* ---- an engine that keeps books ---- */

struct book_broker {
    struct broker front;
    int interests, published;
    int add_answer, publish_answer;
};

static int book_add(struct broker *b, unsigned index, struct view channel)
{
    struct book_broker *book = (struct book_broker *)(void *)b;

    assert_int_equal(index, 3);
    assert_true(channel.len > 0);
    if (book->add_answer == OK)
        book->interests++;
    return book->add_answer;
}

static void book_remove(struct broker *b, unsigned index, struct view channel)
{
    assert_int_equal(index, 3);
    assert_true(channel.len > 0);
    ((struct book_broker *)(void *)b)->interests--;
}

static int book_publish(struct broker *b, unsigned index, struct view channel, struct blob *frame)
{
    struct book_broker *book = (struct book_broker *)(void *)b;

    assert_int_equal(index, 3);
    assert_true(channel.len > 0 && frame != NULL);
    if (book->publish_answer == OK)
        book->published++;
    return book->publish_answer;
}

static const struct broker_ops book_ops = {
    .name = "book",
    .interest_add = book_add,
    .interest_remove = book_remove,
    .publish = book_publish,
};

/* ---- listeners that count ---- */

struct listener {
    struct hub_subscriber subscriber;
    uint32_t got;
    bool wants_to_leave;
};

static void listener_deliver(struct hub_subscriber *s, struct blob *frame)
{
    struct listener *l = (struct listener *)(void *)s;

    assert_int_equal(frame->len, 4);
    l->got++;
    l->wants_to_leave = true;
}
static const struct hub_subscriber_ops listener_ops = {.deliver = listener_deliver};

struct world {
    struct book_broker book;
    struct hub *hub;
    struct blob *frame;
};

static void world_open(struct world *w, uint32_t subscriptions, uint32_t channels)
{
    struct hub_limits limits = {subscriptions, channels};

    memset(w, 0, sizeof(*w));
    w->book.front.ops = &book_ops;
    assert_int_equal(hub_new(&w->hub, &limits, &w->book.front, 3), OK);
    w->frame = blob_new(4);
    assert_non_null(w->frame);
    memcpy(w->frame->data, "test", 4);
}

static void world_close(struct world *w)
{
    assert_int_equal(hub_channel_count(w->hub), 0);
    assert_int_equal(w->book.interests, 0);
    assert_int_equal(w->frame->refs, 1); /* deliveries borrow */
    hub_free(w->hub);
    blob_drop(w->frame);
}

static void listeners_init(struct listener *l, size_t count)
{
    size_t i;

    memset(l, 0, count * sizeof(*l));
    for (i = 0; i < count; i++)
        hub_subscriber_init(&l[i].subscriber, &listener_ops);
}

static uint32_t publish(struct world *w, const char *channel)
{
    uint32_t local = UINT32_MAX;

    assert_int_equal(hub_publish(w->hub, view_of_text(channel), w->frame, &local), OK);
    return local;
}

/* ---- tests ---- */

static void a_message_reaches_who_listens_and_nobody_else(void **state)
{
    struct listener l[3];
    struct world w;

    (void)state;
    world_open(&w, 10, 10);
    listeners_init(l, 3);
    assert_int_equal(publish(&w, "a"), 0);
    assert_int_equal(hub_subscribe(w.hub, &l[0].subscriber, VIEW("a")), OK);
    assert_int_equal(hub_subscribe(w.hub, &l[1].subscriber, VIEW("a")), OK);
    assert_int_equal(hub_subscribe(w.hub, &l[2].subscriber, VIEW("a:b")), OK);
    assert_int_equal(w.book.interests, 2); /* once a channel, not once a listener */
    assert_int_equal(publish(&w, "a"), 2);
    assert_int_equal(publish(&w, "a:b"), 1);
    assert_int_equal(publish(&w, "A"), 0);
    assert_int_equal(l[0].got, 1);
    assert_int_equal(l[1].got, 1);
    assert_int_equal(l[2].got, 1);
    assert_true(hub_is_subscribed(w.hub, &l[0].subscriber, VIEW("a")));
    assert_false(hub_is_subscribed(w.hub, &l[2].subscriber, VIEW("a")));
    assert_false(hub_is_subscribed(w.hub, &l[0].subscriber, VIEW("nowhere")));
    assert_int_equal(hub_unsubscribe(w.hub, &l[0].subscriber, VIEW("a")), OK);
    assert_int_equal(publish(&w, "a"), 1);
    assert_int_equal(l[0].got, 1);
    assert_int_equal(hub_publish(w.hub, VIEW("a"), w.frame, NULL), OK);
    hub_deliver(w.hub, VIEW("a"), w.frame); /* from another worker: not sent on again */
    hub_deliver(w.hub, VIEW("gone"), w.frame);
    assert_int_equal(l[1].got, 4);
    assert_int_equal(w.book.published, 6);
    hub_leave(w.hub, &l[1].subscriber);
    hub_leave(w.hub, &l[2].subscriber);
    world_close(&w);
}

static void answers_to_mistakes(void **state)
{
    struct listener l[2];
    char longest[HUB_NAME_MAX + 1];
    struct world w;

    (void)state;
    world_open(&w, 10, 10);
    listeners_init(l, 2);
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(hub_unsubscribe(w.hub, &l[0].subscriber, VIEW("a")), E_MISSING);
    assert_int_equal(hub_subscribe(w.hub, &l[0].subscriber, VIEW("a")), OK);
    assert_int_equal(hub_subscribe(w.hub, &l[0].subscriber, VIEW("a")), E_EXISTS);
    assert_int_equal(hub_unsubscribe(w.hub, &l[1].subscriber, VIEW("a")), E_MISSING);
    assert_int_equal(hub_subscribe(w.hub, &l[0].subscriber, view_of(longest, 0)), E_INVALID);
    assert_int_equal(hub_subscribe(w.hub, &l[0].subscriber, view_of(longest, HUB_NAME_MAX + 1)),
                     E_INVALID);
    assert_int_equal(hub_subscribe(w.hub, &l[0].subscriber, view_of(longest, HUB_NAME_MAX)), OK);
    assert_int_equal(l[0].subscriber.count, 2);
    hub_leave(w.hub, &l[0].subscriber);
    hub_leave(w.hub, &l[0].subscriber);
    hub_leave(w.hub, &l[1].subscriber);
    world_close(&w);
}

static bool ends_in_even(void *asked, struct view channel)
{
    (*(unsigned *)asked)++;
    return (channel.ptr[channel.len - 1] - '0') % 2 == 0;
}

/* A review ends what it denies, wherever that stands among the others, and asks about each once. */
static void a_review_ends_what_it_denies(void **state)
{
    struct listener l;
    struct world w;
    unsigned asked = 0;
    char name[16];

    (void)state;
    world_open(&w, 100, 1000);
    listeners_init(&l, 1);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        assert_int_equal(hub_subscribe(w.hub, &l.subscriber, view_of_text(name)), OK);
    }
    hub_review(w.hub, &l.subscriber, ends_in_even, &asked);
    assert_int_equal(asked, 10);
    assert_int_equal(hub_channel_count(w.hub), 5);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        assert_int_equal(hub_is_subscribed(w.hub, &l.subscriber, view_of_text(name)), i % 2 == 0);
    }
    hub_leave(w.hub, &l.subscriber);
    world_close(&w);
}

static void the_101st_subscription_is_refused(void **state)
{
    struct listener l;
    struct world w;
    char name[16];
    int i;

    (void)state;
    world_open(&w, 100, 1000);
    listeners_init(&l, 1);
    for (i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        assert_int_equal(hub_subscribe(w.hub, &l.subscriber, view_of_text(name)), OK);
    }
    assert_int_equal(hub_subscribe(w.hub, &l.subscriber, VIEW("one-more")), E_LIMIT);
    assert_int_equal(hub_subscribe(w.hub, &l.subscriber, VIEW("c5")), E_EXISTS);
    assert_int_equal(hub_channel_count(w.hub), 100);
    assert_int_equal(hub_unsubscribe(w.hub, &l.subscriber, VIEW("c50")), OK);
    assert_int_equal(hub_subscribe(w.hub, &l.subscriber, VIEW("one-more")), OK);
    hub_leave(w.hub, &l.subscriber);
    world_close(&w);
}

static void a_full_worker_takes_no_new_channel_but_more_listeners(void **state)
{
    struct listener l[2];
    struct world w;

    (void)state;
    world_open(&w, 10, 2);
    listeners_init(l, 2);
    assert_int_equal(hub_subscribe(w.hub, &l[0].subscriber, VIEW("a")), OK);
    assert_int_equal(hub_subscribe(w.hub, &l[0].subscriber, VIEW("b")), OK);
    assert_int_equal(hub_subscribe(w.hub, &l[1].subscriber, VIEW("c")), E_FULL);
    assert_int_equal(hub_subscribe(w.hub, &l[1].subscriber, VIEW("a")), OK);
    assert_int_equal(hub_unsubscribe(w.hub, &l[0].subscriber, VIEW("b")), OK);
    assert_int_equal(hub_subscribe(w.hub, &l[1].subscriber, VIEW("c")), OK);
    hub_leave(w.hub, &l[0].subscriber);
    hub_leave(w.hub, &l[1].subscriber);
    world_close(&w);
}

static void a_failing_broker_leaves_everything_as_it_was(void **state)
{
    struct listener l;
    struct world w;
    uint32_t local = 77;

    (void)state;
    world_open(&w, 10, 10);
    listeners_init(&l, 1);
    w.book.add_answer = E_NOMEM;
    assert_int_equal(hub_subscribe(w.hub, &l.subscriber, VIEW("a")), E_NOMEM);
    w.book.add_answer = E_LIMIT;
    assert_int_equal(hub_subscribe(w.hub, &l.subscriber, VIEW("a")), E_FULL);
    assert_int_equal(hub_channel_count(w.hub), 0);
    assert_int_equal(l.subscriber.count, 0);
    w.book.add_answer = OK;
    assert_int_equal(hub_subscribe(w.hub, &l.subscriber, VIEW("a")), OK);
    w.book.publish_answer = E_FULL;
    assert_int_equal(hub_publish(w.hub, VIEW("a"), w.frame, &local), E_FULL);
    assert_int_equal(l.got, 0); /* all or none: not the local listener either */
    assert_int_equal(local, 77);
    w.book.publish_answer = OK;
    assert_int_equal(publish(&w, "a"), 1);
    hub_leave(w.hub, &l.subscriber);
    world_close(&w);
}

/* 5,000 listeners: no allocation for a publish, and those that deliver marked leave afterwards in
 * any order. */
static void a_large_channel_is_served_without_allocating(void **state)
{
    enum { LISTENERS = 5000 };
    struct listener *l = calloc(LISTENERS, sizeof(*l));
    size_t before;
    struct world w;
    int i;

    (void)state;
    assert_non_null(l);
    world_open(&w, 10, 10);
    listeners_init(l, LISTENERS);
    for (i = 0; i < LISTENERS; i++)
        assert_int_equal(hub_subscribe(w.hub, &l[i].subscriber, VIEW("public:chat")), OK);
    before = mallinfo2().uordblks;
    for (i = 0; i < 10; i++)
        assert_int_equal(publish(&w, "public:chat"), LISTENERS);
    assert_int_equal(mallinfo2().uordblks, before);
    for (i = 0; i < LISTENERS; i++) {
        struct listener *leaver = &l[(i * 7919) % LISTENERS];

        assert_true(leaver->wants_to_leave);
        assert_int_equal(leaver->got, 10);
        hub_leave(w.hub, &leaver->subscriber);
    }
    assert_int_equal(publish(&w, "public:chat"), 0);
    world_close(&w);
    free(l);
}

/* C-A24, SC-55: one connection that comes and goes through a million channels leaves nothing
 * behind. */
static void a_million_distinct_channels_leave_memory_flat(void **state)
{
    struct listener l;
    size_t before = 0;
    struct world w;
    char name[32];
    int i;

    (void)state;
    world_open(&w, 100, 1000);
    listeners_init(&l, 1);
    for (i = 0; i < FLOOD; i++) {
        (void)snprintf(name, sizeof(name), "flood:%d", i);
        assert_int_equal(hub_subscribe(w.hub, &l.subscriber, view_of_text(name)), OK);
        if (i % 100 == 99)
            hub_leave(w.hub, &l.subscriber);
        if (i == 999)
            before = mallinfo2().uordblks;
    }
    assert_int_equal(mallinfo2().uordblks, before);
    world_close(&w);
}

/* Random comings and goings against a plain matrix of who listens where. */
static void random_traffic_agrees_with_a_matrix(void **state)
{
    enum { PEOPLE = 40, ROOMS = 25, CAP = 12, STEPS = 100000 };
    static bool in[PEOPLE][ROOMS];
    static uint32_t expected[PEOPLE];
    struct listener l[PEOPLE];
    uint64_t chance = 7;
    struct world w;
    int step, i;

    (void)state;
    world_open(&w, CAP, ROOMS);
    listeners_init(l, PEOPLE);
    for (step = 0; step < STEPS; step++) {
        uint32_t who, room, action, count = 0;
        char name[16];

        chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        who = (uint32_t)(chance >> 33) % PEOPLE;
        room = (uint32_t)(chance >> 40) % ROOMS;
        action = (uint32_t)(chance >> 48) % 100;
        (void)snprintf(name, sizeof(name), "room%u", room);
        assert_int_equal(hub_is_subscribed(w.hub, &l[who].subscriber, view_of_text(name)),
                         in[who][room]);
        if (action < 45) {
            int rc = hub_subscribe(w.hub, &l[who].subscriber, view_of_text(name));
            bool is_capped = l[who].subscriber.count == CAP && rc != OK;

            assert_int_equal(rc, in[who][room] ? E_EXISTS : is_capped ? E_LIMIT : OK);
            in[who][room] = in[who][room] || rc == OK;
        } else if (action < 75) {
            int rc = hub_unsubscribe(w.hub, &l[who].subscriber, view_of_text(name));

            assert_int_equal(rc, in[who][room] ? OK : E_MISSING);
            in[who][room] = false;
        } else if (action < 77) {
            hub_leave(w.hub, &l[who].subscriber);
            memset(in[who], 0, sizeof(in[who]));
        } else {
            for (i = 0; i < PEOPLE; i++) {
                count += in[i][room];
                expected[i] += in[i][room];
            }
            assert_int_equal(publish(&w, name), count);
        }
    }
    for (i = 0; i < PEOPLE; i++) {
        assert_true(expected[i] > 0);
        assert_int_equal(l[i].got, expected[i]);
        hub_leave(w.hub, &l[i].subscriber);
    }
    world_close(&w);
}

struct tally {
    uint32_t channels, listeners, of_b;
};

static void count_channel(void *context, struct view channel, uint32_t listeners)
{
    struct tally *tally = context;

    tally->channels++;
    tally->listeners += listeners;
    if (view_eq(channel, VIEW("b")))
        tally->of_b = listeners;
}

static void every_channel_is_told_with_its_listeners(void **state)
{
    struct tally tally = {0, 0, 0};
    struct listener l[3];
    struct world w;

    (void)state;
    world_open(&w, 10, 10);
    listeners_init(l, 3);
    hub_each_channel(w.hub, count_channel, &tally);
    assert_int_equal(tally.channels, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(hub_subscribe(w.hub, &l[i].subscriber, VIEW("b")), OK);
    assert_int_equal(hub_subscribe(w.hub, &l[0].subscriber, VIEW("a")), OK);
    hub_each_channel(w.hub, count_channel, &tally);
    assert_int_equal(tally.channels, 2);
    assert_int_equal(tally.listeners, 4);
    assert_int_equal(tally.of_b, 3);
    assert_int_equal(publish(&w, "b") + publish(&w, "nobody"), 3);
    hub_deliver(w.hub, VIEW("a"), w.frame);
    assert_int_equal(hub_counters(w.hub)->publishes, 2);
    assert_int_equal(hub_counters(w.hub)->deliveries, 4);
    for (int i = 0; i < 3; i++)
        hub_leave(w.hub, &l[i].subscriber);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_reaches_who_listens_and_nobody_else),
        cmocka_unit_test(answers_to_mistakes),
        cmocka_unit_test(every_channel_is_told_with_its_listeners),
        cmocka_unit_test(a_review_ends_what_it_denies),
        cmocka_unit_test(the_101st_subscription_is_refused),
        cmocka_unit_test(a_full_worker_takes_no_new_channel_but_more_listeners),
        cmocka_unit_test(a_failing_broker_leaves_everything_as_it_was),
        cmocka_unit_test(a_large_channel_is_served_without_allocating),
        cmocka_unit_test(a_million_distinct_channels_leave_memory_flat),
        cmocka_unit_test(random_traffic_agrees_with_a_matrix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
