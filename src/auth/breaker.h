/* SPDX-License-Identifier: Apache-2.0 */
/* breaker.h: a circuit breaker: whoever fails several times in a row is left alone for a short
 * while, then asked once (the probe), and left alone a little longer where that fails too. The
 * pauses are short enough for a recovery to be noticed within five seconds. Pure; not thread-safe.
 * Zeroed memory is a closed breaker. */
#ifndef AUTH_BREAKER_H
#define AUTH_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FAILURES     5 /* in a row: opens */
#define BREAKER_PAUSE_MS     1000
#define BREAKER_PAUSE_MS_MAX 3000

struct breaker {
    uint32_t failures, pause_ms;
    uint64_t retry_at_ms; /* where it is open */
    bool is_open, is_probing;
};

/* Must nobody be asked now? */
bool breaker_refuses(const struct breaker *b, uint64_t now_ms);
/* May this one be asked? *is_probe: as the probe, whose outcome must be told (good, bad, or given
 * back). */
bool breaker_take(struct breaker *b, uint64_t now_ms, bool *is_probe);
/* An answer has come. true: it was open until now. */
bool breaker_good(struct breaker *b);
/* None has come. true: it has opened just now. */
bool breaker_bad(struct breaker *b, uint64_t now_ms, bool is_probe);
/* The probe was never sent, or ended for a reason of ours. */
void breaker_give_back(struct breaker *b);

#endif
