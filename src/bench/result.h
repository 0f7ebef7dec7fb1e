/* SPDX-License-Identifier: Apache-2.0 */
/* result.h: what a run has measured: a stretch of time with the CPU that was spent in it,
 * latencies, memory, and what a mode has to add. */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/histogram.h"
#include "bench/plan.h"

#define RESULT_EXTRAS_MAX 16

struct result {
    const char *unit; /* what `messages` counts: "messages", "deliveries", "connections" */
    uint64_t messages;
    uint64_t began_ns, ended_ns;
    uint64_t own_before_ns, own_after_ns; /* CPU of this process */
    struct usage_cpu before, after;
    struct usage_memory memory_before, memory_after;
    struct histogram latency;
    bool has_latency, has_memory;
    struct {
        const char *name;
        double value;
    } extras[RESULT_EXTRAS_MAX];
    unsigned extras_count;
};

void result_init(struct result *r, const char *unit);
/* The stretch that is measured. E_MISSING with *why: a process is gone. */
int result_begin(struct result *r, const struct plan *plan, struct error *why);
int result_end(struct result *r, const struct plan *plan, struct error *why);
void result_extra(struct result *r, const char *name, double value);
double result_seconds(const struct result *r);
/* CPU of the measured processes in the stretch, in microseconds. */
double result_cpu_us(const struct result *r);

/* One JSON object on a line, or lines for people. False: the text did not fit or could not be
 * written. */
bool result_print_json(const struct result *r, const struct plan *plan, FILE *to);
bool result_print_text(const struct result *r, const struct plan *plan, FILE *to);

#endif
