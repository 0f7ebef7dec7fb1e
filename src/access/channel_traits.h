/* SPDX-License-Identifier: Apache-2.0 */
/* channel_traits.h: what a channel keeps and tells, whoever asks: history and presence. Pure. */
#ifndef ACCESS_CHANNEL_TRAITS_H
#define ACCESS_CHANNEL_TRAITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

struct access_policy;

enum channel_presence {
    CHANNEL_PRESENCE_OFF,
    CHANNEL_PRESENCE_ON,
    CHANNEL_PRESENCE_JOIN_LEAVE /* and the subscribers are told who comes and goes */
};
struct channel_traits {
    uint32_t history_messages; /* 0: none are kept */
    uint64_t history_ttl_ms;
    enum channel_presence presence;
};

/* Of all rules whose pattern matches, {user_id} bound to any id, the first that speaks of history
 * gives the history, the first that speaks of presence gives the presence: the answer is the same
 * for everyone. All zero for what is not a channel name. */
struct channel_traits access_channel_traits(const struct access_policy *policy,
                                            struct view channel);
/* Whether all channels are sure to have the same traits by both. */
bool access_same_traits(const struct access_policy *a, const struct access_policy *b);

#endif
