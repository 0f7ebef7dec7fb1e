/* SPDX-License-Identifier: Apache-2.0 */
/* breaker_test.c: when nobody is asked, and who is asked first again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "auth/breaker.h"

#define NOW UINT64_C(1000000)

static struct breaker opened(void)
{
    struct breaker b = {0};

    for (unsigned i = 0; i < BREAKER_FAILURES; i++)
        assert_int_equal(breaker_bad(&b, NOW, false), i + 1 == BREAKER_FAILURES);
    assert_true(b.is_open);
    return b;
}

static void opens_after_failures_in_a_row_only(void **state)
{
    struct breaker b = {0};
    bool is_probe = true;

    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 1; i < BREAKER_FAILURES; i++)
            assert_false(breaker_bad(&b, NOW, false));
        assert_true(breaker_take(&b, NOW, &is_probe));
        assert_false(is_probe);
        assert_false(breaker_good(&b));
    }
}

static void asks_nobody_until_the_pause_is_over_then_one(void **state)
{
    struct breaker b = opened();
    bool is_probe = false;

    (void)state;
    assert_true(breaker_refuses(&b, NOW + BREAKER_PAUSE_MS - 1));
    assert_false(breaker_take(&b, NOW + BREAKER_PAUSE_MS - 1, &is_probe));
    assert_false(breaker_refuses(&b, NOW + BREAKER_PAUSE_MS));
    assert_true(breaker_take(&b, NOW + BREAKER_PAUSE_MS, &is_probe));
    assert_true(is_probe);
    assert_true(breaker_refuses(&b, NOW + BREAKER_PAUSE_MS));
    assert_false(breaker_take(&b, NOW + 100 * BREAKER_PAUSE_MS, &is_probe));
    assert_true(breaker_good(&b));
    assert_false(breaker_refuses(&b, NOW));
    assert_true(breaker_take(&b, NOW, &is_probe));
    assert_false(is_probe);
}

static void pauses_grow_to_a_bound(void **state)
{
    struct breaker b = opened();
    uint64_t now_ms = NOW, pause_ms = BREAKER_PAUSE_MS;
    bool is_probe;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        assert_true(breaker_refuses(&b, now_ms + pause_ms - 1));
        now_ms += pause_ms;
        assert_true(breaker_take(&b, now_ms, &is_probe));
        assert_false(breaker_bad(&b, now_ms, true)); /* it was open all along */
        pause_ms = b.retry_at_ms - now_ms;
        assert_true(pause_ms <= BREAKER_PAUSE_MS_MAX);
    }
    assert_int_equal(pause_ms, BREAKER_PAUSE_MS_MAX);
}

static void late_failures_say_nothing_new(void **state)
{
    struct breaker b = opened();
    bool is_probe;

    (void)state;
    assert_false(breaker_bad(&b, NOW + 500, false));
    assert_int_equal(b.retry_at_ms, NOW + BREAKER_PAUSE_MS);
    assert_true(breaker_take(&b, NOW + BREAKER_PAUSE_MS, &is_probe));
    assert_false(breaker_bad(&b, NOW + BREAKER_PAUSE_MS, false));
    assert_true(b.is_probing);
}

static void a_probe_given_back_may_be_taken_again(void **state)
{
    struct breaker b = opened();
    bool is_probe;

    (void)state;
    assert_true(breaker_take(&b, NOW + BREAKER_PAUSE_MS, &is_probe));
    breaker_give_back(&b);
    assert_true(breaker_take(&b, NOW + BREAKER_PAUSE_MS, &is_probe));
    assert_true(is_probe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_after_failures_in_a_row_only),
        cmocka_unit_test(asks_nobody_until_the_pause_is_over_then_one),
        cmocka_unit_test(pauses_grow_to_a_bound),
        cmocka_unit_test(late_failures_say_nothing_new),
        cmocka_unit_test(a_probe_given_back_may_be_taken_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
