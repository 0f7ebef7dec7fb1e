/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads and one result: shares add up, nobody runs ahead, and one failure ends them all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdatomic.h>

#include "base/status.h"
#include "bench/team.h"

#define MEMBERS 5

static atomic_uint arrived;

static void shares_add_up(void **state)
{
    (void)state;
    for (uint64_t whole = 0; whole < 40; whole++) {
        for (uint32_t members = 1; members < 9; members++) {
            uint64_t sum = 0;

            for (uint32_t i = 0; i < members; i++) {
                uint64_t share = team_share(whole, members, i);

                assert_true(share == whole / members || share == whole / members + 1);
                sum += share;
            }
            assert_int_equal(sum, whole);
        }
    }
}

/* In each of many rounds all have arrived before anybody goes on. */
static int meet_often(struct result *r, const struct plan *plan, struct team_gate *gate,
                      struct error *why)
{
    (void)why;
    memset(r, 0, sizeof(*r));
    for (unsigned round = 1; round <= 200; round++) {
        atomic_fetch_add(&arrived, 1);
        if (!team_gate_wait(gate) || atomic_load(&arrived) < round * MEMBERS)
            return E_IO;
        if (!team_gate_wait(gate))
            return E_IO;
    }
    r->messages = plan->messages;
    r->began_ns = 1000 - plan->messages;
    r->ended_ns = 2000 + plan->messages;
    histogram_add(&r->latency, plan->messages);
    result_extra(r, "sum", (double)plan->connections);
    return OK;
}

static void all_begin_together_and_are_one_result(void **state)
{
    struct plan plan = {
        .threads = MEMBERS, .connections = 12, .messages = 23, .warm_up = UINT32_MAX};
    struct result *r = calloc(1, sizeof(*r));
    struct error why = {.text = ""};

    (void)state;
    assert_non_null(r);
    atomic_store(&arrived, 0);
    assert_int_equal(team_run(r, &plan, meet_often, &why), OK);
    assert_int_equal(r->messages, 23);
    assert_int_equal(r->began_ns, 995);
    assert_int_equal(r->ended_ns, 2005);
    assert_int_equal(r->latency.count, MEMBERS);
    assert_int_equal(r->extras_count, 1);
    assert_true(r->extras[0].value > 11.9 && r->extras[0].value < 12.1);
    free(r);
}

/* One fails at once, the others wait for it. */
static int one_fails(struct result *r, const struct plan *plan, struct team_gate *gate,
                     struct error *why)
{
    (void)r;
    if (plan->first_source == 0) {
        error_set(why, "the reason");
        return E_IO;
    }
    assert_false(team_gate_wait(gate));
    error_set(why, "another one");
    return E_CLOSED;
}

static void one_failure_ends_them_all(void **state)
{
    struct plan plan = {.threads = MEMBERS, .connections = 12, .messages = 23, .warm_up = 10};
    struct result *r = calloc(1, sizeof(*r));
    struct error why = {.text = ""};

    (void)state;
    assert_non_null(r);
    assert_int_equal(team_run(r, &plan, one_fails, &why), E_IO);
    assert_string_equal(why.text, "the reason");
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_add_up),
        cmocka_unit_test(all_begin_together_and_are_one_result),
        cmocka_unit_test(one_failure_ends_them_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
