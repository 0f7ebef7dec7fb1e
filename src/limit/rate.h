/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h: GCRA (one timestamp a limit; ITU-T I.371). Embed it. Times come from the caller,
 * monotonic nanoseconds. */
#ifndef LIMIT_RATE_H
#define LIMIT_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* `count` events per `period`, with a burst of `burst`: from idle, `burst` events pass at once and
 * the next is refused. count 0 or burst 0 refuses everything. Immutable once made. */
struct rate_limit {
    uint64_t interval_ns;  /* between events at the sustained rate, rounded up; RATE_REFUSES */
    uint64_t tolerance_ns; /* how far ahead of now the theoretical arrival time may run */
};
#define RATE_REFUSES UINT64_MAX
struct rate_limit rate_limit_make(uint64_t count, uint64_t period_ms, uint64_t burst);

/* The longest wait ever answered (49 days); also the answer of a limit that refuses everything. Far
 * from overflow, so that callers may add to it. */
#define RATE_WAIT_MAX_MS UINT32_MAX

struct rate {
    uint64_t arrival_ns; /* theoretical arrival time; the limit is full again from then on */
};
/* Takes one event; false and nothing taken when over. */
bool rate_take(struct rate *r, const struct rate_limit *limit, uint64_t now_ns);
/* Would rate_take succeed? Takes nothing. */
bool rate_allows(const struct rate *r, const struct rate_limit *limit, uint64_t now_ns);
/* Milliseconds until the next event fits, rounded up; 0 if it does now. */
uint64_t rate_wait_ms(const struct rate *r, const struct rate_limit *limit, uint64_t now_ns);

/* The same, shared between threads without a lock. */
struct rate_shared {
    _Atomic uint64_t arrival_ns;
};
bool rate_shared_take(struct rate_shared *r, const struct rate_limit *limit, uint64_t now_ns);
bool rate_shared_allows(const struct rate_shared *r, const struct rate_limit *limit,
                        uint64_t now_ns);
uint64_t rate_shared_wait_ms(const struct rate_shared *r, const struct rate_limit *limit,
                             uint64_t now_ns);

#endif
