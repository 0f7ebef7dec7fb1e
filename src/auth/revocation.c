/* SPDX-License-Identifier: Apache-2.0 */
/* revocation.c: one map for all kinds (the key is the kind's byte, then the value) and a ring by
 * instant, so that what can be forgotten stands first. Read at each login, written by an operator:
 * one read-write lock is enough. */
#include "auth/revocation.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/link.h"
#include "base/map.h"
#include "base/status.h"

#define KEY_BYTES_MAX (1 + IDENTITY_TOKEN_ID_MAX)
#define AHEAD_S       300 /* how far an issuer's clock may be ahead of ours (auth.jwt skew) */

struct entry {
    struct link link;
    int64_t at_s;
    uint8_t key_bytes;
    char key[KEY_BYTES_MAX];
};

struct revocations {
    pthread_rwlock_t lock;
    struct map map;
    struct link oldest;
    int64_t memory_s;
    uint32_t roles_count;
};

int revocations_new(struct revocations **out, uint32_t max, int64_t memory_s)
{
    struct revocations *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return E_NOMEM;
    (void)pthread_rwlock_init(&r->lock, NULL);
    map_init(&r->map, max);
    link_init(&r->oldest);
    r->memory_s = memory_s;
    *out = r;
    return OK;
}

static void forget(struct revocations *r, struct entry *e)
{
    (void)map_remove(&r->map, view_of(e->key, e->key_bytes));
    link_remove(&e->link);
    if (e->key[0] == REVOKED_ROLE)
        r->roles_count--;
    free(e);
}

void revocations_free(struct revocations *r)
{
    if (r == NULL)
        return;
    while (!link_is_alone(&r->oldest))
        forget(r, LINK_ITEM(r->oldest.next, struct entry, link));
    map_clear(&r->map);
    (void)pthread_rwlock_destroy(&r->lock);
    free(r);
}

static struct view make_key(char out[KEY_BYTES_MAX], enum revoked_kind kind, struct view value)
{
    out[0] = (char)kind;
    memcpy(out + 1, value.ptr, value.len);
    return view_of(out, 1 + value.len);
}

static bool is_sound(const struct revocation *what)
{
    return (unsigned)what->kind < REVOKED_KINDS && what->value.len > 0 &&
           what->value.len <= IDENTITY_TOKEN_ID_MAX;
}

/* A token from before is too old by then, and refused for that. */
static void forget_pointless(struct revocations *r, int64_t wall_s)
{
    while (!link_is_alone(&r->oldest)) {
        struct entry *e = LINK_ITEM(r->oldest.next, struct entry, link);

        if (wall_s - e->at_s <= r->memory_s + AHEAD_S)
            return;
        forget(r, e);
    }
}

/* Keeps the ring in order of the instant; a clock that was set back makes the walk longer than 0.
 */
static void put_in_order(struct revocations *r, struct entry *e)
{
    struct link *behind = r->oldest.prev;

    while (behind != &r->oldest && LINK_ITEM(behind, struct entry, link)->at_s > e->at_s)
        behind = behind->prev;
    link_append(behind->next, &e->link);
}

static int add_new(struct revocations *r, const struct revocation *what, struct view key)
{
    struct entry *e = calloc(1, sizeof(*e));
    int rc;

    if (e == NULL)
        return E_NOMEM;
    e->at_s = what->at_s;
    e->key_bytes = (uint8_t)key.len;
    memcpy(e->key, key.ptr, key.len);
    rc = map_put(&r->map, view_of(e->key, e->key_bytes), e);
    if (rc != OK) {
        free(e);
        return rc == E_LIMIT ? E_FULL : rc;
    }
    if (what->kind == REVOKED_ROLE)
        r->roles_count++;
    put_in_order(r, e);
    return OK;
}

int revocations_add(struct revocations *r, const struct revocation *what, int64_t wall_s)
{
    char bytes[KEY_BYTES_MAX];
    struct entry *known;
    struct view key;
    int rc = OK;

    if (!is_sound(what))
        return E_INVALID;
    key = make_key(bytes, what->kind, what->value);
    (void)pthread_rwlock_wrlock(&r->lock);
    forget_pointless(r, wall_s);
    known = map_find(&r->map, key);
    if (known == NULL) {
        rc = add_new(r, what, key);
    } else if (known->at_s < what->at_s) {
        known->at_s = what->at_s;
        link_remove(&known->link);
        put_in_order(r, known);
    }
    (void)pthread_rwlock_unlock(&r->lock);
    return rc;
}

static const struct entry *find(const struct revocations *r, enum revoked_kind kind,
                                struct view value)
{
    char bytes[KEY_BYTES_MAX];

    if (value.len == 0 || value.len > IDENTITY_TOKEN_ID_MAX)
        return NULL;
    return map_find(&r->map, make_key(bytes, kind, value));
}

static bool role_is_revoked(const struct revocations *r, const struct identity *who,
                            const struct role_set *roles, int64_t issued_at_s)
{
    for (uint32_t i = 0; r->roles_count > 0 && i < roles->count; i++) {
        const struct entry *e;

        if ((who->roles >> i & 1) == 0)
            continue;
        e = find(r, REVOKED_ROLE, view_of_text(roles->roles[i].name));
        if (e != NULL && issued_at_s <= e->at_s)
            return true;
    }
    return false;
}

static const char *look(const struct revocations *r, const struct identity *who,
                        const struct role_set *roles, int64_t issued_at_s)
{
    const struct entry *e = find(r, REVOKED_USER, view_of(who->user, who->user_bytes));

    if (e != NULL && issued_at_s <= e->at_s)
        return "user_revoked";
    if (find(r, REVOKED_TOKEN_ID, view_of_text(who->token_id)) != NULL)
        return "token_revoked";
    return role_is_revoked(r, who, roles, issued_at_s) ? "role_revoked" : NULL;
}

/* Whoever keeps these ends them; the others say of themselves that they are good, for as long as
 * they like. */
static bool is_asked_about(enum identity_method method)
{
    return method == IDENTITY_OAUTH2 || method == IDENTITY_SESSION || method == IDENTITY_HOOK;
}

const char *revocations_judge(struct revocations *r, const struct identity *who,
                              const struct role_set *roles, int64_t wall_s)
{
    int64_t issued_at_s = who->issued_at_s != 0 ? who->issued_at_s : who->authenticated_at_s;
    const char *fault;

    if (who->method == IDENTITY_JWT && who->issued_at_s == 0)
        return "issued_at_missing";
    if (!is_asked_about(who->method) && wall_s - issued_at_s > r->memory_s)
        return "token_too_old";
    (void)pthread_rwlock_rdlock(&r->lock);
    fault = look(r, who, roles, issued_at_s);
    (void)pthread_rwlock_unlock(&r->lock);
    return fault;
}

uint32_t revocations_count(struct revocations *r)
{
    uint32_t count;

    (void)pthread_rwlock_rdlock(&r->lock);
    count = (uint32_t)r->map.count;
    (void)pthread_rwlock_unlock(&r->lock);
    return count;
}

void revocations_each(struct revocations *r,
                      bool (*visit)(void *context, const struct revocation *what), void *context)
{
    (void)pthread_rwlock_rdlock(&r->lock);
    for (struct link *at = r->oldest.next; at != &r->oldest; at = at->next) {
        const struct entry *e = LINK_ITEM(at, struct entry, link);
        struct revocation what = {(enum revoked_kind)e->key[0],
                                  view_of(e->key + 1, (size_t)e->key_bytes - 1), e->at_s};

        if (!visit(context, &what))
            break;
    }
    (void)pthread_rwlock_unlock(&r->lock);
}
