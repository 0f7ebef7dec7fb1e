/* SPDX-License-Identifier: Apache-2.0 */
/* A dry run of limits: the same question as ever, the refusal's own event under another name, and
 * yes for an answer. */
#include "server/observe.h"

void observe_tell(const struct peer *p, enum limit_name name, const struct event *would)
{
    struct event event = *would;

    event.type = EVENT_LIMIT_OBSERVED;
    event.outcome = OUTCOME_OK;
    event.code = limit_name_text(name);
    p->worker->metrics.observed[name]++;
    peer_log(p, &event);
}

bool observe_lets(struct peer *p, enum limit_name name, const struct event *would)
{
    if (!observe_is_on(p->worker, name))
        return false;
    if ((p->observed_told & observe_bit(name)) != 0) {
        p->worker->metrics.observed[name]++;
        return true;
    }
    p->observed_told = (p->observed_told | observe_bit(name)) & OBSERVE_MASK;
    observe_tell(p, name, would);
    return true;
}
