/* SPDX-License-Identifier: Apache-2.0 */
/* loop_test.c: timers on a real clock, tasks at the turn's end, time that stands still within a
 * turn, idle sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/status.h"
#include "net/loop.h"

/* A machine under load may schedule us late; early is never excused. */
#define SLACK_MS 250

struct probe {
    struct timer timer;
    struct loop *loop;
    uint64_t fired_ms;
    unsigned *left;
};

static void fire(struct timer *t)
{
    struct probe *p = LINK_ITEM(t, struct probe, timer);

    p->fired_ms = clock_mono_ms();
    if (--*p->left == 0)
        loop_stop(p->loop);
}

static void timers_are_never_early(void **state)
{
    struct probe probes[50];
    struct loop *loop;
    unsigned left = 50;

    (void)state;
    assert_int_equal(loop_new(&loop), OK);
    for (unsigned i = 0; i < 50; i++) {
        probes[i].loop = loop;
        probes[i].left = &left;
        timer_init(&probes[i].timer, fire);
        /* Armed for sooner or later first: the last call counts. */
        timer_start(loop, &probes[i].timer, loop_now_ms(loop) + (i % 2 == 0 ? 1 : 400));
        timer_start(loop, &probes[i].timer, loop_now_ms(loop) + i * 7);
        assert_true(timer_is_running(&probes[i].timer));
    }
    loop_run(loop);
    for (unsigned i = 0; i < 50; i++) {
        assert_true(probes[i].fired_ms >= probes[i].timer.at_ms);
        assert_true(probes[i].fired_ms <= probes[i].timer.at_ms + SLACK_MS);
    }
    loop_free(loop);
}

static void a_far_timer_does_not_keep_the_loop_awake(void **state)
{
    struct probe far, near;
    struct loop *loop;
    unsigned left = 1;

    (void)state;
    assert_int_equal(loop_new(&loop), OK);
    far.loop = near.loop = loop;
    far.left = near.left = &left;
    timer_init(&far.timer, fire);
    timer_init(&near.timer, fire);
    timer_start(loop, &far.timer, loop_now_ms(loop) + 60000);
    timer_start(loop, &near.timer, loop_now_ms(loop) + 400);
    loop_run(loop);
    assert_in_range(loop_counters(loop)->polls, 1, 10); /* 50 ticks went by */
    timer_stop(&far.timer);
    loop_free(loop);
}

struct job {
    struct loop_task task;
    struct loop *loop;
    char name;
    struct job *next; /* queued by this one */
};
static char order[64];
static size_t ran;

static void work(struct loop_task *task)
{
    struct job *job = LINK_ITEM(task, struct job, task);

    order[ran++] = job->name;
    if (job->next != NULL)
        loop_at_turn_end(job->loop, &job->next->task);
    if (ran >= 40 || (job->next == NULL && job->name == 'c'))
        loop_stop(job->loop);
}

static void tasks_run_once_and_in_order(void **state)
{
    struct loop *loop;
    struct job a, b, c;

    (void)state;
    assert_int_equal(loop_new(&loop), OK);
    c = (struct job){.loop = loop, .name = 'c'};
    b = (struct job){.loop = loop, .name = 'b'};
    a = (struct job){.loop = loop, .name = 'a', .next = &c};
    loop_task_init(&a.task, work);
    loop_task_init(&b.task, work);
    loop_task_init(&c.task, work);
    ran = 0;
    loop_at_turn_end(loop, &a.task);
    loop_at_turn_end(loop, &b.task);
    loop_at_turn_end(loop, &a.task);
    loop_run(loop);
    assert_int_equal(ran, 3);
    assert_memory_equal(order, "abc", 3);
    /* A task that queues itself for ever neither hangs a turn nor falls asleep. */
    a.next = &a;
    ran = 0;
    loop_at_turn_end(loop, &a.task);
    loop_run(loop);
    assert_in_range(ran, 40, 60);
    a.next = NULL;
    loop_run(loop);
    loop_free(loop);
}

static void burn(struct timer *t)
{
    struct probe *p = LINK_ITEM(t, struct probe, timer);
    uint64_t before_ns = loop_now_ns(p->loop), start_ms = clock_mono_ms();

    while (clock_mono_ms() < start_ms + 20) {
    }
    assert_int_equal(loop_now_ns(p->loop), before_ns);
    assert_int_equal(loop_now_ms(p->loop), before_ns / 1000000);
    assert_in_range(loop_wall_s(p->loop), clock_wall_s() - 1, clock_wall_s());
    p->fired_ms = clock_mono_ms();
    if (--*p->left == 0)
        loop_stop(p->loop);
    else
        timer_start(p->loop, t, 0);
}

static void time_stands_still_within_a_turn_and_moves_between(void **state)
{
    struct probe p;
    struct loop *loop;
    unsigned left = 2;
    uint64_t start_ms = clock_mono_ms();

    (void)state;
    assert_int_equal(loop_new(&loop), OK);
    p.loop = loop;
    p.left = &left;
    timer_init(&p.timer, burn);
    timer_start(loop, &p.timer, 0);
    loop_run(loop);
    assert_true(p.fired_ms >= start_ms + 40);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_are_never_early),
        cmocka_unit_test(a_far_timer_does_not_keep_the_loop_awake),
        cmocka_unit_test(tasks_run_once_and_in_order),
        cmocka_unit_test(time_stands_still_within_a_turn_and_moves_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
