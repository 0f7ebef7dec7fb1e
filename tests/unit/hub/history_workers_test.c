/* SPDX-License-Identifier: Apache-2.0 */
/* history_workers_test.c: four threads, each with a real loop, mailbox and hub, that publish to
 * channels with history while 200 listeners come, go and come back with the place they had reached.
 * Whoever listens gets the places of a channel one after the other: no gap, none twice, none out of
 * order, across a resume too; what a resume cannot give it must refuse. Two tables: a roomy one,
 * and one so small that channels are forgotten all the time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/status.h"
#include "hub/hub.h"
#include "net/loop.h"
#include "net/mailbox.h"

#define WORKERS   4
#define LISTENERS 50 /* per worker */
#define STEADY    2  /* of these stay in room 0 */
#define ROOMS     8
#define LETTERS   256
#define RUN_MS    1500
#define STEP_OPS  20

struct worker;
struct listener {
    struct hub_subscriber subscriber;
    struct worker *worker;
    uint32_t room;
    bool is_here;
    struct history_place at;
    uint64_t last[WORKERS]; /* the last number of each sender in this room, within a life */
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
    struct listener listeners[LISTENERS];
    uint64_t chance, numbers[ROOMS], accepted, refused, got, resumed, missed, lost, faults;
    uint64_t until_ms;
    bool has_finished;
};
struct test {
    struct broker *broker;
    struct history *history;
    pthread_barrier_t start;
    atomic_uint finished;
    bool forgets;
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

static void hear(struct listener *l, const struct blob *frame)
{
    struct frame_text text;

    memcpy(&text, frame->data, sizeof(text));
    l->worker->got++;
    if (!l->is_here || text.room != l->room) {
        l->worker->faults++;
        return;
    }
    if (frame->life == l->at.life) {
        if (frame->offset != l->at.offset + 1)
            l->worker->faults++; /* lost, twice, or out of order */
        if (l->last[text.sender] != 0 && text.number <= l->last[text.sender])
            l->worker->faults++; /* the same message at another place */
    } else if (frame->life < l->at.life || frame->offset != 1) {
        l->worker->faults++;
    }
    l->last[text.sender] = text.number;
    l->at = (struct history_place){frame->life, frame->offset};
}

static void on_deliver(struct hub_subscriber *s, struct blob *frame)
{
    hear((struct listener *)(void *)s, frame);
}
static const struct hub_subscriber_ops listener_ops = {.deliver = on_deliver};

static struct blob *make(void *context, uint64_t offset)
{
    struct blob *frame = blob_new(sizeof(struct frame_text));

