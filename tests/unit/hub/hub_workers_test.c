/* SPDX-License-Identifier: Apache-2.0 */
/* hub_workers_test.c: four threads, each with a real loop, mailbox and hub, that publish, come and
 * go at random. Whoever listened throughout must have got every accepted message exactly once and
 * in its sender's order; whoever came and went must never get what it does not listen to. Under
 * TSan this is the proof that the rooms share nothing they should not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/status.h"
#include "hub/hub.h"
#include "net/loop.h"
#include "net/mailbox.h"

#define WORKERS  4
#define STEADY   3  /* listeners that stay, per worker */
#define FLEETING 20 /* listeners that come and go */
#define ROOMS    16 /* room 0 is the one everyone steady listens to */
#define LETTERS  256
#define RUN_MS   3000
#define STEP_OPS 20

struct worker;
struct listener {
    struct hub_subscriber subscriber;
    struct worker *worker;
    uint32_t rooms; /* bits of what it listens to */
    uint64_t got;
    uint64_t last[WORKERS]; /* the last number seen of each sender in room 0 */
};
struct frame_text {
    uint32_t room, sender;
    uint64_t number;
};
struct worker {
    pthread_t thread;
    struct test *test;
    unsigned index;
    struct loop *loop;
    struct mailbox *mailbox;
    struct hub *hub;
    uv_idle_t idle;
    struct listener listeners[STEADY + FLEETING];
    uint64_t chance, accepted[ROOMS], refused, faults, until_ms;
    bool has_finished;
};
struct test {
    struct broker *broker;
    pthread_barrier_t start;
    atomic_uint finished;
    struct worker workers[WORKERS];
};

static struct view room_name(uint32_t room, char *out, size_t bytes)
{
    return view_of(out, (size_t)snprintf(out, bytes, "private:room-%u", room));
}

static uint32_t pick(struct worker *w, uint32_t below)
{
    w->chance = w->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(w->chance >> 33) % below;
}

static void on_deliver(struct hub_subscriber *s, struct blob *frame)
{
    struct listener *l = (struct listener *)(void *)s;
    struct frame_text text;

    memcpy(&text, frame->data, sizeof(text));
    if ((l->rooms >> text.room & 1) == 0)
        l->worker->faults++; /* not a room of ours */
    if (text.room == 0 && l < l->worker->listeners + STEADY) {
        if (text.number != l->last[text.sender] + 1)
            l->worker->faults++; /* lost, twice, or out of order */
        l->last[text.sender] = text.number;
    }
    l->got++;
}
static const struct hub_subscriber_ops listener_ops = {.deliver = on_deliver};

/* False when a mailbox was full: time to let the others read theirs. */
static bool publish_one(struct worker *w)
{
    uint32_t room = pick(w, 3) == 0 ? 0 : pick(w, ROOMS);
    struct frame_text text = {room, w->index, w->accepted[room] + 1};
    struct blob *frame = blob_new(sizeof(text));
    char name[32];
    int rc;

    if (frame == NULL)
        abort();
    memcpy(frame->data, &text, sizeof(text));
    rc = hub_publish(w->hub, room_name(room, name, sizeof(name)), frame, NULL);
    blob_drop(frame);
    if (rc == OK)
        w->accepted[room]++;
    else if (rc == E_FULL)
        w->refused++;
    else
        w->faults++;
    return rc != E_FULL;
}

static void come_or_go(struct worker *w)
{
    struct listener *l = &w->listeners[STEADY + pick(w, FLEETING)];
    uint32_t room = pick(w, ROOMS);
    uint32_t bit = UINT32_C(1) << room;
    char name[32];
    struct view channel = room_name(room, name, sizeof(name));

    if (pick(w, 20) == 0) {
        hub_leave(w->hub, &l->subscriber);
        l->rooms = 0;
    } else if ((l->rooms & bit) == 0) {
        if (hub_subscribe(w->hub, &l->subscriber, channel) != OK)
            w->faults++;
        l->rooms |= bit;
    } else {
        if (hub_unsubscribe(w->hub, &l->subscriber, channel) != OK)
            w->faults++;
        l->rooms &= ~bit;
    }
}

static void on_idle_closed(uv_handle_t *handle)
{
    struct worker *w = handle->data;

    loop_stop(w->loop);
}

