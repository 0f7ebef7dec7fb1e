/* SPDX-License-Identifier: Apache-2.0 */
/* channel_name.h: the grammar of channel names and of the patterns in the configuration. Pure.
 * A name is 1-16 segments joined by ':'; a segment is [A-Za-z0-9_.-]{1,64}; at most 256 bytes in
 * all (C-A25, C-G8). A pattern's segment is literal bytes with at most one {variable}, for example
 * room-{room_id}. {user_id} binds only the caller's own id and {tenant} only its tenant (who has
 * none is bound by nothing), every other variable any [A-Za-z0-9_-]{1,64}. No regular expressions,
 * no wildcards. */
#ifndef ACCESS_CHANNEL_NAME_H
#define ACCESS_CHANNEL_NAME_H

#include <stdbool.h>

#include "access/identity.h"
#include "base/error.h"
#include "base/view.h"

#define CHANNEL_NAME_MAX     256
#define CHANNEL_SEGMENTS_MAX 16
#define CHANNEL_SEGMENT_MAX  64

bool channel_name_ok(struct view name);

/* A name taken apart once, to be held against many patterns. The views point into the caller's
 * name. */
struct channel_name {
    struct view segments[CHANNEL_SEGMENTS_MAX];
    unsigned count;
};
/* False, and *out of no use, when it is not a channel name. */
bool channel_name_split(struct channel_name *out, struct view name);

struct channel_pattern {
    struct channel_segment {
        struct view before, variable, after; /* variable.len 0: the segment is `before` alone */
        bool is_user, is_tenant;             /* binds what the caller is, and nothing else */
    } segments[CHANNEL_SEGMENTS_MAX];
    unsigned count;
    struct view text; /* the caller's; must outlive the pattern */
};
/* E_INVALID with *why. A variable is {[a-z][a-z0-9_]{0,31}}; one that stands twice in a pattern is
 * refused ({user_id} and {tenant} may), because it would look as if both places had to be equal. */
int channel_pattern_parse(struct channel_pattern *p, struct view text, struct error *why);
bool channel_pattern_match(const struct channel_pattern *p, struct view name,
                           const struct identity *who);
/* The same for a name that is split already. `who` may be NULL: then {user_id} and {tenant} bind
 * nothing. */
bool channel_pattern_match_split(const struct channel_pattern *p, const struct channel_name *name,
                                 const struct identity *who);
/* The same, {user_id} and {tenant} bound to any id: for what a channel is, never for who may use
 * it. */
bool channel_pattern_match_anyone(const struct channel_pattern *p, const struct channel_name *name);

#endif