    (void)offset;
    if (frame != NULL)
        memcpy(frame->data, context, sizeof(struct frame_text));
    return frame;
}

static bool publish_one(struct worker *w)
{
    uint32_t room = pick(w, 3) == 0 ? 0 : pick(w, ROOMS);
    struct frame_text text = {room, w->index, w->numbers[room] + 1};
    struct hub_kept kept = {64, 60 * 1000, clock_mono_ms(), make, &text};
    char name[32];
    int rc = hub_publish_kept(w->hub, room_name(room, name, sizeof(name)), &kept);

    if (rc == OK) {
        w->numbers[room]++;
        w->accepted++;
    } else if (rc == E_FULL) {
        w->refused++;
    } else {
        w->faults++;
    }
    return rc == OK;
}

static void resume(struct listener *l, struct view channel)
{
    struct worker *w = l->worker;
    struct history_place here = hub_place(w->hub, channel);
    struct history_ask ask = {.is_resume = true,
                              .since = l->at,
                              .upto = here.offset,
                              .messages_max = 64,
                              .bytes_max = 1 << 20,
                              .now_ms = clock_mono_ms()};
    struct history_batch batch;
    int rc = E_MISSING;

    if (l->at.life == here.life)
        rc = history_get(w->test->history, channel, &ask, &batch);
    if (rc == OK) {
        w->resumed++;
        w->missed += batch.count;
        for (uint32_t i = 0; i < batch.count; i++)
            hear(l, batch.frames[i]);
        history_batch_clear(&batch);
        if (l->at.offset != here.offset)
            w->faults++;
        return;
    }
    if (rc != E_MISSING)
        w->faults++;
    w->lost++;
    memset(l->last, 0, sizeof(l->last));
    l->at = here;
}

static void come(struct listener *l, uint32_t room)
{
    const struct hub_how how = {.has_history = true};
    char name[32];
    struct view channel = room_name(room, name, sizeof(name));

    if (hub_subscribe_as(l->worker->hub, &l->subscriber, channel, &how) != OK)
        l->worker->faults++;
    l->is_here = true;
    if (l->room != room) {
        l->room = room;
        l->at = (struct history_place){0, 0};
    }
    resume(l, channel);
}

static void come_or_go(struct worker *w)
{
    struct listener *l = &w->listeners[STEADY + pick(w, LISTENERS - STEADY)];

    if (l->is_here) {
        hub_leave(w->hub, &l->subscriber);
        l->is_here = false;
    } else {
        come(l, pick(w, 4) == 0 ? pick(w, ROOMS) : l->room);
    }
}

static void on_idle_closed(uv_handle_t *handle)
{
    loop_stop(((struct worker *)handle->data)->loop);
}

static void on_idle(uv_idle_t *idle)
{
    struct worker *w = idle->data;
    char name[32];

    if (!w->has_finished && clock_mono_ms() >= w->until_ms) {
        w->has_finished = true;
        atomic_fetch_add(&w->test->finished, 1);
    }
    if (!w->has_finished && w->test->forgets && pick(w, 200) == 0)
        history_forget(w->test->history, room_name(pick(w, ROOMS), name, sizeof(name)));
    for (int i = 0; i < STEP_OPS && !w->has_finished; i++) {
        if (pick(w, 2) == 0) {
            come_or_go(w);
        } else if (!publish_one(w)) {
            (void)sched_yield();
            break;
        }
    }
    if (atomic_load(&w->test->finished) == WORKERS) {
        broker_leave(w->test->broker, w->index);
        mailbox_close(w->mailbox);
        uv_close((uv_handle_t *)idle, on_idle_closed);
    }
}

static void *worker_run(void *argument)
{
    struct worker *w = argument;
    struct hub_limits limits = {ROOMS, ROOMS};

    w->chance = w->index + 1;
    if (loop_new(&w->loop) != OK || mailbox_new(&w->mailbox, w->loop, LETTERS, w) != OK ||
        hub_new(&w->hub, &limits, w->test->broker, w->index) != OK)
        abort();
    hub_share(w->hub, w->test->history, NULL);
    broker_join(w->test->broker, w->index, w->mailbox, hub_deliver, w->hub);
    for (int i = 0; i < LISTENERS; i++) {
        w->listeners[i].worker = w;
        w->listeners[i].room = ROOMS;
        hub_subscriber_init(&w->listeners[i].subscriber, &listener_ops);
        if (i < STEADY)
            come(&w->listeners[i], 0);
        else
            w->listeners[i].room = pick(w, ROOMS);
    }
    (void)uv_idle_init(loop_uv(w->loop), &w->idle);
    w->idle.data = w;
    (void)uv_idle_start(&w->idle, on_idle);
    (void)pthread_barrier_wait(&w->test->start);
    w->until_ms = clock_mono_ms() + RUN_MS;
    loop_run(w->loop);
    for (int i = 0; i < LISTENERS; i++)
        hub_leave(w->hub, &w->listeners[i].subscriber);
    hub_free(w->hub);
    loop_free(w->loop);
    return NULL;
}

static void run(const struct history_limits *limits, bool forgets)
{
    struct test *test = calloc(1, sizeof(*test));
    uint64_t accepted = 0, got = 0, resumed = 0, missed = 0, lost = 0, refused = 0;
    struct history_place end;

    assert_non_null(test);
    test->forgets = forgets;
    assert_int_equal(broker_memory.open(&test->broker, WORKERS), OK);
    assert_int_equal(history_new(&test->history, limits), OK);
    assert_int_equal(pthread_barrier_init(&test->start, NULL, WORKERS), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        test->workers[i].test = test;
        test->workers[i].index = i;
        assert_int_equal(
            pthread_create(&test->workers[i].thread, NULL, worker_run, &test->workers[i]), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        (void)pthread_join(test->workers[i].thread, NULL);
    end = history_place(test->history, VIEW("private:room-0"));
    for (unsigned i = 0; i < WORKERS; i++) {
        const struct worker *w = &test->workers[i];

        assert_int_equal(w->faults, 0);
        for (unsigned n = 0; n < STEADY && end.offset > 0; n++) {
            assert_int_equal(w->listeners[n].at.offset, end.offset);
            assert_int_equal(w->listeners[n].at.life, end.life);
        }
        accepted += w->accepted;
        got += w->got;
        resumed += w->resumed;
        missed += w->missed;
        lost += w->lost;
        refused += w->refused;
    }
    assert_true(accepted > 100 && got > accepted && resumed > 10 && missed > 10);
    assert_true(history_bytes(test->history) <= limits->bytes);
    print_message("# %llu accepted, %llu refused, %llu heard; %llu resumed with %llu missed, %llu "
                  "told that they cannot\n",
                  (unsigned long long)accepted, (unsigned long long)refused,
                  (unsigned long long)got, (unsigned long long)resumed, (unsigned long long)missed,
                  (unsigned long long)lost);
    broker_memory.close(test->broker);
    history_free(test->history);
    (void)pthread_barrier_destroy(&test->start);
    free(test);
}

static void listeners_that_come_back_miss_nothing_and_hear_nothing_twice(void **state)
{
    const struct history_limits limits = {1 << 20, 1 << 18};

    (void)state;
    run(&limits, false);
}

static void where_channels_are_forgotten_a_resume_is_refused_and_never_wrong(void **state)
{
    const struct history_limits limits = {8 * 1024, 4 * 1024};

    (void)state;
    run(&limits, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listeners_that_come_back_miss_nothing_and_hear_nothing_twice),
        cmocka_unit_test(where_channels_are_forgotten_a_resume_is_refused_and_never_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
