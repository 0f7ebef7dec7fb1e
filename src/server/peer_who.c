/* SPDX-License-Identifier: Apache-2.0 */
/* peer_who.c: what is kept of a login, in one block of the size it needs. */
#include "server/peer_who.h"

#include <stdlib.h>

#include "server/peer.h"

bool peer_who_set(struct peer *p, const struct identity *identity)
{
    size_t bytes = offsetof(struct peer_who, identity) + identity_kept_bytes(identity);
    bool is_first = p->who == NULL, is_asked_again = identity->recheck_at_s != 0;
    struct standing *made = NULL;
    struct peer_who *who;

    if (is_asked_again && (is_first || p->who->standing == NULL)) {
        made = calloc(1, sizeof(*made));
        if (made == NULL)
            return false;
    }
    who = realloc(p->who, bytes);
    if (who == NULL) {
        free(made);
        return false;
    }
    p->who = who;
    if (is_first)
        *who = (struct peer_who){.usage = NULL};
    if (made != NULL)
        who->standing = made;
    if (is_asked_again)
        who->standing->confirmed_at_s = loop_wall_s(p->worker->loop);
    identity_keep(&who->identity, identity);
    return true;
}

struct standing *peer_who_standing(struct peer *p)
{
    if (p->who->standing == NULL)
        p->who->standing = calloc(1, sizeof(*p->who->standing));
    return p->who->standing;
}

void peer_who_clear(struct peer *p)
{
    struct peer_who *who = p->who;

    if (who == NULL)
        return;
    if (who->standing != NULL)
        standing_clear(who->standing, p->worker->options->auth.sessions);
    free(who->standing);
    policy_usage_free(who->used);
    if (who->usage != NULL)
        user_table_drop(p->worker->server->users, who->usage);
    free(who);
    p->who = NULL;
}

struct view peer_user(const struct peer *p)
{
    return p->who != NULL ? identity_kept_user(&p->who->identity) : VIEW("");
}

const struct identity *peer_identity(const struct peer *p, struct identity *space)
{
    if (p->who == NULL)
        return NULL;
    identity_recall(space, &p->who->identity);
    return space;
}
