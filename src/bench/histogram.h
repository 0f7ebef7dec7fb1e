/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.h: how often which duration came, in fixed memory (37 KB) whatever is measured.
 * Log-linear: exact below 256 ns, within 0.8 % above, up to 36 minutes; what is longer counts as
 * that, but max stays exact. Pure, never allocates. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_LINEAR_BITS 7  /* 128 steps in each power of two */
#define HISTOGRAM_TOP_BIT     41 /* of the longest duration told apart: 2^41 ns */
#define HISTOGRAM_BUCKETS     ((HISTOGRAM_TOP_BIT - HISTOGRAM_LINEAR_BITS + 2) << HISTOGRAM_LINEAR_BITS)

struct histogram {
    uint64_t count, max, sum; /* of all durations; sum wraps after 584 years */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_clear(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t ns);
/* As if all of other's durations had been added to h. */
void histogram_merge(struct histogram *h, const struct histogram *other);
/* The duration that `share` (0..1) of all are not above; 0 when nothing was added. Never below the
 * true one, and at most 0.8 % above it. */
uint64_t histogram_at(const struct histogram *h, double share);
uint64_t histogram_mean(const struct histogram *h);

#endif
