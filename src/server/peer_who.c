/* SPDX-License-Identifier: Apache-2.0 */
/* peer_who.c: what is kept of a login, in one block of about the size it needs. */
#include "server/peer_who.h"

#include <stdlib.h>
#include <string.h>

#include "server/peer.h"

/* The smallest slab's items; the largest have room for every identity. */
#define FIRST_BYTES 96
_Static_assert(offsetof(struct peer_who, identity) + offsetof(struct identity_kept, text) +
                       IDENTITY_USER_MAX + IDENTITY_TENANT_MAX + IDENTITY_TOKEN_ID_MAX +
                       IDENTITY_SESSION_BYTES <=
                   FIRST_BYTES + (PEER_WHO_SIZES - 1) * PEER_WHO_STEP,
               "each login has its slab");

void peer_who_slabs_init(struct peer_who_slabs *slabs)
{
    for (size_t i = 0; i < PEER_WHO_SIZES; i++)
        slab_pool_init(&slabs->of[i], FIRST_BYTES + i * PEER_WHO_STEP);
}

void peer_who_slabs_clear(struct peer_who_slabs *slabs)
{
    for (size_t i = 0; i < PEER_WHO_SIZES; i++)
        slab_pool_clear(&slabs->of[i]);
}

static size_t size_of(size_t text_bytes)
{
    size_t bytes = offsetof(struct peer_who, identity) + text_bytes;

    return bytes <= FIRST_BYTES ? 0 : (bytes - FIRST_BYTES + PEER_WHO_STEP - 1) / PEER_WHO_STEP;
}

size_t peer_who_slab_bytes(const struct identity *identity)
{
    return FIRST_BYTES + size_of(identity_kept_bytes(identity)) * PEER_WHO_STEP;
}

/* Where that of p lies. */
static struct slab_pool *slab_of(const struct peer *p)
{
    return &p->worker->who_slabs.of[size_of(identity_kept_size(&p->who->identity))];
}

/* The same login with room for another identity. False: out of memory, and nothing has changed. */
static bool make_room(struct peer *p, const struct identity *identity)
{
    struct slab_pool *slab = &p->worker->who_slabs.of[size_of(identity_kept_bytes(identity))];
    struct peer_who *who;

    if (p->who != NULL && slab_of(p) == slab)
        return true;
    who = slab_take(slab);
    if (who == NULL)
        return false;
    if (p->who != NULL) {
        memcpy(who, p->who, offsetof(struct peer_who, identity));
        slab_give(slab_of(p), p->who);
    }
    p->who = who;
    return true;
}

bool peer_who_set(struct peer *p, const struct identity *identity)
{
    bool is_asked_again = identity->recheck_at_s != 0;
    struct standing *made = NULL;

    if (is_asked_again && (p->who == NULL || p->who->standing == NULL)) {
        made = calloc(1, sizeof(*made));
        if (made == NULL)
            return false;
    }
    if (!make_room(p, identity)) {
        free(made);
        return false;
    }
    if (made != NULL)
        p->who->standing = made;
    if (is_asked_again)
        p->who->standing->confirmed_at_s = loop_wall_s(p->worker->loop);
    identity_keep(&p->who->identity, identity);
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
    slab_give(slab_of(p), who);
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
