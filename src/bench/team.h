/* SPDX-License-Identifier: Apache-2.0 */
/* team.h: one plan carried out by several threads, each with a crowd of its own and its share of
 * connections, messages and rate. They begin together and leave together. */
#ifndef BENCH_TEAM_H
#define BENCH_TEAM_H

#include <pthread.h>
#include <stdbool.h>

#include "bench/result.h"

/* Where the threads wait for each other. */
struct team_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned members, waiting, round;
    bool has_failed;
};
/* Until all members are here. False: one of them has failed, and nobody need wait any more. */
bool team_gate_wait(struct team_gate *g);
void team_gate_fail(struct team_gate *g);

/* The share of member `index` in `whole`: they differ by one at most, and their sum is the whole.
 */
uint64_t team_share(uint64_t whole, uint32_t members, uint32_t index);
/* Adds what another member has measured in the same stretch of time. */
void team_merge(struct result *r, const struct result *other);

/* As bench_run, with plan->threads threads; `run` is what each of them does. */
int team_run(struct result *r, const struct plan *plan,
             int (*run)(struct result *r, const struct plan *plan, struct team_gate *gate,
                        struct error *why),
             struct error *why);

#endif
