/* SPDX-License-Identifier: Apache-2.0 */
/* identity_kept.h: an identity as a connection keeps it for hours: the same facts in as few bytes
 * as they need. Whoever has to judge recalls it. */
#ifndef ACCESS_IDENTITY_KEPT_H
#define ACCESS_IDENTITY_KEPT_H

#include <stddef.h>

#include "access/identity.h"

struct identity_kept {
    uint64_t roles, scopes;
    int64_t authenticated_at_s, issued_at_s, expires_at_s, recheck_at_s;
    uint8_t method; /* enum identity_method */
    uint8_t user_bytes, tenant_bytes, token_id_bytes;
    bool has_session;
    char text[]; /* user, tenant, token id, session: one behind the other, nothing in between */
};

/* Of the struct with the text behind it. */
size_t identity_kept_bytes(const struct identity *who);
/* The same of one that is kept. */
size_t identity_kept_size(const struct identity_kept *kept);
/* `kept` has room for identity_kept_bytes(who). */
void identity_keep(struct identity_kept *kept, const struct identity *who);
/* Everything that was kept. What lies behind the ends of its texts is not written. */
void identity_recall(struct identity *who, const struct identity_kept *kept);
/* Lives as long as `kept` stays where it is. */
static inline struct view identity_kept_user(const struct identity_kept *kept)
{
    return view_of(kept->text, kept->user_bytes);
}

#endif
