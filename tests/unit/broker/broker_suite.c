/* SPDX-License-Identifier: Apache-2.0 */
/* Four workers with mailboxes of four letters each, opened by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/status.h"
#include "broker_suite.h"
#include "fake_mailbox.h"

#define WORKERS  4
#define CAPACITY 4

static const struct broker_ops *engine;

struct worker {
    struct mailbox *mailbox;
    uint32_t got;
    uint32_t last; /* the number inside the last frame */
    char channel[300];
};
struct house {
    struct broker *broker;
    struct worker workers[WORKERS];
};

static void worker_deliver(void *context, struct view channel, struct blob *frame)
{
    struct worker *w = context;

    assert_true(channel.len < sizeof(w->channel));
    memcpy(w->channel, channel.ptr, channel.len);
    w->channel[channel.len] = '\0';
    memcpy(&w->last, frame->data, sizeof(w->last));
    w->got++;
}

static void house_open(struct house *h)
{
    unsigned i;

    memset(h, 0, sizeof(*h));
    assert_int_equal(engine->open(&h->broker, WORKERS), OK);
    for (i = 0; i < WORKERS; i++) {
        struct worker *w = &h->workers[i];

        assert_int_equal(mailbox_new(&w->mailbox, NULL, CAPACITY, NULL), OK);
        broker_join(h->broker, i, w->mailbox, worker_deliver, w);
    }
}

static void house_close(struct house *h)
{
    unsigned i;

    for (i = 0; i < WORKERS; i++) {
        broker_leave(h->broker, i);
        mailbox_close(h->workers[i].mailbox);
    }
    engine->close(h->broker);
}

static struct blob *numbered(uint32_t number)
{
    struct blob *b = blob_new(sizeof(number));

    assert_non_null(b);
    memcpy(b->data, &number, sizeof(number));
    return b;
}

static int publish(struct house *h, unsigned from, const char *channel, uint32_t number)
{
    struct blob *frame = numbered(number);
    int rc = broker_publish(h->broker, from, view_of_text(channel), frame);

    blob_drop(frame);
    return rc;
}

static void open_all(struct house *h)
{
    unsigned i;

    for (i = 0; i < WORKERS; i++)
        (void)fake_mailbox_open_all(h->workers[i].mailbox);
}

/* The publisher hears its own by the same way as everyone, so all hear in one order. */
static void an_ordered_publish_reaches_its_own_worker_through_the_mailbox(void **state)
{
    struct blob *frame;
    struct house h;

    (void)state;
    house_open(&h);
    frame = numbered(1);
    assert_int_equal(broker_publish_ordered(h.broker, 0, VIEW("a"), frame), OK);
    assert_int_equal(broker_interest_add(h.broker, 0, VIEW("a")), OK);
    assert_int_equal(broker_interest_add(h.broker, 1, VIEW("a")), OK);
    for (int i = 0; i < CAPACITY; i++)
        assert_int_equal(broker_publish_ordered(h.broker, 0, VIEW("a"), frame), OK);
    assert_int_equal(h.workers[0].got, 0);
    assert_int_equal(broker_publish_ordered(h.broker, 0, VIEW("a"), frame), E_FULL);
    blob_drop(frame);
    open_all(&h);
    assert_int_equal(h.workers[0].got, CAPACITY);
    assert_int_equal(h.workers[1].got, CAPACITY);
    assert_int_equal(h.workers[2].got, 0);
    house_close(&h);
}

static void one_worker_alone_delivers_an_ordered_publish_at_once(void **state)
{
    struct worker w = {0};
    struct broker *broker;
    struct blob *frame = numbered(7);

    (void)state;
    assert_int_equal(engine->open(&broker, 1), OK);
    assert_int_equal(mailbox_new(&w.mailbox, NULL, CAPACITY, NULL), OK);
    broker_join(broker, 0, w.mailbox, worker_deliver, &w);
    assert_int_equal(broker_publish_ordered(broker, 0, VIEW("a"), frame), OK);
    assert_int_equal(w.got, 1);
    assert_int_equal(w.last, 7);
    broker_leave(broker, 0);
    assert_int_equal(broker_publish_ordered(broker, 0, VIEW("a"), frame), OK);
    assert_int_equal(w.got, 1);
    blob_drop(frame);
    mailbox_close(w.mailbox);
    engine->close(broker);
}

static void only_interested_others_get_a_message(void **state)
{
    struct house h;

    (void)state;
    house_open(&h);
    assert_int_equal(publish(&h, 0, "a", 1), OK);
    open_all(&h);
    assert_int_equal(broker_interest_add(h.broker, 0, VIEW("a")), OK);
    assert_int_equal(broker_interest_add(h.broker, 1, VIEW("a")), OK);
    assert_int_equal(broker_interest_add(h.broker, 2, VIEW("a")), OK);
    assert_int_equal(broker_interest_add(h.broker, 3, VIEW("b")), OK);
    assert_int_equal(publish(&h, 0, "a", 2), OK);
    assert_int_equal(h.workers[1].got, 0); /* nothing runs on the publisher's thread */
    open_all(&h);
    assert_int_equal(h.workers[0].got, 0);
    assert_int_equal(h.workers[1].got, 1);
    assert_int_equal(h.workers[2].got, 1);
    assert_int_equal(h.workers[3].got, 0);
    assert_int_equal(h.workers[1].last, 2);
    assert_string_equal(h.workers[1].channel, "a");
    broker_interest_remove(h.broker, 1, VIEW("a"));
    broker_interest_remove(h.broker, 1, VIEW("a"));
    broker_interest_remove(h.broker, 1, VIEW("never"));
    assert_int_equal(publish(&h, 3, "a", 3), OK);
    open_all(&h);
    assert_int_equal(h.workers[0].got, 1);
    assert_int_equal(h.workers[1].got, 1);
    assert_int_equal(h.workers[2].got, 2);
    house_close(&h);
}

