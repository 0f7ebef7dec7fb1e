/* SPDX-License-Identifier: Apache-2.0 */
/* decide_index.h: which rules could match a name, without looking at all of them. Private to
 * access/. */
#ifndef ACCESS_DECIDE_INDEX_H
#define ACCESS_DECIDE_INDEX_H

#include "access/decide.h"

struct access_index;

/* NULL when out of memory. */
struct access_index *access_index_new(const struct access_policy *policy);
void access_index_free(struct access_index *index);

/* Where a walk over the candidates stands. */
struct access_walk {
    uint64_t hashes[CHANNEL_SEGMENTS_MAX];
    uint32_t shape, shapes_end, next, end;
};
void access_walk_start(struct access_walk *walk, const struct access_index *index,
                       const struct channel_name *name);
/* The number of the next rule that could match, or false at the end. Every rule that does match
 * comes; rules that do not may come too, and one may come twice: hold each against the name. */
bool access_walk_next(struct access_walk *walk, const struct access_index *index, uint32_t *rule);

#endif
