/* SPDX-License-Identifier: Apache-2.0 */
/* observe.h: limits that only observe (`limits.observe`): what they would refuse is counted and
 * told, and goes through. Private to server/. Worker thread only. */
#ifndef SERVER_OBSERVE_H
#define SERVER_OBSERVE_H

#include "limit/limit_name.h"
#include "server/peer.h"

static inline bool observe_is_on(const struct worker *w, enum limit_name name)
{
    return (w->options->limits.observed >> name & 1) != 0;
}
/* Counts what the limit would have refused, and tells it as limit_observed; `would`: the event of
 * the refusal. */
void observe_tell(const struct peer *p, enum limit_name name, const struct event *would);
/* Over the limit: may it go on all the same? Then it is counted, and told once a run. */
bool observe_lets(struct peer *p, enum limit_name name, const struct event *would);
#define OBSERVE_MASK ((1U << OBSERVED_RUNS) - 1)
/* Of those that are over in runs; 0: of the others. */
static inline unsigned observe_bit(enum limit_name name)
{
    return name >= LIMIT_MESSAGES ? 1U << (name - LIMIT_MESSAGES) : 0;
}
/* Within the limit again: the next time is told again. */
static inline void observe_run_ends(struct peer *p, enum limit_name name)
{
    p->observed_told = (p->observed_told & ~observe_bit(name)) & OBSERVE_MASK;
}

#endif
