/* SPDX-License-Identifier: Apache-2.0 */
/* flow.c: as GCRA (rate.c), but an event costs as many bytes as it has, and is never refused. */
#include "limit/flow.h"

#define NS_PER_S    UINT64_C(1000000000)
#define FLOW_NS_MAX (UINT64_C(1) << 62)

/* bytes / per_second in nanoseconds, rounded up; no sum in it passes 2^64. */
static uint64_t worth_ns(uint64_t bytes, uint64_t per_second)
{
    uint64_t whole = bytes / per_second, rest = bytes % per_second;

    if (whole >= FLOW_NS_MAX / NS_PER_S)
        return FLOW_NS_MAX;
    if (rest > FLOW_NS_MAX / NS_PER_S) { /* then per_second is larger still: reckon by KiB */
        rest = rest / 1024 + 1;
        per_second /= 1024;
    }
    return whole * NS_PER_S + (rest * NS_PER_S + per_second - 1) / per_second;
}

struct flow_limit flow_limit_make(uint64_t per_second, uint64_t burst)
{
    struct flow_limit limit = {per_second, 0};

    if (per_second != 0)
        limit.tolerance_ns = worth_ns(burst, per_second);
    return limit;
}

uint64_t flow_charge(struct flow *f, const struct flow_limit *limit, size_t bytes, uint64_t now_ns)
{
    uint64_t ahead_ns, wait_ms;

    if (limit->per_second == 0)
        return 0;
    ahead_ns = f->made_up_ns > now_ns ? f->made_up_ns - now_ns : 0;
    ahead_ns += worth_ns(bytes, limit->per_second);
    if (ahead_ns <= limit->tolerance_ns) {
        f->made_up_ns = now_ns + ahead_ns;
        return 0;
    }
    wait_ms = (ahead_ns - limit->tolerance_ns + 999999) / 1000000;
    if (wait_ms > FLOW_WAIT_MAX_MS) {
        wait_ms = FLOW_WAIT_MAX_MS;
        ahead_ns = limit->tolerance_ns + wait_ms * 1000000;
    }
    f->made_up_ns = now_ns + ahead_ns;
    return wait_ms;
}

void flow_forgive(struct flow *f, const struct flow_limit *limit, uint64_t now_ns)
{
    if (f->made_up_ns > now_ns + limit->tolerance_ns)
        f->made_up_ns = now_ns + limit->tolerance_ns;
}
