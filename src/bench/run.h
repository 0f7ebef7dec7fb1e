/* SPDX-License-Identifier: Apache-2.0 */
/* run.h: the door of the room: a plan goes in, a result comes out. Blocks until the run is over. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "bench/result.h"

/* OK, or E_IO with *why: what went wrong and what to do about it. *r is then of no use. */
int bench_run(struct result *r, const struct plan *plan, struct error *why);

#endif
