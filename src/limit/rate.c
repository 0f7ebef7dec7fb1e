/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c: the generic cell rate algorithm. All that is kept is the theoretical arrival time: when
 * the limit would be full again. An event fits if that time is at most the tolerance ahead of now,
 * and moves it on by one interval. Every sum below stays under 2^64, because intervals and
 * tolerances are capped at 2^62 ns (146 years) and the monotonic clock stays under that too. */
#include "limit/rate.h"

#define RATE_CAP_NS (UINT64_C(1) << 62)

struct rate_limit rate_limit_make(uint64_t count, uint64_t period_ms, uint64_t burst)
{
    uint64_t period_ns = period_ms > RATE_CAP_NS / 1000000 ? RATE_CAP_NS : period_ms * 1000000;
    struct rate_limit limit = {RATE_REFUSES, 0};

    if (count == 0 || burst == 0)
        return limit;
    /* Rounded up: over a long time never more than `count` a period, at most one nanosecond an
     * event slower. */
    limit.interval_ns = period_ns / count + (period_ns % count != 0);
    if (limit.interval_ns == 0)
        limit.interval_ns = 1;
    if (burst - 1 > RATE_CAP_NS / limit.interval_ns)
        limit.tolerance_ns = RATE_CAP_NS;
    else
        limit.tolerance_ns = (burst - 1) * limit.interval_ns;
    return limit;
}

/* How long until an event fits; 0 if it does now. */
static uint64_t wait_ns(uint64_t arrival_ns, const struct rate_limit *limit, uint64_t now_ns)
{
    if (limit->interval_ns == RATE_REFUSES)
        return RATE_REFUSES;
    if (arrival_ns <= now_ns || arrival_ns - now_ns <= limit->tolerance_ns)
        return 0;
    return arrival_ns - now_ns - limit->tolerance_ns;
}

static uint64_t wait_ms(uint64_t arrival_ns, const struct rate_limit *limit, uint64_t now_ns)
{
    uint64_t wait = wait_ns(arrival_ns, limit, now_ns);
    uint64_t ms = wait / 1000000 + (wait % 1000000 != 0);

    return ms < RATE_WAIT_MAX_MS ? ms : RATE_WAIT_MAX_MS;
}

static uint64_t next_arrival(uint64_t arrival_ns, const struct rate_limit *limit, uint64_t now_ns)
{
    return (arrival_ns > now_ns ? arrival_ns : now_ns) + limit->interval_ns;
}

bool rate_take(struct rate *r, const struct rate_limit *limit, uint64_t now_ns)
{
    if (wait_ns(r->arrival_ns, limit, now_ns) != 0)
        return false;
    r->arrival_ns = next_arrival(r->arrival_ns, limit, now_ns);
    return true;
}

bool rate_allows(const struct rate *r, const struct rate_limit *limit, uint64_t now_ns)
{
    return wait_ns(r->arrival_ns, limit, now_ns) == 0;
}

uint64_t rate_wait_ms(const struct rate *r, const struct rate_limit *limit, uint64_t now_ns)
{
    return wait_ms(r->arrival_ns, limit, now_ns);
}

/* Relaxed throughout: the number is all that is shared, it guards no other memory. */
static uint64_t arrival_of(const struct rate_shared *r)
{
    return atomic_load_explicit(&r->arrival_ns, memory_order_relaxed);
}

bool rate_shared_take(struct rate_shared *r, const struct rate_limit *limit, uint64_t now_ns)
{
    uint64_t seen = arrival_of(r), next;

    do {
        if (wait_ns(seen, limit, now_ns) != 0)
            return false;
        next = next_arrival(seen, limit, now_ns);
    } while (!atomic_compare_exchange_weak_explicit(&r->arrival_ns, &seen, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

bool rate_shared_allows(const struct rate_shared *r, const struct rate_limit *limit,
                        uint64_t now_ns)
{
    return wait_ns(arrival_of(r), limit, now_ns) == 0;
}

uint64_t rate_shared_wait_ms(const struct rate_shared *r, const struct rate_limit *limit,
                             uint64_t now_ns)
{
    return wait_ms(arrival_of(r), limit, now_ns);
}
