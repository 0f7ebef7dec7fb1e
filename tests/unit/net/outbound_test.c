/* SPDX-License-Identifier: Apache-2.0 */
/* outbound_test.c: jobs from several threads, timers, and an end that answers everything. Made to
 * run under TSan. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/status.h"
#include "net/outbound.h"

#define SENDERS 4
#define JOBS    2000

struct desk {
    struct outbound *outbound;
    sem_t gate, done;
    unsigned ran, closed, disorder;
    unsigned last[SENDERS];
};
struct note {
    struct outbound_job job;
    struct desk *desk;
    unsigned sender, number;
};
struct sender {
    struct desk *desk;
    unsigned number;
    pthread_t thread;
};

static void open_desk(struct desk *desk)
{
    *desk = (struct desk){.outbound = NULL};
    (void)sem_init(&desk->gate, 0, 0);
    (void)sem_init(&desk->done, 0, 0);
    assert_int_equal(outbound_start(&desk->outbound), OK);
}

static void close_desk(struct desk *desk)
{
    outbound_free(desk->outbound);
    (void)sem_destroy(&desk->gate);
    (void)sem_destroy(&desk->done);
}

static void count(struct outbound_job *job, int status)
{
    struct note *note = LINK_ITEM(job, struct note, job);
    struct desk *desk = note->desk;

    if (status == E_CLOSED)
        desk->closed++;
    else
        desk->ran++;
    if (note->number != desk->last[note->sender] + 1)
        desk->disorder++;
    desk->last[note->sender] = note->number;
    free(note);
}

static int post_note(struct desk *desk, unsigned sender, unsigned number)
{
    struct note *note = calloc(1, sizeof(*note));
    int rc;

    assert_non_null(note);
    note->job.run = count;
    note->desk = desk;
    note->sender = sender;
    note->number = number;
    rc = outbound_post(desk->outbound, &note->job);
    if (rc != OK)
        free(note);
    return rc;
}

static void *send_all(void *argument)
{
    struct sender *s = argument;

    for (unsigned i = 1; i <= JOBS; i++) {
        while (post_note(s->desk, s->number, i) == E_FULL)
            (void)usleep(100);
    }
    return NULL;
}

static void jobs_of_many_threads_run_once_and_in_order(void **state)
{
    struct desk desk;
    struct sender senders[SENDERS];

    (void)state;
    open_desk(&desk);
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.desk = &desk, .number = i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    for (unsigned i = 0; i < SENDERS; i++)
        (void)pthread_join(senders[i].thread, NULL);
    outbound_stop(desk.outbound);
    assert_int_equal(desk.ran + desk.closed, SENDERS * JOBS);
    assert_int_equal(desk.disorder, 0);
    assert_int_equal(post_note(&desk, 0, 1), E_CLOSED);
    close_desk(&desk);
}

static void block(struct outbound_job *job, int status)
{
    struct note *note = LINK_ITEM(job, struct note, job);

    (void)status;
    (void)sem_post(&note->desk->done);
    (void)sem_wait(&note->desk->gate);
}

/* The outbound thread is held inside a job until close_desk's caller opens the gate. */
static void hold_thread(struct desk *desk, struct note *holder)
{
    *holder = (struct note){.job = {.run = block}, .desk = desk};
    assert_int_equal(outbound_post(desk->outbound, &holder->job), OK);
    (void)sem_wait(&desk->done);
}

static void the_queue_has_an_end(void **state)
{
    struct desk desk;
    struct note holder;

    (void)state;
    open_desk(&desk);
    hold_thread(&desk, &holder);
    for (unsigned i = 1; i <= OUTBOUND_JOBS_MAX; i++)
        assert_int_equal(post_note(&desk, 0, i), OK);
    assert_int_equal(post_note(&desk, 0, 0), E_FULL);
    (void)sem_post(&desk.gate);
    outbound_stop(desk.outbound);
    assert_int_equal(desk.ran + desk.closed, OUTBOUND_JOBS_MAX);
    assert_int_equal(desk.disorder, 0);
    close_desk(&desk);
}

static void *open_gate_late(void *argument)
{
    struct desk *desk = argument;

    int rc;

    while ((rc = post_note(desk, 0, desk->last[1] + 1)) != E_CLOSED) { /* the end has not begun */
        desk->last[1] += rc == OK;
        (void)usleep(1000);
    }
    (void)sem_post(&desk->gate);
    return NULL;
}

