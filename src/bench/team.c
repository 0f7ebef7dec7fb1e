/* SPDX-License-Identifier: Apache-2.0 */
/* team.c: shares, threads, and the sum of what they found. Threads share nothing but the gate and
 * the plan, which nobody writes to. */
#include "bench/team.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

struct member {
    struct plan plan;
    struct result result;
    struct team_gate *gate;
    int (*run)(struct result *r, const struct plan *plan, struct team_gate *gate,
               struct error *why);
    struct error why;
    pthread_t thread;
    int rc;
    bool is_started;
};

bool team_gate_wait(struct team_gate *g)
{
    unsigned round;
    bool is_good;

    (void)pthread_mutex_lock(&g->lock);
    round = g->round;
    if (++g->waiting == g->members) {
        g->waiting = 0;
        g->round++;
        (void)pthread_cond_broadcast(&g->changed);
    }
    while (g->round == round && !g->has_failed)
        (void)pthread_cond_wait(&g->changed, &g->lock);
    is_good = !g->has_failed;
    (void)pthread_mutex_unlock(&g->lock);
    return is_good;
}

void team_gate_fail(struct team_gate *g)
{
    (void)pthread_mutex_lock(&g->lock);
    g->has_failed = true;
    (void)pthread_cond_broadcast(&g->changed);
    (void)pthread_mutex_unlock(&g->lock);
}

uint64_t team_share(uint64_t whole, uint32_t members, uint32_t index)
{
    return whole / members + (index < whole % members ? 1 : 0);
}

/* --- the sum --- */

static void merge_extras(struct result *r, const struct result *other)
{
    for (unsigned i = 0; i < other->extras_count; i++)
        for (unsigned k = 0; k < r->extras_count; k++)
            if (strcmp(r->extras[k].name, other->extras[i].name) == 0)
                r->extras[k].value += other->extras[i].value;
}

void team_merge(struct result *r, const struct result *other)
{
    r->messages += other->messages;
    histogram_merge(&r->latency, &other->latency);
    if (other->began_ns < r->began_ns) {
        r->began_ns = other->began_ns;
        r->before = other->before;
        r->own_before_ns = other->own_before_ns;
    }
    if (other->ended_ns > r->ended_ns) {
        r->ended_ns = other->ended_ns;
        r->after = other->after;
        r->own_after_ns = other->own_after_ns;
        r->memory_after = other->memory_after;
    }
    merge_extras(r, other);
}

/* --- the threads --- */

static void *work(void *context)
{
    struct member *m = context;

    m->rc = m->run(&m->result, &m->plan, m->gate, &m->why);
    if (m->rc != OK)
        team_gate_fail(m->gate);
    return NULL;
}

static void set_share(struct member *m, const struct plan *plan, uint32_t index)
{
    m->plan = *plan;
    m->plan.connections = (uint32_t)team_share(plan->connections, plan->threads, index);
    m->plan.messages = team_share(plan->messages, plan->threads, index);
    if (plan->messages > 0 && m->plan.messages == 0)
        m->plan.messages = 1;
    m->plan.rate = plan->rate / plan->threads;
    if (plan->warm_up != UINT32_MAX)
        m->plan.warm_up = (uint32_t)team_share(plan->warm_up, plan->threads, index);
    for (uint32_t i = 0; i < index; i++)
        m->plan.first_source += (uint32_t)team_share(plan->connections, plan->threads, i);
}

/* The first reason that is not merely that another thread had one. */
static int reason(const struct member *members, uint32_t count, struct error *why)
{
    int rc = OK;

    for (uint32_t i = 0; i < count; i++) {
        if (!members[i].is_started) {
            error_set(why, "cannot start %u threads", count);
            return E_NOMEM;
        }
        if (members[i].rc == OK || (rc != OK && members[i].rc == E_CLOSED))
            continue;
        if (rc == OK || rc == E_CLOSED) {
            rc = members[i].rc;
            *why = members[i].why;
        }
    }
    return rc;
}

int team_run(struct result *r, const struct plan *plan,
             int (*run)(struct result *r, const struct plan *plan, struct team_gate *gate,
                        struct error *why),
             struct error *why)
{
    struct member *members = calloc(plan->threads, sizeof(*members));
    struct team_gate gate = {.members = plan->threads};
    int rc;

    if (members == NULL) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    (void)pthread_mutex_init(&gate.lock, NULL);
    (void)pthread_cond_init(&gate.changed, NULL);
    for (uint32_t i = 0; i < plan->threads; i++) {
        members[i].gate = &gate;
        members[i].run = run;
        set_share(&members[i], plan, i);
        members[i].is_started = pthread_create(&members[i].thread, NULL, work, &members[i]) == 0;
        if (!members[i].is_started)
            team_gate_fail(&gate);
    }
    for (uint32_t i = 0; i < plan->threads; i++)
        if (members[i].is_started)
            (void)pthread_join(members[i].thread, NULL);
    rc = reason(members, plan->threads, why);
    if (rc == OK) {
        *r = members[0].result;
        for (uint32_t i = 1; i < plan->threads; i++)
            team_merge(r, &members[i].result);
    }
    (void)pthread_cond_destroy(&gate.changed);
    (void)pthread_mutex_destroy(&gate.lock);
    free(members);
    return rc;
}