static void a_full_mailbox_refuses_the_message_for_all(void **state)
{
    struct house h;
    uint32_t i;

    (void)state;
    house_open(&h);
    for (i = 1; i < WORKERS; i++)
        assert_int_equal(broker_interest_add(h.broker, i, VIEW("all")), OK);
    assert_int_equal(broker_interest_add(h.broker, 3, VIEW("three")), OK);
    for (i = 0; i < CAPACITY; i++)
        assert_int_equal(publish(&h, 0, "three", i), OK);
    assert_int_equal(publish(&h, 0, "all", 9), E_FULL);
    assert_int_equal(fake_mailbox_reserved(h.workers[1].mailbox), 0);
    assert_int_equal(fake_mailbox_reserved(h.workers[2].mailbox), 0);
    (void)fake_mailbox_open_all(h.workers[3].mailbox);
    assert_int_equal(h.workers[3].got, CAPACITY);
    assert_int_equal(publish(&h, 0, "all", 10), OK);
    open_all(&h);
    assert_int_equal(h.workers[1].got, 1);
    assert_int_equal(h.workers[2].got, 1);
    assert_int_equal(h.workers[3].got, CAPACITY + 1);
    assert_int_equal(h.workers[3].last, 10);
    house_close(&h);
}

static void the_frame_is_let_go_with_the_last_letter(void **state)
{
    struct blob *frame = numbered(5);
    struct house h;

    (void)state;
    house_open(&h);
    assert_int_equal(broker_interest_add(h.broker, 1, VIEW("a")), OK);
    assert_int_equal(broker_interest_add(h.broker, 2, VIEW("a")), OK);
    assert_int_equal(broker_publish(h.broker, 0, VIEW("a"), frame), OK);
    assert_true(frame->refs > 1);
    (void)fake_mailbox_open_all(h.workers[1].mailbox);
    assert_true(frame->refs > 1);
    (void)fake_mailbox_open_all(h.workers[2].mailbox);
    assert_int_equal(frame->refs, 1);
    assert_int_equal(broker_publish(h.broker, 1, VIEW("b"), frame), OK);
    assert_int_equal(frame->refs, 1); /* nobody wants b */
    blob_drop(frame);
    house_close(&h);
}

static void messages_of_one_worker_keep_their_order(void **state)
{
    struct house h;
    uint32_t i;

    (void)state;
    house_open(&h);
    assert_int_equal(broker_interest_add(h.broker, 1, VIEW("a")), OK);
    for (i = 1; i <= 1000; i++) {
        assert_int_equal(publish(&h, 0, "a", i), OK);
        if (i % CAPACITY == 0) {
            (void)fake_mailbox_open_all(h.workers[1].mailbox);
            assert_int_equal(h.workers[1].last, i);
        }
    }
    assert_int_equal(h.workers[1].got, 1000);
    house_close(&h);
}

static void who_has_left_gets_nothing_more(void **state)
{
    struct house h;

    (void)state;
    house_open(&h);
    assert_int_equal(broker_interest_add(h.broker, 1, VIEW("a")), OK);
    assert_int_equal(broker_interest_add(h.broker, 2, VIEW("a")), OK);
    assert_int_equal(publish(&h, 0, "a", 1), OK);
    broker_leave(h.broker, 1);
    broker_leave(h.broker, 1);
    assert_int_equal(publish(&h, 0, "a", 2), OK);
    open_all(&h); /* what was inside before is still opened */
    assert_int_equal(h.workers[1].got, 1);
    assert_int_equal(h.workers[2].got, 2);
    broker_join(h.broker, 1, h.workers[1].mailbox, worker_deliver, &h.workers[1]);
    assert_int_equal(publish(&h, 0, "a", 3), OK);
    open_all(&h);
    assert_int_equal(h.workers[1].got, 2);
    house_close(&h);
}

static void one_worker_alone_costs_nothing_and_works(void **state)
{
    struct broker *alone;
    struct blob *frame = numbered(1);

    (void)state;
    assert_int_equal(engine->open(&alone, 1), OK);
    assert_int_equal(broker_interest_add(alone, 0, VIEW("a")), OK);
    assert_int_equal(broker_publish(alone, 0, VIEW("a"), frame), OK);
    assert_int_equal(frame->refs, 1);
    broker_interest_remove(alone, 0, VIEW("a"));
    engine->close(alone);
    engine->close(NULL);
    blob_drop(frame);
}

