/* SPDX-License-Identifier: Apache-2.0 */
/* breaker.c: see breaker.h. */
#include "auth/breaker.h"

bool breaker_refuses(const struct breaker *b, uint64_t now_ms)
{
    return b->is_open && (b->is_probing || now_ms < b->retry_at_ms);
}

bool breaker_take(struct breaker *b, uint64_t now_ms, bool *is_probe)
{
    if (breaker_refuses(b, now_ms))
        return false;
    *is_probe = b->is_open;
    b->is_probing = b->is_open;
    return true;
}

bool breaker_good(struct breaker *b)
{
    bool was_open = b->is_open;

    *b = (struct breaker){0};
    return was_open;
}

/* Requests that were under way when it opened fail later than it; they say nothing new. */
bool breaker_bad(struct breaker *b, uint64_t now_ms, bool is_probe)
{
    if (b->is_open && !is_probe)
        return false;
    if (b->is_open) {
        b->is_probing = false;
        if (b->pause_ms < BREAKER_PAUSE_MS_MAX)
            b->pause_ms += BREAKER_PAUSE_MS;
        b->retry_at_ms = now_ms + b->pause_ms;
        return false;
    }
    if (++b->failures < BREAKER_FAILURES)
        return false;
    *b = (struct breaker){.failures = BREAKER_FAILURES,
                          .pause_ms = BREAKER_PAUSE_MS,
                          .retry_at_ms = now_ms + BREAKER_PAUSE_MS,
                          .is_open = true};
    return true;
}

void breaker_give_back(struct breaker *b)
{
    b->is_probing = false;
}