static void on_idle(uv_idle_t *idle)
{
    struct worker *w = idle->data;
    int i;

    if (!w->has_finished && clock_mono_ms() >= w->until_ms) {
        w->has_finished = true;
        atomic_fetch_add(&w->test->finished, 1);
    }
    for (i = 0; i < STEP_OPS && !w->has_finished; i++) {
        if (pick(w, 2) == 0) {
            come_or_go(w);
        } else if (!publish_one(w)) {
            (void)sched_yield();
            break;
        }
    }
    if (atomic_load(&w->test->finished) == WORKERS) {
        /* Everything that will ever be sent to us lies in the mailbox now; closing it opens the
         * rest. */
        broker_leave(w->test->broker, w->index);
        mailbox_close(w->mailbox);
        uv_close((uv_handle_t *)idle, on_idle_closed);
    }
}

static void worker_open(struct worker *w)
{
    struct hub_limits limits = {ROOMS, ROOMS};
    char name[32];
    int i;

    if (loop_new(&w->loop) != OK || mailbox_new(&w->mailbox, w->loop, LETTERS, w) != OK ||
        hub_new(&w->hub, &limits, w->test->broker, w->index) != OK)
        abort();
    broker_join(w->test->broker, w->index, w->mailbox, hub_deliver, w->hub);
    for (i = 0; i < STEADY + FLEETING; i++) {
        struct listener *l = &w->listeners[i];

        l->worker = w;
        hub_subscriber_init(&l->subscriber, &listener_ops);
        if (i >= STEADY)
            continue;
        l->rooms = 1;
        if (hub_subscribe(w->hub, &l->subscriber, room_name(0, name, sizeof(name))) != OK)
            abort();
    }
    (void)uv_idle_init(loop_uv(w->loop), &w->idle);
    w->idle.data = w;
    (void)uv_idle_start(&w->idle, on_idle);
}

static void *worker_run(void *argument)
{
    struct worker *w = argument;
    int i;

    w->chance = w->index + 1;
    worker_open(w);
    (void)pthread_barrier_wait(&w->test->start);
    w->until_ms = clock_mono_ms() + RUN_MS;
    loop_run(w->loop);
    for (i = 0; i < STEADY + FLEETING; i++)
        hub_leave(w->hub, &w->listeners[i].subscriber);
    if (hub_channel_count(w->hub) != 0)
        w->faults++;
    hub_free(w->hub);
    loop_free(w->loop);
    return NULL;
}

static void every_accepted_message_reaches_all_who_stayed(void **state)
{
    struct test *test = calloc(1, sizeof(*test));
    uint64_t refused = 0, accepted = 0, fleeting = 0;
    unsigned i, n, sender;

    (void)state;
    assert_non_null(test);
    assert_int_equal(broker_memory.open(&test->broker, WORKERS), OK);
    assert_int_equal(pthread_barrier_init(&test->start, NULL, WORKERS), 0);
    for (i = 0; i < WORKERS; i++) {
        test->workers[i].test = test;
        test->workers[i].index = i;
        assert_int_equal(
            pthread_create(&test->workers[i].thread, NULL, worker_run, &test->workers[i]), 0);
    }
    for (i = 0; i < WORKERS; i++)
        (void)pthread_join(test->workers[i].thread, NULL);
    for (i = 0; i < WORKERS; i++) {
        const struct worker *w = &test->workers[i];

        assert_int_equal(w->faults, 0);
        accepted += w->accepted[0];
        refused += w->refused;
        for (n = 0; n < STEADY; n++) {
            for (sender = 0; sender < WORKERS; sender++)
                assert_int_equal(w->listeners[n].last[sender], test->workers[sender].accepted[0]);
        }
        for (n = STEADY; n < STEADY + FLEETING; n++)
            fleeting += w->listeners[n].got;
    }
    for (i = 0; i < WORKERS; i++) {
        for (n = 0; n < STEADY; n++)
            assert_int_equal(test->workers[i].listeners[n].got, accepted);
    }
    assert_true(accepted > 100 && fleeting > 100);
    print_message("# %llu messages accepted, %llu refused for want of room\n",
                  (unsigned long long)accepted, (unsigned long long)refused);
    broker_memory.close(test->broker);
    (void)pthread_barrier_destroy(&test->start);
    free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_accepted_message_reaches_all_who_stayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
