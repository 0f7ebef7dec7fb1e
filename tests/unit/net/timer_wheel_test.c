/* SPDX-License-Identifier: Apache-2.0 */
/* timer_wheel_test.c: never early, at most one tick late, and no wake-up that nobody asked for,
 * with a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "net/timer_wheel.h"

static struct timer_wheel wheel;

struct probe {
    struct timer timer;
    uint64_t fired_ms; /* 0: not yet */
    unsigned count;
};
static uint64_t now_ms;

static void note(struct timer *t)
{
    struct probe *p = LINK_ITEM(t, struct probe, timer);

    p->fired_ms = now_ms;
    p->count++;
}

static void start(struct probe *p, uint64_t at_ms)
{
    timer_init(&p->timer, note);
    p->fired_ms = 0;
    p->count = 0;
    p->timer.at_ms = at_ms;
    timer_wheel_add(&wheel, &p->timer);
}

/* Does what the loop does: sleeps until the wheel asks to be called. Answers how often it was. */
static unsigned run_until(uint64_t end_ms)
{
    unsigned wakes = 0;

    for (;;) {
        uint64_t next_ms = timer_wheel_next_ms(&wheel);
        if (next_ms > end_ms)
            break;
        now_ms = next_ms > now_ms ? next_ms : now_ms;
        timer_wheel_run(&wheel, now_ms);
        wakes++;
    }
    now_ms = end_ms;
    timer_wheel_run(&wheel, now_ms);
    return wakes;
}

static void fires_within_one_tick_near_and_far(void **state)
{
    static struct probe probes[5000];
    uint64_t jitter = 42;

    (void)state;
    now_ms = 1234567;
    timer_wheel_init(&wheel, now_ms);
    for (size_t i = 0; i < 5000; i++)
        start(&probes[i], now_ms + random_jitter(&jitter, i % 3 == 0   ? 200
                                                          : i % 3 == 1 ? 40000
                                                                       : 4000000));
    run_until(1234567 + 4000100);
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(probes[i].count, 1);
        assert_true(probes[i].fired_ms >= probes[i].timer.at_ms);
        /* One already due waits for the next tick, which may be a whole one away. */
        assert_true(probes[i].fired_ms <= probes[i].timer.at_ms + TIMER_TICK_MS);
        assert_false(timer_is_running(&probes[i].timer));
    }
    assert_int_equal(timer_wheel_next_ms(&wheel), UINT64_MAX);
}

static void every_offset_of_a_turn_is_found(void **state)
{
    struct probe p;

    (void)state;
    for (uint64_t offset = 1; offset <= 5000; offset++) {
        now_ms = 777 * TIMER_TICK_MS;
        timer_wheel_init(&wheel, now_ms);
        start(&p, now_ms + offset * TIMER_TICK_MS);
        run_until(now_ms + offset * TIMER_TICK_MS);
        assert_int_equal(p.fired_ms, p.timer.at_ms);
    }
}

static void one_far_timer_wakes_once_a_turn_of_the_wheel(void **state)
{
    struct probe p;
    unsigned wakes;

    (void)state;
    now_ms = 0;
    timer_wheel_init(&wheel, now_ms);
    start(&p, 3600 * 1000);
    wakes = run_until(3600 * 1000);
    assert_int_equal(p.fired_ms, 3600 * 1000);
    assert_in_range(wakes, 1, 3600 * 1000 / (TIMER_TICK_MS * (TIMER_WHEEL_SLOTS - 1)) + 2);
}

static void a_long_sleep_fires_each_once(void **state)
{
    static struct probe probes[100];

    (void)state;
    now_ms = 5000;
    timer_wheel_init(&wheel, now_ms);
    for (size_t i = 0; i < 100; i++)
        start(&probes[i], 5000 + i * 977);
    now_ms += 10 * TIMER_TICK_MS * TIMER_WHEEL_SLOTS;
    timer_wheel_run(&wheel, now_ms);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(probes[i].count, 1);
    /* The wheel had nothing to do for many turns: a new timer is still on time. */
    now_ms += 1000000;
    start(&probes[0], now_ms + 100);
    run_until(now_ms + 50);
    assert_int_equal(probes[0].count, 0);
    run_until(now_ms + 58);
    assert_int_equal(probes[0].count, 1);
}

static struct probe chain[2];

static void again(struct timer *t)
{
    note(t);
    timer_stop(&chain[1].timer);
    t->at_ms = now_ms;
    timer_wheel_add(&wheel, t);
}

static void callbacks_may_stop_and_start(void **state)
{
    (void)state;
    now_ms = 0;
    timer_wheel_init(&wheel, now_ms);
    start(&chain[0], 80);
    start(&chain[1], 80);
    chain[0].timer.fire = again;
    now_ms = 80;
    timer_wheel_run(&wheel, now_ms);
    assert_int_equal(chain[0].count, 1); /* due at once, but not in the same run */
    assert_int_equal(chain[1].count, 0);
    now_ms = 88;
    timer_wheel_run(&wheel, now_ms);
    assert_int_equal(chain[0].count, 2);
    timer_stop(&chain[0].timer);
    timer_stop(&chain[0].timer);
    assert_false(timer_is_running(&chain[0].timer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_within_one_tick_near_and_far),
        cmocka_unit_test(every_offset_of_a_turn_is_found),
        cmocka_unit_test(one_far_timer_wakes_once_a_turn_of_the_wheel),
        cmocka_unit_test(a_long_sleep_fires_each_once),
        cmocka_unit_test(callbacks_may_stop_and_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