static void stopping_answers_what_has_not_begun(void **state)
{
    struct desk desk;
    struct note holder;
    pthread_t opener;

    (void)state;
    open_desk(&desk);
    hold_thread(&desk, &holder);
    assert_int_equal(pthread_create(&opener, NULL, open_gate_late, &desk), 0);
    (void)usleep(20 * 1000);
    outbound_stop(desk.outbound);
    (void)pthread_join(opener, NULL);
    assert_true(desk.last[1] > 0);
    assert_int_equal(desk.closed, desk.last[1]);
    assert_int_equal(desk.ran, 0);
    close_desk(&desk);
}

/* --- timers --- */

#define TIMERS 5

struct clocks {
    struct outbound_job job;
    struct outbound *outbound;
    struct outbound_timer timers[TIMERS];
    unsigned fired[TIMERS], order[TIMERS], count;
    uint64_t started_ms, fired_ms[TIMERS];
    sem_t done;
    bool leaves_one; /* the third stays far away */
};

static void on_timer(struct clocks *c, unsigned index)
{
    c->fired[index]++;
    c->fired_ms[index] = outbound_now_ms(c->outbound) - c->started_ms;
    c->order[c->count++ % TIMERS] = index;
    if (index == 3)
        (void)sem_post(&c->done);
}

static void fire_0(struct outbound_timer *t)
{
    on_timer(LINK_ITEM(t, struct clocks, timers[0]), 0);
}
static void fire_1(struct outbound_timer *t)
{
    struct clocks *c = LINK_ITEM(t, struct clocks, timers[1]);

    on_timer(c, 1);
    outbound_timer_stop(&c->timers[4]); /* due at the same time, and not any more */
}
static void fire_2(struct outbound_timer *t)
{
    on_timer(LINK_ITEM(t, struct clocks, timers[2]), 2);
}
static void fire_3(struct outbound_timer *t)
{
    on_timer(LINK_ITEM(t, struct clocks, timers[3]), 3);
}
static void fire_4(struct outbound_timer *t)
{
    on_timer(LINK_ITEM(t, struct clocks, timers[4]), 4);
}

static void start_timers(struct outbound_job *job, int status)
{
    static void (*const fires[TIMERS])(struct outbound_timer *) = {fire_0, fire_1, fire_2, fire_3,
                                                                   fire_4};
    static const unsigned delays[TIMERS] = {30, 10, 5000, 60, 10};
    struct clocks *c = LINK_ITEM(job, struct clocks, job);

    (void)status;
    c->started_ms = outbound_now_ms(c->outbound);
    for (unsigned i = 0; i < TIMERS; i++) {
        outbound_timer_init(&c->timers[i], fires[i]);
        outbound_timer_start(c->outbound, &c->timers[i], c->started_ms + delays[i]);
    }
    if (!c->leaves_one)
        outbound_timer_start(c->outbound, &c->timers[2], c->started_ms + 40); /* sooner after all */
}

static void timers_fire_in_order_and_never_early(void **state)
{
    struct clocks c = {.job = {.run = start_timers}};

    (void)state;
    (void)sem_init(&c.done, 0, 0);
    assert_int_equal(outbound_start(&c.outbound), OK);
    assert_int_equal(outbound_post(c.outbound, &c.job), OK);
    (void)sem_wait(&c.done);
    outbound_stop(c.outbound);
    assert_int_equal(c.count, 4);
    assert_int_equal(c.order[0], 1);
    assert_int_equal(c.order[1], 0);
    assert_int_equal(c.order[2], 2);
    assert_int_equal(c.order[3], 3);
    assert_int_equal(c.fired[4], 0);
    assert_true(c.fired_ms[1] >= 10 && c.fired_ms[0] >= 30 && c.fired_ms[2] >= 40 &&
                c.fired_ms[3] >= 60);
    outbound_free(c.outbound);
    (void)sem_destroy(&c.done);
}

static void an_end_does_not_wait_for_timers(void **state)
{
    struct clocks c = {.job = {.run = start_timers}, .leaves_one = true};
    uint64_t started_ms = clock_mono_ms();

    (void)state;
    (void)sem_init(&c.done, 0, 0);
    assert_int_equal(outbound_start(&c.outbound), OK);
    assert_int_equal(outbound_post(c.outbound, &c.job), OK);
    (void)sem_wait(&c.done);
    outbound_stop(c.outbound);
    outbound_free(c.outbound);
    assert_true(clock_mono_ms() - started_ms < 4000);
    assert_int_equal(c.fired[2], 0);
    assert_int_equal(c.fired[3], 1);
    (void)sem_destroy(&c.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_of_many_threads_run_once_and_in_order),
        cmocka_unit_test(the_queue_has_an_end),
        cmocka_unit_test(stopping_answers_what_has_not_begun),
        cmocka_unit_test(timers_fire_in_order_and_never_early),
        cmocka_unit_test(an_end_does_not_wait_for_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