static void the_number_of_workers_has_bounds(void **state)
{
    struct broker *b = NULL;

    (void)state;
    assert_int_equal(engine->open(&b, 0), E_INVALID);
    assert_int_equal(engine->open(&b, BROKER_WORKERS_MAX + 1), E_INVALID);
    assert_null(b);
    assert_int_equal(engine->open(&b, BROKER_WORKERS_MAX), OK);
    assert_int_equal(broker_interest_add(b, BROKER_WORKERS_MAX - 1, VIEW("a")), OK);
    broker_interest_remove(b, BROKER_WORKERS_MAX - 1, VIEW("a"));
    engine->close(b);
}

/* ---- threads: everyone publishes, wants and unwants; every letter that was accepted is opened
 * ---- */

#define ROUNDS 20000

struct player {
    pthread_t thread;
    struct house *house;
    unsigned index;
    uint64_t sent[WORKERS]; /* to each worker's own channel, accepted */
};

static void *player_run(void *argument)
{
    struct player *p = argument;
    struct worker *own = &p->house->workers[p->index];
    char own_name[16], name[16];
    uint32_t i;

    (void)snprintf(own_name, sizeof(own_name), "own%u", p->index);
    for (i = 0; i < ROUNDS; i++) {
        unsigned target = (p->index + 1 + i % (WORKERS - 1)) % WORKERS;

        (void)snprintf(name, sizeof(name), "own%u", target);
        p->sent[target] += publish(p->house, p->index, name, i) == OK;
        if (i % 3 == 0)
            (void)broker_interest_add(p->house->broker, p->index, VIEW("flicker"));
        if (i % 3 == 2)
            broker_interest_remove(p->house->broker, p->index, VIEW("flicker"));
        (void)fake_mailbox_open_all(own->mailbox);
    }
    broker_interest_remove(p->house->broker, p->index, VIEW("flicker"));
    return NULL;
}

static void every_accepted_message_arrives_once(void **state)
{
    struct player players[WORKERS];
    struct house h;
    unsigned i, from;
    char name[16];

    (void)state;
    house_open(&h);
    memset(players, 0, sizeof(players));
    for (i = 0; i < WORKERS; i++) {
        (void)snprintf(name, sizeof(name), "own%u", i);
        assert_int_equal(broker_interest_add(h.broker, i, view_of_text(name)), OK);
    }
    for (i = 0; i < WORKERS; i++) {
        players[i].house = &h;
        players[i].index = i;
        assert_int_equal(pthread_create(&players[i].thread, NULL, player_run, &players[i]), 0);
    }
    for (i = 0; i < WORKERS; i++)
        (void)pthread_join(players[i].thread, NULL);
    open_all(&h);
    for (i = 0; i < WORKERS; i++) {
        uint64_t expected = 0;

        for (from = 0; from < WORKERS; from++)
            expected += players[from].sent[i];
        assert_true(expected > 0);
        assert_int_equal(h.workers[i].got, expected);
    }
    house_close(&h);
}

/* A worker that leaves and frees its mailbox while others publish to it: ASan and TSan would see a
 * late letter. */
static void *comer_run(void *argument)
{
    struct house *h = argument;
    struct worker *w = &h->workers[1];
    int i;

    for (i = 0; i < 2000; i++) {
        broker_leave(h->broker, 1);
        mailbox_close(w->mailbox);
        if (mailbox_new(&w->mailbox, NULL, CAPACITY, NULL) != OK)
            abort();
        broker_join(h->broker, 1, w->mailbox, worker_deliver, w);
    }
    return NULL;
}

static void a_mailbox_may_be_closed_after_leaving(void **state)
{
    pthread_t comer;
    struct house h;
    uint32_t i;

    (void)state;
    house_open(&h);
    assert_int_equal(broker_interest_add(h.broker, 1, VIEW("a")), OK);
    assert_int_equal(pthread_create(&comer, NULL, comer_run, &h), 0);
    for (i = 0; i < 50000; i++)
        (void)publish(&h, 0, "a", i);
    (void)pthread_join(comer, NULL);
    house_close(&h);
}

int broker_suite_run(const struct broker_ops *ops)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordered_publish_reaches_its_own_worker_through_the_mailbox),
        cmocka_unit_test(one_worker_alone_delivers_an_ordered_publish_at_once),
        cmocka_unit_test(only_interested_others_get_a_message),
        cmocka_unit_test(a_full_mailbox_refuses_the_message_for_all),
        cmocka_unit_test(the_frame_is_let_go_with_the_last_letter),
        cmocka_unit_test(messages_of_one_worker_keep_their_order),
        cmocka_unit_test(who_has_left_gets_nothing_more),
        cmocka_unit_test(one_worker_alone_costs_nothing_and_works),
        cmocka_unit_test(the_number_of_workers_has_bounds),
        cmocka_unit_test(every_accepted_message_arrives_once),
        cmocka_unit_test(a_mailbox_may_be_closed_after_leaving),
    };
    engine = ops;
    return cmocka_run_group_tests_name(ops->name, tests, NULL, NULL);
}
