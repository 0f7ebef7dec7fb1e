/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h: what `gateward bench` was asked to do: bench_option.c reads it, bench.c does it. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <stdbool.h>

#include "bench/plan.h"

#define BENCH_TEXT_MAX 16384 /* of the first message, of a subscription */

struct bench_args {
    struct plan plan;
    const char *joined; /* a word of the answer to --join; "-": there is none */
    bool has_joins, asks_for_full, has_seconds;
    struct buf auth; /* the first message; holds the token */
    struct buf join; /* of --native */
};

/* All of these report to stderr. CLI_OK, CLI_USAGE, or -1: the help was asked for. */
int bench_read_arguments(struct bench_args *a, int argc, char **argv);
/* Always CLI_USAGE. */
int bench_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What the options mean together: defaults, steps, contradictions. */
int bench_complete(struct bench_args *a);
void bench_args_clear(struct bench_args *a);

#endif
