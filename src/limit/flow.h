/* SPDX-License-Identifier: Apache-2.0 */
/* flow.h: bytes per second, charged after they have come, since what a read brings cannot be given
 * back. Embed it. Not thread-safe. Times come from the caller, monotonic nanoseconds. */
#ifndef LIMIT_FLOW_H
#define LIMIT_FLOW_H

#include <stddef.h>
#include <stdint.h>

struct flow_limit {
    uint64_t per_second;   /* 0: no limit */
    uint64_t tolerance_ns; /* what the burst is worth */
};
struct flow {
    uint64_t made_up_ns; /* when all that has come will have been made up for */
};

struct flow_limit flow_limit_make(uint64_t per_second, uint64_t burst);
/* Charges `bytes`; how many milliseconds, rounded up, nothing more should be taken. At most 60 s a
 * call, so that no one sum, however large, stops a connection for good. */
#define FLOW_WAIT_MAX_MS 60000
uint64_t flow_charge(struct flow *f, const struct flow_limit *limit, size_t bytes, uint64_t now_ns);
/* As if the wait that was answered had passed. */
void flow_forgive(struct flow *f, const struct flow_limit *limit, uint64_t now_ns);

#endif
