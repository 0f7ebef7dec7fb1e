/* SPDX-License-Identifier: Apache-2.0 */
/* modes.h: one file a mode, private to the room. Each fails its crowd where something goes wrong
 * and fills *r where nothing does. */
#ifndef BENCH_MODES_H
#define BENCH_MODES_H

#include "bench/crowd.h"
#include "bench/result.h"

/* How many links the mode needs. */
uint32_t mode_links(const struct plan *plan);

void mode_echo(struct crowd *c, struct result *r);
void mode_fanout(struct crowd *c, struct result *r);
void mode_connect(struct crowd *c, struct result *r);
void mode_idle(struct crowd *c, struct result *r);
void mode_chat(struct crowd *c, struct result *r);

/* The plan's --warm-up, or what is usual. */
uint64_t mode_warm_up(const struct plan *plan, uint64_t usual);
/* Waits for the other threads, if there are any. True: there were, and time has passed. */
bool mode_meet(struct crowd *c);
/* result_begin and result_end, with memory beside them; they fail the crowd. */
void mode_begin(struct crowd *c, struct result *r);
void mode_end(struct crowd *c, struct result *r);
void mode_memory(struct crowd *c, struct usage_memory *out);
/* Waits until the measured processes have taken no CPU for a while: what was asked of them is done.
 */
void mode_rest(struct crowd *c);

#endif
