/* SPDX-License-Identifier: Apache-2.0 */
/* A duration's bucket: its highest bits, one more than HISTOGRAM_LINEAR_BITS of them, and how many
 * bits were cut off behind. Both are read back from the index alone. */
#include "bench/histogram.h"

#include <string.h>

#define LINEAR ((uint64_t)1 << HISTOGRAM_LINEAR_BITS)

void histogram_clear(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
}

static unsigned bucket_of(uint64_t ns)
{
    unsigned cut;

    if (ns < 2 * LINEAR)
        return (unsigned)ns;
    cut = 63U - (unsigned)__builtin_clzll(ns) - HISTOGRAM_LINEAR_BITS;
    return (cut << HISTOGRAM_LINEAR_BITS) + (unsigned)(ns >> cut);
}

/* The longest duration of a bucket. */
static uint64_t edge_of(unsigned bucket)
{
    unsigned cut;

    if (bucket < 2 * LINEAR)
        return bucket;
    cut = (bucket >> HISTOGRAM_LINEAR_BITS) - 1;
    return ((uint64_t)(bucket - (cut << HISTOGRAM_LINEAR_BITS)) << cut) + ((uint64_t)1 << cut) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    unsigned bucket = bucket_of(ns);

    h->buckets[bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1]++;
    h->count++;
    h->sum += ns;
    if (ns > h->max)
        h->max = ns;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        h->buckets[i] += other->buckets[i];
    h->count += other->count;
    h->sum += other->sum;
    if (other->max > h->max)
        h->max = other->max;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
    uint64_t rank = (uint64_t)(share * (double)h->count), seen = 0;

    /* The smallest rank that is not below the share: its ceiling, and the first one at least. */
    if ((double)rank < share * (double)h->count || rank == 0)
        rank++;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank && i + 1 < HISTOGRAM_BUCKETS)
            return edge_of(i) < h->max ? edge_of(i) : h->max;
    }
    return h->max;
}

uint64_t histogram_mean(const struct histogram *h)
{
    return h->count == 0 ? 0 : h->sum / h->count;
}
