/* SPDX-License-Identifier: Apache-2.0 */
/* effective_limits.h: which number counts where: that of a role over that of the route, over that
 * of the listener, over the one for all. Among several roles of a user the most generous of those
 * that say something. Pure. */
#ifndef SERVER_EFFECTIVE_LIMITS_H
#define SERVER_EFFECTIVE_LIMITS_H

#include "server/options.h"

struct limits_place {
    uint32_t listener, route; /* indexes */
    uint64_t roles;           /* bits; 0: nobody yet */
};
enum limit_level { LIMIT_OF_ALL, LIMIT_OF_LISTENER, LIMIT_OF_ROUTE, LIMIT_OF_ROLE };
struct effective_limits {
    uint64_t of[LIMIT_KEYS]; /* LIMIT_KEY_BYTES and _BURST 0: no limit */
    uint8_t level[LIMIT_KEYS];
    uint8_t role[LIMIT_KEYS]; /* LIMIT_OF_ROLE: index into limits.by_role */
};

void effective_limits_at(struct effective_limits *out, const struct options *o,
                         const struct limits_place *at);
/* "messages.per_minute" */
const char *limit_key_text(enum limit_key key);
/* "64KiB", "60", "none"; `out` has room for 32 bytes. */
void limit_key_write(char out[32], enum limit_key key, uint64_t value);

#endif
