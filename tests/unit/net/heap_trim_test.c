/* SPDX-License-Identifier: Apache-2.0 */
/* heap_trim_test.c: after a storm and a second of quiet the heap is trimmed, after a trickle it is
 * not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "net/heap_trim.h"

struct rig {
    struct loop *loop;
    struct heap_trim trim;
    struct timer later, end;
    unsigned more; /* handshakes that `later` adds, half a second in */
};

static void on_later(struct timer *t)
{
    struct rig *rig = LINK_ITEM(t, struct rig, later);

    for (unsigned i = 0; i < rig->more; i++)
        heap_trim_note(&rig->trim);
}

static void on_end(struct timer *t)
{
    loop_stop(LINK_ITEM(t, struct rig, end)->loop);
}

static void run(struct rig *rig, unsigned handshakes, uint64_t ms)
{
    assert_int_equal(loop_new(&rig->loop), OK);
    heap_trim_init(&rig->trim, rig->loop);
    timer_init(&rig->later, on_later);
    timer_init(&rig->end, on_end);
    for (unsigned i = 0; i < handshakes; i++)
        heap_trim_note(&rig->trim);
    timer_start(rig->loop, &rig->later, loop_now_ms(rig->loop) + 500);
    timer_start(rig->loop, &rig->end, loop_now_ms(rig->loop) + ms);
    loop_run(rig->loop);
}

static void release(struct rig *rig)
{
    heap_trim_stop(&rig->trim);
    assert_false(timer_is_running(&rig->trim.timer));
    loop_free(rig->loop);
}

static void a_storm_is_followed_by_one_trim_and_then_by_quiet(void **state)
{
    struct rig rig = {.more = 1};

    (void)state;
    run(&rig, HEAP_TRIM_FROM - 1, 2500);
    assert_int_equal(rig.trim.noted, 0);
    assert_false(timer_is_running(&rig.trim.timer)); /* an idle server is not woken */
    release(&rig);
}

static void a_trickle_is_remembered_but_not_trimmed_for(void **state)
{
    struct rig rig = {.more = 0};

    (void)state;
    run(&rig, HEAP_TRIM_FROM - 1, 2500);
    assert_int_equal(rig.trim.noted, HEAP_TRIM_FROM - 1);
    assert_false(timer_is_running(&rig.trim.timer));
    release(&rig);
}

static void nothing_is_trimmed_in_a_rush(void **state)
{
    struct rig rig = {.more = 1};

    (void)state;
    run(&rig, HEAP_TRIM_FROM, 1300); /* the second look of the timer is still to come */
    assert_int_equal(rig.trim.noted, HEAP_TRIM_FROM + 1);
    assert_true(timer_is_running(&rig.trim.timer));
    release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_is_followed_by_one_trim_and_then_by_quiet),
        cmocka_unit_test(a_trickle_is_remembered_but_not_trimmed_for),
        cmocka_unit_test(nothing_is_trimmed_in_a_rush),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
