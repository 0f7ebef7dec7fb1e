/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: the table of modes, and what they share. */
#include "bench/run.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/status.h"
#include "bench/modes.h"
#include "bench/team.h"

#define REST_LOOK_NS 40000000U /* between two looks */
#define REST_CPU_NS  20000U    /* less than that in between is rest */
#define REST_MAX_NS  10000000000U

static void (*const modes[])(struct crowd *c, struct result *r) = {[PLAN_ECHO] = mode_echo,
                                                                   [PLAN_FANOUT] = mode_fanout,
                                                                   [PLAN_CONNECT] = mode_connect,
                                                                   [PLAN_IDLE] = mode_idle,
                                                                   [PLAN_CHAT] = mode_chat};

uint32_t mode_links(const struct plan *plan)
{
    uint32_t leaving = 2 * plan->batch; /* those that open, and those before them that leave */

    if (plan->mode == PLAN_CONNECT && !plan->keeps && leaving < plan->connections)
        return leaving;
    return plan->connections + (plan->mode == PLAN_FANOUT ? 1 : 0);
}

uint64_t mode_warm_up(const struct plan *plan, uint64_t usual)
{
    return plan->warm_up == UINT32_MAX ? usual : plan->warm_up;
}

void mode_memory(struct crowd *c, struct usage_memory *out)
{
    struct error why;

    if (!c->has_failed && usage_memory_read(out, &c->plan->pids, &why) != OK)
        crowd_fail(c, "%s", why.text);
}

void mode_begin(struct crowd *c, struct result *r)
{
    struct error why;

    if (!c->has_failed && result_begin(r, c->plan, &why) != OK)
        crowd_fail(c, "%s", why.text);
}

void mode_end(struct crowd *c, struct result *r)
{
    struct error why;

    if (!c->has_failed && result_end(r, c->plan, &why) != OK)
        crowd_fail(c, "%s", why.text);
    r->has_memory = c->plan->pids.count > 0;
    mode_memory(c, &r->memory_after);
}

void mode_rest(struct crowd *c)
{
    uint64_t begin = clock_mono_ns(), look;
    struct usage_cpu before, now;
    struct error why;

    while (!c->has_failed && c->plan->pids.count > 0 && clock_mono_ns() - begin < REST_MAX_NS) {
        if (usage_cpu_read(&before, &c->plan->pids, &why) != OK)
            crowd_fail(c, "%s", why.text);
        for (look = clock_mono_ns(); clock_mono_ns() - look < REST_LOOK_NS;)
            crowd_turn(c, REST_LOOK_NS / 4);
        if (usage_cpu_read(&now, &c->plan->pids, &why) != OK)
            crowd_fail(c, "%s", why.text);
        else if (now.ns < before.ns + REST_CPU_NS)
            return;
    }
}

static int stay_on_core(int core, struct error *why)
{
    cpu_set_t set;

    if (core < 0)
        return OK;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    if (sched_setaffinity(0, sizeof(set), &set) == 0)
        return OK;
    error_set(why, "--pin %d: %s", core, strerror(errno));
    return E_IO;
}

bool mode_meet(struct crowd *c)
{
    if (c->gate == NULL || c->has_failed)
        return false;
    if (!team_gate_wait(c->gate)) {
        c->was_left_alone = true;
        crowd_fail(c, "another thread failed");
    }
    return true;
}

static int run_one(struct result *r, const struct plan *plan, struct team_gate *gate,
                   struct error *why)
{
    struct crowd crowd;
    int rc;

    /* Otherwise the kernel may wake us 50 us late, which would be told as the server's. */
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    result_init(r, "messages");
    rc = crowd_open(&crowd, plan, mode_links(plan), why);
    crowd.gate = gate;
    if (rc == OK) {
        mode_memory(&crowd, &r->memory_before);
        modes[plan->mode](&crowd, r);
        (void)mode_meet(&crowd); /* closing would be in what others still measure */
        if (crowd.has_failed) {
            *why = crowd.why;
            rc = crowd.was_left_alone ? E_CLOSED : E_IO;
        }
    }
    crowd_close(&crowd);
    return rc;
}

int bench_run(struct result *r, const struct plan *plan, struct error *why)
{
    int rc = stay_on_core(plan->core, why);

    if (rc != OK)
        return rc;
    return plan->threads > 1 ? team_run(r, plan, run_one, why) : run_one(r, plan, NULL, why);
}
