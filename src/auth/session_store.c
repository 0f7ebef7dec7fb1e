/* SPDX-License-Identifier: Apache-2.0 */
/* session_store.c: the door to whichever engine keeps the sessions. */
#include "auth/session_store.h"

#include "crypto/digest.h"
#include "base/status.h"

bool session_digest(uint8_t out[IDENTITY_SESSION_BYTES], struct view id)
{
    uint8_t whole[32];

    if (digest_sha256(whole, id.ptr, id.len) != OK)
        return false;
    memcpy(out, whole, IDENTITY_SESSION_BYTES);
    return true;
}

const char *session_end_text(enum session_end end)
{
    switch (end) {
    case SESSION_LOGGED_OUT:
        return "logged_out";
    case SESSION_IDLE:
        return "idle";
    case SESSION_TOO_OLD:
        return "too_old";
    case SESSION_REPLACED:
        return "replaced";
    case SESSION_LOST:
        return "lost";
    }
    return "unknown";
}

int session_store_start(struct session_store *s, struct error *why)
{
    return s->ops->start(s, why);
}

void session_store_free(struct session_store *s)
{
    if (s != NULL)
        s->ops->free(s);
}

bool session_store_id_of_cookie(const struct session_store *s, struct view value,
                                char space[SESSION_ID_MAX], struct view *id)
{
    return s->ops->id_of_cookie(s, value, space, id);
}

enum auth_verdict session_store_check(struct session_store *s, struct view id, int64_t wall_s,
                                      struct identity *who, const char **fault)
{
    return s->ops->check(s, id, wall_s, who, fault);
}

int session_store_lookup(struct session_store *s, struct lookup *l, struct view id)
{
    return s->ops->lookup(s, l, id);
}

void session_store_do(struct session_store *s, struct session_op *op)
{
    s->ops->operate(s, op);
}

struct session_watch *session_store_watch(struct session_store *s, struct view id)
{
    return s->ops->watch(s, id);
}

void session_store_touch(struct session_store *s, struct session_watch *watch, int64_t wall_s)
{
    s->ops->touch(s, watch, wall_s);
}

void session_store_unwatch(struct session_store *s, struct session_watch *watch)
{
    if (watch != NULL)
        s->ops->unwatch(s, watch);
}
